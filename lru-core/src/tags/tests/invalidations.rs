//! Invalidations after a function that changes something.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{in_own_domain, node_of};
use crate::function::tagged::invalidation::choices::*;
use crate::function::tagged::invalidation::{Invalidation, Returned};
use crate::tags::tag::tag;

type Alias<T> = Result<T, String>;

fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

fn panic_now() {
    resume_unwind(Box::new(()));
}

#[test]
#[expect(clippy::needless_borrow, reason = "generated code selects by it")]
fn results_succeed_by_their_type() {
    fn generic<T: std::str::FromStr>(text: &str) -> bool {
        let result: Result<T, T::Err> = text.parse();
        (&Returned(&result)).__has_succeeded()
    }
    let (ok, err): (Alias<u8>, Alias<u8>) = (Ok(1), Err(String::new()));
    assert!((&Returned(&ok)).__has_succeeded() && !(&Returned(&err)).__has_succeeded());
    assert!((&Returned(&None::<u8>)).__has_succeeded());
    assert!((&Returned(&())).__has_succeeded());
    assert!(generic::<u8>("7") && !generic::<u8>("no"));
}

#[test]
fn an_invalidation_is_carried_out_unless_the_change_failed() {
    in_own_domain(|_| {
        for (has_succeeded, is_valid) in [(true, false), (false, true)] {
            let node = node_of(&[tag("user", 1)]);
            let invalidation = Invalidation::new(tag("user", 1));
            assert!(node.check().is_some());
            invalidation.settle(has_succeeded);
            assert_eq!(node.check().is_some(), is_valid);
        }
        let node = node_of(&[tag("user", 1)]);
        assert!(panics(|| {
            let _invalidation = Invalidation::new(tag("user", 1));
            panic_now();
        }));
        assert!(node.check().is_none());
        // The future is dropped.
        let node = node_of(&[tag("user", 1)]);
        let future = {
            let invalidation = Invalidation::new(tag("user", 1));
            async move {
                std::future::pending::<()>().await;
                invalidation.settle(true);
            }
        };
        drop(future);
        assert!(node.check().is_none());
    });
}

#[test]
fn all_parts_are_carried_out_in_order() {
    let parts = &RefCell::new(Vec::new());
    let part = |number| move || parts.borrow_mut().push(number);
    Invalidation::new(((part(1), part(2)), part(3))).settle(true);
    Invalidation::new(((part(4), part(5)), part(6))).settle(false);
    assert_eq!(parts.take(), [1, 2, 3]);
    // A part that panics skips no other.
    assert!(panics(|| drop(Invalidation::new(((part(1), panic_now), part(3))).settle(true))));
    assert_eq!(parts.take(), [1, 3]);
    // Nor does it abort the process if the body has panicked.
    assert!(panics(|| {
        let _invalidation = Invalidation::new(((panic_now, part(2)), (panic_now, part(4))));
        panic_now();
    }));
    assert_eq!(parts.take(), [2, 4]);
}

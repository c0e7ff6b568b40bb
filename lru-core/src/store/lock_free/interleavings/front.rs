//! The protocol of a [`Front`] under all interleavings.

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};

use super::hash;
use crate::store::lock_free::front::Front;
use crate::thread_orders::in_every_order;

/// The value of one key, behind a lock, and a front with a copy of it. The two halves of a value are equal.
struct FrontedValue {
    front: Front,
    value: Mutex<u64>,
    is_done: AtomicBool,
}

impl FrontedValue {
    fn read(&self) -> Option<u64> {
        let matches = |key: &u64| *key == 1;
        let (one, other) =
            self.front.read(0, hash(1), matches, |(): ()| true, |value: &(u64, u64)| *value)?;
        assert_eq!(one, other, "a value is never a mixture");
        Some(one)
    }

    /// Replaces the value, and copies it as the next hit under the lock does.
    fn replace(&self, value: u64) {
        *self.value.lock().unwrap() = {
            self.front.clear();
            value
        };
        let stored = self.value.lock().unwrap();
        self.front.add(hash(1), |key: &u64| *key == 1, (1, (*stored, *stored), ()));
    }
}

#[test]
fn a_front_serves_no_value_that_was_replaced_before_the_hit_began() {
    in_every_order(
        2,
        || {
            let (front, value) = (Front::new::<u64, (u64, u64)>(2), Mutex::new(0));
            front.add(hash(1), |key: &u64| *key == 1, (1, (0, 0), ()));
            assert!(front.admit(0));
            FrontedValue { front, value, is_done: AtomicBool::new(false) }
        },
        |cache| {
            let was_done = cache.is_done.load(Ordering::Acquire);
            let found = cache.read();
            assert!(matches!(found, None | Some(0 | 7 | 8)), "{found:?}");
            assert!(!was_done || !matches!(found, Some(0 | 7)), "{found:?} was replaced");
            u64::from(found.is_some())
        },
        |cache| {
            cache.replace(7);
            cache.replace(8);
            cache.is_done.store(true, Ordering::Release);
        },
        |cache, hits, ()| {
            assert_eq!(cache.front.take_hits(), hits);
            assert_eq!(cache.read(), Some(8));
        },
    );
}

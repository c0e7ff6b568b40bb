//! Nodes and frames.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::{in_own_domain, node_of};
use crate::function::tagged::invalidation::invalidate;
use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::frame::{Computation, Computed, Frame, computing, depends_on, is_recording, record};
use crate::tags::node::{DEEPEST, Invalidity, Node};
use crate::tags::tag::tag;

/// The node of a body that runs in a frame of its own.
fn computed(body: impl FnOnce()) -> Arc<Node> {
    let computation = Computation::begin(Frame::Own);
    body();
    computation.end().into_node([])
}

/// The node of a result that was computed from others.
fn computed_from(nodes: &[&Arc<Node>]) -> Arc<Node> {
    computed(|| nodes.iter().for_each(|node| record(node)))
}

#[test]
fn a_result_is_valid_until_a_tag_of_it_is_invalidated() {
    in_own_domain(|domain| {
        let node = node_of(&[tag("source", 1), tag("source", 2)]);
        let at_first = node.check().expect("nothing was invalidated");
        invalidate(tag("source", 3));
        assert!(node.check().is_some_and(|at| at > at_first && at == node.valid_at() && at == domain.now()));
        invalidate(tag("source", 2));
        assert!(node.check().is_none() && node.check().is_none());
        assert!(node_of(&[tag("source", 2)]).check().is_some(), "it began later");
    });
}

#[test]
fn a_result_is_invalid_with_what_it_was_computed_from() {
    in_own_domain(|_| {
        let inner = node_of(&[tag("source", 1)]);
        let middle = computed_from(&[&inner]);
        let outer = computed_from(&[&middle, &node_of(&[tag("source", 2)])]);
        invalidate(tag("source", 3));
        assert!(outer.check().is_some());
        // The entry of the inner one is evicted, or computed anew.
        drop(inner);
        invalidate(tag("source", 1));
        assert!(node_of(&[tag("source", 1)]).check().is_some());
        assert!(outer.check().is_none() && middle.check().is_none());
    });
}

#[test]
fn an_invalid_result_knows_why() {
    in_own_domain(|_| {
        let inner = node_of(&[tag("source", 1)]);
        let (middle, own) = (computed_from(&[&inner]), node_of(&[tag("source", 1)]));
        let outer = computed_from(&[&middle]);
        invalidate(tag("source", 1));
        // Marked on the way, found by a check of its own, and created from what is known to be invalid.
        assert!(outer.check().is_none() && own.check().is_none());
        let late = computed_from(&[&inner]);
        for node in [&outer, &middle, &late] {
            assert!(node.check().is_none());
            assert_eq!(node.invalidity(), Invalidity::Dependency);
        }
        assert_eq!([inner, own].map(|node| node.invalidity()), [Invalidity::Own; 2]);
        let unknown = Computation::begin(Frame::Own).end().with_unknown_tags().into_node([]);
        invalidate(tag("source", 2));
        assert!(unknown.check().is_none());
        assert_eq!(unknown.invalidity(), Invalidity::Dependency);
    });
}

#[test]
fn a_result_has_the_first_deadline_of_its_dependencies_or_its_own() {
    let (early, late, none) = (node_of(&[]), node_of(&[]), node_of(&[]));
    early.set_deadline(1);
    late.set_deadline(2);
    assert_eq!(none.deadline(), u64::MAX);
    let deadline_of = |nodes: &[&Arc<Node>]| computed_from(nodes).deadline();
    assert_eq!((deadline_of(&[&none]), deadline_of(&[&late, &none, &early])), (u64::MAX, 1));
    let own = computed_from(&[&early]);
    own.set_deadline(3);
    assert_eq!(deadline_of(&[&own, &none]), 3);
    // The deadline is known, although the tags are not.
    let computation = Computation::begin(Frame::Own);
    record(&late);
    assert_eq!(computation.end().with_unknown_tags().into_node([]).deadline(), 2);
}

#[test]
fn a_result_computed_from_an_invalid_one_is_invalid() {
    in_own_domain(|_| {
        let inner = node_of(&[tag("source", 1)]);
        invalidate(tag("source", 1));
        assert!(computed_from(&[&inner]).check().is_none());
        // Found invalid before.
        assert!(inner.check().is_none() && computed_from(&[&inner]).check().is_none());
        let computation = Computation::begin(Frame::Own);
        record(&inner);
        assert!(computation.end().with_unknown_tags().into_node([]).check().is_none());
    });
}

#[test]
fn what_is_invalidated_while_it_is_computed_is_invalid() {
    in_own_domain(|_| {
        let computation = Computation::begin(Frame::Caller);
        invalidate(tag("source", 1));
        let ended = computation.end();
        assert!(ended.beginning().generation < DomainHandle::current().now());
        assert!(ended.into_node([tag("source", 1).into()]).check().is_none());
        let late = computed(|| {
            invalidate(tag("source", 2));
            depends_on(tag("source", 2));
        });
        assert!(late.check().is_none());
    });
}

#[test]
fn a_long_chain_is_checked_and_dropped_without_recursion() {
    in_own_domain(|_| {
        let chain = |length| {
            let mut node = node_of(&[tag("source", 1)]);
            for _ in 0..length {
                let computation = Computation::begin(Frame::Own);
                record(&node);
                node = computation.end().into_node_with_depth(u32::MAX, []);
            }
            node
        };
        let node = chain(200_000);
        invalidate(tag("source", 2));
        assert!(node.check().is_some());
        invalidate(tag("source", 1));
        assert!(node.check().is_none());
        drop(node);
        drop(chain(200_000));
    });
}

#[test]
fn a_chain_that_is_too_long_is_valid_until_anything_is_invalidated() {
    in_own_domain(|_| {
        let inner = node_of(&[tag("source", 1)]);
        let mut node = Arc::clone(&inner);
        for _ in 0..DEEPEST {
            node = computed_from(&[&node]);
        }
        invalidate(tag("source", 2));
        assert!(node.check().is_some());
        let beyond = computed_from(&[&node]);
        assert!(beyond.check().is_some());
        drop(node);
        assert_eq!(Arc::strong_count(&inner), 1, "it keeps no chain");
        invalidate(tag("source", 2));
        assert!(beyond.check().is_none());
    });
}

#[test]
fn only_the_innermost_frame_records() {
    in_own_domain(|_| {
        let [one, other] = [1, 2].map(|number| node_of(&[tag("source", number)]));
        assert!(!is_recording());
        record(&one);
        let mut inner = None;
        let outer = computed(|| {
            assert!(is_recording());
            record(&one);
            inner = Some(computed(|| record(&other)));
        });
        assert!(!is_recording());
        let inner = inner.expect("it ran");
        invalidate(tag("source", 2));
        assert!(inner.check().is_none() && outer.check().is_some(), "the inner one was not read");
        // Without a frame of its own.
        let outer = computed(|| {
            let computation = Computation::begin(Frame::Caller);
            record(&one);
            drop(computation.end().into_node([]));
        });
        invalidate(tag("source", 1));
        assert!(outer.check().is_none());
    });
}

#[test]
fn a_panic_is_valid_until_anything_is_invalidated() {
    in_own_domain(|_| {
        for frame in [Frame::Own, Frame::Caller] {
            let outer = computed(|| {
                let caught = catch_unwind(|| {
                    let _computation = Computation::begin(frame);
                    std::panic::resume_unwind(Box::new(()));
                });
                assert!(caught.is_err() && is_recording());
            });
            assert!(outer.check().is_some());
            invalidate(tag("source", 1));
            assert!(outer.check().is_none());
        }
        assert!(!is_recording());
    });
}

#[test]
fn tags_of_a_body_are_those_of_its_result() {
    in_own_domain(|_| {
        depends_on(tag("source", 1));
        let node = computed(|| depends_on(tag("source", 1)));
        assert!(node.check().is_some());
        invalidate(tag("source", 1));
        assert!(node.check().is_none());
        let unknown = Computed::at(Beginning::now()).with_unknown_tags().into_node([]);
        assert!(unknown.check().is_some());
        invalidate(tag("source", 2));
        assert!(unknown.check().is_none());
    });
}

#[test]
fn reads_of_the_same_results_are_recorded_once() {
    in_own_domain(|_| {
        let nodes: Vec<_> = (0..40).map(|number| node_of(&[tag("source", number)])).collect();
        let node = computed(|| {
            for _ in 0..1000 {
                for (node, number) in nodes.iter().zip(0..) {
                    record(node);
                    depends_on(tag("other", number));
                }
            }
            assert!(nodes.iter().all(|node| Arc::strong_count(node) < 8));
        });
        assert!(nodes.iter().all(|node| Arc::strong_count(node) == 2));
        invalidate(tag("source", 39));
        assert!(node.check().is_none());
    });
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Yields once for each read of a node.
async fn read_slowly(nodes: Vec<Arc<Node>>) {
    for node in nodes {
        super::cache::yield_now().await;
        record(&node);
    }
}

#[test]
fn a_future_keeps_its_frame_between_polls_and_threads() {
    in_own_domain(|domain| {
        for number in 0..3 {
            let nodes: Vec<_> = (0..3).map(|number| node_of(&[tag("source", number)])).collect();
            let body = Box::pin(read_slowly(nodes.clone()));
            let mut future = Box::pin(async move {
                let mut body = body;
                computing(Frame::Own, body.as_mut()).await.1.into_node([])
            });
            let node = loop {
                let polled = thread::scope(|scope| {
                    let poll_there = || {
                        let _entered = domain.enter();
                        let polled = poll(future.as_mut());
                        assert!(!is_recording());
                        polled
                    };
                    scope.spawn(poll_there).join().expect("no panic")
                });
                if let Poll::Ready(node) = polled {
                    break node;
                }
                record(&nodes[0]);
            };
            assert!(node.check().is_some());
            invalidate(tag("source", number));
            assert!(node.check().is_none());
        }
    });
}

#[test]
fn calls_in_one_join_record_in_the_body_that_polls_them() {
    in_own_domain(|_| {
        for number in 0..2 {
            let nodes = [0, 1].map(|number| node_of(&[tag("source", number)]));
            let inner = nodes.map(|node| async move {
                let body = pin!(read_slowly(vec![node]));
                let inner = computing(Frame::Own, body).await.1.into_node([]);
                record(&inner);
            });
            let [mut one, mut other] = inner.map(Box::pin);
            let mut is_done = [false; 2];
            let joined = poll_fn(move |context| {
                is_done[0] = is_done[0] || one.as_mut().poll(context).is_ready();
                is_done[1] = is_done[1] || other.as_mut().poll(context).is_ready();
                if is_done == [true; 2] { Poll::Ready(()) } else { Poll::Pending }
            });
            let mut joined = pin!(joined);
            let mut outer = pin!(computing(Frame::Own, joined.as_mut()));
            let outer = loop {
                if let Poll::Ready(((), computed)) = poll(outer.as_mut()) {
                    break computed.into_node([]);
                }
            };
            assert!(outer.check().is_some());
            invalidate(tag("source", number));
            assert!(outer.check().is_none());
        }
    });
}

#[test]
fn a_dropped_future_records_nothing() {
    in_own_domain(|_| {
        let outer = computed(|| {
            let mut body = pin!(read_slowly(vec![node_of(&[]), node_of(&[])]));
            let mut future = Box::pin(computing(Frame::Own, body.as_mut()));
            assert!(poll(future.as_mut()).is_pending() && poll(future.as_mut()).is_pending());
        });
        assert!(!is_recording());
        invalidate(tag("source", 1));
        assert!(outer.check().is_some());
    });
}

#[test]
fn a_panic_of_a_future_is_recorded_by_the_body_that_polls_it() {
    in_own_domain(|_| {
        for frame in [Frame::Own, Frame::Caller] {
            let outer = computed(|| {
                let mut body = pin!(async {
                    super::cache::yield_now().await;
                    std::panic::resume_unwind(Box::new(()));
                });
                let mut future = Box::pin(computing(frame, body.as_mut()));
                assert!(poll(future.as_mut()).is_pending());
                assert!(catch_unwind(AssertUnwindSafe(|| poll(future.as_mut()).is_ready())).is_err());
            });
            assert!(outer.check().is_some());
            invalidate(tag("source", 1));
            assert!(outer.check().is_none());
        }
        assert!(!is_recording());
    });
}

#[test]
fn a_computation_begins_with_the_first_poll() {
    in_own_domain(|_| {
        let mut body = pin!(async {});
        let mut future = Box::pin(computing(Frame::Own, body.as_mut()));
        invalidate(tag("source", 1));
        let Poll::Ready(((), computed)) = poll(future.as_mut()) else { panic!("it waits for nothing") };
        assert!(computed.into_node([tag("source", 1).into()]).check().is_some());
    });
}

#[test]
fn computations_that_end_out_of_order_are_incomplete() {
    in_own_domain(|_| {
        let outer = Computation::begin(Frame::Own);
        let inner = Computation::begin(Frame::Own);
        let outer = outer.end().into_node([]);
        let inner = inner.end().into_node([]);
        assert!(!is_recording());
        invalidate(tag("source", 1));
        assert!(outer.check().is_some() && inner.check().is_none());
    });
}

#[cfg(feature = "backend")]
#[test]
fn a_put_that_begins_anew_stays_invalid_if_it_was_invalidated_in_its_backend() {
    use crate::key::KeyHash;
    use crate::tags::outside::EntryTags;
    use crate::tags::tag::TagId;
    use crate::tags::validity::Validity;

    let function = TagId::of_namespace("put");
    let entry = EntryTags { function, own: TagId::of_key(function, b"1") };
    let declared = tag("put", 1);
    let is_valid_after = |meanwhile: TagId| {
        let mut is_valid = false;
        in_own_domain(|domain| {
            let validity = Validity::begin();
            validity.computed(Some(Computed::at(Beginning::now())), [declared]);
            domain.invalidate(&[meanwhile]);
            validity.put_again(7, Some(entry));
            validity.judged_outside(KeyHash::of(&1), 7, entry);
            is_valid = validity.judged_node().is_some_and(|node| node.check().is_some());
        });
        is_valid
    };
    for harmless in [entry.own, TagId::of_entry(7, KeyHash::of(&1)), tag("put", 2).into()] {
        assert!(is_valid_after(harmless));
    }
    let declared = TagId::from(declared);
    for harmful in [declared, TagId::OUTSIDE, function, entry.within(declared), TagId::of_cache(7)] {
        assert!(!is_valid_after(harmful));
    }
}

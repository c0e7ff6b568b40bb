//! Domains under all interleavings of their threads and all outcomes of weakly ordered accesses, by `loom`.

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::domain::Generation;
use crate::tags::node::{Completeness, Node};
use crate::tags::tag::{TagId, tag};
use crate::thread_orders::in_every_order as in_every_order_of;

fn tag_of(number: u64) -> TagId {
    tag("source", number).into()
}

/// A domain of one bucket, and a source that is changed before its tag is invalidated.
struct World {
    domain: DomainHandle,
    /// The generation before these tags were invalidated.
    oldest: Generation,
    source: AtomicU64,
    is_done: AtomicBool,
}

impl World {
    /// Creates a domain in which tags with these numbers were invalidated, one after the other.
    fn with(invalidated: u64) -> Self {
        let domain = DomainHandle::isolated();
        assert!(domain.set_capacity(1));
        // Creates the table, which `loom` does not follow.
        domain.invalidate(&[tag_of(u64::MAX)]);
        let oldest = domain.now();
        for number in 0..invalidated {
            domain.invalidate(&[tag_of(number)]);
        }
        Self { domain, oldest, source: AtomicU64::new(0), is_done: AtomicBool::new(false) }
    }
}

/// Runs two threads on a world in which so many tags were invalidated, in every order, and then a check.
fn in_every_order<A: 'static, B: 'static>(
    invalidated: u64,
    one: fn(&World) -> A,
    other: fn(&World) -> B,
    check: fn(&World, A, B),
) {
    in_every_order_of(3, move || World::with(invalidated), one, other, check);
}

/// Changes the source, and invalidates its tag.
fn change(world: &World) {
    world.source.store(1, Relaxed);
    world.domain.invalidate(&[tag_of(9)]);
    world.is_done.store(true, Release);
}

#[test]
fn a_result_of_the_old_source_is_invalid() {
    in_every_order(
        0,
        |world| (world.domain.now(), world.source.load(Relaxed)),
        change,
        |world, (began, read), ()| {
            assert!(read == 1 || world.domain.is_invalidated(tag_of(9), began));
        },
    );
}

#[test]
fn no_check_takes_a_result_of_the_old_source_for_a_valid_one() {
    // The result is checked while its tag is invalidated; what the check found counts from then on.
    in_every_order(
        0,
        |world| {
            let began = world.domain.now();
            let read = world.source.load(Relaxed);
            let now = world.domain.now();
            let valid_at =
                if world.domain.is_invalidated(tag_of(9), began) { Generation::NEVER } else { now };
            (valid_at, read)
        },
        change,
        |world, (valid_at, read), ()| {
            let now = world.domain.now();
            let is_served = valid_at.covers(now)
                || valid_at != Generation::NEVER && !world.domain.is_invalidated(tag_of(9), valid_at);
            assert!(read == 1 || !is_served);
        },
    );
}

#[test]
fn no_check_of_a_node_takes_the_old_source_for_the_new_one() {
    // As above, by the node, which notes what the check has found. Another tag was invalidated since it began: otherwise
    // no tag is looked up.
    in_every_order(
        1,
        |world| {
            let beginning = Beginning { domain: world.domain.clone(), generation: world.oldest };
            let read = world.source.load(Relaxed);
            let node = Node::new(beginning, vec![tag_of(9)], Vec::new(), Completeness::Complete);
            // What an entry stores, and a hit compares with the current generation.
            let stored = node.check();
            (node, stored, read)
        },
        change,
        |world, (node, stored, read), ()| {
            let is_hit = stored.is_some_and(|valid_at| valid_at.covers(world.domain.now()));
            assert!(read == 1 || !is_hit && node.check().is_none());
        },
    );
}

#[test]
fn a_hit_after_an_invalidation_sees_its_generation() {
    in_every_order(
        0,
        |world| {
            let (began, read) = (world.domain.now(), world.source.load(Relaxed));
            let is_done = world.is_done.load(Acquire);
            let is_served = began.covers(world.domain.now());
            assert!(!is_done || read == 1 || !is_served);
        },
        change,
        |_, (), ()| (),
    );
}

#[test]
fn a_tag_is_never_forgotten_while_it_is_looked_for() {
    // The bucket is full: the first tag, and then the second one, are forgotten.
    in_every_order(
        2,
        |world| {
            let before = Generation::NEVER;
            assert!(world.domain.is_invalidated(tag_of(0), before), "at the second generation");
            assert!(world.domain.is_invalidated(tag_of(1), before), "at the third one");
            [0, 1].map(|number| world.domain.is_invalidated(tag_of(number), world.domain.now()))
        },
        |world| {
            for number in 5..8 {
                world.domain.invalidate(&[tag_of(number)]);
            }
        },
        |_, _, ()| (),
    );
}

#[test]
fn a_tag_that_gives_way_to_another_one_counts_as_invalidated() {
    // Like the former, of one invalidation: few orders, which are tried in a second.
    in_every_order(
        2,
        |world| assert!(world.domain.is_invalidated(tag_of(u64::MAX), Generation::NEVER)),
        |world| world.domain.invalidate(&[tag_of(5)]),
        |world, (), ()| assert_eq!(world.domain.counts().forgotten, 1),
    );
}

#[test]
fn two_threads_that_invalidate_lose_nothing() {
    in_every_order(
        3,
        |world| {
            let before = world.domain.now();
            world.domain.invalidate(&[tag_of(5), tag_of(0)]);
            before
        },
        |world| {
            let before = world.domain.now();
            world.domain.invalidate(&[tag_of(6), tag_of(0)]);
            before
        },
        |world, one, other| {
            for (number, before) in [(5, one), (0, one), (6, other), (0, other)] {
                assert!(world.domain.is_invalidated(tag_of(number), before));
            }
            assert_eq!(world.domain.counts().invalidated, 8);
        },
    );
}

use super::*;
use crate::store::policy::Lru;
use crate::store::policy::tests::{AnyVictim, Random, Toy, agree};

/// A store whose policy has a leader, and no duel that could change it.
fn led_by(leader: LeadingPolicy, capacity: usize) -> Toy<Auto> {
    let policy = Auto { maxsize: Some(capacity), entries: capacity, leader: Cell::new(leader), ..Auto::NEW };
    Toy::with(capacity, policy)
}

fn call<P: Policy>(toy: &mut Toy<P>, key: u64) -> (bool, Option<u64>) {
    if toy.hit(key) { (true, None) } else { (false, toy.insert(key)) }
}

/// The leader evicts the same entries as if it were alone.
fn leads_alone<P: Policy>(leader: LeadingPolicy) {
    for (capacity, universe) in [(1, 3), (10, 40), (100, 300)] {
        let (mut auto, mut alone) = (led_by(leader, capacity), Toy::<P>::new(capacity));
        let mut random = Random(universe);
        for _ in 0..5000 {
            let key = random.below(universe).min(random.below(universe));
            assert_eq!(call(&mut auto, key), call(&mut alone, key));
        }
        auto.validate();
        assert_eq!(auto.policy.leader.get(), leader);
    }
}

#[test]
fn stays_whole_whatever_comes() {
    agree::<Auto, AnyVictim>();
}

#[test]
fn the_leader_evicts_what_it_would_evict_alone() {
    leads_alone::<S3Fifo>(LeadingPolicy::S3Fifo);
    leads_alone::<WTinyLfu>(LeadingPolicy::WTinyLfu);
    leads_alone::<Lru>(LeadingPolicy::Lru);
}

#[test]
fn a_policy_that_takes_over_knows_the_entries() {
    let leaders = [LeadingPolicy::S3Fifo, LeadingPolicy::Lru, LeadingPolicy::WTinyLfu];
    let mut toy = led_by(LeadingPolicy::WTinyLfu, 100);
    let mut random = Random(5);
    for round in 0..300 {
        toy.policy.leader.set(leaders[round % 3]);
        for _ in 0..50 {
            let key = random.below(300).min(random.below(300));
            call(&mut toy, key);
        }
        toy.validate();
    }
}

#[test]
fn lru_passes_what_was_used_before_it_led() {
    let mut toy = led_by(LeadingPolicy::WTinyLfu, 3);
    for key in [1, 2, 3, 1] {
        call(&mut toy, key);
    }
    toy.policy.leader.set(LeadingPolicy::Lru);
    assert_eq!(call(&mut toy, 4), (false, Some(2)));
    assert_eq!(call(&mut toy, 5), (false, Some(3)));
    assert_eq!(call(&mut toy, 6), (false, Some(1)), "it was passed once");
}

/// Makes calls by `keys`. Returns the number of hits.
fn replay<P: Policy>(toy: &mut Toy<P>, keys: impl Iterator<Item = u64>) -> usize {
    keys.filter(|&key| call(toy, key).0).count()
}

/// A loop over more keys than there is room for.
fn in_turn(calls: u64) -> impl Iterator<Item = u64> {
    (0..calls).map(|call| call % 150)
}

/// Each key is used four times, while fewer other keys are used than there is room for, and never again.
fn in_bursts(calls: u64) -> impl Iterator<Item = u64> {
    (0..calls).map(|call| 1000 + call / 4 - 20 * (call % 4).min(call / 400))
}

#[test]
fn the_best_policy_takes_the_lead() {
    let mut toy = Toy::<Auto>::new(100);
    // LRU has no hit in a loop.
    replay(&mut toy, 0..1);
    toy.policy.leader.set(LeadingPolicy::Lru);
    toy.policy.begin(100);
    let hits = replay(&mut toy, in_turn(20_000));
    assert_eq!(toy.policy.leading(), Some(LeadingPolicy::WTinyLfu));
    let alone = replay(&mut Toy::<WTinyLfu>::new(100), in_turn(20_000));
    assert!(hits > alone * 9 / 10, "{hits} hits, and {alone} alone");
    // W-TinyLFU prefers the keys of the loop for a while.
    replay(&mut toy, in_bursts(20_000));
    assert_ne!(toy.policy.leading(), Some(LeadingPolicy::WTinyLfu));
    let hits = replay(&mut toy, in_bursts(40_000).skip(20_000));
    let alone = replay(&mut Toy::<Lru>::new(100), in_bursts(40_000).skip(20_000));
    assert!(hits > alone * 9 / 10, "{hits} hits, and {alone} alone");
    toy.validate();
}

#[test]
fn the_first_leader_depends_on_the_capacity() {
    let first = |capacity| {
        let mut toy = Toy::<Auto>::new(capacity);
        assert_eq!(toy.policy.leading(), None);
        toy.insert(1);
        toy.policy.leading()
    };
    assert_eq!(first(1), Some(LeadingPolicy::WTinyLfu));
    assert_eq!(first(LARGE - 1), Some(LeadingPolicy::WTinyLfu));
    assert_eq!(first(LARGE), Some(LeadingPolicy::S3Fifo));
}

#[test]
fn the_leader_outlives_entries_and_capacities() {
    let mut toy = Toy::<Auto>::new(100);
    toy.insert(1);
    toy.policy.leader.set(LeadingPolicy::Lru);
    toy.policy.resized(&toy.ring, 10_000);
    assert_eq!(toy.policy.entries, 10_000);
    let emptied = toy.policy.emptied();
    assert_eq!((emptied.leading(), emptied.entries), (Some(LeadingPolicy::Lru), 10_000));
}

#[test]
fn shadows_have_the_size_of_a_share_of_the_entries() {
    let mut auto = Auto::NEW;
    let mut rate = |maxsize| {
        auto.announce_maxsize(maxsize);
        let sampled = (0..1024).filter(|n| auto.schedule.samples((2 * n + 1) << 53)).count();
        auto.duel.borrow().as_ref().map(|_| sampled)
    };
    assert_eq!((rate(1), rate(1024), rate(4096)), (Some(1024), Some(1024), Some(256)));
    assert_eq!((rate(1 << 20), rate(0), rate(usize::MAX)), (Some(64), None, None));
}

#[test]
fn shadows_follow_the_number_of_entries_with_weights() {
    let mut toy = Toy::<Auto>::new(100);
    // A store of a million bytes that is full with 100 entries, and later has room for 1,000.
    for key in 0..100 {
        toy.insert(key);
        toy.policy.announce_maxsize(1_000_000);
    }
    toy.policy.bound(1_000_000);
    assert_eq!(toy.policy.entries, 1_000_000);
    toy.next_victim(100);
    assert_eq!(toy.policy.entries, 100);
    toy.next_victim(100);
    toy.policy.announce_maxsize(1_000_000);
    assert_eq!(toy.policy.entries, 100, "the capacity is the same");
}

#[test]
fn a_cache_without_misses_is_sampled_for_a_burst_only() {
    let mut toy = Toy::<Auto>::new(100);
    (0..100).for_each(|key| assert_eq!(toy.insert(key), None));
    for key in (0..100).cycle().take(100_000) {
        assert!(toy.hit(key));
    }
    assert!(!toy.policy.schedule.samples(0), "the shadows rest");
}

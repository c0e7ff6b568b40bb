//! `policy = auto`: the policy with the most hits of late chooses the victims, and every answer is right.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use functools::policy::Auto;
use functools::{Cache, LeadingPolicy, lru_cache};

/// Keys in turn, more than there is room for: LRU has no hit.
fn in_turn(calls: u64) -> impl Iterator<Item = u64> {
    (0..calls).map(|call| call % 150)
}

#[test]
fn a_function_names_the_policy_that_leads() {
    #[lru_cache(maxsize = 100, policy = auto)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!(double::cache_stats().leading_policy, None, "nothing is stored");
    for n in in_turn(10_000) {
        assert_eq!(double(n), 2 * n);
    }
    let info = double::cache_info();
    assert_eq!((info.hits + info.misses, info.currsize), (10_000, 100));
    assert!(info.hits > 5000, "{info}");
    let stats = double::cache_stats();
    assert_eq!(stats.leading_policy, Some(LeadingPolicy::WTinyLfu));
    assert!(stats.to_string().ends_with("leading_policy=w_tinylfu)"), "{stats}");
    double::cache_clear();
    assert_eq!(
        double::cache_stats().leading_policy,
        Some(LeadingPolicy::WTinyLfu),
        "it is still the best guess"
    );
    assert_eq!((double(7), double::cache_info().currsize), (14, 1));
}

#[test]
fn an_object_has_the_policy_in_its_type() {
    let cache = Cache::<u64, u64, Auto>::builder().maxsize(100).insight().build();
    for n in in_turn(5000) {
        assert_eq!(cache.get_or_insert_with(n, || 2 * n), 2 * n);
    }
    assert!(cache.info().hits > 2000, "{}", cache.info());
    assert_eq!((cache.insight().calls(), cache.leading_policy()), (5000, Some(LeadingPolicy::WTinyLfu)));
    static LARGE: Cache<u64, u64, Auto> = Cache::new(Some(10_000));
    LARGE.insert(1, 2);
    assert_eq!(LARGE.leading_policy(), Some(LeadingPolicy::S3Fifo));
}

#[test]
fn other_policies_have_no_leader() {
    #[lru_cache(policy = w_tinylfu)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    double(1);
    assert_eq!(double::cache_stats().leading_policy, None);
}

#[test]
fn sizes_at_run_time_weights_and_deadlines_are_kept() {
    #[lru_cache(maxsize = 1000, policy = auto, weight = |n, _value| usize::try_from(1 + n % 20).unwrap(), ttl = 600)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    let mut maxsizes = [1000, 50, 0, 3, 2000].into_iter().cycle();
    for round in 0..20 {
        for n in 0..500 {
            let n = n * n % 311 + round;
            assert_eq!(double(n), 2 * n);
        }
        let maxsize = maxsizes.next().unwrap();
        double::cache_resize(maxsize);
        let info = double::cache_info();
        assert!(info.currsize <= maxsize, "{info}");
        double::cache_invalidate(round);
        assert!(!double::cache_contains(round));
    }
    #[lru_cache(maxsize = None, policy = auto, ttl = 600)]
    fn unbounded(n: u64) -> u64 {
        2 * n
    }
    for n in in_turn(1000) {
        assert_eq!(unbounded(n), 2 * n);
    }
    assert_eq!((unbounded::cache_info().misses, unbounded::cache_info().currsize), (150, 150));
}

/// A key whose comparison panics now and then.
#[derive(Clone, Debug)]
struct Fragile(u64);

static COMPARISONS: AtomicU64 = AtomicU64::new(0);

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        assert!(COMPARISONS.fetch_add(1, Ordering::Relaxed) % 7 != 6, "a comparison panics");
        self.0 == other.0
    }
}

impl Eq for Fragile {}

impl Hash for Fragile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn panics_of_keys_and_values_leave_right_answers() {
    let cache = Cache::<Fragile, u64, Auto>::new(Some(20));
    let mut panics = 0;
    for call in 0..20_000_u64 {
        let n = call * call % 37;
        let result = catch_unwind(AssertUnwindSafe(|| {
            cache.get_or_insert_with(Fragile(n), || {
                assert!(call % 11 != 10, "a computation panics");
                2 * n
            })
        }));
        match result {
            Ok(value) => assert_eq!(value, 2 * n),
            Err(_) => panics += 1,
        }
        assert!(cache.len() <= 20);
    }
    assert!(panics > 1000, "{panics}");
}

#[test]
fn threads_get_right_answers_while_the_leader_changes() {
    #[lru_cache(maxsize = 64, policy = auto)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    #[lru_cache(maxsize = 64, policy = auto, shards = 4)]
    fn triple(n: u64) -> u64 {
        3 * n
    }
    thread::scope(|scope| {
        for number in 0..4_u64 {
            scope.spawn(move || {
                for call in 0..10_000 {
                    // A loop, then keys that are used in bursts.
                    let n = if call < 5000 { call % 90 } else { 1000 + call / 4 - 10 * (call % 4) };
                    assert_eq!((double(n), triple(n)), (2 * n, 3 * n));
                    if call % 1000 == 100 * number {
                        double::cache_invalidate(n);
                        double::cache_resize(32 + usize::try_from(n % 64).unwrap());
                        triple::cache_clear();
                    }
                }
            });
        }
    });
    for n in [0, 50, 1000, 3000] {
        assert_eq!((double(n), triple(n)), (2 * n, 3 * n));
    }
    assert!(double::cache_info().currsize <= 96 && triple::cache_stats().leading_policy.is_some());
}

//! `insight = true`: the hit ratio with other capacities, for every kind of cache.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements, clippy::unused_async)]

use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use functools::policy::{Sampled, Sieve};
use functools::{Cache, CacheInfo, Insight, LruCache, cache, lru_cache};

/// The numbers below `of`, in turn.
fn in_turn(calls: u64, of: u64) -> impl Iterator<Item = u64> {
    (0..calls).map(move |call| call % of)
}

/// The result of a future that does not wait.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it does not wait"),
    }
}

/// Hits, misses, capacity and size.
fn counts(info: CacheInfo) -> (u64, u64, Option<usize>, usize) {
    info.into()
}

/// Whether two hit ratios are the same, but for rounding.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

/// Asserts that a loop of 20 keys, called 50 times, is what was seen.
#[track_caller]
fn assert_loop_of_20(insight: &Insight) {
    assert!(same(insight.hit_ratio(19), 0.0), "{insight:?}");
    assert!(same(insight.hit_ratio(20), 0.98), "{insight:?}");
    assert_eq!((insight.smallest_within(0.01), insight.working_set(), insight.calls()), (20, 20, 1000));
}

#[test]
fn a_function_knows_what_other_capacities_would_bring() {
    #[lru_cache(maxsize = 10, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!(square::cache_insight().calls(), 0);
    assert!(in_turn(1000, 20).all(|n| square(n) == n * n));
    let insight = square::cache_insight();
    assert_loop_of_20(&insight);
    assert_eq!(insight.maxsize(), Some(10));
    assert!(same(insight.gain_of_doubling(), 0.98));
    assert_eq!(
        insight.to_string(),
        "20 → 98 % (now 10 → 0 %); 20 → 98 %; beyond 20 nothing is gained (1000 calls)"
    );
    assert_eq!(counts(square::cache_info()), (0, 1000, Some(10), 10));
    square::cache_clear();
    assert_eq!(square::cache_insight().calls(), 0);
}

#[test]
fn hits_and_misses_are_seen_alike() {
    #[lru_cache(maxsize = 16, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    // A key is used again after 0 to 7 others.
    for round in 0..500 {
        (0..8).for_each(|n| assert_eq!(square(n), n * n));
        square(round % 8);
    }
    let (insight, info) = (square::cache_insight(), square::cache_info());
    assert!(same(insight.hit_ratio(16), info.hit_ratio()), "{insight:?} {info}");
    assert_eq!(insight.calls(), 4500);
    assert!(insight.curve().len() >= 32);
}

#[test]
fn the_curve_is_that_of_an_exact_cache_of_each_capacity() {
    #[lru_cache(maxsize = 7, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    let keys: Vec<u64> = (0..5000_u64).map(|call| (call * call / 7 + call / 3) % 61).collect();
    for &n in &keys {
        square(n);
    }
    for maxsize in 1..=64 {
        let exact = LruCache::new(Some(maxsize));
        for &n in &keys {
            exact.get_or_insert_with(n, || n * n);
        }
        let expected = exact.info().hit_ratio();
        assert!(same(square::cache_insight().hit_ratio(maxsize), expected), "{maxsize}");
    }
}

#[test]
fn methods_have_one_curve_for_the_function() {
    struct Shop;
    impl Shop {
        #[lru_cache(maxsize = 10, insight = true)]
        fn price(#[key(skip)] &self, id: u64) -> u64 {
            id * 3
        }
    }
    in_turn(1000, 20).for_each(|id| assert_eq!(Shop.price(id), id * 3));
    assert_loop_of_20(&Shop::price_cache_insight());
}

#[test]
fn an_unbounded_function_is_told_what_capacity_suffices() {
    #[lru_cache(maxsize = None, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    #[cache(insight = true)]
    fn cube(n: u64) -> u64 {
        n * n * n
    }
    in_turn(1000, 20).for_each(|n| _ = (square(n), cube(n)));
    assert_loop_of_20(&square::cache_insight());
    assert_loop_of_20(&cube::cache_insight());
    assert_eq!(counts(cube::cache_info()), (980, 20, None, 20));
    assert_eq!(cube::cache_insight().to_string(), "20 → 98 %; beyond that nothing is gained (1000 calls)");
}

#[test]
fn threads_and_shards_and_tasks_are_sampled() {
    #[lru_cache(maxsize = 10, scope = thread, insight = true)]
    fn own(n: u64) -> u64 {
        n * n
    }
    #[lru_cache(maxsize = 64, shards = 4, insight = true)]
    fn sharded(n: u64) -> u64 {
        n * n
    }
    #[lru_cache(maxsize = 10, insight = true)]
    async fn task(n: u64) -> u64 {
        n * n
    }
    in_turn(1000, 20).for_each(|n| _ = (own(n), sharded(n), ready(task(n))));
    assert_loop_of_20(&own::cache_insight());
    assert_loop_of_20(&task::cache_insight());
    let insight = sharded::cache_insight();
    assert_eq!((insight.calls(), insight.maxsize()), (1000, Some(64)));
    assert!(same(insight.best(), 0.98) && insight.working_set() <= 80, "{insight:?}");
}

#[test]
fn a_coalesced_call_counts_once() {
    #[lru_cache(maxsize = 10, single_flight = true, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    in_turn(1000, 20).for_each(|n| _ = square(n));
    assert_loop_of_20(&square::cache_insight());
}

#[test]
fn each_element_of_a_batch_counts() {
    #[lru_cache(maxsize = 10, each = ids, insight = true)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        ids.iter().map(|id| id * id).collect()
    }
    for n in in_turn(500, 10) {
        squares(&[2 * n, 2 * n + 1]);
    }
    // Both elements of a batch are looked up before either is stored.
    let insight = squares::cache_insight();
    assert!(same(insight.hit_ratio(18), 0.0) && same(insight.hit_ratio(20), 0.98), "{insight:?}");
    assert_eq!(insight.calls(), 1000);
}

#[test]
fn the_axis_is_weight_where_there_are_weights() {
    #[lru_cache(maxsize = 1000, weight = |_, text| text.len(), insight = true)]
    fn text(n: usize) -> String {
        "x".repeat(100 + n)
    }
    for n in (0..2000).map(|n| n % 20) {
        text(n);
    }
    // 20 texts of 100 to 119 bytes.
    let insight = text::cache_insight();
    assert!(same(insight.hit_ratio(2000), 0.0) && same(insight.hit_ratio(2190), 0.99), "{insight:?}");
    assert_eq!(insight.smallest_within(0.0), 2190);
}

#[test]
fn an_entry_that_was_invalidated_helps_at_no_capacity() {
    #[lru_cache(maxsize = 10, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    for _ in 0..100 {
        (0..4).for_each(|n| _ = square(n));
        square::cache_invalidate(0);
    }
    let best = square::cache_insight().best();
    assert!(same(best, 0.7425), "{best}"); // 99 hits of each of three keys
}

#[test]
fn results_that_are_not_stored_are_misses_at_any_capacity() {
    #[lru_cache(maxsize = 10, insight = true)]
    fn inverse(n: u32) -> Result<u32, std::num::TryFromIntError> {
        NonZeroU32::try_from(n).map(|n| 1000 / n)
    }
    for _ in 0..1000 {
        _ = inverse(0);
        _ = inverse(1);
    }
    let insight = inverse::cache_insight();
    assert!(same(insight.best(), 0.4995) && insight.smallest_within(0.0) == 1, "{insight:?}");
}

#[test]
fn the_curve_is_that_of_lru_whatever_the_policy() {
    #[lru_cache(maxsize = 10, policy = sieve, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    in_turn(1000, 20).for_each(|n| _ = square(n));
    assert_loop_of_20(&square::cache_insight());
    assert!(square::cache_insight().to_string().contains("with `policy = lru`"));
}

#[test]
fn an_object_has_it_by_its_type_or_by_its_builder() {
    static SQUARES: Cache<u64, u64, Sampled<Sieve>> = Cache::new(Some(10));
    let built = LruCache::builder().maxsize(10).insight().build();
    for n in in_turn(1000, 20) {
        assert_eq!(SQUARES.get_or_insert_with(n, || n * n), built.get_or_insert_with(n, || n * n));
    }
    assert_loop_of_20(&SQUARES.insight());
    assert_loop_of_20(&built.insight());
    built.resize(40);
    assert_eq!(built.insight().maxsize(), Some(40));
}

#[test]
fn nested_calls_are_sampled_too() {
    #[lru_cache(maxsize = None, insight = true)]
    fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    assert_eq!(fibonacci(90), 2_880_067_194_370_816_120);
    let info = fibonacci::cache_info();
    let insight = fibonacci::cache_insight();
    assert_eq!(insight.calls(), info.hits + info.misses);
    assert!(same(insight.best(), info.hit_ratio()), "{insight:?} {info}");
    assert_eq!(insight.smallest_within(0.0), 3); // n - 1, n - 2, n - 3
}

#[test]
fn an_insight_knows_the_present_capacity() {
    #[lru_cache(maxsize = 10, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    in_turn(1000, 20).for_each(|n| _ = square(n));
    square::cache_resize(40);
    assert_eq!(square::cache_insight().maxsize(), Some(40));
    in_turn(1000, 20).for_each(|n| _ = square(n));
    assert!(square::cache_insight().to_string().starts_with("20 would do: 99 % (now 40"));
}

#[test]
fn threads_share_one_sampler() {
    #[lru_cache(maxsize = 10, insight = true)]
    fn square(n: u64) -> u64 {
        n * n
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in in_turn(1000, 20) {
                    assert_eq!(square(n), n * n);
                    assert!(square::cache_insight().calls() > 0);
                }
            });
        }
    });
    assert_eq!(square::cache_insight().calls(), 4000);
}

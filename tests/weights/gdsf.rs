//! `policy = gdsf`: the time of each computation is measured, on every way to it.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use functools::policy::Gdsf;
use functools::{Cache, lru_cache};

/// The key whose result takes long.
const DEAR: u64 = 0;

/// Computes for milliseconds, or for next to no time.
fn compute(n: u64) -> u64 {
    let steps = if n == DEAR { 2_000_000 } else { 1 };
    (0..steps).fold(n, |sum, step| black_box(sum.wrapping_mul(31) ^ step))
}

/// Asserts that the dear result outlives many cheap ones. It would not with LRU, nor if all costs were the same.
fn keeps_what_is_dear(call: impl Fn(u64) -> u64, contains: impl Fn(u64) -> bool) {
    assert_eq!(call(DEAR), compute(DEAR));
    for n in 1..=64 {
        assert_eq!(call(n), compute(n));
    }
    assert!(contains(DEAR));
    assert!((1..=56).filter(|&n| contains(n)).count() < 8);
}

#[lru_cache(maxsize = 8, policy = gdsf)]
fn plain(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(maxsize = 8, policy = gdsf, scope = thread, ttl = 60)]
fn in_thread(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(maxsize = 8, policy = gdsf, single_flight = true)]
fn coalesced(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(maxsize = 8, policy = gdsf)]
async fn awaited(n: u64) -> u64 {
    compute(n)
}

#[lru_cache(maxsize = 8, policy = gdsf, tags = |_, _| [functools::tag("gdsf", 1)])]
fn tagged(n: u64) -> Result<u64, ()> {
    Ok(compute(n))
}

#[test]
fn a_plain_function_keeps_what_is_dear() {
    keeps_what_is_dear(plain, plain::cache_contains);
    // A refresh is measured, too.
    plain::cache_clear();
    keeps_what_is_dear(plain::cache_refresh, plain::cache_contains);
}

#[test]
fn functions_with_options_keep_what_is_dear() {
    keeps_what_is_dear(in_thread, in_thread::cache_contains);
    keeps_what_is_dear(coalesced, coalesced::cache_contains);
    keeps_what_is_dear(|n| tagged(n).unwrap(), tagged::cache_contains);
}

#[test]
fn an_async_function_keeps_what_is_dear() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = |n| runtime.block_on(awaited(n));
    keeps_what_is_dear(call, awaited::cache_contains);
}

#[test]
fn an_object_keeps_what_is_dear() {
    let cache = Cache::<u64, u64, Gdsf>::builder().maxsize(8).build();
    keeps_what_is_dear(|n| cache.get_or_insert_with(n, || compute(n)), |n| cache.contains(&n));
    let cache = Cache::<u64, u64, Gdsf>::builder().maxsize(8).single_flight().build();
    keeps_what_is_dear(|n| cache.get_or_insert_with(n, || compute(n)), |n| cache.contains(&n));
}

#[test]
fn what_is_put_counts_as_the_mean() {
    let cache = Cache::<u64, u64, Gdsf>::builder().maxsize(8).build();
    for n in 1..=4 {
        cache.get_or_insert_with(n, || compute(n));
    }
    cache.get_or_insert_with(DEAR, || compute(DEAR));
    for n in 5..=30 {
        cache.insert(n, n);
    }
    // A fifth of the time of the dear result, and more than that of a cheap one.
    assert!(cache.contains(&DEAR) || cache.contains(&30));
    assert!((1..=4).all(|n| !cache.contains(&n)));
}

#[test]
fn heavy_results_leave_before_light_ones() {
    let cache = Cache::<u64, u64, Gdsf>::builder()
        .maxsize(1000)
        .weigher(|_: &u64, weight: &u64| usize::try_from(*weight).unwrap())
        .build();
    // None is computed: all cost the same.
    for n in 0..9 {
        cache.insert(n, 1);
    }
    cache.insert(9, 900);
    cache.insert(10, 500);
    assert!((0..9).all(|n| cache.contains(&n)) && !cache.contains(&9) && cache.contains(&10));
    assert_eq!(cache.info().currsize, 509);
}

#[lru_cache(maxsize = 64, policy = gdsf, shards = 4)]
fn shared(n: u64) -> u64 {
    n + 1
}

#[test]
fn threads_get_right_results_from_a_bounded_cache() {
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                for step in 0..5000_u64 {
                    let n = (step * 7 + thread * 13) % 200;
                    assert_eq!(shared(n), n + 1);
                    match step % 50 {
                        0 => _ = shared::cache_invalidate(n),
                        1 => shared::cache_put(n, n + 1),
                        _ => {}
                    }
                    assert!(shared::cache_info().currsize <= 64);
                }
            });
        }
    });
    assert!(shared::cache_info().hits > 0);
}

#[test]
fn a_panic_of_the_body_stores_nothing() {
    #[lru_cache(maxsize = 2, policy = gdsf)]
    fn fails(n: u64) -> u64 {
        assert!(n != 3, "three");
        n
    }

    _ = (fails(1), fails(2));
    assert!(std::panic::catch_unwind(|| fails(3)).is_err());
    assert!(fails::cache_contains(1) && fails::cache_contains(2));
    assert_eq!(fails(4), 4);
    assert_eq!(fails::cache_info().currsize, 2);
}

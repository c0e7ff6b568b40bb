//! All pairs of options that can be combined.

use std::time::Duration;

use functools::{LruCache, RemovalCause, lru_cache};

const ONE_SECOND: Duration = Duration::from_secs(1);

fn ticks() -> u64 {
    0
}

#[allow(clippy::ref_option)]
fn log<K, V>(_: &K, _: &V, _: RemovalCause) {}

/// Defines a function for each pair of these options, and calls it twice: a miss, then a hit.
macro_rules! pairs {
    ($({$($option:tt)*})*) => { pairs! { @first $({$($option)*})* } };
    (@first) => {};
    (@first $one:tt $($others:tt)*) => {
        $( pairs! { @both $one $others } )*
        pairs! { @first $($others)* }
    };
    (@both {$($one:tt)*} {$($other:tt)*}) => {{
        #[lru_cache($($one)*, $($other)*)]
        fn f(n: u64) -> Result<Option<u64>, String> {
            Ok(Some(n))
        }
        assert_eq!((f(1), f(1)), (Ok(Some(1)), Ok(Some(1))), stringify!($($one)*, $($other)*));
        assert_eq!(f::cache_info().hits, 1, stringify!($($one)*, $($other)*));
    }};
}

#[test]
fn key_verdict_and_room() {
    pairs! {
        { typed = true }
        { cache_errors = false }
        { cache_none = false }
        { maxsize = 8 }
        { ttl = 60 }
        { tti = 60 }
        { policy = lfu }
        { accessors = companion }
        { crate = ::functools }
    }
}

#[test]
fn a_place_with_everything_else() {
    macro_rules! places {
        ($({$($option:tt)*})*) => { $(
            pairs! { { scope = thread } { $($option)* } }
            pairs! { { shards = 4 } { $($option)* } }
            pairs! { { shards = 1 } { scope = process, $($option)* } }
        )* };
    }
    places! {
        { typed = true } { key = |n| n / 10 } { key_fn = |n| n / 10 } { cache_none = false } { cache_none = true }
        { cache_errors = false } { cache_errors = true } { cache_errors = true, error_ttl = 5 } { crate = ::functools }
        { maxsize = 8 } { maxsize = None } { maxsize = 8, weight = |_n, _value| 2 } { on_evict = log }
        { policy = lru } { policy = lfu } { policy = fifo } { policy = rr, seed = 42 } { policy = sieve } { policy = s3_fifo }
        { policy = w_tinylfu } { policy = rr, choice = |keys| keys.len() - 1 } { accessors = companion }
        { ttl = 60 } { tti = 60 } { ttl = 60, jitter = 0.1 } { ttl = 60, timer = ticks } { ttl = 60, stale_if_error = 300 }
        { ttu = |_n, _value, now| now + 60, timer = ticks } { single_flight = false } { ttl = 60, swr = false }
    }
    pairs! { { shards = 4 } { single_flight = true } { ttl = 60, swr = true } }
    pairs! { { shards = 4 } { single_flight = true, flight_timeout = 5 } { ttl = 60, swr = 30, stale_if_error = 300 } }
}

#[test]
fn expiry_options_of_their_own() {
    pairs! {
        { ttu = |_n, _value, now| now + 60, timer = ticks }
        { weight = |_n, _value| 2 }
        { on_evict = log }
        { maxsize = 8 }
        { policy = fifo }
        { typed = false }
        { cache_none = false }
    }
    pairs! {
        { ttl = 60, timer = ticks }
        { weight = |_n, _value| 2 }
        { key = |n| n / 10 }
        { policy = w_tinylfu }
        { tti = 60 }
        { cache_none = false }
        { maxsize = 8 }
    }
    pairs! {
        { ttl = 60, jitter = 0.1 }
        { policy = sieve }
        { on_evict = log }
        { tti = 5.5 }
        { maxsize = None }
    }
}

#[test]
fn errors_remembered_with_everything_else() {
    macro_rules! with {
        ($({$($option:tt)*})*) => { $({
            #[lru_cache(cache_errors = true, $($option)*)]
            fn f(n: u64) -> Result<u64, String> {
                Err(n.to_string())
            }
            assert_eq!(f(1), f(1), stringify!($($option)*));
            assert_eq!(f::cache_info().hits, 1, stringify!($($option)*));
        })* };
    }
    with! {
        { typed = true } { key = |n| n } { cache_none = false } { maxsize = 8 } { ttl = 60 } { tti = 60 }
        { ttu = |_n, _value, now| now + 60, timer = ticks } { weight = |_n, value| value.is_ok().into() }
        { policy = rr } { policy = s3_fifo }
    }
}

#[test]
fn an_object_with_keys_and_verdicts() {
    macro_rules! with {
        ($({$($option:tt)*})*) => { $({
            #[lru_cache(cache = memo, $($option)*)]
            fn f(n: u64, memo: &LruCache<u64, Option<u64>>) -> Result<Option<u64>, String> {
                Ok(Some(n))
            }
            let memo = LruCache::new(Some(4));
            assert_eq!(f(1, &memo), f(1, &memo), stringify!($($option)*));
            assert_eq!(f::cache_info(&memo).hits, 1, stringify!($($option)*));
        })* };
    }
    with! {
        { typed = true } { key = |n| *n } { cache_none = false } { cache_errors = false }
        { ttl = 60 } { tti = 60 } { ttl = 60, jitter = 0.1 } { ttu = |_n, _value, now| now + ONE_SECOND }
        { ttl = ONE_SECOND } { tti = ONE_SECOND }
        { ttl = 60, tti = 60 } { ttl = 60, key = |n| *n } { ttl = 60, cache_none = false }
        { ttl = 60, cache_errors = false } { tti = 60, typed = false } { tti = 60, key = |n| *n }
        { ttu = |_n, _value, now| now + ONE_SECOND, tti = ONE_SECOND }
        { ttu = |_n, value, now| now + ONE_SECOND * u32::from(value.is_some()), cache_none = false }
        { ttl = 60, stale_if_error = 300 } { ttl = 60, stale_if_error = 300, tti = 60 } { single_flight = true }
        { single_flight = true, flight_timeout = 5 } { ttl = ONE_SECOND, stale_if_error = ONE_SECOND }
    }
}

#[test]
fn an_object_for_ever_with_refreshes() {
    macro_rules! with {
        ($({$($option:tt)*})*) => { $({
            static MEMO: LruCache<u64, u64> = LruCache::new(Some(4));
            #[lru_cache(cache = MEMO, ttl = 60, swr = true, $($option)*)]
            fn f(n: u64) -> Result<u64, String> {
                Ok(n)
            }
            assert_eq!(f(1), f(1), stringify!($($option)*));
            assert_eq!(f::cache_info().hits, 1, stringify!($($option)*));
        })* };
    }
    with! {
        { single_flight = true } { stale_if_error = 300 } { tti = 60 } { jitter = 0.1 } { key = |n| *n }
        { cache_none = true } { cache_errors = false } { flight_timeout = 5 }
    }
}

#[test]
fn errors_remembered_in_an_object_with_verdicts() {
    macro_rules! with {
        ($({$($option:tt)*})*) => { $({
            #[lru_cache(cache = memo, cache_errors = true, $($option)*)]
            fn f(n: u64, memo: &LruCache<u64, Result<u64, String>>) -> Result<u64, String> {
                Err(n.to_string())
            }
            let memo = LruCache::new(Some(4));
            assert_eq!(f(1, &memo), f(1, &memo), stringify!($($option)*));
            assert_eq!(f::cache_info(&memo).hits, 1, stringify!($($option)*));
        })* };
    }
    with! {
        { ttl = 60 } { tti = 60 } { ttl = 60, jitter = 0.1 } { key = |n| *n } { cache_none = false }
        { ttu = |_n, value, now| now + ONE_SECOND * u32::from(value.is_err()) }
        { error_ttl = 5 } { ttl = 60, error_ttl = 5 } { ttl = 60, error_ttl = 5, stale_if_error = 300 }
    }
}

#[test]
fn chance_with_everything_else() {
    pairs! {
        { policy = rr, choice = |keys| keys.len() - 1 }
        { maxsize = 8 }
        { ttl = 60 }
        { weight = |_n, _value| 2 }
        { on_evict = log }
        { cache_none = false }
        { typed = true }
    }
    pairs! {
        { policy = rr, seed = 42 }
        { ttu = |_n, _value, now| now + 60, timer = ticks }
        { weight = |_n, _value| 2 }
        { on_evict = |_n, _value, _cause| () }
        { cache_errors = false }
    }
    pairs! { { policy = rr, seed = 42 } { key = |n| n / 10 } }
}

#[test]
fn shared_and_stale_with_everything_else() {
    pairs! {
        { single_flight = true, flight_timeout = 5 }
        { maxsize = 8 }
        { ttl = 60, jitter = 0.1 }
        { key = |n| n / 10 }
        { policy = lfu }
        { weight = |_n, _value| 2 }
        { cache_none = false }
        { typed = true }
    }
    pairs! { { ttu = |_n, _value, now| now + 60, timer = ticks } { single_flight = true } }
    macro_rules! stale_with {
        ($({$($option:tt)*})*) => { $(
            pairs! { { ttl = 60, swr = true } { $($option)* } }
            pairs! { { ttl = 60, stale_if_error = 300 } { $($option)* } }
            pairs! { { ttl = 60, swr = 30, stale_if_error = 300 } { $($option)* } }
        )* };
    }
    stale_with! {
        { single_flight = true } { flight_timeout = 5, single_flight = true } { tti = 60 } { jitter = 0.1 } { timer = ticks }
        { maxsize = None } { maxsize = 8 } { policy = fifo } { weight = |_n, _value| 2 } { on_evict = log }
        { cache_none = false } { cache_errors = true } { cache_errors = true, error_ttl = 5 } { key = |n| n / 10 }
        { typed = true } { policy = rr, choice = |keys| keys.len() - 1 }
    }
}

//! All options that can be combined, in pairs and in larger sets.

use std::time::Duration;

use functools::{LruCache, RemovalCause, lru_cache};

const ONE_SECOND: Duration = Duration::from_secs(1);

fn ticks() -> u64 {
    0
}

#[allow(clippy::ref_option)]
fn log<K, V>(_: &K, _: &V, _: RemovalCause) {}

/// Defines a function with each row of options, and calls it twice: a miss, then a hit.
///
/// Where options can all be combined, the first row has all of them, and the other rows are so that of each two options, a
/// row has only the first, another only the second, and another neither. Six rows do for ten options, which form 45 pairs:
/// functions take long to compile.
macro_rules! rows {
    ($({$($option:tt)*})*) => { $({
        #[lru_cache($($option)*)]
        fn f(n: u64) -> Result<Option<u64>, String> {
            Ok(Some(n))
        }
        assert_eq!((f(1), f(1)), (Ok(Some(1)), Ok(Some(1))), stringify!($($option)*));
        assert_eq!(f::cache_info().hits, 1, stringify!($($option)*));
    })* };
}

#[test]
fn key_verdict_and_room() {
    rows! {
        { typed = true, cache_errors = false, cache_none = false, maxsize = 8, ttl = 60, tti = 60, policy = lfu, accessors = companion, crate = ::functools }
        { typed = true, maxsize = 8, tti = 60, accessors = companion }
        { typed = true, cache_none = false, policy = lfu, crate = ::functools }
        { cache_none = false, ttl = 60, tti = 60 }
        { cache_errors = false, ttl = 60, accessors = companion, crate = ::functools }
        { cache_errors = false, maxsize = 8, policy = lfu }
    }
}

#[test]
fn a_place_with_everything_else() {
    macro_rules! places {
        ($({$($option:tt)*})*) => { $(
            rows! { { scope = thread, $($option)* } { shards = 4, $($option)* } { shards = 1, scope = process, $($option)* } }
        )* };
    }
    places! {
        { policy = lru, typed = true, ttl = 60, cache_none = true }
        { policy = lfu, key = |n| n / 10, tti = 60, cache_none = false, crate = ::functools }
        { policy = fifo, key_fn = |n| n / 10, ttl = 60, jitter = 0.1, maxsize = 8 }
        { policy = rr, seed = 42, cache_errors = false, on_evict = log, ttl = 60, timer = ticks }
        { policy = sieve, maxsize = 8, weight = |_n, _value| 2, ttl = 60, stale_if_error = 300, cache_errors = false }
        { policy = s3_fifo, cache_errors = true, error_ttl = 5, accessors = companion }
        { policy = w_tinylfu, ttu = |_n, _value, now| now + 60, timer = ticks, single_flight = false }
        { policy = rr, choice = |keys| keys.len() - 1, ttl = 60, swr = false }
        { maxsize = None, cache_errors = true }
        { maxsize = 8 }
    }
    rows! { { shards = 4, single_flight = true } { shards = 4, ttl = 60, swr = true } { single_flight = true, ttl = 60, swr = true } }
    rows! {
        { shards = 4, single_flight = true, flight_timeout = 5 }
        { shards = 4, ttl = 60, swr = 30, stale_if_error = 300 }
        { single_flight = true, flight_timeout = 5, ttl = 60, swr = 30, stale_if_error = 300 }
    }
}

#[test]
fn expiry_options_of_their_own() {
    rows! {
        { ttu = |_n, _value, now| now + 60, timer = ticks, weight = |_n, _value| 2, on_evict = log, maxsize = 8, policy = fifo, typed = false, cache_none = false }
        { ttu = |_n, _value, now| now + 60, timer = ticks, maxsize = 8, typed = false }
        { ttu = |_n, _value, now| now + 60, timer = ticks, on_evict = log, cache_none = false }
        { on_evict = log, policy = fifo, typed = false }
        { weight = |_n, _value| 2, policy = fifo }
        { weight = |_n, _value| 2, maxsize = 8, cache_none = false }
    }
    rows! {
        { ttl = 60, timer = ticks, weight = |_n, _value| 2, key = |n| n / 10, policy = w_tinylfu, tti = 60, cache_none = false, maxsize = 8 }
        { ttl = 60, timer = ticks, policy = w_tinylfu, cache_none = false }
        { ttl = 60, timer = ticks, key = |n| n / 10, maxsize = 8 }
        { key = |n| n / 10, tti = 60, cache_none = false }
        { weight = |_n, _value| 2, tti = 60 }
        { weight = |_n, _value| 2, policy = w_tinylfu, maxsize = 8 }
    }
    rows! {
        { ttl = 60, jitter = 0.1, policy = sieve, on_evict = log, tti = 5.5, maxsize = None }
        { ttl = 60, jitter = 0.1, tti = 5.5 }
        { ttl = 60, jitter = 0.1, on_evict = log }
        { on_evict = log, maxsize = None }
        { policy = sieve, maxsize = None }
        { policy = sieve, tti = 5.5 }
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
    rows! {
        { policy = rr, choice = |keys| keys.len() - 1, maxsize = 8, ttl = 60, weight = |_n, _value| 2, on_evict = log, cache_none = false, typed = true }
        { policy = rr, choice = |keys| keys.len() - 1, weight = |_n, _value| 2, cache_none = false }
        { policy = rr, choice = |keys| keys.len() - 1, ttl = 60, typed = true }
        { ttl = 60, on_evict = log, cache_none = false }
        { maxsize = 8, on_evict = log }
        { maxsize = 8, weight = |_n, _value| 2, typed = true }
    }
    rows! {
        { policy = rr, seed = 42, ttu = |_n, _value, now| now + 60, timer = ticks, weight = |_n, _value| 2, on_evict = |_n, _value, _cause| (), cache_errors = false }
        { policy = rr, seed = 42, on_evict = |_n, _value, _cause| () }
        { policy = rr, seed = 42, weight = |_n, _value| 2 }
        { weight = |_n, _value| 2, cache_errors = false }
        { ttu = |_n, _value, now| now + 60, timer = ticks, cache_errors = false }
        { ttu = |_n, _value, now| now + 60, timer = ticks, on_evict = |_n, _value, _cause| () }
    }
    rows! { { policy = rr, seed = 42, key = |n| n / 10 } }
}

#[test]
fn shared_and_stale_with_everything_else() {
    rows! {
        { single_flight = true, flight_timeout = 5, maxsize = 8, ttl = 60, jitter = 0.1, policy = lfu, weight = |_n, _value| 2, cache_none = false, typed = true }
        { single_flight = true, flight_timeout = 5, policy = lfu, cache_none = false }
        { single_flight = true, flight_timeout = 5, ttl = 60, jitter = 0.1, typed = true }
        { ttl = 60, jitter = 0.1, weight = |_n, _value| 2, cache_none = false }
        { maxsize = 8, weight = |_n, _value| 2 }
        { maxsize = 8, policy = lfu, typed = true }
    }
    rows! { { single_flight = true, flight_timeout = 5, key = |n| n / 10, ttl = 60, jitter = 0.1, policy = lfu, cache_none = false } }
    rows! { { ttu = |_n, _value, now| now + 60, timer = ticks, single_flight = true } }
    macro_rules! stale_with {
        ($({$($option:tt)*})*) => { $( rows! {
            { ttl = 60, swr = true, $($option)* }
            { ttl = 60, stale_if_error = 300, $($option)* }
            { ttl = 60, swr = 30, stale_if_error = 300, $($option)* }
        } )* };
    }
    stale_with! {
        { single_flight = true, tti = 60, jitter = 0.1, maxsize = 8, key = |n| n / 10 }
        { flight_timeout = 5, single_flight = true, timer = ticks, policy = fifo, cache_none = false }
        { maxsize = None, cache_errors = true, error_ttl = 5 }
        { maxsize = 8, weight = |_n, _value| 2, on_evict = log, typed = true, cache_errors = true }
        { policy = rr, choice = |keys| keys.len() - 1 }
    }
}

//! Options of expiry that do not fit the cache object.

use functools::{LruCache, Timer, lru_cache};

fn requests() -> u64 {
    0
}

#[lru_cache(cache = memo, ttl = 60, timer = requests)]
fn other_clock(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    let _ = memo;
    n
}

#[lru_cache(cache = memo, ttl = "60 seconds".len() as u8 as char)]
fn no_time(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    let _ = memo;
    n
}

#[lru_cache(cache = memo, ttl = std::time::Duration::from_secs(1))]
fn other_span(n: u64, memo: &LruCache<u64, u64, Timer<fn() -> u64>>) -> u64 {
    let _ = memo;
    n
}

#[lru_cache(cache = memo, jitter = 0.1)]
fn nothing_to_shorten(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    let _ = memo;
    n
}

#[lru_cache(cache = memo, ttu = |n, value, now, memo| now)]
fn holder_is_not_given(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    let _ = memo;
    n
}

fn main() {}

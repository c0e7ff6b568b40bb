//! Options as `cached`, `memoize`, `moka` and others name them.

use std::time::Duration;

use functools::lru_cache;

#[lru_cache(time = 60, jitter = 0.1)]
fn time(n: u64) -> u64 {
    n
}

#[lru_cache(time_to_live = 60)]
fn time_to_live(n: u64) -> u64 {
    n
}

#[lru_cache(Capacity: 64, TimeToLive: Duration::from_secs(60), SharedCache)]
fn memoize(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize: 64, typed: true)]
fn colons(n: u64) -> u64 {
    n
}

#[lru_cache(ttl_secs = 60, ttl_millis = 50)]
fn units(n: u64) -> u64 {
    n
}

#[lru_cache(time_to_idle = 60, refresh = true)]
fn idle(n: u64) -> u64 {
    n
}

#[lru_cache(size = 8)]
fn size(n: u64) -> u64 {
    n
}

#[lru_cache(capacity = 8)]
fn capacity(n: u64) -> u64 {
    n
}

#[lru_cache(max_size = 8)]
fn max_size(n: u64) -> u64 {
    n
}

#[lru_cache(max_capacity = 8)]
fn max_capacity(n: u64) -> u64 {
    n
}

#[lru_cache(sync_writes = true, convert = r#"{ n }"#)]
fn cached(n: u64) -> u64 {
    n
}

#[lru_cache(result = true)]
fn result(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[lru_cache(option = true)]
fn option(n: u64) -> Option<u64> {
    Some(n)
}

#[lru_cache(name = "PRICES")]
fn name(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = 60, result_fallback = true)]
fn fallback(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[lru_cache(weigher = |n, value| 1, eviction_listener = |n, value, cause| {})]
fn moka(n: u64) -> u64 {
    n
}

fn main() {}

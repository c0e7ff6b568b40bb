//! `stale_if_slow` needs results that expire, and a computation that goes on without its call.

use functools::{LruCache, lru_cache};

#[lru_cache(stale_if_slow = 0.1)]
fn without_expiry(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, swr = true, stale_if_slow = 0.1)]
fn never_waits(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = -1)]
fn negative(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1, scope = thread)]
fn of_a_thread(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1, accessors = none)]
fn without_accessors(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1)]
fn without_result(n: u32) {
    let _ = n;
}

#[lru_cache(cache = memo, ttl = 60, stale_if_slow = 0.1)]
fn in_an_object(n: u32, memo: &LruCache<u32, u32>) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1)]
fn of_a_borrow(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

#[lru_cache(ttl = 60, stale_if_slow = n)]
fn of_an_argument(n: u32) -> u32 {
    n
}

#[lru_cache(ttl = 60, stale_if_slow = 0.1, spawn = |task: functools::refresh::Task| drop(task))]
fn on_an_executor(n: u32) -> u32 {
    n
}

fn main() {}

//! Options of eviction and expiry that contradict each other.

#![allow(unused_variables)]

use functools::{LruCache, lru_cache, ttl_cache};

#[lru_cache(ttl = 0)]
fn zero(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = -1.5, tti = f64::INFINITY)]
fn no_time(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = "60")]
fn text(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = 60, ttu = |n, value, now| now)]
fn two_times(n: u64) -> u64 {
    n
}

#[lru_cache(jitter = 0.1)]
fn nothing_to_shorten(n: u64) -> u64 {
    n
}

#[ttl_cache(jitter = 1.5)]
fn too_short(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = 5, timer = ticks, jitter = 0.1)]
fn jitter_of_ticks(n: u64) -> u64 {
    n
}

#[lru_cache(timer = ticks)]
fn clock_is_not_read(n: u64) -> u64 {
    n
}

fn ticks() -> u64 {
    0
}

#[lru_cache(maxsize = None, weight = |n, value| 1)]
fn no_bound(n: u64) -> u64 {
    n
}

#[lru_cache(min_weight = 0)]
fn nothing_to_weigh(n: u64) -> u64 {
    n
}

#[lru_cache(weight = |n, value| 1, min_weight = "0")]
fn least_of_text(n: u64) -> u64 {
    n
}

#[lru_cache(weight = |n| 1, ttu = |now| now)]
fn too_few(n: u64, m: u64) -> u64 {
    n + m
}

#[lru_cache(policy = mru)]
fn unknown_policy(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = true)]
fn truth(n: u64) -> u64 {
    n
}

const NAME: &str = "name";

#[lru_cache(ttl = NAME)]
fn name(n: u64) -> u64 {
    n
}

#[lru_cache(on_evict = log, typed = true)]
fn generic<T: functools::Argument>(x: T) -> u64 {
    0
}

#[lru_cache(cache = memo, ttl = 60, policy = lfu)]
fn in_object(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    n
}

#[lru_cache(cache = memo)]
fn type_in_no_argument<T>(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    n
}

#[lru_cache(cache = memo)]
fn skipped<T>(n: u64, #[key(skip)] x: T, memo: &LruCache<u64, u64>) -> u64 {
    n
}

#[lru_cache(cache = memo, key = |x| 0)]
fn replaced(x: impl Sized, memo: &LruCache<i32, u64>) -> u64 {
    0
}

fn main() {}

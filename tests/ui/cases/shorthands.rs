//! Options that an attribute sets itself.

#![allow(unused_variables)]

use std::time::Duration;

use functools::{LruCache, cache, lfu_cache, lru_cache, ttl_cache};

#[cache(weight = |n, value| 1, policy = lfu)]
fn everything(n: u64) -> u64 {
    n
}

#[lfu_cache(policy = lru)]
fn two_policies(n: u64) -> u64 {
    n
}

#[ttl_cache(cache = memo)]
fn two_caches(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    n
}

fn now() -> u64 {
    0
}

#[lru_cache(ttl = "5", timer = now)]
fn one_mistake(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = 0, jitter = 0.1)]
fn one_mistake_again(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = Duration::from_millis(0), tti = 0)]
fn nothing(n: u64) -> u64 {
    n
}

#[lru_cache(ttl = 5.0, timer = now)]
fn not_added(n: u64) -> u64 {
    n
}

fn weigh(n: &u64, value: &u64) -> u32 {
    1
}

#[lru_cache(weight = weigh)]
fn other_weight(n: u64) -> u64 {
    n
}

fn main() {}

//! `choice`, `seed` and `on_evict`: contradictions, and functions with other parameters.

#![allow(unused_variables)]

use functools::{LruCache, fifo_cache, lru_cache, rr_cache};

#[lru_cache(choice = |keys| 0)]
fn no_policy(n: u64) -> u64 {
    n
}

#[lru_cache(policy = lfu, seed = 42)]
fn other_policy(n: u64) -> u64 {
    n
}

#[fifo_cache(seed = 42)]
fn other_attribute(n: u64) -> u64 {
    n
}

#[rr_cache(choice = |keys| 0, seed = 42)]
fn both(n: u64) -> u64 {
    n
}

#[rr_cache(choice = |keys, n| 0)]
fn too_many(n: u64) -> u64 {
    n
}

#[rr_cache(choice = |keys| 0, key = |n| n / 10)]
fn made(n: u64) -> u64 {
    n
}

#[rr_cache(seed = "42")]
fn text(n: u64) -> u64 {
    n
}

#[rr_cache(seed = -1)]
fn negative(n: u64) -> u64 {
    n
}

const SEED: u32 = 42;

#[rr_cache(seed = SEED)]
fn other_number(n: u64) -> u64 {
    n
}

#[rr_cache(choice = |keys| keys.get(0))]
fn no_number(n: u64) -> u64 {
    n
}

#[lru_cache(on_evict = |key, value| ())]
fn not_told_why(n: u64) -> u64 {
    n
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache(on_evict = |key, value, cause| ())]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

#[lru_cache(cache = memo, choice = |keys| 0, weight = |n, value| 1, min_weight = 0, seed = 1)]
fn in_object(n: u64, memo: &LruCache<u64, u64>) -> u64 {
    n
}

fn main() {}

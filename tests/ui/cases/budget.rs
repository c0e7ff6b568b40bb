//! Options of the memory budget: `floor` is a part of it, which only functions with `weight = bytes` share.

use functools::{LruCache, cache, lru_cache};

static MEMO: LruCache<u64, u64> = LruCache::new(Some(8));

#[lru_cache(floor = 1000)]
fn entries(n: u64) -> u64 {
    n
}

#[lru_cache(weight = |n, value| 1, floor = 1000)]
fn weights(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = 1 << 20, weight = bytes, floor = "1 MiB")]
fn text(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = 1 << 20, weight = bytes, scope = thread, floor = 1000)]
fn of_thread(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = None, weight = bytes, scope = thread)]
fn without_bound(n: u64) -> u64 {
    n
}

#[lru_cache(cache = MEMO, floor = 1000)]
fn in_object(n: u64) -> u64 {
    n
}

#[cache(floor = 1000)]
fn unbounded(n: u64) -> u64 {
    n
}

fn main() {
    (entries(1), weights(1), text(1), of_thread(1), without_bound(1), in_object(1), unbounded(1));
}

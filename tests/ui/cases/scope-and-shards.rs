//! `scope` and `shards` with options that contradict them.

use functools::{LruCache, async_lru_cache, cache, lru_cache};

#[lru_cache(scope = proces)]
fn misspelt(n: u32) -> u32 {
    n
}

#[lru_cache(scope = "thread")]
fn quoted(n: u32) -> u32 {
    n
}

#[lru_cache(scope = thread, shards = 4)]
fn shared_out(n: u32) -> u32 {
    n
}

#[lru_cache(scope = thread, single_flight = true)]
fn waits(n: u32) -> u32 {
    n
}

#[lru_cache(scope = thread, ttl = 60, swr = true)]
fn refreshed(n: u32) -> u32 {
    n
}

#[async_lru_cache(scope = thread)]
async fn moves_between_threads(n: u32) -> u32 {
    n
}

#[lru_cache(scope = thread, cache = prices)]
fn in_object(n: u32, prices: &LruCache<u32, u32>) -> u32 {
    n + prices.len() as u32
}

#[lru_cache(shards = 4, cache = prices)]
fn in_parts_of_an_object(n: u32, prices: &LruCache<u32, u32>) -> u32 {
    n + prices.len() as u32
}

#[lru_cache(shards = 3)]
fn three(n: u32) -> u32 {
    n
}

#[lru_cache(shards = 0)]
fn none(n: u32) -> u32 {
    n
}

#[lru_cache(shards = -4)]
fn negative(n: u32) -> u32 {
    n
}

#[lru_cache(shards = "4")]
fn text(n: u32) -> u32 {
    n
}

#[lru_cache(shards = None)]
fn nothing(n: u32) -> u32 {
    n
}

#[cache(shards = 131072)]
fn too_many(n: u32) -> u32 {
    n
}

#[lru_cache(maxsize = 4, shards = 8)]
fn without_room(n: u32) -> u32 {
    n
}

#[lru_cache(shards = 256)]
fn without_room_by_default(n: u32) -> u32 {
    n
}

#[lru_cache(shards = 2, shards = 4)]
fn twice(n: u32) -> u32 {
    n
}

fn main() {}

//! Computations that cannot be detached from their callers.

use std::borrow::Cow;

use functools::{LruCache, lru_cache};

#[lru_cache(detach = true)]
fn not_async(n: u32) -> u32 {
    n
}

#[lru_cache(detach = true, single_flight = false)]
async fn not_shared(n: u32) -> u32 {
    n
}

#[lru_cache(detach = true, accessors = none)]
async fn in_place(n: u32) -> u32 {
    n
}

#[lru_cache(detach = true, cache = memo)]
async fn in_a_parameter(n: u32, memo: &LruCache<u32, u32>) -> usize {
    n as usize + memo.len()
}

struct Shop {
    prices: LruCache<u32, u32>,
}

impl Shop {
    #[lru_cache(detach = true, cache = self.prices)]
    async fn in_a_field(&self, n: u32) -> u32 {
        n
    }
}

#[lru_cache(detach = true)]
async fn borrows(names: Vec<&str>, name: Cow<'_, str>) -> usize {
    names.len() + name.len()
}

#[lru_cache(detach = yes)]
async fn misspelt(n: u32) -> u32 {
    n
}

#[lru_cache(detach = false, single_flight = false)]
async fn not_detached(n: u32) -> u32 {
    n
}

fn main() {}

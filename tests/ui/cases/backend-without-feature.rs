//! A backend needs a feature.

use functools::lru_cache;

struct Store;

#[lru_cache(backend = Store)]
fn price(id: u32) -> u32 {
    id * 100
}

#[lru_cache(ttl = 60, backend = redis("redis://127.0.0.1/"))]
fn in_redis(n: u64) -> u64 {
    n
}

#[lru_cache(backend = Store, format = json)]
fn as_json(n: u64) -> u64 {
    n
}

#[lru_cache(snapshot = "prices.bin")]
fn in_a_file(n: u64) -> u64 {
    n
}

fn main() {}

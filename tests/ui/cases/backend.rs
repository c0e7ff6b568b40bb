//! Options of a backend that contradict the rest.

use functools::lru_cache;

struct Store;

#[lru_cache(front_ttl = 5, version = 2, format = json, strict = true, on_backend_error = drop)]
fn without_backend(n: u32) -> u32 {
    n
}

#[lru_cache(backend = Store, ttl = 60, front_ttl = 5, timer = || 0_u64)]
fn another_clock(n: u32) -> u32 {
    n
}

#[lru_cache(backend = Store, maxsize = 0, front_ttl = 5)]
fn no_front(n: u32) -> u32 {
    n
}

#[lru_cache(backend = Store, strict = true)]
fn returns_nothing(n: u32) {
    drop(n);
}

#[lru_cache(backend = Store, format = xml, strict = 1, front_ttl = 0)]
fn values(n: u32) -> u32 {
    n
}

#[lru_cache(single_flight = global)]
fn nowhere_to_meet(n: u32) -> u32 {
    n
}

fn main() {}

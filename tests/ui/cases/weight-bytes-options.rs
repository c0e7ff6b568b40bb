//! `weight = bytes`, where it cannot be used.

use functools::lru_cache;

#[lru_cache(maxsize = None, weight = bytes)]
fn unbounded(id: u64) -> u64 {
    id
}

#[lru_cache(maxsize = 1000, weight = bytes, typed = true)]
fn generic<T: Into<f64> + functools::Argument>(x: T) -> f64 {
    x.into()
}

#[lru_cache(maxsize = 1000, weight = bytes, key = |id| *id % 2)]
fn parity(id: u64) -> u64 {
    id
}

#[lru_cache(maxsize = 1000, weight = "bytes")]
fn quoted(id: u64) -> u64 {
    id
}

#[lru_cache(policy = gdfs)]
fn misspelt(id: u64) -> u64 {
    id
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache(maxsize = 1000, weight = bytes)]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}

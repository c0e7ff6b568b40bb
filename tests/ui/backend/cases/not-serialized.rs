//! Arguments and results that serde cannot write.

use functools::backend::memory;
use functools::{Argument, lru_cache};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Price(u64);

/// Can be written, and not read back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Half(u64);

#[lru_cache(backend = memory(1 << 20))]
fn result(id: u64) -> Price {
    Price(id)
}

#[lru_cache(backend = memory(1 << 20))]
async fn fallible(id: u64) -> Result<Half, String> {
    Ok(Half(id))
}

#[lru_cache(backend = memory(1 << 20), cache_errors = true, single_flight = true)]
fn with_errors(id: &str) -> Result<Vec<Half>, String> {
    Ok(vec![Half(id.len() as u64)])
}

#[lru_cache(backend = memory(1 << 20))]
fn argument(price: &Price, count: u64) -> u64 {
    price.0 * count
}

#[lru_cache(snapshot = "totals.bin")]
fn total(prices: &[Price]) -> u64 {
    prices.iter().map(|price| price.0).sum()
}

#[lru_cache(backend = memory(1 << 20), key = |price| Price(price.0 / 10))]
fn rounded(price: &Price) -> u64 {
    price.0 / 10
}

#[lru_cache(backend = memory(1 << 20), typed = true)]
fn generic<T: Argument + Into<u64>>(number: T) -> u64 {
    number.into()
}

#[lru_cache(backend = memory(1 << 20))]
fn long(bytes: [u8; 64]) -> usize {
    bytes.len()
}

impl Price {
    #[lru_cache(backend = memory(1 << 20))]
    fn doubled(&self) -> u64 {
        self.0 * 2
    }

    #[lru_cache(backend = memory(1 << 20), accessors = none)]
    fn tripled(self) -> u64 {
        self.0 * 3
    }
}

fn main() {}

//! Options of a backend with values of other types.

use functools::backend::{BackendError, memory};
use functools::lru_cache;

#[lru_cache(backend = "redis://127.0.0.1/")]
fn url(id: u64) -> u64 {
    id
}

#[lru_cache(backend = "prices.redb")]
fn path(id: u64) -> u64 {
    id
}

#[lru_cache(backend = 1 << 20)]
fn size(id: u64) -> u64 {
    id
}

#[lru_cache(backend = memory(1 << 20), on_backend_error = |error: String| println!("{error}"))]
fn handler(id: u64) -> u64 {
    id
}

#[lru_cache(backend = memory(1 << 20), strict = true)]
fn infallible(id: u64) -> u64 {
    id
}

#[lru_cache(backend = memory(1 << 20), strict = true)]
fn other_error(id: u64) -> Result<u64, std::num::ParseIntError> {
    Ok(id)
}

#[lru_cache(backend = memory(1 << 20), format = json)]
fn json(id: u64) -> u64 {
    id
}

#[lru_cache(backend = memory(1 << 20), strict = true)]
fn strict(id: u64) -> Result<u64, BackendError> {
    Ok(id)
}

fn main() {}

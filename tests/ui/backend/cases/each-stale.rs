//! Functions of many elements whose results may be stale, with a backend.

use functools::backend::memory;
use functools::lru_cache;

#[lru_cache(each = ids, ttl = 60, swr = true, backend = memory(1 << 20))]
fn refreshed(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, ttl = 60, stale_if_error = 60, backend = memory(1 << 20))]
fn kept(ids: &[u32]) -> Result<Vec<u32>, String> {
    Ok(ids.to_vec())
}

fn main() {}

//! Functions of many elements whose results have tags, or are computed anew, with a backend.

use functools::backend::memory;
use functools::{lru_cache, tag};

#[lru_cache(each = ids, tags = |id| [tag("id", id)], depends = true, backend = memory(1 << 20))]
fn tagged(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, force = |id| *id == 0, backend = memory(1 << 20))]
fn forced(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

fn main() {}

//! Functions of many elements whose results have tags, or are computed anew, with a backend.

use functools::lru_cache;

#[lru_cache(each = ids, tags = |id| [functools::tag("id", id)], depends = true, backend = functools::backend::memory(1 << 20))]
fn tagged(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, force = |id| *id == 0, backend = functools::backend::memory(1 << 20))]
fn forced(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

fn main() {}

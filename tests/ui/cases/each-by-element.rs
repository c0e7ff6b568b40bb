//! Functions in options of functions of many elements, which take an element.

use functools::{lru_cache, tag};

#[lru_cache(each = ids, tags = |id| *id)]
fn no_tags(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, tags = |ids| ids.iter().map(|id| tag("id", id)).collect::<Vec<_>>())]
fn tags_of_all(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, force = |ids| ids.is_empty())]
fn forced_by_all(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

fn main() {}

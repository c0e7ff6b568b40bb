//! Functions of many elements.

use std::collections::{BinaryHeap, HashMap, HashSet};

use functools::lru_cache;

#[lru_cache(each = id)]
fn names_no_parameter(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = id)]
fn has_no_elements(id: u32) -> Vec<u32> {
    vec![id]
}

#[lru_cache(each = ids)]
fn array(ids: [u32; 3]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids)]
fn returns_no_map(ids: &[u32]) -> u64 {
    ids.len() as u64
}

#[lru_cache(each = ids)]
fn returns_nothing(ids: &[u32]) {
    drop(ids.to_vec());
}

#[lru_cache(each = ids)]
fn other_keys(ids: &[u32]) -> HashMap<u64, u32> {
    ids.iter().map(|&id| (u64::from(id), id)).collect()
}

#[lru_cache(each = ids)]
fn no_order(ids: HashSet<u32>) -> Vec<u32> {
    ids.into_iter().collect()
}

#[lru_cache(each = ids)]
fn no_known_order(ids: BinaryHeap<u32>) -> Vec<u32> {
    ids.into_vec()
}

#[lru_cache(each = ids)]
fn is_skipped(#[key(skip)] ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, key = |ids| ids.len())]
fn has_a_key(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids)]
fn errors_in_a_map(ids: &[u32]) -> HashMap<u32, Result<u32, String>> {
    ids.iter().map(|&id| (id, Ok(id))).collect()
}

#[lru_cache(each = ids, ttl = 60, stale_if_slow = 0.1)]
fn stale(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, single_flight = true)]
fn changes(#[key(skip)] log: &mut Vec<u32>, ids: &[u32]) -> Vec<u32> {
    log.extend(ids);
    ids.to_vec()
}

struct Log(Vec<u32>);

impl Log {
    #[lru_cache(each = ids, single_flight = true)]
    fn changes(#[key(skip)] &mut self, ids: &[u32]) -> Vec<u32> {
        self.0.extend(ids);
        ids.to_vec()
    }

    #[lru_cache(each = ids)]
    fn may_change(#[key(skip)] &mut self, ids: &[u32]) -> Vec<u32> {
        self.0.extend(ids);
        ids.to_vec()
    }
}

#[lru_cache(each = ids, ttl = 60, swr = true, force = |_| false, cache = MEMO)]
fn forced_and_refreshed(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, tags = |id, user, team| [functools::tag("team", team)])]
fn too_many(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

fn main() {}

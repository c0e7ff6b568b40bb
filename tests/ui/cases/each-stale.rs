//! Functions of many elements that may be stale.

use std::collections::HashMap;

use functools::lru_cache;

#[lru_cache(each = words, ttl = 60, swr = true)]
fn borrowed_elements(words: &[&str]) -> Vec<usize> {
    words.iter().map(|word| word.len()).collect()
}

#[lru_cache(each = ids, ttl = 60, swr = true)]
fn changes(#[key(skip)] log: &mut Vec<u32>, ids: &[u32]) -> Vec<u32> {
    log.extend(ids);
    ids.to_vec()
}

#[lru_cache(each = ids, ttl = 60, stale_if_slow = 0.1)]
fn slow(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, ttl = 60, detach = true)]
async fn detached(ids: &[u32]) -> HashMap<u32, u32> {
    ids.iter().map(|id| (*id, *id)).collect()
}

fn main() {}

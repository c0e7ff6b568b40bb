//! Calls of functions of many elements that wait for each other.

use functools::lru_cache;

#[lru_cache(gather = 0.002)]
async fn one_element(id: u32) -> u32 {
    id
}

#[lru_cache(each = ids, gather = 0.002)]
fn not_async(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, gather = 0.002, single_flight = false)]
async fn each_for_itself(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, gather_max = 50)]
async fn no_window(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, gather = 0)]
async fn no_time(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

#[lru_cache(each = ids, gather = 0.002)]
async fn borrowed_elements(ids: &[&str]) -> Vec<u32> {
    ids.iter().map(|_| 0).collect()
}

#[lru_cache(each = ids, gather = 0.002, backend = BACKEND)]
async fn in_a_backend(ids: &[u32]) -> Vec<u32> {
    ids.to_vec()
}

fn main() {}

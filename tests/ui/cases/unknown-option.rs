use functools::lru_cache;

#[lru_cache(maxsise = 8)]
fn nearly(n: u64) -> u64 {
    n
}

#[lru_cache(key_func = |n| *n, cache_error = true, caches_none = false, accessor = none)]
fn all_nearly(n: u64) -> u64 {
    n
}

#[lru_cache(time_to_live = 60, max_entries = 8, on_evicted = |key, value, cause| {})]
fn neither(n: u64) -> u64 {
    n
}

fn main() {
    println!("{} {} {}", nearly::cache_info(), neither::cache_info(), all_nearly::cache_info());
}

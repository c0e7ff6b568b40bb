use functools::{cache, lru_cache, ttl_cache};

#[lru_cache(maxsise = 8)]
fn nearly(n: u64) -> u64 {
    n
}

#[lru_cache(key_func = |n| *n, cache_error = true, caches_none = false, accessor = none)]
fn all_nearly(n: u64) -> u64 {
    n
}

#[lru_cache(maxAge = 60, on_evicted = |key, value, cause| {})]
fn other_styles(n: u64) -> u64 {
    n
}

#[lru_cache(ttx = 60, on = 8, errors = true, stale = 5, colour = "red", jitter = 0.1)]
fn at_most_three(n: u64) -> u64 {
    n
}

#[ttl_cache(maxsice = 8, cache_object = memo)]
fn of_another_attribute(n: u64) -> u64 {
    n
}

#[cache(capacity = 8)]
fn unbounded(n: u64) -> u64 {
    n
}

fn main() {
    println!("{} {} {}", nearly::cache_info(), at_most_three::cache_info(), all_nearly::cache_info());
}

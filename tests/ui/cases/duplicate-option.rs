use functools::lru_cache;

#[lru_cache(maxsize = 8, typed = true, maxsize = 16)]
fn named(n: u64) -> u64 {
    n
}

#[lru_cache(8, maxsize = 16)]
fn positional(n: u64) -> u64 {
    n
}

fn main() {}

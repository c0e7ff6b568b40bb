use functools::{cache, lru_cache};

#[lru_cache]
#[cache]
fn square(n: u64) -> u64 {
    n * n
}

fn main() {}

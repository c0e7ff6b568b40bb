use functools::lru_cache;

#[lru_cache]
const fn square(n: u64) -> u64 {
    n * n
}

fn main() {}

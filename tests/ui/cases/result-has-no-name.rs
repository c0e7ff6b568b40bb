use functools::lru_cache;

#[lru_cache]
fn below(n: u64) -> impl Iterator<Item = u64> {
    0..n
}

#[lru_cache]
fn never(n: u64) -> ! {
    panic!("{n}")
}

fn main() {}

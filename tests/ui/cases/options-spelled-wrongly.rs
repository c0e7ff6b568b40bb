use functools::lru_cache;

#[lru_cache(typed)]
fn flag(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize(8))]
fn call(n: u64) -> u64 {
    n
}

#[lru_cache(8, true)]
fn positions(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = 8 typed = true)]
fn comma(n: u64) -> u64 {
    n
}

fn main() {}

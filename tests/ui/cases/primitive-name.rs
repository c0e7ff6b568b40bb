use functools::lru_cache;

#[lru_cache]
fn str(n: u64) -> u64 {
    n
}

#[lru_cache(handle = u8)]
fn eight(n: u64) -> u64 {
    n
}

#[lru_cache(handle = char_cache)]
fn char(n: u64) -> u64 {
    n
}

fn main() {}

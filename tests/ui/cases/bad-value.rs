use functools::lru_cache;

const LIMIT: &str = "8";

#[lru_cache(maxsize = "8", typed = 1, handle = "text", crate = 3)]
fn literals(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = LIMIT)]
fn constant(n: u64) -> u64 {
    n
}

#[lru_cache(2.5)]
fn positional(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = Some(8))]
fn wrapped(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = )]
fn missing(n: u64) -> u64 {
    n
}

#[lru_cache(policy = "lru", scope = "thread", typed = "yes")]
fn quoted(n: u64) -> u64 {
    n
}

fn main() {}

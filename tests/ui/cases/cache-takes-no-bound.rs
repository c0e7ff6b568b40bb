use functools::cache;

#[cache(maxsize = 8)]
fn named(n: u64) -> u64 {
    n
}

#[cache(8)]
fn positional(n: u64) -> u64 {
    n
}

#[cache(min_weight = 0)]
fn weighed(n: u64) -> u64 {
    n
}

fn main() {}

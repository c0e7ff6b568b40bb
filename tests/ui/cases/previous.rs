//! `#[previous]` is on one parameter, which borrows the kept result.

use functools::lru_cache;

#[lru_cache]
fn by_value(n: u32, #[previous] old: Option<u32>) -> u32 {
    n + old.unwrap_or(0)
}

#[lru_cache]
fn to_be_changed(n: u32, #[previous] old: Option<&mut u32>) -> u32 {
    n + old.copied().unwrap_or(0)
}

#[lru_cache]
fn always_there(n: u32, #[previous] old: &u32) -> u32 {
    n + old
}

#[lru_cache]
fn twice(n: u32, #[previous] old: Option<&u32>, #[previous] older: Option<&u32>) -> u32 {
    n + old.or(older).copied().unwrap_or(0)
}

#[lru_cache]
fn in_the_key(n: u32, #[previous] #[key(skip)] old: Option<&u32>) -> u32 {
    n + old.copied().unwrap_or(0)
}

#[lru_cache]
fn with_arguments(n: u32, #[previous(stale)] old: Option<&u32>) -> u32 {
    n + old.copied().unwrap_or(0)
}

#[lru_cache(maxsize = 0)]
fn nothing_kept(n: u32, #[previous] old: Option<&u32>) -> u32 {
    n + old.copied().unwrap_or(0)
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache]
    fn price(#[previous] &self, n: u32) -> u32 {
        n
    }
}

fn main() {
    // They are called as if they were right.
    let _ = (by_value(1), to_be_changed(1), always_there(1), in_the_key(1), with_arguments(1), nothing_kept(1));
    let _ = Shop.price(1);
}

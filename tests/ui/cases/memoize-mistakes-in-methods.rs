//! Mistakes in the methods of an `impl` with `#[memoize]`: their accessors are known nevertheless.

use functools::{lru_cache, memoize};

trait Prices {
    fn price(&self, id: u64) -> u64;
    fn push(&self, items: &mut Vec<u8>) -> usize;
}

struct Shop;

#[memoize]
impl Prices for Shop {
    #[lru_cache(maxsise = 8)]
    fn price(#[key(skip)] &self, id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn push(#[key(skip)] &self, items: &mut Vec<u8>) -> usize {
        items.len()
    }
}

fn main() {
    println!("{} {}", Shop::price_cache_info(), Shop::push_cache_info());
}

//! Mistakes in an `impl` with `#[memoize]`.

use functools::{lru_cache, memoize};

trait Prices {
    const LIMIT: usize = 8;
    fn price(&self, id: u64) -> u64;
}

struct Shop;
struct Bag<T>(T);

#[memoize]
impl Prices for Shop {
    fn price(&self, id: u64) -> u64 {
        id
    }
}

#[memoize]
impl Prices for Vec<u8> {
    #[lru_cache]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

#[memoize]
impl Prices for &'static str {
    #[lru_cache]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

trait Names {
    fn name(&self, id: u64) -> u64;
}

#[memoize]
impl<T: Iterator> Names for T {
    #[lru_cache]
    fn name(#[key(skip)] &self, id: u64) -> u64 {
        id
    }
}

#[memoize]
impl<T> Prices for Bag<T> {
    #[lru_cache(maxsize = Self::LIMIT)]
    fn price(#[key(skip)] &self, id: u64) -> u64 {
        id
    }
}

#[memoize(accessors = ShopCache)]
impl Shop {
    #[cfg_attr(all(), lru_cache)]
    fn double(id: u64) -> u64 {
        id * 2
    }

    #[lru_cache(maxsise = 8)]
    fn push(&self, items: &mut Vec<u8>) -> usize {
        items.len()
    }
}

impl Shop {
    #[lru_cache(maxsize = Self::LIMIT)]
    fn without_memoize(id: u64) -> u64 {
        id * 2
    }
}

fn main() {
    println!("{}", Shop::without_memoize(1));
}

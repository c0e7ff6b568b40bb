//! A backend without its feature: one error, at the option.

use functools::{lru_cache, memoize};

trait Prices {
    fn price(&self, id: u64) -> u64;
    fn stock(&self, id: u64) -> u64;
}

struct Shop;

#[memoize]
impl Prices for Shop {
    #[lru_cache(backend = redis("redis://localhost"))]
    fn price(#[key(skip)] &self, id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn stock(#[key(skip)] &self, id: u64) -> u64 {
        id
    }
}

fn main() {
    println!("{} {}", Shop.price(1), Shop.stock(1));
}

use std::collections::HashMap;

use functools::lru_cache;

struct Shop;

impl Shop {
    #[lru_cache]
    fn price(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn total(#[key(skip)] &self, prices: &HashMap<String, u64>) -> u64 {
        prices.values().sum()
    }

    #[lru_cache(key = |_, other| other)]
    fn merged(&self, other: &Shop) -> u64 {
        let _ = other;
        0
    }
}

struct Shelf<T>(T);

impl<T> Shelf<T> {
    #[lru_cache]
    fn size(&self) -> usize {
        size_of::<T>()
    }
}

fn main() {
    println!("{} {} {}", Shop.price(1), Shop.total(&HashMap::new()), Shop.merged(&Shop));
    println!("{}", Shelf(1).size());
}

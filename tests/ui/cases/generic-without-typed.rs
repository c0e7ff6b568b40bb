use std::hash::Hash;

use functools::{cache, lru_cache};

#[lru_cache]
fn count<T: Hash + Eq + Clone + Send + Sync + 'static>(items: Vec<T>) -> usize {
    items.len()
}

#[lru_cache(maxsize = 8)]
fn length(text: impl AsRef<str> + functools::Argument) -> usize {
    text.as_ref().len()
}

#[cache(typed)]
fn half<T: Into<f64> + functools::Argument>(x: T) -> f64 {
    x.into() / 2.0
}

struct Shop;

impl Shop {
    #[lru_cache]
    fn price<I: Into<u64> + functools::Argument>(#[key(skip)] &self, id: I) -> u64 {
        id.into()
    }
}

fn main() {
    // One mistake, one error: these calls compile.
    println!("{} {} {}", count(vec![1]), length("text"), half(1.0));
    println!("{} {}", count::cache_info(), length::cache_contains("text"));
    println!("{} {}", Shop.price(1_u8), Shop::price_cache_info());
}

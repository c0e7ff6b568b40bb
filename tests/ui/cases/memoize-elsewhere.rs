//! `#[memoize]` on items that are no `impl`, and with options that it does not have.

use functools::{lru_cache, memoize};

#[memoize]
trait Prices {
    #[lru_cache(accessors = none)]
    fn price(&self, id: u64) -> u64
    where
        Self: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    {
        id
    }
}

#[memoize]
fn area(width: u32, height: u32) -> u32 {
    width * height
}

#[memoize]
struct Shop;

#[memoize]
mod shops {}

#[memoize(maxsize = 8)]
impl Shop {
    #[lru_cache]
    fn double(id: u64) -> u64 {
        id * 2
    }
}

#[memoize(pub, pub(crate))]
impl Shop {
    #[lru_cache]
    fn triple(id: u64) -> u64 {
        id * 3
    }
}

fn main() {
    println!("{} {} {}", area(1, 2), Shop::double(1), Shop::triple(1));
}

use functools::{LruCache, lru_cache};

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache(accessors = companion)]
    fn price(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(handle = stock_cache)]
    fn stock(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(accessors = siblings, handle = rate_cache)]
    fn rate(id: u64) -> u64 {
        id
    }
}

#[lru_cache(accessors = none, handle = square_cache)]
fn square(n: u64) -> u64 {
    n * n
}

#[lru_cache(typed = false, accessors = none)]
fn show<T: ToString + functools::Argument>(item: T) -> String {
    item.to_string()
}

#[lru_cache(maxsize = 8, cache = memo)]
fn double(memo: &LruCache<u64, u64>, n: u64) -> u64 {
    let _ = memo;
    n * 2
}

#[lru_cache(8, cache = memo)]
fn triple(memo: &LruCache<u64, u64>, n: u64) -> u64 {
    let _ = memo;
    n * 3
}

#[lru_cache(accessors = sibling)]
fn cube(n: u64) -> u64 {
    n * n * n
}

#[lru_cache(insight = true, cache = memo)]
fn quadruple(memo: &LruCache<u64, u64>, n: u64) -> u64 {
    let _ = memo;
    n * 4
}

#[lru_cache(maxsize = 8, insight = true, lock_free = true)]
fn fourth(n: u64) -> u64 {
    n * n * n * n
}

fn main() {
    println!("{} {} {}", Shop.price(1), Shop.stock(1), Shop::rate(1));
    let memo = LruCache::new(None);
    println!("{} {} {} {}", square(1), show(1), double(&memo, 1), triple(&memo, 1));
    println!("{} {}", Shop::price_cache_info(), Shop::stock_cache_info());
    println!("{}", cube::cache_info());
    println!("{} {}", quadruple(&memo, 1), fourth::cache_insight());
}

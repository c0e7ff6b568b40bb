use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

impl Shop {
    #[lru_cache(accessors = none)]
    fn price(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn stock(&self, id: u64) -> u64 {
        id
    }
}

#[lru_cache(accessors = none)]
fn square(n: u64) -> u64 {
    n * n
}

fn main() {
    println!("{} {} {}", Shop.price(1), Shop.stock(1), square(1));
    // The accessors of a method have its name as a prefix; these two functions have none.
    println!("{}", Shop::price_cache_info());
    println!("{}", square::cache_info());
    println!("{}", Shop::stock::cache_info());
}

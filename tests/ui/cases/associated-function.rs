use functools::lru_cache;

struct Shop;

impl Shop {
    #[lru_cache]
    fn price(id: u64) -> u64 {
        id
    }

    #[lru_cache]
    fn stock(id: u64) -> u64 {
        id.missing()
    }
}

trait Prices {
    fn rate(id: u64) -> u64;
}

impl Prices for Shop {
    #[lru_cache]
    fn rate(id: u64) -> u64 {
        id
    }
}

fn main() {
    println!("{} {} {}", Shop::price(1), Shop::stock(1), Shop::rate(1));
}

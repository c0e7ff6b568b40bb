use functools::lru_cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop;

trait Prices {
    fn price(&self, id: u64) -> u64;

    fn rate(id: u64) -> u64;
}

impl Prices for Shop {
    #[lru_cache]
    fn price(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(accessors = siblings)]
    fn rate(id: u64) -> u64 {
        id
    }
}

trait Stock {
    fn name(&self) -> String;

    #[lru_cache(key = |this| this.name())]
    fn stock(&self) -> usize {
        self.name().len()
    }
}

impl Stock for Shop {
    fn name(&self) -> String {
        String::from("shop")
    }
}

fn main() {
    let shop: Box<dyn Stock> = Box::new(Shop);
    println!("{} {} {}", shop.stock(), Shop.price(1), Shop::rate(1));
}

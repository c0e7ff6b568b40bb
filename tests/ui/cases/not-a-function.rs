use functools::{cache, lru_cache};

#[lru_cache]
struct Settings;

#[cache]
static LIMIT: u64 = 8;

trait Prices {
    #[lru_cache]
    fn price(id: u64) -> u64;
}

struct Shop;

#[lru_cache]
impl Shop {
    fn price(&self, id: u64) -> u64 {
        id
    }
}

#[lru_cache]
trait Area {
    fn area(&self) -> u64;
}

fn main() {}

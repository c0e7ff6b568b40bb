use functools::{cache, lru_cache};

#[lru_cache]
struct Settings;

#[cache]
static LIMIT: u64 = 8;

trait Prices {
    #[lru_cache]
    fn price(id: u64) -> u64;
}

fn main() {}

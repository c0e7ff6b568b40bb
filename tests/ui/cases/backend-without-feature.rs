//! A backend needs a feature.

use functools::lru_cache;

struct Store;

#[lru_cache(backend = Store)]
fn price(id: u32) -> u32 {
    id * 100
}

fn main() {}

//! Numbers of shards that are constants, which only the compiler evaluates.

use functools::lru_cache;

const LIMIT: usize = 4;
const SHARDS: usize = 8;
const THREE: u8 = 3;

#[lru_cache(maxsize = LIMIT, shards = SHARDS)]
fn without_room(n: u32) -> u32 {
    n
}

#[lru_cache(shards = THREE)]
fn three(n: u32) -> u32 {
    n
}

#[lru_cache(shards = THREE as i32 - 3)]
fn none(n: u32) -> u32 {
    n
}

struct Shop;

impl Shop {
    #[lru_cache(maxsize = LIMIT, shards = SHARDS)]
    fn of_a_method(n: u32) -> Option<Self> {
        let _ = n;
        None
    }
}

impl Clone for Shop {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}

use functools::{LruCache, lru_cache};

fn size() -> usize {
    8
}

fn name() -> &'static str {
    "8"
}

#[lru_cache(shards = size())]
fn by_call(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = const { size() })]
fn by_constant(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = name())]
fn by_text(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = 0)]
fn off(n: u64) -> u64 {
    off::cache_resize(1);
    n
}

#[lru_cache(ttl = seconds)]
fn by_argument(n: u64, seconds: u64) -> u64 {
    n + seconds
}

#[lru_cache(maxsize = n as usize + 1)]
fn by_operation(n: u64) -> u64 {
    n
}

struct Shop {
    ttl: u64,
    memo: LruCache<u64, u64>,
}

impl Shop {
    #[lru_cache(ttl = self.ttl)]
    fn price(#[key(skip)] &self, id: u64) -> u64 {
        id
    }

    #[lru_cache(maxsize = self.memo.len())]
    fn stock(#[key(skip)] &self, id: u64) -> u64 {
        id
    }

    #[lru_cache(shards = self.memo.len())]
    fn shelf(#[key(skip)] &self, id: u64) -> u64 {
        id
    }
}

fn main() {}

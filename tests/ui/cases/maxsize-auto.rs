use functools::{LruCache, fifo_cache, lru_cache};

static MEMO: LruCache<u64, u64> = LruCache::new(Some(10));

#[lru_cache(maxsize = auto)]
fn bare(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64))]
fn one_number(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..1000))]
fn half_open(n: u64) -> u64 {
    n
}

#[lru_cache(auto(1000..=64))]
fn in_the_wrong_order(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(0..=0))]
fn nothing(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), policy = sieve)]
fn by_policy(n: u64) -> u64 {
    n
}

#[fifo_cache(maxsize = auto(64..=1000))]
fn by_attribute(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), shards = 4)]
fn in_shards(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), insight = false)]
fn unseen(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), lock_free = true)]
fn without_lock(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), weight = bytes, floor = 10)]
fn in_budget(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(64..=1000), cache = MEMO)]
fn in_object(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto(n..=1000))]
fn by_argument(n: u64) -> u64 {
    n
}

#[lru_cache(maxsize = auto("1"..="9"))]
fn by_text(n: u64) -> u64 {
    n
}

fn main() {}

use std::future::Future;
use std::pin::Pin;

use functools::{LruCache, lru_cache};

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[lru_cache]
fn plain(n: u64) -> Later<'static, u64> {
    Box::pin(async move { n })
}

struct Shop {
    prices: LruCache<u64, u64>,
}

impl Shop {
    #[lru_cache(cache = self.prices)]
    fn price(&self, id: u64) -> Later<'_, u64> {
        Box::pin(async move { id })
    }
}

#[lru_cache]
fn shared(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send + Sync>> {
    Box::pin(async move { n })
}

fn main() {}

//! Functions with options for eviction, listeners, scope, shards and expiry.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use std::time::Duration;

use functools::policy::Candidates;
use functools::{fifo_cache, lru_cache, rr_cache, RemovalCause, LruCache};

/// An eviction listener.
pub fn log(_: &u32, _: &u32, _: RemovalCause) {}

/// A victim chooser.
pub fn last(keys: &Candidates<'_, u32>) -> usize {
    keys.len() - 1
}

/// Has a victim chooser and a listener that are closures.
#[rr_cache(maxsize = 2, choice = |keys| keys.len() - 1, on_evict = |_, _, _| ())]
pub fn by_closure(n: u32, text: &str) -> usize {
    text.len() + usize::from(n > 1)
}

/// Has a victim chooser and a listener that are functions.
#[rr_cache(maxsize = 2, choice = last, on_evict = log)]
pub fn by_function(n: u32) -> u32 {
    n
}

/// Has a cache per thread.
#[lru_cache(scope = thread)]
pub fn by_thread(n: u32, text: &str) -> Option<std::rc::Rc<str>> {
    text.get(n as usize..).map(Into::into)
}

/// Has a sharded cache.
#[lru_cache(maxsize = 100, shards = 8)]
pub fn sharded(n: u32, text: &str) -> Option<String> {
    text.get(n as usize..).map(Into::into)
}

/// Evicts at random, with a seed.
#[rr_cache(maxsize = 1 << 3, seed = 1 << 3)]
pub fn seeded(n: u32) -> u32 {
    n
}

/// Has a time to live, and a listener.
#[fifo_cache(ttl = 60, jitter = 0.5, on_evict = log)]
pub fn timed(n: u32) -> u32 {
    n
}

/// Has entries that may be free, each of which expires by a sum of three.
#[lru_cache(
    maxsize = 1 << 10,
    weight = |_, price| *price as usize,
    min_weight = 1 >> 1,
    ttu = |n, price, now| now + Duration::from_secs(u64::from(*n)) + Duration::from_secs(u64::from(*price))
)]
pub fn weighed(n: u32) -> u32 {
    n
}

/// Is refreshed by a bounded number of threads.
#[lru_cache(ttl = 60, swr = true, refresh_threads = 1 << 1)]
pub fn refreshed(n: u32) -> u32 {
    n
}

/// Has a cache.
#[derive(Debug)]
pub struct Shop<'a, T> {
    /// The item on sale.
    pub item: &'a T,
    /// The cache of the methods below.
    pub prices: LruCache<(u32, String), u32>,
}

impl<T> Shop<'_, T> {
    /// Has a time to live and a time to idle of its own.
    #[lru_cache(cache = self.prices, ttl = 60, tti = 0.5, jitter = 0.1)]
    pub fn price(&self, n: u32, name: &str) -> u32 {
        n + u32::from(name.is_empty())
    }

    /// Computes the time at which each result expires.
    #[lru_cache(cache = self.prices, ttu = |n, _, price, now| now + Duration::from_secs(u64::from(n + price)))]
    pub fn offer(&self, n: u32, name: &str) -> u32 {
        n + u32::from(name.is_empty())
    }

    /// Has a listener, for all types of items.
    #[lru_cache(on_evict = |_, _, _| ())]
    pub fn rate(#[key(skip)] &self, n: u32) -> usize {
        size_of_val(self.item) + usize::from(n > 1)
    }
}

/// Takes its cache as a parameter.
#[lru_cache(cache = memo, tti = 60)]
pub async fn fetched(n: u32, memo: &LruCache<u32, u32>) -> u32 {
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(by_closure(1, "a"));
        assert_cached!(by_function(1));
        assert_cached!(seeded(1));
        assert_cached!(timed(1));
        assert_cached!(weighed(1));
        assert_cached!(refreshed(1));
        by_closure::cache_retain(|(n, text), length| *n == 1 && text.len() == *length);
        assert!(by_closure::cache_contains(1, "a"));
        let shop = Shop { item: &1_u8, prices: LruCache::new(None) };
        assert_eq!((shop.price(1, "a"), shop.offer(1, "a"), shop.rate(1)), (1, 1, 1));
        shop.price_cache_retain(|(n, _), price| n != price);
        Shop::<()>::rate_cache_retain(|n, rate| *n > 1 && *rate > 1);
        assert_eq!((shop.prices.len(), Shop::<u8>::rate_cache_info().currsize), (0, 0));
    }
}

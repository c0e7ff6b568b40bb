//! `async fn`: as free functions, generic ones, and methods.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, unused_lifetimes)]
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use functools::{Argument, LruCache, cache, lru_cache};

/// An `Err` is not cached.
#[lru_cache(maxsize = 8)]
async fn fetch(name: &str, id: u64) -> Result<u64, String> {
    std::future::ready(()).await;
    if id == 0 {
        return Err(name.to_owned());
    }
    Ok(id)
}

/// Of any type.
#[cache(typed = true)]
async fn shown<T: ToString + Argument + Send>(item: T) -> String {
    std::future::ready(item.to_string()).await
}

/// Of the methods.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shop;

impl Shop {
    /// With siblings.
    #[lru_cache]
    async fn price(&self, id: u64) -> u64 {
        std::future::ready(id).await
    }

    /// Without.
    #[lru_cache(accessors = none)]
    async fn stock(&self, id: u64) -> Option<u64> {
        let id = std::future::ready(id.checked_sub(1)).await?;
        Some(id)
    }
}

/// The cache is given.
#[lru_cache(cache = memo)]
async fn kept(memo: &LruCache<u64, String>, id: u64) -> String {
    id.to_string()
}

fn now<F: Future + Send>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn main() {
    assert_eq!((now(fetch("a", 0)), now(fetch("a", 1)), now(fetch("a", 1))), (Err("a".into()), Ok(1), Ok(1)));
    assert_eq!((fetch::cache_info().hits, fetch::cache_contains("a", 0)), (1, false));
    assert_eq!(now(fetch::wrapped("a", 2)), Ok(2));
    assert_eq!(now(fetch::cache_refresh("a", 2)), Ok(2));
    assert_eq!((now(shown(1_u8)), now(shown("1"))), ("1".into(), "1".into()));
    assert_eq!((now(Shop.price(3)), Shop.price_cache_peek(3)), (3, Some(3)));
    assert_eq!((now(Shop.stock(0)), now(Shop.stock(3))), (None, Some(2)));
    let memo = LruCache::new(None);
    assert_eq!((now(kept(&memo, 1)), kept::cache_info(&memo).misses), ("1".into(), 1));
}

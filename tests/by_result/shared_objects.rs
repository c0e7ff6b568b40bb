//! Objects that functions with tags share with functions without, and with methods of the object.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use functools::policy::Gdsf;
use functools::{Cache, LruCache, invalidate, lru_cache, tag};
use tokio::task::yield_now;

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_function_without_tags_that_changes_a_shared_result_invalidates_what_was_computed_from_it() {
    static PRICES: LruCache<u32, u32> = LruCache::new(Some(10));
    static REPORTS: LruCache<u32, u32> = LruCache::new(Some(10));
    static PRICE: AtomicU32 = AtomicU32::new(7);

    #[lru_cache(cache = PRICES, tags = |n| [tag("shared price", n)])]
    fn tagged(n: u32) -> u32 {
        PRICE.load(SeqCst) + n - n
    }
    #[lru_cache(cache = PRICES)]
    fn plain(n: u32) -> u32 {
        PRICE.load(SeqCst) + n - n
    }
    #[lru_cache(cache = REPORTS, depends = true)]
    fn report(n: u32) -> u32 {
        tagged(n) * 100
    }

    let changes: [(&str, fn()); 5] = [
        ("invalidate", || assert!(plain::cache_invalidate(1))),
        ("refresh", || assert_eq!(plain::cache_refresh(1), 8)),
        ("put", || plain::cache_put(1, 8)),
        ("clear", plain::cache_clear),
        ("retain", || plain::cache_retain(|_, _| false)),
    ];
    for (name, change) in changes {
        PRICE.store(7, SeqCst);
        (PRICES.clear(), REPORTS.clear());
        assert_eq!((report(1), REPORTS.get(&1)), (700, Some(700)), "{name}");
        PRICE.store(8, SeqCst);
        change();
        assert_eq!((tagged(1), plain(1), report(1)), (8, 8, 800), "{name}");
    }
}

#[test]
fn a_value_with_its_cost_replaces_a_result_as_any_other() {
    static PRICES: Cache<u32, u32, Gdsf> = Cache::new(Some(100));
    static REPORTS: LruCache<u32, u32> = LruCache::new(Some(100));

    #[lru_cache(cache = PRICES, tags = |n| [tag("cost", n)])]
    fn price(n: u32) -> u32 {
        n
    }
    #[lru_cache(cache = REPORTS, depends = true)]
    fn report(n: u32) -> u32 {
        price(n) * 100
    }

    assert_eq!(report(1), 100);
    for value in [5, 6] {
        PRICES.insert_with_cost(1, value, Duration::from_millis(1));
        assert_eq!((price(1), report(1)), (value, value * 100));
    }
}

#[test]
fn a_batch_does_not_share_what_was_invalidated_before_it_began() {
    static PRICES: LruCache<u32, u32> = LruCache::new(Some(9));
    static PRICE: AtomicU32 = AtomicU32::new(1);

    #[lru_cache(cache = PRICES, single_flight = true, tags = |n| [tag("late batch", n)])]
    async fn price(n: u32) -> u32 {
        let price = PRICE.load(SeqCst) + n - n;
        for _ in 0..5 {
            yield_now().await;
        }
        price
    }

    let late = async {
        yield_now().await;
        PRICE.store(2, SeqCst);
        invalidate(tag("late batch", 1)).unwrap();
        let two = |keys: Arc<[u32]>| async move { vec![2; keys.len()] };
        PRICES.get_or_insert_many_with_async([1], |keys| two(keys.into())).await
    };
    let (first, late) = run(async { tokio::join!(price(1), late) });
    assert_eq!((first, late), (1, vec![2]));
}

#[test]
fn who_follows_a_function_with_tags_depends_on_its_result() {
    static PRICES: LruCache<u32, u32> = LruCache::new(Some(9));
    static SINGLE: LruCache<u32, u32> = LruCache::new(None);
    static BATCHES: LruCache<u32, u32> = LruCache::new(None);

    #[lru_cache(cache = PRICES, single_flight = true, tags = |n| [tag("followed", n)])]
    async fn price(n: u32) -> u32 {
        for _ in 0..5 {
            yield_now().await;
        }
        n
    }
    #[lru_cache(cache = PRICES, single_flight = true)]
    async fn plain(_n: u32) -> u32 {
        unreachable!("it follows")
    }
    #[lru_cache(cache = SINGLE, depends = true)]
    async fn single(n: u32) -> u32 {
        plain(n).await * 100
    }
    #[lru_cache(cache = BATCHES, depends = true)]
    async fn batch(n: u32) -> u32 {
        let found = PRICES.get_or_insert_many_with_async([n], |_| async { unreachable!("it follows") });
        found.await[0] * 100
    }

    let results = run(async { tokio::join!(price(1), single(1), batch(1)) });
    assert_eq!(results, (1, 100, 100));
    assert!(SINGLE.contains(&1) && BATCHES.contains(&1));
    invalidate(tag("followed", 1)).unwrap();
    assert!(!SINGLE.contains(&1) && !BATCHES.contains(&1));
}

#[test]
fn what_was_computed_from_a_value_without_tags_does_not_outlive_its_refresh() {
    static PRICES: LruCache<u32, u32> = LruCache::new(Some(10));
    static REPORTS: LruCache<u32, u32> = LruCache::new(Some(10));

    #[lru_cache(cache = PRICES, tags = |n| [tag("refreshed", n)])]
    async fn price(n: u32) -> u32 {
        for _ in 0..5 {
            yield_now().await;
        }
        8 + n - n
    }
    #[lru_cache(cache = REPORTS, depends = true)]
    async fn report(n: u32) -> u32 {
        price(n).await * 100
    }

    run(async {
        price(5).await;
        PRICES.get_or_insert_with(1, || 7);
        let during = async {
            yield_now().await;
            report(1).await
        };
        assert_eq!(tokio::join!(price::cache_refresh(1), during), (8, 700));
        assert_eq!((price(1).await, report(1).await), (8, 800));
    });
}

#[test]
fn nor_does_it_outlive_a_refresh_whose_result_is_not_kept() {
    static PRICES: LruCache<u32, u32> = LruCache::new(Some(10));
    static REPORTS: LruCache<u32, u32> = LruCache::new(Some(10));

    #[lru_cache(cache = PRICES, tags = |n| [tag("not kept", n)], keep = |_, price| *price < 8)]
    async fn price(n: u32) -> u32 {
        for _ in 0..5 {
            yield_now().await;
        }
        7 + n
    }
    #[lru_cache(cache = REPORTS, depends = true)]
    async fn report(n: u32) -> u32 {
        price(n).await * 100
    }

    run(async {
        price(0).await;
        PRICES.get_or_insert_with(1, || 7);
        let during = async {
            yield_now().await;
            report(1).await
        };
        assert_eq!(tokio::join!(price::cache_refresh(1), during), (8, 700));
        assert_eq!((PRICES.contains(&1), report(1).await), (false, 800));
    });
}

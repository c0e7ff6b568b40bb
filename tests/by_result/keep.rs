//! `keep`: whether a result is stored.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use functools::{LruCache, isolated, lru_cache};

use crate::support::{advance, now};

fn counts(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn a_result_that_is_not_kept_is_computed_again() {
    #[lru_cache(keep = |n, value| n % 2 == 0 && *value < 100)]
    fn square(n: u32) -> u32 {
        n * n
    }

    isolated(|| {
        assert_eq!([2, 2, 3, 3, 20, 20].map(square), [4, 4, 9, 9, 400, 400]);
        assert_eq!(counts(square::cache_info()), (1, 5, 1));
    });
}

#[test]
fn it_may_be_a_function_and_look_at_the_value_only() {
    #[derive(Clone)]
    struct Page {
        status: u16,
    }

    fn is_no_failure(_: &str, page: &Page) -> bool {
        page.status < 500
    }

    static STATUS: AtomicU32 = AtomicU32::new(503);

    #[lru_cache(maxsize = None, keep = is_no_failure)]
    fn fetch(url: &str) -> Result<Page, String> {
        match url {
            "" => Err("no url".to_owned()),
            _ => Ok(Page { status: u16::try_from(STATUS.load(SeqCst)).unwrap() }),
        }
    }

    isolated(|| {
        assert_eq!(fetch("a").unwrap().status, 503);
        assert!(fetch("").is_err());
        assert_eq!(counts(fetch::cache_info()), (0, 2, 0));
        STATUS.store(200, SeqCst);
        assert_eq!(fetch("a").unwrap().status, 200);
        STATUS.store(503, SeqCst);
        assert_eq!(fetch("a").unwrap().status, 200);
        assert_eq!(counts(fetch::cache_info()), (1, 3, 1));
        // A refresh and a put are decided as a call is: what is not kept takes its place from what was.
        assert_eq!(fetch::cache_refresh("a").unwrap().status, 503);
        assert!(!fetch::cache_contains("a"));
        fetch::cache_put("a", Ok(Page { status: 200 }));
        assert!(fetch::cache_contains("a"));
        fetch::cache_put("a", Ok(Page { status: 500 }));
        assert!(!fetch::cache_contains("a"));
    });
}

#[test]
fn arguments_that_it_does_not_take_need_no_trait() {
    struct Pool;

    #[lru_cache(keep = |_, _id, value| *value > 1)]
    fn count(#[key(skip)] pool: Pool, id: u32) -> u32 {
        let Pool = pool;
        id
    }

    isolated(|| {
        assert_eq!([1, 1, 2, 2].map(|id| count(Pool, id)), [1, 1, 2, 2]);
        assert_eq!(counts(count::cache_info()), (1, 3, 1));
    });
}

#[test]
fn methods_generic_functions_and_objects() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop {
        base: u32,
    }

    impl Shop {
        #[lru_cache(keep = |this, id, price| this.base > 1 && *price > *id)]
        fn price(&self, id: u32) -> u32 {
            self.base * id
        }
    }

    #[lru_cache(typed = true, keep = |value, _| value.to_string().len() > 1)]
    fn shown<T: ToString + std::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> String {
        value.to_string()
    }

    #[lru_cache(cache = memo, keep = |n, _| *n > 1)]
    fn stored(n: u32, memo: &LruCache<u32, u32>) -> u32 {
        n
    }

    isolated(|| {
        let (small, large) = (Shop { base: 1 }, Shop { base: 2 });
        for shop in [&small, &large, &small, &large] {
            shop.price(3);
        }
        assert_eq!(counts(Shop::price_cache_info()), (1, 3, 1));
        for value in [5, 5, 50, 50] {
            shown(value);
        }
        assert_eq!(counts(shown::cache_info()), (1, 3, 1));
        let memo = LruCache::new(Some(8));
        for n in [1, 1, 2, 2] {
            stored(n, &memo);
        }
        assert_eq!((memo.info().hits, memo.len()), (1, 1));
    });
}

#[tokio::test]
async fn async_calls_that_share_a_result_share_one_that_is_not_kept() {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(keep = |_, value| *value > 1)]
    async fn slow(n: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        n
    }

    isolated(async {
        assert_eq!(tokio::join!(slow(1), slow(1)), (1, 1));
        assert_eq!((RUNS.load(SeqCst), slow::cache_info().currsize), (1, 0));
        slow(1).await;
        slow(2).await;
        slow(2).await;
        assert_eq!((RUNS.load(SeqCst), slow::cache_info().currsize), (3, 1));
    })
    .await;
}

#[test]
fn errors_that_are_cached_are_asked_too() {
    #[lru_cache(cache_errors = true, keep = |_, result| !matches!(result, Err(503)))]
    fn fetch(status: u16) -> Result<u16, u16> {
        if status < 400 { Ok(status) } else { Err(status) }
    }

    isolated(|| {
        for status in [200, 200, 404, 404, 503, 503] {
            _ = fetch(status);
        }
        assert_eq!(counts(fetch::cache_info()), (2, 4, 2));
    });
}

#[test]
fn a_refresh_whose_result_is_not_kept_ends_the_stale_one() {
    static VALUE: AtomicU32 = AtomicU32::new(1);

    #[lru_cache(ttl = 10, stale_if_error = 100, keep = |_, value| *value < 5, timer = now)]
    fn read(key: &str) -> Result<u32, String> {
        match VALUE.load(SeqCst) {
            0 => Err(key.to_owned()),
            value => Ok(value),
        }
    }

    isolated(|| {
        assert_eq!(read("a"), Ok(1));
        advance(Duration::from_secs(11));
        VALUE.store(0, SeqCst);
        assert_eq!(read("a"), Ok(1), "stale, instead of an error");
        VALUE.store(7, SeqCst);
        assert_eq!(read("a"), Ok(7), "computed, and not kept");
        VALUE.store(0, SeqCst);
        assert!(read("a").is_err(), "the stale result was older than one that is not kept");
    });
}

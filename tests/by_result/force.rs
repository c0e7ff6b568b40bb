//! `force`: the arguments tell whether a call computes anew.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use functools::{LruCache, isolated, lru_cache};

use crate::recorder::Recorder;
use crate::support::within;

fn counts(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

#[test]
fn a_call_computes_anew_stores_and_returns() {
    static VALUE: AtomicU32 = AtomicU32::new(1);

    #[lru_cache(force = |_, reload| *reload)]
    fn read(key: &str, #[key(skip)] reload: bool) -> u32 {
        assert_eq!((key, reload), ("a", reload));
        VALUE.load(SeqCst)
    }

    isolated(|| {
        assert_eq!([read("a", false), read("a", false)], [1, 1]);
        VALUE.store(2, SeqCst);
        assert_eq!(read("a", false), 1);
        assert_eq!(read("a", true), 2);
        assert_eq!(read("a", false), 2);
        assert_eq!(counts(read::cache_info()), (3, 2, 1));
    });
}

#[test]
fn methods_objects_and_arguments_by_value() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u32);

    fn is_reload(_: &Shop, how: &str) -> bool {
        how == "reload"
    }

    impl Shop {
        #[lru_cache(force = is_reload)]
        fn price(&self, #[key(skip)] how: String) -> u32 {
            drop(how);
            self.0
        }
    }
    #[lru_cache(cache = memo, force = |n| *n == 0)]
    fn stored(n: u32, memo: &LruCache<u32, u32>) -> u32 {
        n
    }
    #[lru_cache(force = || true)]
    fn always() -> u32 {
        7
    }

    isolated(|| {
        let shop = Shop(2);
        for how in ["", "", "reload", ""] {
            assert_eq!(shop.price(how.to_owned()), 2);
        }
        assert_eq!(counts(Shop::price_cache_info()), (2, 2, 1));
        let memo = LruCache::new(Some(8));
        for n in [0, 0, 1, 1] {
            stored(n, &memo);
        }
        assert_eq!(memo.info().misses, 3);
        assert_eq!((always(), always(), always::cache_info().misses), (7, 7, 2));
    });
}

#[tokio::test]
async fn async_functions_and_errors() {
    #[lru_cache(force = |_, reload| *reload)]
    async fn read(n: u32, #[key(skip)] reload: bool) -> Result<u32, String> {
        tokio::task::yield_now().await;
        if reload { Err(n.to_string()) } else { Ok(n) }
    }

    isolated(async {
        let results =
            within(async { [read(1, false).await, read(1, true).await, read(1, false).await] }).await;
        assert_eq!(results, [Ok(1), Err("1".to_owned()), Ok(1)]);
        assert_eq!(counts(read::cache_info()), (1, 2, 1), "an error leaves the result in its place");
    })
    .await;
}

#[test]
fn a_backend_has_the_new_result() {
    static STORE: Recorder = Recorder::new();
    static VALUE: AtomicU32 = AtomicU32::new(1);

    #[lru_cache(backend = &STORE, force = |_, reload| *reload)]
    fn read(n: u32, #[key(skip)] reload: bool) -> u32 {
        _ = reload;
        n + VALUE.load(SeqCst)
    }

    isolated(|| assert_eq!((read(1, false), VALUE.store(2, SeqCst), read(1, true)).2, 3));
    isolated(|| assert_eq!(read(1, false), 3));
}

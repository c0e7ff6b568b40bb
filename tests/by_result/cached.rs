//! `cache_call`, which tells where a result comes from, and `cache_get_within`, which accepts young ones only.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use functools::{Cached, LruCache, Source, isolated, lru_cache};

use crate::recorder::Recorder;
use crate::support::{advance, now, until, within};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_plain_function() {
    #[lru_cache]
    fn square(n: u32) -> u32 {
        n * n
    }

    isolated(|| {
        let computed: Cached<u32> = square::cache_call(3);
        assert_eq!((computed.value, computed.source, computed.age), (9, Source::Computed, Duration::ZERO));
        let hit = square::cache_call(3);
        assert_eq!((*hit, hit.source), (9, Source::Fresh));
        assert_eq!(hit.into_value(), 9);
        let info = square::cache_info();
        assert_eq!((info.hits, info.misses, info.currsize), (1, 1, 1), "each is a call as any other");
        assert_eq!(square::cache_get_within(60, 3), None, "without expiry, no time is recorded");
    });
}

#[test]
fn the_age_counts_from_the_storing() {
    #[lru_cache(ttl = 60, timer = now)]
    fn read(key: &str) -> Result<u32, String> {
        key.parse().map_err(|_| key.to_owned())
    }

    isolated(|| {
        assert_eq!(read::cache_call("7").value, Ok(7));
        advance(5 * SECOND);
        let hit = read::cache_call("7");
        assert_eq!((hit.value.as_ref(), hit.source, hit.age), (Ok(&7), Source::Fresh, 5 * SECOND));
        let failed = read::cache_call("x");
        assert_eq!((failed.value, failed.source), (Err("x".to_owned()), Source::Computed));

        let hits = read::cache_info().hits;
        assert_eq!(read::cache_get_within(5, "7"), None);
        assert_eq!(read::cache_get_within(5.5, "7"), Some(Ok(7)));
        assert_eq!(read::cache_get_within(Duration::MAX, "7"), Some(Ok(7)));
        assert_eq!(read::cache_get_within(60, "8"), None);
        assert_eq!(read::cache_info().hits, hits + 2);
        assert_eq!(read::cache_info().misses, 2, "what is not served is no call");
        advance(56 * SECOND);
        assert_eq!(read::cache_get_within(3600, "7"), None, "it has expired");
    });
}

#[test]
fn methods_objects_generic_functions_and_arguments_called_age() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u32);

    impl Shop {
        #[lru_cache(ttl = 60)]
        fn price(&self, age: u32) -> u32 {
            self.0 * age
        }
    }
    #[lru_cache(typed = true, ttl = 60)]
    fn shown<Age: ToString + std::hash::Hash + Eq + Clone + Send + Sync + 'static>(age: Age) -> String {
        age.to_string()
    }
    #[lru_cache(cache = memo, ttl = 60)]
    fn stored(n: u32, memo: &LruCache<u32, u32>) -> u32 {
        n
    }

    isolated(|| {
        let shop = Shop(2);
        assert_eq!(shop.price_cache_call(3).source, Source::Computed);
        assert_eq!(shop.price_cache_call(3).source, Source::Fresh);
        assert_eq!(shop.price_cache_get_within(60, 3), Some(6));
        assert_eq!(shown::cache_call(5_u8).source, Source::Computed);
        assert_eq!(shown::cache_get_within(60, 5_u8).as_deref(), Some("5"));
        assert_eq!(shown::cache_get_within(60, 5_u16), None);
        let memo = LruCache::new(Some(8));
        assert_eq!(stored::cache_call(1, &memo).source, Source::Computed);
        assert_eq!(stored::cache_call(1, &memo).source, Source::Fresh);
        assert_eq!(stored::cache_get_within(60, 1, &memo), Some(1));
    });
}

#[test]
fn stale_results() {
    static FAILS: AtomicBool = AtomicBool::new(false);

    #[lru_cache(ttl = 10, stale_if_error = 100, timer = now)]
    fn or_stale(n: u32) -> Result<u32, u32> {
        if FAILS.load(SeqCst) { Err(n) } else { Ok(n) }
    }

    isolated(|| {
        _ = or_stale(1);
        advance(15 * SECOND);
        FAILS.store(true, SeqCst);
        let stale = or_stale::cache_call(1);
        assert_eq!((stale.value, stale.source), (Ok(1), Source::Stale));
        assert_eq!(or_stale::cache_get_within(3600, 1), None, "it is no longer fresh");
        let failed = or_stale::cache_call(2);
        assert_eq!((failed.value, failed.source), (Err(2), Source::Computed));
        FAILS.store(false, SeqCst);
        assert_eq!(or_stale::cache_call(1).source, Source::Computed);
    });
}

#[tokio::test]
async fn async_functions_while_they_are_refreshed() {
    static RUNS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(ttl = 10, swr = true, timer = now)]
    async fn read(key: &str) -> u32 {
        assert_eq!(key, "a");
        tokio::task::yield_now().await;
        RUNS.fetch_add(1, SeqCst)
    }

    isolated(async {
        let (first, second) =
            within(async { tokio::join!(read::cache_call("a"), read::cache_call("a")) }).await;
        assert_eq!([first.source, second.source], [Source::Computed, Source::Coalesced]);
        advance(12 * SECOND);
        let stale = read::cache_call("a").await;
        assert_eq!((stale.value, stale.source, stale.age), (0, Source::Stale, 12 * SECOND));
        until(|| read::cache_stats().refreshes == 1).await;
        let fresh = read::cache_call("a").await;
        assert_eq!((fresh.value, fresh.source), (1, Source::Fresh));
    })
    .await;
}

#[tokio::test]
async fn a_detached_computation_and_a_future_that_is_sent() {
    #[lru_cache(detach = true, spawn = functools::refresh::Tokio)]
    async fn detached(n: u32) -> u32 {
        tokio::task::yield_now().await;
        n
    }
    #[lru_cache(single_flight = false)]
    async fn alone(n: u32) -> Result<u32, String> {
        tokio::task::yield_now().await;
        Ok(n)
    }

    within(async {
        let call = tokio::spawn(detached::cache_call(1));
        assert_eq!(call.await.unwrap().source, Source::Computed);
        assert_eq!(detached::cache_call(1).await.source, Source::Fresh);
        assert_eq!(tokio::spawn(alone::cache_call(1)).await.unwrap().source, Source::Computed);
        assert_eq!(alone::cache_call(1).await.source, Source::Fresh);
    })
    .await;
}

#[test]
fn a_backend() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = 60)]
    fn read(n: u32) -> u32 {
        n
    }

    isolated(|| assert_eq!(read::cache_call(1).source, Source::Computed));
    isolated(|| {
        assert_eq!(read::cache_call(1).source, Source::Backend);
        assert_eq!(read::cache_call(1).source, Source::Fresh);
    });
}

#[test]
fn a_function_that_keeps_nothing_computes() {
    #[lru_cache(maxsize = 0)]
    fn disabled(n: u32) -> u32 {
        n
    }
    #[lru_cache(single_flight = true, keep = |_, _| false)]
    fn never(n: u32) -> u32 {
        n
    }

    isolated(|| {
        assert_eq!([(); 2].map(|()| disabled::cache_call(1).source), [Source::Computed; 2]);
        assert_eq!([(); 2].map(|()| never::cache_call(1).source), [Source::Computed; 2]);
        assert_eq!(disabled::cache_get_within(60, 1), None);
    });
}

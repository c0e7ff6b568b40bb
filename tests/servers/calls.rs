//! Functions with each backend, which differ only in the `backend` option.

use std::sync::LazyLock;
use std::time::Duration;

use functools::async_lru_cache;
use functools::backend::{BackendError, disk, memcached, redis};
use functools::lru_cache;

use crate::files::Folder;
use crate::server::{MEMCACHED, REDIS, block_on, eventually, limit};

static FOLDER: LazyLock<Folder> = LazyLock::new(|| Folder::new("calls"));

macro_rules! same_function {
    ($name:ident, $backend:expr) => {
        #[test]
        fn $name() {
            let _limit = limit();

            // Without an L1 cache, so all hits come from the backend.
            #[lru_cache(maxsize = 0, ttl = 3600, backend = $backend)]
            fn greeting(name: &str, times: u32) -> Result<String, std::fmt::Error> {
                if name.is_empty() { Err(std::fmt::Error) } else { Ok(name.repeat(times as usize)) }
            }
            greeting::cache_clear().unwrap();
            let long = "n".repeat(1000);
            for name in ["Ada", "\r\n ", &long] {
                for _ in 0..3 {
                    assert_eq!(greeting(name, 2), Ok(name.repeat(2)));
                }
            }
            assert!(greeting("", 2).is_err() && greeting("", 2).is_err());
            let info = greeting::cache_info();
            assert_eq!((info.hits, info.misses, greeting::cache_stats().backend_errors), (6, 5, 0));
            assert!(greeting::cache_invalidate("Ada", 2).unwrap());
            assert!(!greeting::cache_invalidate("Ada", 2).unwrap());
            assert!(greeting::cache_contains(&long, 2) && !greeting::cache_contains("Ada", 2));
            greeting::cache_put("Ada", 2, Ok("other".into())).unwrap();
            assert_eq!(greeting("Ada", 2).as_deref(), Ok("other"));

            // Another function with the same arguments.
            #[lru_cache(maxsize = 8, ttl = 3600, backend = $backend)]
            fn other(name: &str, times: u32) -> usize {
                name.len() + times as usize
            }
            assert_eq!((other("Ada", 2), other("Ada", 2)), (5, 5));
            greeting::cache_clear().unwrap();
            assert!(!greeting::cache_contains("Ada", 2));
            assert_eq!(other::cache_peek("Ada", 2), Some(5));
            assert_eq!((other::cache_info().hits, other::cache_info().misses), (1, 1));

            #[lru_cache(maxsize = 0, ttl = Duration::from_millis(300), backend = $backend)]
            fn short_lived(n: u64) -> u64 {
                n
            }
            assert_eq!((short_lived(1), short_lived(1), short_lived::cache_info().hits), (1, 1, 1));
            eventually("it expires", || !short_lived::cache_contains(1));

            #[async_lru_cache(maxsize = 0, ttl = 3600, backend = $backend)]
            async fn later(name: &str) -> Result<String, String> {
                Ok(name.to_uppercase())
            }
            // Each runtime has its own connections; a second runtime must work after the first has ended.
            for hits in [1, 3] {
                block_on(async {
                    if hits == 1 {
                        later::cache_clear().await.unwrap();
                    }
                    assert_eq!(later("ada").await.as_deref(), Ok("ADA"));
                    assert_eq!(later("ada").await.as_deref(), Ok("ADA"));
                    assert!(later::cache_contains("ada").await);
                });
                assert_eq!(later::cache_info().hits, hits);
            }
            let many =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            many.block_on(async {
                let tasks =
                    (0..200).map(|n| tokio::spawn(async move { later(["a", "b", "c"][n % 3]).await }));
                for (n, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
                    assert_eq!(task.await.unwrap().unwrap(), ["A", "B", "C"][n % 3]);
                }
                assert!(later::cache_invalidate("a").await.unwrap());
                later::cache_clear().await.unwrap();
                assert!(!later::cache_contains("b").await);
            });
            assert_eq!(later::cache_stats().backend_errors, 0);
        }
    };
}

same_function! { redis_has_it, redis(REDIS.url()) }
same_function! { memcached_has_it, memcached(MEMCACHED.address()) }
same_function! { disk_has_it, disk(FOLDER.path("calls.redb")) }

#[test]
fn a_namespace_of_many_is_cleared_alone() -> Result<(), BackendError> {
    let _limit = limit();
    #[lru_cache(maxsize = 0, backend = redis(REDIS.url()))]
    fn many(n: u32) -> u32 {
        n
    }
    #[lru_cache(maxsize = 0, backend = redis(REDIS.url()))]
    fn many_more(n: u32) -> u32 {
        n
    }
    (0..3000).for_each(|n| assert_eq!((many(n), many_more(n)), (n, n)));
    many::cache_clear()?;
    assert!((0..3000).all(|n| !many::cache_contains(n) && many_more::cache_contains(n)));
    many_more::cache_clear()
}

//! `bypassed`: memoized functions are plain functions.

use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use functools::backend::{Backend, BackendError, Stored};
use functools::{LruCache, bypassed, cache, invalidate, isolated, lru_cache, tag};

use crate::support::within;

/// One after another: a count of runs is one for all tests.
static RUNS: AtomicU32 = AtomicU32::new(0);
static ALONE: Mutex<()> = Mutex::new(());

fn alone(test: impl FnOnce()) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    RUNS.store(0, SeqCst);
    isolated(test);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop(u32);

#[lru_cache]
fn bounded(n: u32) -> u32 {
    RUNS.fetch_add(1, SeqCst);
    n
}
#[cache]
fn unbounded(n: u32) -> u32 {
    RUNS.fetch_add(1, SeqCst);
    n
}
#[lru_cache(maxsize = 0)]
fn disabled(n: u32) -> Result<u32, u32> {
    RUNS.fetch_add(1, SeqCst);
    Err(n)
}
#[lru_cache(scope = thread)]
fn of_thread(n: u32) -> u32 {
    RUNS.fetch_add(1, SeqCst);
    n
}
#[lru_cache(shards = 2, maxsize = 16)]
fn sharded(name: &str) -> String {
    RUNS.fetch_add(1, SeqCst);
    name.to_owned()
}
#[lru_cache(single_flight = true, accessors = none)]
fn single(n: u32) -> u32 {
    RUNS.fetch_add(1, SeqCst);
    n
}
#[lru_cache(ttl = 60, swr = true)]
fn stale(n: u32) -> u32 {
    RUNS.fetch_add(1, SeqCst);
    n
}
impl Shop {
    #[lru_cache]
    fn price(&self, id: u32) -> u32 {
        RUNS.fetch_add(1, SeqCst);
        self.0 * id
    }
}

fn all(shop: &Shop) {
    for _ in 0..2 {
        (bounded(1), unbounded(1), disabled(1).unwrap_err(), of_thread(1));
        (sharded("a"), single(1), stale(1), shop.price(1));
    }
}

/// Hits, misses and entries of all functions with accessors.
fn counted() -> [u64; 3] {
    let all = [
        bounded::cache_info(),
        unbounded::cache_info(),
        disabled::cache_info(),
        of_thread::cache_info(),
        sharded::cache_info(),
        stale::cache_info(),
        Shop::price_cache_info(),
    ];
    let sum = |count: fn(&functools::CacheInfo) -> u64| all.iter().map(count).sum();
    [sum(|info| info.hits), sum(|info| info.misses), sum(|info| info.currsize as u64)]
}

#[test]
fn no_call_of_the_thread_is_counted_or_stored() {
    alone(|| {
        bypassed(|| all(&Shop(2)));
        assert_eq!((RUNS.load(SeqCst), counted()), (16, [0, 0, 0]));
        assert_eq!(disabled::cache_stats().errors, 0);
        all(&Shop(2));
        assert_eq!((RUNS.load(SeqCst), counted()), (25, [6, 8, 6]));
        bypassed(|| all(&Shop(2)));
        assert_eq!((RUNS.load(SeqCst), counted()), (41, [6, 8, 6]));
    });
}

#[test]
fn accessors_work_and_a_refresh_only_runs_the_body() {
    alone(|| {
        bounded::cache_put(1, 10);
        bypassed(|| {
            assert_eq!((bounded(1), bounded::cache_peek(1)), (1, Some(10)));
            assert_eq!(bounded::cache_refresh(1), 1);
            assert_eq!((bounded::cache_peek(1), bounded::cache_info().misses), (Some(10), 0));
            bounded::cache_put(2, 20);
            assert!(bounded::cache_invalidate(1));
        });
        assert_eq!((bounded(2), bounded::cache_contains(1)), (20, false));
    });
}

#[test]
fn it_ends_with_a_panic_and_may_be_nested() {
    alone(|| {
        let panicked = catch_unwind(|| bypassed(|| bypassed(|| panic!("within"))));
        assert!(panicked.is_err());
        bypassed(|| {
            bypassed(|| bounded(1));
            bounded(1)
        });
        assert_eq!(bounded::cache_info().misses, 0);
        (bounded(1), bounded(1));
        assert_eq!((bounded::cache_info().hits, RUNS.load(SeqCst)), (1, 3));
    });
}

#[test]
fn other_threads_use_the_caches() {
    #[cache]
    fn elsewhere(n: u32) -> u32 {
        n
    }

    bypassed(|| {
        thread::spawn(|| (elsewhere(1), elsewhere(1))).join().unwrap();
        elsewhere(2);
    });
    assert_eq!((elsewhere::cache_info().hits, elsewhere::cache_info().misses), (1, 1));
}

#[test]
fn functions_over_an_object_are_bypassed_and_its_methods_are_not() {
    #[lru_cache(cache = memo)]
    fn stored(n: u32, memo: &LruCache<u32, u32>) -> u32 {
        n
    }

    let memo = LruCache::new(Some(8));
    bypassed(|| {
        (stored(1, &memo), stored(1, &memo));
        assert_eq!((memo.len(), memo.info().misses), (0, 0));
        assert_eq!(memo.get_or_insert_with(2, || 20), 20);
    });
    assert_eq!(memo.get(&2), Some(20));
}

#[test]
fn no_backend_is_asked() {
    struct Refuses;

    impl Backend for Refuses {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            panic!("a bypassed call asks no backend")
        }
        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            panic!("a bypassed call stores nothing")
        }
        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            panic!("a bypassed call deletes nothing")
        }
        fn clear(&self, _: &str) -> Result<(), BackendError> {
            panic!("a bypassed call clears nothing")
        }
    }

    #[lru_cache(backend = Refuses)]
    fn read(n: u32) -> u32 {
        n
    }

    bypassed(|| assert_eq!((read(1), read(1)), (1, 1)));
    assert_eq!(read::cache_info().misses, 0);
}

#[lru_cache]
async fn slow(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n
}

#[tokio::test]
async fn an_async_block_bypasses_at_every_poll_on_any_thread() {
    #[lru_cache]
    async fn outer(n: u32) -> u32 {
        tokio::task::yield_now().await;
        inner(n).await + inner(n).await
    }
    #[lru_cache]
    async fn inner(n: u32) -> u32 {
        tokio::task::yield_now().await;
        n
    }
    #[lru_cache(detach = true, spawn = functools::refresh::Tokio)]
    async fn detached(n: u32) -> u32 {
        tokio::task::yield_now().await;
        inner(n).await
    }

    fn is_send<F: Send>(future: F) -> F {
        future
    }

    within(async {
        let call = is_send(bypassed(async { outer(1).await + outer(1).await + detached(1).await }));
        assert_eq!(tokio::spawn(call).await.unwrap(), 5);
        assert_eq!(bypassed(|| async { inner(1).await }).await, 1);
        let misses =
            [outer::cache_info(), inner::cache_info(), detached::cache_info()].map(|info| info.misses);
        assert_eq!(misses, [0; 3]);

        // Between its polls the thread is not in the region.
        let mut call = pin!(bypassed(async { inner(1).await }));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        inner(2).await;
        assert_eq!(inner::cache_info().misses, 1);
        assert_eq!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(1));
        assert_eq!(inner::cache_info().misses, 1);
    })
    .await;
}

#[tokio::test]
async fn a_bypassed_call_neither_leads_nor_follows() {
    within(async {
        let normal = slow(1);
        let plain = bypassed(async { slow(1).await });
        assert_eq!(tokio::join!(normal, plain, slow(1)), (1, 1, 1));
        assert_eq!((slow::cache_info().misses, slow::cache_stats().coalesced), (1, 1));
    })
    .await;
}

#[test]
fn a_future_that_moves_between_threads_is_bypassed_on_each_of_them() {
    #[lru_cache]
    async fn moved(n: u32) -> u32 {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        called(n)
    }
    #[lru_cache]
    fn called(n: u32) -> u32 {
        n
    }

    fn polled_elsewhere<F: Future + Send>(mut future: Pin<&mut F>) -> Poll<F::Output>
    where
        F::Output: Send,
    {
        let poll = || {
            // Before and after the poll, this thread uses the caches.
            let before = called::cache_info().misses;
            called::cache_invalidate(7);
            called(7);
            let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(called::cache_contains(7));
            assert_eq!(called(7), 7);
            assert_eq!(called::cache_info().misses, before + 1);
            polled
        };
        thread::scope(|scope| scope.spawn(poll).join().expect("it does not panic"))
    }

    let mut call = pin!(bypassed(async { (moved(1).await, moved(1).await, bypassed(moved(2)).await) }));
    let mut polls = 0;
    let result = loop {
        polls += 1;
        assert!(polls < 100, "it ends");
        if let Poll::Ready(result) = polled_elsewhere(call.as_mut()) {
            break result;
        }
    };
    assert_eq!((result, polls), ((1, 1, 2), 10));
    assert_eq!((moved::cache_info().misses, moved::cache_info().currsize), (0, 0));
    assert!(!called::cache_contains(1) && !called::cache_contains(2));
    // A thread that only began or dropped such a future is in no region either.
    drop(bypassed(moved(3)));
    let mut begun = Box::pin(bypassed(moved(3)));
    assert!(polled_elsewhere(begun.as_mut()).is_pending());
    thread::scope(|scope| scope.spawn(|| drop(begun)).join().expect("it does not panic"));
    called(3);
    assert!(called::cache_contains(3));
}

#[test]
fn what_is_read_in_the_region_is_recorded_outside_of_it() {
    #[lru_cache(tags = |id| [tag("bypassed user", id)])]
    fn user(id: u32) -> u32 {
        id
    }
    #[lru_cache(depends = true)]
    fn page(id: u32) -> u32 {
        bypassed(|| user(id))
    }

    isolated(|| {
        page(1);
        assert!(!user::cache_contains(1) && page::cache_contains(1));
        invalidate(tag("bypassed user", 1));
        assert!(!page::cache_contains(1));
    });
}

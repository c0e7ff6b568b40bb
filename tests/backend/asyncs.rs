//! Async functions with a backend, and their accessors.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use functools::backend::{AsyncBackend, BackendError, Stored};
use functools::refresh::Task;
use functools::{async_lru_cache, lru_cache};

use crate::map_backend::{MapBackend, Slow};

/// Polls futures in turn; each must wake itself.
fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        for (future, result) in futures.iter_mut().filter(|(_, result)| result.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                *result = Some(value);
            }
        }
        if futures.iter().all(|(_, result)| result.is_some()) {
            return futures.into_iter().filter_map(|(_, result)| result).collect();
        }
    }
    panic!("the futures are never woken");
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    together(vec![future]).remove(0)
}

/// Runs a future that other threads wake.
pub(crate) fn parked<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let (mut future, mut context) = (std::pin::pin!(future), Context::from_waker(&waker));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

#[test]
fn one_of_many_calls_asks_the_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[async_lru_cache(backend = Slow(&BACKEND))]
    async fn price(symbol: &str) -> Result<u64, String> {
        RUNS.fetch_add(1, SeqCst);
        symbol.len().try_into().map_err(|_| "long".to_owned())
    }
    let prices = together((0..100).map(|_| price("ABC")).collect());
    assert!(prices.iter().all(|price| *price == Ok(3)));
    assert_eq!((RUNS.load(SeqCst), BACKEND.take_requests()), (1, vec!["get", "set"]));
    let info = price::cache_info();
    assert_eq!((info.hits, info.misses), (99, 1));

    let entries = BACKEND.entries().clone();
    block_on(price::cache_clear()).unwrap();
    *BACKEND.entries() = entries;
    BACKEND.take_requests();
    let prices = together((0..100).map(|_| price("ABC")).collect());
    assert!(prices.iter().all(|price| *price == Ok(3)));
    assert_eq!((RUNS.load(SeqCst), BACKEND.take_requests()), (1, vec!["get"]));
    assert_eq!((price::cache_info().hits, price::cache_info().misses), (100, 0));
}

#[test]
fn what_may_have_to_wait_is_awaited() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 1, backend = Slow(&BACKEND))]
    async fn double(n: u64) -> u64 {
        2 * n
    }
    block_on(async {
        (double(1).await, double(2).await);
        assert!(double::cache_contains(1).await && !double::cache_contains(3).await);
        assert_eq!((double::cache_peek(1).await, double::cache_peek(3).await), (Some(2), None));
        double::cache_put(3, 7).await.unwrap();
        assert_eq!((double(3).await, double::cache_refresh(3).await), (7, 6));
        assert!(double::cache_invalidate(1).await.unwrap());
        assert_eq!(BACKEND.entries().len(), 2);
        double::cache_clear().await.unwrap();
        assert!(BACKEND.entries().is_empty());
        assert_eq!(double::cache_info().currsize, 0);
        BACKEND.set_down(true);
        assert_eq!(double(5).await, 10);
        assert!(double::cache_invalidate(5).await.is_err());
    });
}

#[test]
fn futures_stay_send() {
    fn send<T: Send>(_: &T) {}
    static BACKEND: MapBackend = MapBackend::new();
    #[async_lru_cache(backend = Slow(&BACKEND))]
    async fn name(n: u64) -> Result<String, String> {
        Ok(n.to_string())
    }
    send(&name(1));
    send(&name::cache_clear());
}

#[test]
fn a_backend_that_calls_the_function_does_not_wait() {
    static CALLS: AtomicU64 = AtomicU64::new(0);

    struct Caller;

    impl AsyncBackend for Caller {
        async fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            if CALLS.fetch_add(1, SeqCst) == 0 {
                assert_eq!(boxed(1).await, 2);
            }
            Ok(None)
        }

        async fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Ok(())
        }

        async fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        async fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }
    }

    #[async_lru_cache(backend = Caller)]
    async fn double(n: u64) -> u64 {
        2 * n
    }

    fn boxed(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(double(n))
    }

    assert_eq!(block_on(boxed(1)), 2);
    assert_eq!(CALLS.load(SeqCst), 2);
}

#[test]
fn a_detached_computation_is_stored_in_the_backend_without_its_caller() {
    static BACKEND: MapBackend = MapBackend::new();
    static TASKS: Mutex<Vec<Task>> = Mutex::new(Vec::new());
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(detach = true, spawn = |task| TASKS.lock().unwrap().push(task), strict = true, backend = Slow(&BACKEND))]
    async fn price(symbol: &str) -> Result<usize, BackendError> {
        RUNS.fetch_add(1, SeqCst);
        Ok(symbol.len())
    }
    let run_tasks = || {
        let tasks = std::mem::take(&mut *TASKS.lock().unwrap());
        assert_eq!(together(tasks).len(), 1);
    };
    let abandoned = |symbol| {
        let mut call = Box::pin(price(symbol));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    };
    abandoned("ABC");
    run_tasks();
    assert_eq!((RUNS.load(SeqCst), BACKEND.take_requests()), (1, vec!["get", "set"]));
    assert_eq!(block_on(price("ABC")).unwrap(), 3);
    assert_eq!((price::cache_info().hits, price::cache_info().misses), (1, 1));

    // Another process has computed it.
    let entries = BACKEND.entries().clone();
    block_on(price::cache_clear()).unwrap();
    *BACKEND.entries() = entries;
    abandoned("ABC");
    run_tasks();
    assert_eq!((RUNS.load(SeqCst), block_on(price("ABC")).unwrap()), (1, 3));
}

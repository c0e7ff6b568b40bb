//! Computations that do not end with their callers: `detach = true`.

use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use functools::refresh::{Spawn, Task};
use functools::{lru_cache, testing};

use crate::support::{Gate, Hand, alone, finishes, on_tokio, raise, raises, tally, wait_until};

/// An executor that is polled by hand.
struct Queue(Mutex<Vec<Task>>);

impl Queue {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Polls all tasks once, and returns how many remain.
    fn poll(&self) -> usize {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap());
        tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut queue = self.0.lock().unwrap();
        queue.extend(tasks);
        queue.len()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Drops all tasks.
    fn clear(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap());
        drop(tasks);
    }
}

impl Spawn for Queue {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.lock().unwrap().push(task);
        Ok(())
    }
}

/// Creates a function `read` of a key: counts its runs in `RUNS`, and passes `GATE`. Its tasks are in `QUEUE`.
macro_rules! read {
    ($result:ty, $value:expr $(, $($option:tt)*)?) => {
        static QUEUE: Queue = Queue::new();
        static GATE: Gate = Gate::new();
        static RUNS: AtomicU64 = AtomicU64::new(0);

        #[lru_cache(detach = true, spawn = QUEUE, $($($option)*)?)]
        async fn read(_key: u64) -> $result {
            let run = RUNS.fetch_add(1, SeqCst) + 1;
            GATE.pass().await;
            #[allow(clippy::redundant_closure_call)]
            ($value)(run)
        }
    };
}

#[test]
fn the_computation_goes_on_without_its_caller() {
    read!(u64, |run| run);

    finishes(|| {
        let call = Hand::begun(read(1));
        assert_eq!((RUNS.load(SeqCst), QUEUE.poll(), RUNS.load(SeqCst)), (0, 1, 1));
        drop(call);
        GATE.open(1);
        assert_eq!((QUEUE.poll(), read::cache_peek(1)), (0, Some(1)));
        assert_eq!((Hand::new(read(1)).end(), RUNS.load(SeqCst)), (1, 1));
        assert_eq!(tally(read::cache_info()), (1, 1, 1));

        // Dropped before it has begun.
        drop(Hand::begun(read(2)));
        GATE.open(1);
        assert_eq!((QUEUE.poll(), read::cache_peek(2)), (0, Some(2)));
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn the_caller_gets_the_result() {
    read!(u64, |run| run);

    finishes(|| {
        let mut call = Hand::begun(read(1));
        QUEUE.poll();
        GATE.open(1);
        assert_eq!((call.woken(), call.poll(), QUEUE.poll()), (0, None, 0));
        assert!(call.woken() > 0);
        assert_eq!(call.end(), 1);
        assert_eq!((tally(read::cache_info()), read::__memo().in_flight()), ((0, 1, 1), (0, 0)));
    });
}

#[test]
fn twelve_callers_without_patience_begin_once_and_finish_once() {
    read!(u64, |run| run);

    finishes(|| {
        for _ in 0..12 {
            drop(Hand::begun(read(1)));
            QUEUE.poll();
        }
        assert_eq!((RUNS.load(SeqCst), QUEUE.len()), (1, 1));
        let last = Hand::begun(read(1));
        GATE.open(1);
        QUEUE.poll();
        assert_eq!((last.end(), RUNS.load(SeqCst)), (1, 1));
        assert_eq!(Hand::new(read(1)).end(), 1);
        assert_eq!(tally(read::cache_info()), (2, 1, 1));
        assert_eq!(read::cache_stats().coalesced, 1);
    });
}

#[test]
fn a_result_that_cannot_be_shared_goes_to_the_caller() {
    #[derive(Debug, PartialEq)]
    struct Failure(u64);

    read!(Result<u64, Failure>, |run| Err(Failure(run)));

    finishes(|| {
        let call = Hand::begun(read(1));
        let mut follower = Hand::begun(read(1));
        QUEUE.poll();
        GATE.open(1);
        QUEUE.poll();
        assert_eq!((call.end(), read::cache_info().currsize), (Err(Failure(1)), 0));
        // The follower computes for itself.
        assert_eq!(follower.poll(), None);
        GATE.open(1);
        assert_eq!(follower.end(), Err(Failure(2)));
        assert_eq!((QUEUE.len(), read::__memo(&()).in_flight()), (0, (0, 0)));
    });
}

#[test]
fn a_panic_is_resumed_in_the_caller() {
    read!(u64, |run| if run < 3 { raise() } else { run });

    finishes(|| {
        let call = Hand::begun(read(1));
        GATE.open(1);
        assert_eq!(QUEUE.poll(), 0);
        assert!(raises(|| call.end()));
        // Without a caller it is discarded.
        drop(Hand::begun(read(1)));
        GATE.open(1);
        assert_eq!((QUEUE.poll(), read::__memo().in_flight()), (0, (0, 0)));
        let call = Hand::begun(read(1));
        GATE.open(1);
        assert_eq!((QUEUE.poll(), call.end()), (0, 3));
        assert_eq!(tally(read::cache_info()), (0, 3, 1));
    });
}

#[test]
fn without_an_executor_the_call_awaits_the_computation() {
    static GATE: Gate = Gate::new();

    #[lru_cache(detach = true)]
    async fn no_runtime(key: u64) -> u64 {
        GATE.pass().await;
        key
    }

    struct Full;

    impl Spawn for Full {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            Err(task)
        }
    }

    #[lru_cache(detach = true, spawn = Full)]
    async fn refused(key: u64) -> u64 {
        GATE.pass().await;
        key
    }

    #[lru_cache(detach = true, spawn = |task: Task| drop(task))]
    async fn dropped(key: u64) -> u64 {
        GATE.pass().await;
        key
    }

    #[lru_cache(detach = true, spawn = |task| smol::block_on(task))]
    async fn at_once(key: u64) -> u64 {
        key
    }

    #[lru_cache(detach = true, spawn = |_task: Task| raise())]
    async fn broken(key: u64) -> u64 {
        key
    }

    finishes(|| {
        macro_rules! awaits {
            ($f:ident) => {
                drop(Hand::begun($f(1)));
                assert_eq!($f::__memo().in_flight(), (0, 0));
                let mut call = Hand::begun($f(1));
                GATE.open(1);
                assert_eq!((call.poll(), $f::cache_peek(1)), (Some(1), Some(1)));
                assert_eq!(tally($f::cache_info()), (0, 2, 1));
            };
        }
        awaits!(no_runtime);
        awaits!(refused);
        awaits!(dropped);
        assert_eq!((Hand::new(at_once(1)).end(), tally(at_once::cache_info())), (1, (0, 1, 1)));
        assert!(raises(|| Hand::new(broken(1)).end()));
        assert_eq!(broken::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_computation_that_the_executor_drops_is_begun_again() {
    read!(u64, |run| run);

    finishes(|| {
        let mut call = Hand::begun(read(1));
        QUEUE.poll();
        QUEUE.clear();
        assert!(call.woken() > 0);
        assert_eq!((call.poll(), RUNS.load(SeqCst), QUEUE.len()), (None, 2, 0));
        GATE.open(1);
        assert_eq!((call.end(), read::cache_peek(1)), (2, Some(2)));

        // Before it has begun, or after its caller is gone.
        let mut call = Hand::begun(read(2));
        QUEUE.clear();
        GATE.open(1);
        assert_eq!((call.poll(), RUNS.load(SeqCst)), (Some(3), 3));
        drop(Hand::begun(read(3)));
        QUEUE.clear();
        assert_eq!(read::__memo().in_flight(), (0, 0));
        drop(Hand::begun(read(3)));
        QUEUE.poll();
        QUEUE.clear();
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_computation_that_the_executor_does_not_begin_is_run_by_the_call() {
    read!(u64, |run| run);

    alone(|| {
        let mut call = Hand::begun(read(1));
        testing::advance(Duration::from_millis(100));
        wait_until(|| call.woken() > 0);
        assert_eq!((call.poll(), RUNS.load(SeqCst)), (None, 1));
        // The executor does not run it beside the call, and has it when the call is gone.
        GATE.open(1);
        assert_eq!((QUEUE.poll(), read::cache_peek(1)), (1, None));
        drop(call);
        assert_eq!((QUEUE.poll(), read::cache_peek(1), RUNS.load(SeqCst)), (0, Some(1), 1));

        // The executor's task ends with the call's.
        let mut call = Hand::begun(read(2));
        testing::advance(Duration::from_millis(100));
        GATE.open(1);
        assert_eq!((call.poll(), QUEUE.poll()), (Some(2), 0));

        // Both are gone.
        let mut call = Hand::begun(read(3));
        testing::advance(Duration::from_millis(100));
        assert_eq!(call.poll(), None);
        QUEUE.clear();
        drop(call);
        assert_eq!(read::__memo().in_flight(), (0, 0));
        let mut call = Hand::begun(read(3));
        testing::advance(Duration::from_millis(100));
        assert_eq!(call.poll(), None);
        drop(call);
        QUEUE.clear();
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_follower_takes_over_from_a_computation_that_exceeds_its_time() {
    read!(u64, |run| run, flight_timeout = 5);

    alone(|| {
        drop(Hand::begun(read(1)));
        QUEUE.poll();
        testing::advance(Duration::from_secs(3));
        let mut follower = Hand::begun(read(1));
        testing::advance(Duration::from_secs(3));
        wait_until(|| follower.woken() > 0);
        assert_eq!((follower.poll(), QUEUE.len()), (None, 2));
        QUEUE.poll();
        assert_eq!(RUNS.load(SeqCst), 2);
        GATE.open(2);
        assert_eq!(QUEUE.poll(), 0);
        assert!(follower.end() > 0 && read::cache_contains(1));
    });
}

#[test]
fn calls_of_each_other_do_not_wait_in_a_circle() {
    static QUEUE: Queue = Queue::new();

    /// `odd`, as a type that does not contain itself.
    fn boxed(n: u64, depth: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(odd(n, depth))
    }

    #[lru_cache(detach = true, spawn = QUEUE)]
    async fn even(n: u64, depth: u64) -> u64 {
        if depth == 0 { n } else { boxed(n, depth - 1).await }
    }

    #[lru_cache(key = |n, _| *n, detach = true, spawn = QUEUE)]
    async fn odd(n: u64, depth: u64) -> u64 {
        if depth == 0 { n } else { same(n, depth - 1).await }
    }

    #[lru_cache(key = |n, _| *n, detach = true, spawn = QUEUE)]
    async fn same(n: u64, depth: u64) -> u64 {
        if depth == 0 { n } else { boxed(n, depth - 1).await + 1 }
    }

    finishes(|| {
        let mut call = Hand::begun(even(7, 6));
        let mut polls = 0;
        let result = loop {
            QUEUE.poll();
            if let Some(result) = call.poll() {
                break result;
            }
            polls += 1;
            assert!(polls < 100, "the calls wait for each other");
        };
        assert!(result >= 7);
    });
}

#[test]
fn arguments_are_carried() {
    static QUEUE: Queue = Queue::new();

    struct Db(u64);

    #[lru_cache(detach = true, spawn = QUEUE, maxsize = 100, weight = |_, path, ids, _, _| path.as_os_str().len() + ids.len())]
    async fn ask(#[key(skip)] db: Arc<Db>, path: &Path, ids: Vec<u64>, (a, b): (u8, u8)) -> u64 {
        db.0 + ids.len() as u64 + path.as_os_str().len() as u64 + u64::from(a + b)
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u64);

    impl Shop {
        #[lru_cache(detach = true, spawn = QUEUE)]
        async fn price(&self, id: u64, name: &str) -> u64 {
            self.0 + id + name.len() as u64
        }
    }

    #[lru_cache(typed = true, detach = true, spawn = QUEUE)]
    async fn text<T: ToString + functools::Argument + Clone + Send + Sync + 'static>(it: T) -> String {
        it.to_string()
    }

    static OBJECT: functools::LruCache<u64, u64> = functools::LruCache::new(Some(8));

    #[lru_cache(cache = OBJECT, detach = true, spawn = QUEUE)]
    async fn in_object(n: u64) -> u64 {
        n
    }

    finishes(|| {
        let db = Arc::new(Db(5));
        drop(Hand::begun(ask(Arc::clone(&db), Path::new("/ab"), vec![1, 2], (3, 4))));
        drop(Hand::begun(Shop(100).price(1, "ab")));
        drop(Hand::begun(text(7_u8)));
        drop(Hand::begun(in_object(4)));
        assert_eq!(QUEUE.poll(), 0);
        assert_eq!(ask::cache_peek(Path::new("/ab"), vec![1, 2], (3, 4)), Some(17));
        assert_eq!(ask::cache_info().currsize, 5);
        assert_eq!(Shop(100).price_cache_peek(1, "ab"), Some(103));
        assert_eq!((text::cache_peek(7_u8), OBJECT.peek(&4)), (Some("7".into()), Some(4)));
    });
}

#[test]
fn beside_stale_results() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    read!(u64, |run| run, ttl = 60, swr = true, timer = || NOW.load(SeqCst));

    finishes(|| {
        GATE.open(2);
        drop(Hand::begun(read(1)));
        assert_eq!((QUEUE.poll(), Hand::new(read(1)).end()), (0, 1));
        NOW.store(60, SeqCst);
        assert_eq!((Hand::new(read(1)).end(), QUEUE.poll()), (1, 0));
        assert_eq!((Hand::new(read(1)).end(), RUNS.load(SeqCst)), (2, 2));
    });
}

#[test]
fn on_tokio_by_itself() {
    static GATE: Gate = Gate::new();
    static RUNS: AtomicUsize = AtomicUsize::new(0);

    #[lru_cache(detach = true)]
    async fn read(key: u64) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        if key == 0 { Err("zero".into()) } else { Ok(key) }
    }

    finishes(|| {
        on_tokio(async {
            for _ in 0..12 {
                let mut call = pin!(read(1));
                let polled = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
                assert!(polled.is_pending());
            }
            GATE.open(1);
            while !read::cache_contains(1) {
                tokio::task::yield_now().await;
            }
            assert_eq!((read(1).await.unwrap(), RUNS.load(SeqCst)), (1, 1));
            GATE.open(1);
            assert_eq!(read(0).await.unwrap_err().to_string(), "zero");
        });
        assert_eq!(tally(read::cache_info()), (1, 2, 1));
    });
}

#[test]
fn results_are_dropped_where_no_caller_takes_them() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug)]
    struct Counted;

    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }

    read!(Result<u64, Counted>, |_| Err(Counted));

    finishes(|| {
        let call = Hand::begun(read(1));
        GATE.open(1);
        QUEUE.poll();
        drop(call);
        drop(Hand::begun(read(1)));
        GATE.open(1);
        QUEUE.poll();
        assert_eq!(DROPPED.load(SeqCst), 2);
    });
}

#[test]
fn beside_all_other_options() {
    static QUEUE: Queue = Queue::new();

    fn ticks() -> u64 {
        0
    }

    #[allow(clippy::ref_option)]
    fn log<K, V>(_: &K, _: &V, _: functools::RemovalCause) {}

    macro_rules! with {
        ($({$($option:tt)*})*) => { $({
            #[lru_cache(detach = true, spawn = QUEUE, $($option)*)]
            async fn f(n: u64) -> Result<Option<u64>, String> {
                Ok(Some(n))
            }
            drop(Hand::begun(f(1)));
            assert_eq!((QUEUE.poll(), Hand::new(f(1)).end()), (0, Ok(Some(1))), stringify!($($option)*));
            assert_eq!(f::cache_info().hits, 1, stringify!($($option)*));
        })* };
    }
    finishes(|| {
        with! {
            { typed = true } { key = |n| n / 10 } { cache_none = false } { cache_errors = true, error_ttl = 5 }
            { maxsize = None } { maxsize = 8, weight = |_n, _value| 2 } { on_evict = log } { shards = 4 }
            { policy = lfu } { policy = sieve } { policy = rr, choice = |keys| keys.len() - 1 }
            { ttl = 60 } { tti = 60 } { ttl = 60, jitter = 0.1 } { ttl = 60, timer = ticks }
            { ttu = |_n, _value, now| now + 60, timer = ticks } { ttl = 60, stale_if_error = 300 }
            { single_flight = true, flight_timeout = 5 } { ttl = 60, swr = 30, stale_if_error = 300 }
        }
    });
}

//! Stress test: many tasks and keys, with drops, panics and errors. No flight, key or value may be leaked.

use std::future::{Future, poll_fn};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::task::Poll;

use functools::lru_cache;

use crate::support::{finishes, on_tokio, raise};

const TASKS: u64 = 64;
const KEYS: u64 = 10_000;

static LIVE: AtomicI64 = AtomicI64::new(0);

/// A key or a value; the living ones are counted.
#[derive(Debug)]
struct Counted(u64);

impl Counted {
    fn new(number: u64) -> Self {
        LIVE.fetch_add(1, SeqCst);
        Self(number)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, SeqCst);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Counted {}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A deterministic random generator (splitmix64).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }
}

/// Yields once, on any executor.
async fn pause() {
    let mut waited = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Polls a future at most this many times, then drops it.
async fn at_most<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let (mut future, mut polls) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if polls == 0 => Poll::Ready(None),
        Poll::Pending => {
            polls -= 1;
            // The future is polled again whether it was woken or not.
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

static ROUND: AtomicU64 = AtomicU64::new(0);

async fn body(key: &Counted) -> Result<Counted, Counted> {
    let mut random = Random(key.0 ^ ROUND.fetch_add(1, SeqCst));
    let value = Counted::new(key.0);
    for _ in 0..random.below(3) {
        pause().await;
    }
    match random.below(20) {
        0 => raise(),
        1 => Err(Counted::new(key.0)),
        _ => Ok(value),
    }
}

/// Defines a stress test for an executor; all have functions with the same options.
macro_rules! storm {
    ($name:ident, $spawn:expr, $join:expr) => {
        async fn $name() {
            static NOW: AtomicU64 = AtomicU64::new(0);

            #[lru_cache(maxsize = 500)]
            async fn plain(key: Counted) -> Result<Counted, Counted> {
                body(&key).await
            }

            #[lru_cache(maxsize = None, ttl = 5000, swr = 5000, stale_if_error = 1000, timer = || NOW.load(SeqCst))]
            async fn refreshed(key: Counted) -> Result<Counted, Counted> {
                body(&key).await
            }

            #[lru_cache(maxsize = 0)]
            async fn unstored(key: Counted) -> Result<Counted, Counted> {
                body(&key).await
            }

            async fn work(task: u64) {
                let mut random = Random(task);
                for _ in 0..KEYS / 16 {
                    let key = random.below(KEYS).min(random.below(KEYS));
                    // Half of all calls use few keys.
                    let key = if random.below(2) == 0 { key % 16 } else { key };
                    NOW.fetch_add(1, SeqCst);
                    let polls = if random.below(4) == 0 { random.below(4) } else { 1_000_000 };
                    let answer = match random.below(8) {
                        0 => {
                            plain::cache_invalidate(Counted::new(key));
                            None
                        }
                        1 => catching(at_most(polls, unstored(Counted::new(key)))).await,
                        2..5 => catching(at_most(polls, refreshed(Counted::new(key)))).await,
                        _ => catching(at_most(polls, plain(Counted::new(key)))).await,
                    };
                    if let Some(Ok(value) | Err(value)) = answer {
                        assert_eq!(value.0, key);
                    }
                }
            }

            let (spawn, join) = ($spawn, $join);
            let tasks: Vec<_> = (0..TASKS).map(|task| spawn(work(task))).collect();
            for task in tasks {
                join(task).await;
            }
            // Refreshes may still be running.
            while refreshed::__memo(&()).in_flight().0 > 0 {
                pause().await;
            }
            for in_flight in [plain::__memo(&()).in_flight(), unstored::__memo(&()).in_flight()] {
                assert_eq!(in_flight, (0, 0));
            }
            assert!(plain::cache_info().currsize <= 500);
            plain::cache_clear();
            refreshed::cache_clear();
        }
    };
}

storm!(storm_on_tokio, |work| tokio::spawn(work), async |task: tokio::task::JoinHandle<()>| task
    .await
    .unwrap());
storm!(storm_on_smol, |work| smol::spawn(work), async |task: smol::Task<()>| task.await);

/// The output of a future; `None` if it panics.
async fn catching<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.unwrap_or(Poll::Ready(None))
    })
    .await
}

#[test]
fn nothing_is_left_of_many_calls_that_end_in_all_ways() {
    finishes(|| {
        on_tokio(storm_on_tokio());
        assert_eq!(LIVE.load(SeqCst), 0);
        smol::block_on(storm_on_smol());
        assert_eq!(LIVE.load(SeqCst), 0);
    });
}

#[test]
fn where_nothing_is_dropped_each_call_is_a_hit_or_a_miss() {
    static CALLS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(maxsize = 100)]
    async fn double(n: u64) -> Result<u64, String> {
        pause().await;
        if n % 7 == 0 { Err("seven".into()) } else { Ok(2 * n) }
    }

    async fn work(task: u64) {
        let mut random = Random(task);
        for _ in 0..1000 {
            let n = random.below(200);
            CALLS.fetch_add(1, SeqCst);
            assert_eq!(double(n).await.is_ok(), n % 7 != 0);
        }
    }

    finishes(|| {
        on_tokio(async {
            let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(work(task))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let info = double::cache_info();
        assert_eq!(info.hits + info.misses, CALLS.load(SeqCst));
        assert_eq!(double::__memo().in_flight(), (0, 0));
    });
}

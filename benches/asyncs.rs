//! What does a memoized async function cost, compared with other libraries: a hit, and a computation that a
//! thousand calls wait for?
//!
//! The contestants take turns within one run, so their ratios are valid even when the machine's speed varies.
//! Prints two tables of `RESULTS.md`; without cargo's `--bench` it runs everything once.

use std::convert::Infallible;
use std::env;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use benches::{Contestant, contest, draws, each};

/// The number of calls that wait for one computation.
const FOLLOWERS: usize = 1000;

/// Whether bodies wait.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// A future that is pending while bodies wait. It registers no waker: the bench polls all calls again.
struct Opened;

impl Future for Opened {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if CLOSED.load(Relaxed) { Poll::Pending } else { Poll::Ready(()) }
    }
}

async fn body(n: u64) -> u64 {
    Opened.await;
    n + 1
}

#[functools::lru_cache(maxsize = 128)]
fn functools_sync(n: u64) -> u64 {
    n + 1
}

#[functools::lru_cache(maxsize = 128)]
async fn functools_async(n: u64) -> u64 {
    body(n).await
}

#[functools::lru_cache(maxsize = 128, single_flight = false)]
async fn functools_alone(n: u64) -> u64 {
    body(n).await
}

#[functools::lru_cache(maxsize = 128, ttl = 60, swr = 30)]
async fn functools_refreshed(n: u64) -> u64 {
    body(n).await
}

#[cached::macros::cached(max_size = 128)]
async fn cached_async(n: u64) -> u64 {
    body(n).await
}

#[cached::macros::cached(max_size = 128, sync_writes = "by_key")]
async fn cached_by_key(n: u64) -> u64 {
    body(n).await
}

async fn moka(n: u64) -> u64 {
    static STORE: LazyLock<moka::future::Cache<u64, u64>> = LazyLock::new(|| moka::future::Cache::new(1024));
    STORE.get_with(n, body(n)).await
}

async fn quick(n: u64) -> u64 {
    static STORE: LazyLock<quick_cache::sync::Cache<u64, u64>> =
        LazyLock::new(|| quick_cache::sync::Cache::new(1024));
    let Ok(value) = STORE.get_or_insert_async(&n, async { Ok::<_, Infallible>(body(n).await) }).await;
    value
}

/// Polls a future once, in place: a function would move the future first.
macro_rules! polled {
    ($future:expr) => {
        match pin!($future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("the body does not wait"),
        }
    };
}

/// One computation and all calls that wait for it, from the first poll to the last result.
fn flight<F: Future<Output = u64>>(call: impl Fn(u64) -> F) {
    static KEYS: AtomicU64 = AtomicU64::new(1 << 32);

    let key = KEYS.fetch_add(1, Relaxed);
    let mut context = Context::from_waker(Waker::noop());
    CLOSED.store(true, Relaxed);
    let mut calls: Vec<_> = (0..=FOLLOWERS).map(|_| Box::pin(call(key))).collect();
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    CLOSED.store(false, Relaxed);
    let mut pending = calls.len();
    while pending > 0 {
        calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
        assert!(calls.len() < pending, "each round of polls completes a call");
        pending = calls.len();
    }
}

fn table(title: &str, contestants: &mut [Contestant<'_>], rounds: usize) {
    contest(contestants, rounds);
    println!("\n| {title} | ns | of the first |\n|---|---:|---:|");
    let first = contestants.first().map_or(f64::NAN, Contestant::nanoseconds);
    for contestant in contestants {
        let nanoseconds = contestant.nanoseconds();
        println!("| {} | {nanoseconds:.1} | {:.2} |", contestant.name, nanoseconds / first);
    }
}

macro_rules! hits {
    ($($name:literal: $call:expr;)*) => {
        [$({ let draws = draws(); Contestant::new($name, move || each(draws.iter().copied(), $call)) },)*]
    };
}

macro_rules! flights {
    ($($name:literal: $call:expr;)*) => {
        [$(Contestant::new($name, || flight($call)).of(FOLLOWERS + 1),)*]
    };
}

fn main() {
    let is_measured = env::args().any(|argument| argument == "--bench");
    let rounds = |many| if is_measured { many } else { 2 };
    println!("## Async functions");
    let mut hits = hits! {
        "`functools`, a sync function": functools_sync;
        "`functools`, polled once": |n| polled!(functools_async(n));
        "`functools`, `single_flight = false`": |n| polled!(functools_alone(n));
        "`functools`, `ttl = 60, swr = 30`": |n| polled!(functools_refreshed(n));
        "`#[cached]`": |n| polled!(cached_async(n));
        "`#[cached(sync_writes = \"by_key\")]`": |n| polled!(cached_by_key(n));
        "`moka::future`": |n| polled!(moka(n));
        "`quick_cache`": |n| polled!(quick(n));
    };
    table("hit", &mut hits, rounds(2000));
    let mut flights = flights! {
        "`functools`": functools_async;
        "`#[cached(sync_writes = \"by_key\")]`": cached_by_key;
        "`moka::future`": moka;
        "`quick_cache`": quick;
    };
    table("per call, a thousand coalesced calls for one key", &mut flights, rounds(300));
}

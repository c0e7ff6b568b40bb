//! What does an async function cost beside the same function as engineers write it today: a hit, and a
//! computation that a thousand wait for?
//!
//! The contestants take turns within one run, so their ratios hold where nanoseconds drift. Prints two
//! tables of `RESULTS.md`; without cargo's `--bench` it only tries everything once.

use std::convert::Infallible;
use std::env;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use benches::{Contestant, contest, draws, each};

/// How many calls wait for one computation.
const FOLLOWERS: usize = 1000;

/// Whether bodies wait.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Waits while bodies do; who is waited for is polled anyway.
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

/// Polls a future once. Where it is made: a function that takes it would move it about first.
macro_rules! polled {
    ($future:expr) => {
        match pin!($future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("there is nothing to wait for"),
        }
    };
}

/// A computation, and all who wait for it: from the first poll to the last result.
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
    let mut left = calls.len();
    while left > 0 {
        calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
        assert!(calls.len() < left, "somebody gets on");
        left = calls.len();
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
    table("a call among a thousand for one key", &mut flights, rounds(300));
}

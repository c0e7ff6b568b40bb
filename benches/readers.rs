//! What does a hit in an unbounded cache cost with one calling thread, and with two?
//!
//! Prints medians over batches of calls: of one thread before any other has called, of one thread, and of
//! each of two threads; the last lines are for calls of which some miss. With two threads only those batches
//! count during which the other thread was calling too: on a busy machine the threads may alternate on one
//! core.

use std::fmt;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use benches::{CALLS, draws};
use functools::cache;

const ROUNDS: usize = 31;
const BATCHES: usize = 400;

#[cache]
fn unbounded(n: u64) -> u64 {
    n
}

#[cache]
fn growing(n: u64) -> u64 {
    n
}

/// A value in a cache line of its own.
#[repr(align(128))]
struct Progress(AtomicU64);

/// Returns the times of batches of calls by this many threads at once.
fn together(threads: usize, batch: impl Fn(usize, usize) + Sync) -> Vec<Duration> {
    let start = Barrier::new(threads);
    let progress: Vec<_> = (0..threads).map(|_| Progress(AtomicU64::new(0))).collect();
    let done = |thread: usize| -> u64 {
        let others = progress.iter().enumerate().filter(|(other, _)| *other != thread);
        others.map(|(_, progress)| progress.0.load(Relaxed)).sum()
    };
    let timed = |thread: usize| {
        let mut times = Vec::with_capacity(BATCHES);
        start.wait();
        for number in 0..BATCHES {
            let (before, begin) = (done(thread), Instant::now());
            batch(thread, number);
            let time = begin.elapsed();
            progress[thread].0.fetch_add(1, Relaxed);
            if threads == 1 || done(thread) > before {
                times.push(time);
            }
        }
        times
    };
    if threads == 1 {
        // On this thread: the cache would notice calls from another.
        return timed(0);
    }
    thread::scope(|scope| {
        let timed = &timed;
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || timed(thread))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a call does not panic")).collect()
    })
}

/// A median in nanoseconds per call, and the number of batches.
#[derive(Clone, Copy)]
struct Median(f64, usize);

impl Median {
    #[expect(clippy::cast_precision_loss, reason = "a batch has few calls")]
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        Self(median.as_secs_f64() * 1e9 / CALLS as f64, times.len())
    }
}

impl fmt::Display for Median {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ns ({} batches)", self.0, self.1)
    }
}

fn main() {
    let draws = draws();
    let hits = |_, _| draws.iter().for_each(|&n| _ = black_box(unbounded(black_box(n))));
    hits(0, 0);
    let before: Vec<_> = (0..ROUNDS).flat_map(|_| together(1, hits)).collect();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        two.extend(together(2, hits));
        one.extend(together(1, hits));
    }
    let (before, one, two) = (Median::of(before), Median::of(one), Median::of(two));
    println!("hit, one thread, none other before: {before}");
    println!("hit, one thread:                    {one}, {:.2} ×", one.0 / before.0);
    println!("hit, each of two threads:           {two}, {:.2} ×", two.0 / before.0);
    let info = unbounded::cache_info();
    let calls = ((1 + 4 * ROUNDS * BATCHES) * CALLS) as u64;
    assert_eq!((info.hits, info.misses), (calls - 128, 128), "every call is counted");

    for rare in [1000, 100, 10] {
        let mixed = |thread: usize, batch: usize| {
            for (number, &n) in draws.iter().enumerate() {
                let number = batch * CALLS + number;
                let fresh = 128 + 2 * number as u64 + thread as u64;
                black_box(growing(black_box(if number % rare == 0 { fresh } else { n })));
            }
        };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            growing::cache_clear();
            one.extend(together(1, mixed));
            growing::cache_clear();
            two.extend(together(2, mixed));
        }
        let (one, two) = (Median::of(one), Median::of(two));
        println!("one miss in {rare}: one thread {one}, each of two {two}, {:.2} ×", two.0 / one.0);
    }
}

//! One recursion, plain and memoized: how often the body runs, and how long it takes.
//!
//! Run it with `cargo run --release --example fibonacci`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use functools::lru_cache;

thread_local!(static BODIES: Cell<u64> = const { Cell::new(0) });

fn plain(n: u64) -> u64 {
    BODIES.set(BODIES.get() + 1);
    if n < 2 { n } else { plain(n - 1) + plain(n - 2) }
}

#[lru_cache(maxsize = None)]
fn fibonacci(n: u64) -> u64 {
    BODIES.set(BODIES.get() + 1);
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

fn main() {
    println!("{:<22}{:>20}{:>14}{:>12}", "call", "result", "bodies run", "time");
    let slow = row("plain(35)", || plain(35));
    let fast = row("fibonacci(35)", || fibonacci(35));
    row("fibonacci(35) again", || fibonacci(35));
    row("fibonacci(50)", || fibonacci(50));
    row("fibonacci(51)", || fibonacci(51));
    row("fibonacci(90)", || fibonacci(90));

    let times = slow.as_nanos() / fast.as_nanos().max(1);
    println!("\nThe first memoized call was {times} times as fast as the plain one.");
    println!("{}", fibonacci::cache_info());
}

/// Makes the call and prints a row about it.
fn row(label: &str, call: impl FnOnce() -> u64) -> Duration {
    BODIES.set(0);
    let start = Instant::now();
    let result = call();
    let took = start.elapsed();
    println!("{label:<22}{result:>20}{:>14}{:>12}", BODIES.get(), format!("{took:.1?}"));
    took
}

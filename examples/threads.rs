//! Several threads share one memoized function, and the counts stay exact.
//!
//! Run it with `cargo run --release --example threads`.

use std::sync::Barrier;
use std::thread;

use functools::lru_cache;

const THREADS: u64 = 4;
const NUMBERS: u64 = 1_000;
const ROUNDS: u64 = 25;

/// How many steps the Collatz sequence takes from `n` down to 1.
#[lru_cache(maxsize = 1_000)]
fn steps(n: u64) -> u32 {
    let mut n = n;
    let mut count = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        count += 1;
    }
    count
}

/// All threads start at once and call with the same numbers.
fn ask() {
    let start = Barrier::new(THREADS.try_into().expect("a handful"));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                (0..ROUNDS).for_each(|_| assert_eq!((1..=NUMBERS).max_by_key(|&n| steps(n)), Some(871)));
            });
        }
    });
}

fn main() {
    ask();
    let cold = steps::cache_info();
    println!("{THREADS} threads made {} calls, into an empty cache:", THREADS * ROUNDS * NUMBERS);
    println!("{cold}");
    println!("hits + misses = {}", cold.hits + cold.misses);
    println!("bodies run beside another one for the same number: {}", cold.misses - NUMBERS);

    ask();
    let warm = steps::cache_info();
    println!("\nand as many again, now that every number is known:");
    println!("{warm}");
    println!("hits since = {}, misses since = {}", warm.hits - cold.hits, warm.misses - cold.misses);
}

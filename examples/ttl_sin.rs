//! Python's `ttl_cache(ttl=5)(math.sin)`: any function, wrapped at run time, with a time to live.
//!
//! Run it with `cargo run --example ttl_sin`. The clock is manual, so the example does not wait.

use std::time::Duration;

use functools::{ManualClock, TtlCache};

fn main() {
    let clock = ManualClock::new();
    let cache = TtlCache::with_clock(clock.clone(), Some(128), Duration::from_secs(5));
    let sin = cache.wrap(f64::sin);

    println!("{:>7}{:>5}{:>10}   by", "time", "x", "sin(x)");
    for (seconds, x) in [(0.0, 1.0), (2.0, 1.0), (4.0, 2.0), (4.999, 1.0), (5.0, 1.0), (8.0, 2.0)] {
        clock.set(Duration::from_secs_f64(seconds));
        let hits = cache.info().hits;
        let value = sin(x);
        let by = if cache.info().hits > hits { "cache" } else { "function" };
        println!("{seconds:>5.3} s{x:>5.1}{value:>10.6}   {by}");
    }
    println!("\nA result expires exactly 5 s after it was stored; a hit does not extend that.");
    println!("{}", cache.info());
}

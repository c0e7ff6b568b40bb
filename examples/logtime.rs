//! A log written by the body shows the calls that a cache saves.
//!
//! Run it with `cargo run --release --example logtime [DIRECTORY]`. Each line of a log
//! `<name>_eventLog.txt`, in that directory or else the current one, is a time, a name and a number of seconds, with tabs between them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Instant, UNIX_EPOCH};

use functools::lru_cache;

/// Runs `work` and appends its duration to the log `name`.
fn logtime<T>(name: &str, work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    let now = UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64());
    let log = File::options().create(true).append(true).open(path(name));
    log.and_then(|mut log| writeln!(log, "{now:.3}\t{name}\t{seconds:.9}")).expect("the log is writable");
    (result, seconds)
}

fn path(name: &str) -> PathBuf {
    std::env::args().nth(1).map(PathBuf::from).unwrap_or_default().join(format!("{name}_eventLog.txt"))
}

/// One line per call: every call runs the body.
fn plain(n: u64) -> u64 {
    logtime("plain", || if n < 2 { n } else { plain(n - 1) + plain(n - 2) }).0
}

/// One line per miss: a hit does not run the body.
#[lru_cache(maxsize = None)]
fn memoized(n: u64) -> u64 {
    logtime("memoized", || if n < 2 { n } else { memoized(n - 1) + memoized(n - 2) }).0
}

/// These two do not log, so that they can be timed from outside.
fn silent(n: u64) -> u64 {
    if n < 2 { n } else { silent(n - 1) + silent(n - 2) }
}

#[lru_cache(maxsize = None)]
fn silent_memoized(n: u64) -> u64 {
    if n < 2 { n } else { silent_memoized(n - 1) + silent_memoized(n - 2) }
}

fn main() -> io::Result<()> {
    for name in ["plain", "memoized", "silent", "silent_memoized"] {
        File::create(path(name))?;
    }
    assert_eq!(plain(20), memoized(20));
    for name in ["plain", "memoized"] {
        println!("fib(20) {name}: {} lines in the log", fs::read_to_string(path(name))?.lines().count());
    }

    println!("\n{:<10}{:>14}{:>14}{:>12}", "call", "plain", "memoized", "speed-up");
    for n in 20..=30 {
        silent_memoized::cache_clear(); // so that each starts with an empty cache
        let (expected, slow) = logtime("silent", || silent(n));
        let (result, fast) = logtime("silent_memoized", || silent_memoized(n));
        assert_eq!(result, expected);
        println!("fib({n}){:>15.1} us{:>11.1} us{:>10.0} x", slow * 1e6, fast * 1e6, slow / fast);
    }
    Ok(())
}

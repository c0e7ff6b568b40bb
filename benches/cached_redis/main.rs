//! Makes calls of `cached`'s macros each time it reads a line, and prints a line when they are done.
//!
//! `cached_redis sync 128 100` makes 128 calls with results of 100 bytes. The variable
//! `CACHED_REDIS_CONNECTION_STRING` has the address of Redis.

#![allow(clippy::unnecessary_wraps, clippy::unused_async, reason = "the macro requires it")]

use std::env;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::sync::OnceLock;

use cached::macros::concurrent_cached;

static LENGTH: OnceLock<usize> = OnceLock::new();

fn text(n: u64) -> String {
    let length = *LENGTH.get_or_init(|| 100);
    format!("{n:x>length$}")
}

#[concurrent_cached(redis = true, ttl_secs = 3600, map_error = "|error| error.to_string()")]
fn blocking(n: u64) -> Result<String, String> {
    Ok(text(n))
}

#[concurrent_cached(redis = true, ttl_secs = 3600, map_error = "|error| error.to_string()")]
async fn awaited(n: u64) -> Result<String, String> {
    Ok(text(n))
}

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().collect();
    let number = |at: usize| arguments.get(at).and_then(|number| number.parse().ok());
    let calls: u64 = number(2).unwrap_or(128);
    let length: u64 = number(3).unwrap_or(100);
    LENGTH.get_or_init(|| usize::try_from(length).unwrap_or(100));
    let is_async = arguments.get(1).is_some_and(|kind| kind == "async");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for line in io::stdin().lock().lines() {
        line?;
        if is_async {
            runtime.block_on(async {
                for n in 0..calls {
                    black_box(awaited(black_box(n)).await.expect("Redis answers"));
                }
            });
        } else {
            for n in 0..calls {
                black_box(blocking(black_box(n)).expect("Redis answers"));
            }
        }
        writeln!(io::stdout(), "done")?;
    }
    Ok(())
}

//! Single-flight across processes: two processes need one report at the same time, and one of them computes it.
//!
//! Run it with `cargo run --example shared_report --features redis -- redis://127.0.0.1/`. It starts two processes.

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use functools::backend::redis;
use functools::lru_cache;

/// The backend is opened at the first call, so its expression may use the arguments of the program.
#[lru_cache(ttl = 60, single_flight = global, backend = redis(env::args().nth(1).unwrap_or_default()))]
fn report(year: u32) -> String {
    thread::sleep(Duration::from_millis(500)); // stands for an expensive computation
    format!("the report of {year}")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = env::args().nth(1).ok_or("expected the URL of a server: redis://127.0.0.1/")?;
    if env::args().nth(2).is_some() {
        let text = report(2026);
        println!("{text}, computed {}", report::cache_info().misses);
        return Ok(());
    }
    report::cache_clear()?;
    let start = |_| Command::new(env::current_exe()?).args([&url, "again"]).stdout(Stdio::piped()).spawn();
    let both = [1, 2].map(start);
    for process in both {
        print!("{}", String::from_utf8(process?.wait_with_output()?.stdout)?);
    }
    Ok(())
}

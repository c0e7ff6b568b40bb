//! A slow origin: concurrent calls are coalesced into one request, and a stale result is served during its refresh.
//!
//! ```sh
//! cargo run --package refreshed
//! ```

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::lru_cache;
use tokio::task::JoinSet;

/// The present time in seconds, set by hand.
static NOW: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);

#[lru_cache(ttl = 10, swr = true, timer = || NOW.load(SeqCst))]
async fn price(symbol: &str) -> Result<u64, String> {
    let asked = ASKED.fetch_add(1, SeqCst) + 1;
    tokio::time::sleep(Duration::from_millis(200)).await; // stands for the network
    Ok(100 * symbol.len() as u64 + asked)
}

#[tokio::main]
async fn main() -> Result<(), String> {
    let mut callers: JoinSet<_> = (0..100).map(|_| price("ACME")).collect();
    while let Some(answer) = callers.join_next().await {
        assert_eq!(answer.map_err(|error| error.to_string())?, Ok(401));
    }
    println!("100 callers, {} request: {}", ASKED.load(SeqCst), price::cache_info());

    NOW.store(10, SeqCst);
    println!("ten seconds later, at once: {}", price("ACME").await?);
    while price::cache_stats().refreshes == 0 {
        tokio::task::yield_now().await;
    }
    println!("and when it is refreshed:   {}", price("ACME").await?);
    println!("{}", price::cache_stats());
    Ok(())
}

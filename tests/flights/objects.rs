//! Stale results in cache objects.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::{LruCache, ManualClock, lru_cache};

use crate::support::{finishes, wait_until};

type Prices = LruCache<String, u64, ManualClock>;

static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::new);
static PRICES: LazyLock<Prices> = LazyLock::new(|| LruCache::builder_with(CLOCK.clone()).maxsize(8).build());

/// Returns a cache that lives as long as the program, since a refresh outlives its call.
fn prices() -> &'static Prices {
    &PRICES
}

#[test]
fn what_is_stale_in_an_object_is_served_and_refreshed() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(cache = prices(), ttl = 60, swr = 30)]
    fn price(_symbol: &str) -> u64 {
        RUNS.fetch_add(1, SeqCst)
    }

    finishes(|| {
        assert_eq!((price("A"), price("A")), (0, 0));
        CLOCK.advance(Duration::from_secs(60));
        assert!(!price::cache_contains("A"));
        assert_eq!(price("A"), 0);
        wait_until(|| price::cache_stats().refreshes == 1);
        assert_eq!(price("A"), 1);
        CLOCK.advance(Duration::from_secs(90));
        assert_eq!((price::cache_peek("A"), prices().peek("A")), (None, None));
        assert_eq!(price("A"), 2);
    });
}

#[test]
fn what_is_stale_in_an_object_stands_in_for_an_error() {
    #[lru_cache(cache = memo, ttl = 60, stale_if_error = 300)]
    fn price(_symbol: &str, #[key(skip)] fails: &AtomicBool, memo: &Prices) -> Result<u64, ()> {
        if fails.load(SeqCst) { Err(()) } else { Ok(7) }
    }

    let (clock, fails) = (ManualClock::new(), AtomicBool::new(false));
    let memo = LruCache::builder_with(clock.clone()).build();
    assert_eq!(price("A", &fails, &memo), Ok(7));
    fails.store(true, SeqCst);
    clock.advance(Duration::from_secs(359));
    assert_eq!((price("A", &fails, &memo), memo.get("A")), (Ok(7), None));
    clock.advance(Duration::from_secs(1));
    assert_eq!(price("A", &fails, &memo), Err(()));
}

#[test]
fn errors_in_an_object_have_a_time_of_their_own() {
    #[lru_cache(cache = memo, ttl = 60, cache_errors = true, error_ttl = 5)]
    fn parse(text: &str, memo: &LruCache<String, Result<u64, String>, ManualClock>) -> Result<u64, String> {
        text.parse().map_err(|_| text.to_owned())
    }

    let clock = ManualClock::new();
    let memo = LruCache::builder_with(clock.clone()).build();
    assert!(parse("x", &memo).is_err() && parse("7", &memo).is_ok());
    clock.advance(Duration::from_secs(5));
    assert!(!parse::cache_contains("x", &memo) && parse::cache_contains("7", &memo));
    clock.advance(Duration::from_secs(55));
    assert!(!parse::cache_contains("7", &memo) && memo.is_empty());
}

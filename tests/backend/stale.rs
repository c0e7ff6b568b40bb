//! Stale results in a backend: `swr`, `stale_if_error` and `jitter` reach what is stored outside.
//!
//! Entries of the test's backend do not age: the test sets the remaining time to live that it reports.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::lru_cache;

use crate::asyncs::block_on;
use crate::map_backend::{MapBackend, Slow, until};

/// Sets the remaining time to live of all entries.
fn set_ttl(backend: &MapBackend, seconds: u64) {
    for (_, ttl) in backend.entries().values_mut() {
        *ttl = Some(Duration::from_secs(seconds));
    }
}

fn ttls(backend: &MapBackend) -> Vec<Duration> {
    backend.entries().values().map(|(_, ttl)| ttl.expect("it expires")).collect()
}

#[test]
fn a_restarted_process_serves_a_stale_result_and_refreshes_it() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(ttl = 60, swr = 30, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(price(1), 1);
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(90)], "fresh for 60 seconds, stale for 30");
    set_ttl(&BACKEND, 31);
    price::cache_retain(|_, _| false);
    assert_eq!((price(1), RUNS.load(SeqCst), price::cache_stats().backend_hits), (1, 1, 1), "fresh");
    set_ttl(&BACKEND, 30);
    price::cache_retain(|_, _| false);
    assert_eq!(price::cache_peek(1), Some(1));
    assert_eq!((price(1), RUNS.load(SeqCst)), (1, 1), "stale, and served");
    assert_eq!(price(1), 1, "stale in the process as well");
    until(|| price::cache_stats().refreshes == 1);
    assert_eq!((price(1), RUNS.load(SeqCst)), (101, 2));
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(90)]);
}

#[test]
fn without_a_copy_in_the_process_a_stale_result_is_computed_again() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, ttl = 60, swr = true, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(price(1), 1);
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(120)], "stale for as long as it is fresh");
    set_ttl(&BACKEND, 60);
    assert_eq!((price(1), price(1)), (101, 101));
}

#[test]
fn a_stale_result_is_served_instead_of_an_error() {
    static BACKEND: MapBackend = MapBackend::new();
    static IS_UP: AtomicBool = AtomicBool::new(true);
    #[lru_cache(maxsize = 0, ttl = 60, stale_if_error = 600, backend = &BACKEND)]
    fn price(id: u64) -> Result<u64, String> {
        if IS_UP.load(SeqCst) { Ok(id) } else { Err("the exchange is down".to_owned()) }
    }
    assert_eq!(price(1), Ok(1));
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(660)]);
    IS_UP.store(false, SeqCst);
    set_ttl(&BACKEND, 600);
    assert_eq!((price(1), price(1)), (Ok(1), Ok(1)));
    assert_eq!((price::cache_stats().stale_hits, price::cache_info().misses), (2, 3));
    assert!(price::cache_peek(1).is_none(), "it is no result that a call returns without computing");
    price::cache_invalidate(1).unwrap();
    assert!(price(1).is_err(), "what was removed does not come back");
}

#[test]
fn a_cached_error_has_no_stale_window() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(ttl = 60, error_ttl = 5, stale_if_error = 600, cache_errors = true, backend = &BACKEND)]
    fn price(id: u64) -> Result<u64, String> {
        if id == 0 { Err("no price".to_owned()) } else { Ok(id) }
    }
    assert!(price(0).is_err());
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(5)]);
}

#[test]
fn jitter_shortens_what_is_stored_outside() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, ttl = 100, jitter = 0.5, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id
    }
    (0..50).for_each(|id| assert_eq!(price(id), id));
    let ttls = ttls(&BACKEND);
    assert!(ttls.iter().all(|ttl| (50.0..=100.0).contains(&ttl.as_secs_f64())), "{ttls:?}");
    assert!(ttls.iter().any(|ttl| *ttl != ttls[0]), "{ttls:?}");
}

#[test]
fn each_option_has_a_window_of_its_own() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(ttl = 60, swr = 10, stale_if_error = 3600, backend = &BACKEND)]
    fn price(id: u64) -> Result<u64, String> {
        if RUNS.fetch_add(1, SeqCst) < 2 { Ok(id) } else { Err("the exchange is down".to_owned()) }
    }
    assert_eq!(price(1), Ok(1));
    // Stale for 11 seconds: too long to be served while it is refreshed.
    set_ttl(&BACKEND, 3589);
    price::cache_retain(|_, _| false);
    assert_eq!((price(1), RUNS.load(SeqCst)), (Ok(1), 2));
    set_ttl(&BACKEND, 3589);
    price::cache_retain(|_, _| false);
    assert_eq!((price(1), RUNS.load(SeqCst)), (Ok(1), 3), "instead of the error");
}

#[test]
fn a_copy_is_not_served_stale_beyond_front_ttl() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(ttl = 3600, swr = true, front_ttl = 0.02, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(price(1), 1);
    // Another process invalidates the entry.
    BACKEND.entries().clear();
    let start = std::time::Instant::now();
    until(|| price(1) == 101);
    assert!(start.elapsed() >= Duration::from_millis(1));
    assert_eq!(price::cache_stats().stale_hits, 0, "the copy was gone, and not stale");
}

/// Of two calls that find a stale result of which there is no copy, the first is served it, and the second computes.
macro_rules! is_computed_again {
    ($($name:ident: [$($option:tt)*];)*) => { $(
        #[test]
        fn $name() {
            static BACKEND: MapBackend = MapBackend::new();
            static RUNS: AtomicU64 = AtomicU64::new(0);
            #[lru_cache(ttl = 60, swr = true, backend = &BACKEND, $($option)*)]
            fn text(id: u64) -> String {
                format!("{id}, run {}", RUNS.fetch_add(1, SeqCst))
            }
            assert_eq!(text(1), "1, run 0");
            set_ttl(&BACKEND, 60);
            text::cache_retain(|_, _| false);
            assert_eq!((text(1).as_str(), RUNS.load(SeqCst)), ("1, run 0", 1), "stale, and served");
            assert_eq!((text(1).as_str(), RUNS.load(SeqCst)), ("1, run 1", 2), "computed");
            assert_eq!(ttls(&BACKEND), [Duration::from_secs(120)], "fresh");
            // Served again when it is stale again.
            set_ttl(&BACKEND, 60);
            text::cache_retain(|_, _| false);
            assert_eq!((text(1).as_str(), RUNS.load(SeqCst)), ("1, run 1", 2));
            assert_eq!(text(1), "1, run 2");
        }
    )* };
}

is_computed_again! {
    a_stale_result_that_is_too_heavy_for_a_copy_is_computed_again:
        [maxsize = 3, weight = |_, text: &String| text.len()];
    a_stale_result_whose_copy_has_expired_is_computed_again:
        [front_ttl = 0.000_001];
}

#[test]
fn keys_that_evict_each_other_are_refreshed() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 1, ttl = 60, swr = true, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!((price(1), price(2)), (1, 102));
    set_ttl(&BACKEND, 60);
    assert_eq!((price(1), price(2)), (1, 102), "stale, and served");
    assert_eq!((price(1), price(2)), (201, 302), "computed");
    assert_eq!((price(1), price(2), RUNS.load(SeqCst)), (201, 302, 4), "fresh");
}

#[test]
fn the_body_is_given_the_stale_value_that_the_backend_has() {
    static BACKEND: MapBackend = MapBackend::new();
    static OTHER: MapBackend = MapBackend::new();
    #[lru_cache(ttl = 60, stale_if_error = 600, backend = &BACKEND)]
    fn price(id: u64, #[previous] old: Option<&u64>) -> Result<u64, String> {
        Ok(id + 100 * old.copied().unwrap_or(0))
    }
    #[lru_cache(ttl = 60, swr = 60, stale_if_error = 600, backend = Slow(&OTHER))]
    async fn later(id: u64, #[previous] old: Option<&u64>) -> Result<u64, String> {
        Ok(id + 100 * old.copied().unwrap_or(0))
    }
    assert_eq!(price(1), Ok(1));
    price::cache_retain(|_, _| false);
    set_ttl(&BACKEND, 30);
    assert_eq!(price(1), Ok(101), "of the backend, as this process has none");
    assert_eq!(price::cache_refresh(1), Ok(10101), "of this process");
    assert_eq!(block_on(later(1)), Ok(1));
    later::cache_retain(|_, _| false);
    set_ttl(&OTHER, 30);
    assert_eq!(block_on(later(1)), Ok(101));
    assert_eq!(block_on(later::cache_refresh(1)), Ok(10101));
}

#[test]
fn a_backend_keeps_what_is_served_if_a_computation_is_slow() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(ttl = 60, swr = 30, stale_if_slow = 5, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id
    }
    assert_eq!(price(1), 1);
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(150)], "for another `ttl`");
}

#[test]
fn the_backend_is_given_the_time_to_live_of_the_environment() {
    static BACKEND: MapBackend = MapBackend::new();
    fn configured() -> u64 {
        60
    }
    #[lru_cache(ttl = configured(), swr = 30, backend = &BACKEND, namespace = "stale.price")]
    fn price(id: u64) -> u64 {
        id
    }
    #[lru_cache(ttl = 60, jitter = 0.5, backend = &BACKEND, namespace = "stale.stock")]
    fn stock(id: u64) -> u64 {
        id
    }
    price(1);
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(90)]);
    BACKEND.entries().clear();
    let variables = [("FUNCTOOLS_TTL__STALE_PRICE", "300"), ("FUNCTOOLS_TTL__STALE_STOCK", "1000")];
    assert_eq!(functools::registry::override_from(variables), Ok(2));
    price(2);
    assert_eq!(ttls(&BACKEND), [Duration::from_secs(330)]);
    BACKEND.entries().clear();
    stock(1);
    let seconds = ttls(&BACKEND)[0].as_secs();
    assert!((499..=1000).contains(&seconds), "{seconds}");
}

//! The cross-process lock, `single_flight = global`: one of several processes computes.
//!
//! The test plays the other process: it changes the entries of the backend.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::lru_cache;

use crate::map_backend::{MapBackend, Slow, until};

type Entry = ((String, Vec<u8>), (Vec<u8>, Option<std::time::Duration>));

/// Removes the only result.
fn take_result(backend: &MapBackend) -> Entry {
    let result = backend.entries().pop_first().unwrap();
    assert!(backend.entries().is_empty());
    backend.end_leases();
    result
}

/// Claims the computation of this result, like another process.
fn claim(backend: &MapBackend, (place, _): &Entry) {
    backend.lease_elsewhere(place);
}

#[test]
fn who_claims_a_computation_gives_it_back() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, single_flight = global, backend = &BACKEND)]
    fn parse(text: &str) -> Result<u32, String> {
        text.parse().map_err(|_| text.to_owned())
    }
    assert_eq!((parse("7"), parse("x"), parse("7")), (Ok(7), Err("x".to_owned()), Ok(7)));
    let (once, failing) = (["get", "set"], ["get", "set"]);
    assert_eq!(BACKEND.take_requests(), [&once[..], &failing, &["get"]].concat());
    let values: Vec<_> = BACKEND.entries().values().map(|(value, _)| value.clone()).collect();
    assert_eq!(values.len(), 2, "the result, and the failure");
    assert!(values.contains(&b"\xF7\0failed".to_vec()), "{values:?}");
}

#[test]
fn others_wait_for_who_computes() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    square(3);
    let result = take_result(&BACKEND);
    claim(&BACKEND, &result);
    BACKEND.take_requests();
    thread::scope(|scope| {
        let call = scope.spawn(|| square(3));
        until(|| BACKEND.count("get") >= 2);
        BACKEND.entries().insert(result.0.clone(), result.1.clone());
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!((RUNS.load(SeqCst), square::cache_stats().backend_hits), (1, 1));
}

#[test]
fn who_died_is_replaced_when_the_claim_is_over() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    square(3);
    let result = take_result(&BACKEND);
    claim(&BACKEND, &result);
    BACKEND.take_requests();
    thread::scope(|scope| {
        let call = scope.spawn(|| square(3));
        until(|| BACKEND.count("get") >= 2);
        BACKEND.end_leases();
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!((RUNS.load(SeqCst), BACKEND.entries().len()), (2, 1));
}

#[test]
fn who_panics_gives_the_claim_back() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        assert!(RUNS.fetch_add(1, SeqCst) > 0, "the first run fails");
        n * n
    }
    assert!(thread::spawn(|| square(3)).join().is_err());
    assert_eq!(BACKEND.entries().len(), 1, "the failure");
    assert_eq!(square(3), 9);
}

#[test]
fn no_call_waits_longer_than_the_bound() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, single_flight = global, flight_timeout = 0.05, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        n * n
    }
    square(3);
    claim(&BACKEND, &take_result(&BACKEND));
    assert_eq!(square(3), 9);
    assert_eq!(square::cache_info().misses, 2);
}

#[test]
fn tasks_wait_for_other_processes_too() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = Slow(&BACKEND))]
    async fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    assert_eq!(crate::asyncs::block_on(square(3)), 9);
    assert_eq!(BACKEND.take_requests(), ["get", "set"]);
    let result = take_result(&BACKEND);
    claim(&BACKEND, &result);
    thread::scope(|scope| {
        let call = scope.spawn(|| crate::asyncs::parked(square(3)));
        until(|| BACKEND.count("get") >= 2);
        BACKEND.entries().insert(result.0.clone(), result.1.clone());
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!(RUNS.load(SeqCst), 1);
}

//! One of many processes computes.
//!
//! Another process is what the test does to the backend by hand.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::lru_cache;

use crate::shelf::{Shelf, Slow, until};

type Entry = ((String, Vec<u8>), (Vec<u8>, Option<std::time::Duration>));

/// Takes out the one result that is there.
fn take_result(shelf: &Shelf) -> Entry {
    let mut entries = shelf.entries();
    let key = entries.keys().find(|(namespace, _)| !namespace.ends_with("!claims")).cloned().unwrap();
    entries.remove_entry(&key).unwrap()
}

/// As if another process computed this result.
fn claim(shelf: &Shelf, ((namespace, key), _): &Entry) {
    shelf.entries().insert((format!("{namespace}!claims"), key.clone()), (Vec::new(), None));
}

#[test]
fn who_claims_a_computation_gives_it_back() {
    static SHELF: Shelf = Shelf::new();
    #[lru_cache(maxsize = 0, single_flight = global, backend = &SHELF)]
    fn parse(text: &str) -> Result<u32, String> {
        text.parse().map_err(|_| text.to_owned())
    }
    assert_eq!((parse("7"), parse("x"), parse("7")), (Ok(7), Err("x".to_owned()), Ok(7)));
    let once = ["get", "add", "get", "set", "delete"];
    let failing = ["get", "add", "get", "delete"];
    assert_eq!(SHELF.asked(), [&once[..], &failing, &["get"]].concat());
    assert_eq!(SHELF.entries().len(), 1, "the result, and no claim");
}

#[test]
fn others_wait_for_who_computes() {
    static SHELF: Shelf = Shelf::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &SHELF)]
    fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    square(3);
    let result = take_result(&SHELF);
    claim(&SHELF, &result);
    SHELF.asked();
    thread::scope(|scope| {
        let call = scope.spawn(|| square(3));
        until(|| SHELF.count("add") >= 2);
        SHELF.entries().insert(result.0.clone(), result.1.clone());
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!((RUNS.load(SeqCst), square::cache_stats().backend_hits), (1, 1));
}

#[test]
fn who_died_is_replaced_when_the_claim_is_over() {
    static SHELF: Shelf = Shelf::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &SHELF)]
    fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    square(3);
    let result = take_result(&SHELF);
    claim(&SHELF, &result);
    SHELF.asked();
    thread::scope(|scope| {
        let call = scope.spawn(|| square(3));
        until(|| SHELF.count("add") >= 2);
        SHELF.entries().clear(); // the claim's time is over
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!((RUNS.load(SeqCst), SHELF.entries().len()), (2, 1));
}

#[test]
fn who_panics_gives_the_claim_back() {
    static SHELF: Shelf = Shelf::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = &SHELF)]
    fn square(n: u64) -> u64 {
        assert!(RUNS.fetch_add(1, SeqCst) > 0, "the first one fails");
        n * n
    }
    assert!(thread::spawn(|| square(3)).join().is_err());
    assert!(SHELF.entries().is_empty());
    assert_eq!(square(3), 9);
}

#[test]
fn nobody_waits_longer_than_the_bound() {
    static SHELF: Shelf = Shelf::new();
    #[lru_cache(maxsize = 0, single_flight = global, flight_timeout = 0.05, backend = &SHELF)]
    fn square(n: u64) -> u64 {
        n * n
    }
    square(3);
    claim(&SHELF, &take_result(&SHELF));
    assert_eq!(square(3), 9);
    assert_eq!(square::cache_info().misses, 2);
}

#[test]
fn a_backend_that_cannot_is_done_without() {
    use functools::backend::{Backend, BackendError, Stored};
    use std::time::Duration;

    struct Plain(Shelf);
    impl Backend for Plain {
        fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
            self.0.get(namespace, key)
        }
        fn set(&self, ns: &str, key: &[u8], value: &[u8], ttl: Option<Duration>) -> Result<(), BackendError> {
            self.0.set(ns, key, value, ttl)
        }
        fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
            self.0.delete(namespace, key)
        }
        fn clear(&self, namespace: &str) -> Result<(), BackendError> {
            self.0.clear(namespace)
        }
    }
    #[lru_cache(maxsize = 0, single_flight = global, backend = Plain(Shelf::new()))]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert_eq!((square(3), square(3)), (9, 9));
    assert_eq!((square::cache_info().hits, square::cache_stats().backend_errors), (1, 1));
}

#[test]
fn tasks_wait_for_other_processes_too() {
    static SHELF: Shelf = Shelf::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, single_flight = global, backend = Slow(&SHELF))]
    async fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    assert_eq!(crate::asyncs::block_on(square(3)), 9);
    assert_eq!(SHELF.asked(), ["get", "add", "get", "set", "delete"]);
    let result = take_result(&SHELF);
    claim(&SHELF, &result);
    thread::scope(|scope| {
        let call = scope.spawn(|| crate::asyncs::parked(square(3)));
        until(|| SHELF.count("add") >= 2);
        SHELF.entries().insert(result.0.clone(), result.1.clone());
        assert_eq!(call.join().unwrap(), 9);
    });
    assert_eq!(RUNS.load(SeqCst), 1);
}

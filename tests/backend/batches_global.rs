//! `single_flight = global` for functions of many elements: each element is computed by one of several processes.
//!
//! The test plays the other process: it changes the entries of the backend.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use functools::lru_cache;

use crate::map_backend::{MapBackend, Slow, until};

type Entries = BTreeMap<(String, Vec<u8>), (Vec<u8>, Option<Duration>)>;

/// Removes all results.
fn take_results(backend: &MapBackend) -> Entries {
    let results = std::mem::take(&mut *backend.entries());
    backend.expire_leases();
    backend.take_requests();
    results
}

/// Claims the computation of these results, like another process.
fn claim(backend: &MapBackend, results: &Entries) {
    for place in results.keys() {
        backend.lease_elsewhere(place);
    }
}

#[test]
fn what_this_call_claims_is_computed_and_stored_before_it_waits() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().map(|id| id * id).collect()
    }
    squares(&[3, 5]);
    let results = take_results(&BACKEND);
    claim(&BACKEND, &results);
    thread::scope(|scope| {
        let call = scope.spawn(|| squares(&[2, 3, 4, 5]));
        until(|| BACKEND.count("get many") >= 2);
        assert_eq!(BACKEND.entries().len(), 2, "those that this call has claimed");
        BACKEND.entries().extend(results);
        assert_eq!(call.join().unwrap(), [4, 9, 16, 25]);
    });
    let requests = BACKEND.take_requests();
    assert_eq!(requests[..2], ["get many", "set many"]);
    assert!(requests[2..].iter().all(|request| *request == "get many"), "{requests:?}");
    assert_eq!(*ASKED.lock().unwrap(), [vec![3, 5], vec![2, 4]]);
    assert_eq!(squares::cache_stats().backend_hits, 2);
}

#[test]
fn what_another_process_gives_up_is_computed_here() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().map(|id| id * id).collect()
    }
    squares(&[3, 5]);
    let results = take_results(&BACKEND);
    claim(&BACKEND, &results);
    thread::scope(|scope| {
        let call = scope.spawn(|| squares(&[2, 3, 4, 5]));
        until(|| BACKEND.count("get many") >= 2);
        BACKEND.expire_leases();
        assert_eq!(call.join().unwrap(), [4, 9, 16, 25]);
    });
    assert_eq!(ASKED.lock().unwrap().concat(), [3, 5, 2, 4, 3, 5]);
    assert_eq!(BACKEND.entries().len(), 4);
}

#[test]
fn no_batch_waits_longer_than_the_bound() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, flight_timeout = 0.05, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        ids.iter().map(|id| id * id).collect()
    }
    squares(&[3, 5]);
    claim(&BACKEND, &take_results(&BACKEND));
    assert_eq!(squares(&[3, 5]), [9, 25]);
    assert_eq!(squares::cache_info().misses, 4);
}

#[test]
fn a_batch_that_panics_tells_other_processes() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, backend = &BACKEND)]
    fn squares(ids: &[u64]) -> Vec<u64> {
        assert!(RUNS.fetch_add(1, SeqCst) > 0, "the first run fails");
        ids.iter().map(|id| id * id).collect()
    }
    catch_unwind(|| squares(&[3, 5])).unwrap_err();
    let failures: Vec<_> = BACKEND.entries().values().map(|(value, _)| value.clone()).collect();
    assert_eq!(failures, [b"\xF7\0failed"; 2]);
    BACKEND.take_requests();
    assert_eq!(squares(&[3, 5, 7]), [9, 25, 49]);
    assert_eq!(BACKEND.take_requests(), ["get many", "end many", "get many", "set many"]);
}

#[test]
fn an_element_that_fails_tells_other_processes() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, each = texts, single_flight = global, backend = &BACKEND)]
    fn parsed(texts: &[&str]) -> Vec<Result<u32, String>> {
        texts.iter().map(|text| text.parse().map_err(|_| (*text).to_owned())).collect()
    }
    assert_eq!(parsed(&["7", "x"]), [Ok(7), Err("x".to_owned())]);
    let values: Vec<_> = BACKEND.entries().values().map(|(value, _)| value.clone()).collect();
    assert_eq!(values.len(), 2, "the result, and the failure");
    assert!(values.contains(&b"\xF7\0failed".to_vec()), "{values:?}");
}

#[test]
fn the_leases_of_a_slow_batch_are_renewed_in_one_request() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, backend = &BACKEND)]
    fn slow(ids: &[u64]) -> Vec<u64> {
        until(|| BACKEND.count("renew many") > 0);
        ids.to_vec()
    }
    assert_eq!(slow(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(BACKEND.take_requests(), ["get many", "renew many", "set many"]);
}

#[test]
fn batches_of_tasks_wait_for_other_processes_too() {
    static BACKEND: MapBackend = MapBackend::new();
    static ASKED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 0, each = ids, single_flight = global, backend = Slow(&BACKEND))]
    async fn squares(ids: &[u64]) -> Vec<u64> {
        ASKED.lock().unwrap().push(ids.to_vec());
        ids.iter().map(|id| id * id).collect()
    }
    crate::asyncs::block_on(squares(&[3]));
    let results = take_results(&BACKEND);
    claim(&BACKEND, &results);
    thread::scope(|scope| {
        let call = scope.spawn(|| crate::asyncs::parked(squares(&[2, 3])));
        until(|| BACKEND.count("get many") >= 2);
        BACKEND.entries().extend(results);
        assert_eq!(call.join().unwrap(), [4, 9]);
    });
    assert_eq!(*ASKED.lock().unwrap(), [[3], [2]]);
}

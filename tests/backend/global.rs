//! The cross-process lock, `single_flight = global`: one of several processes computes.
//!
//! The test plays the other process: it changes the entries of the backend.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use functools::backend::BackendError;
use functools::lru_cache;

use crate::map_backend::{MapBackend, Slow, until};

type Entry = ((String, Vec<u8>), (Vec<u8>, Option<std::time::Duration>));

/// Removes the only result.
fn take_result(backend: &MapBackend) -> Entry {
    let result = backend.entries().pop_first().unwrap();
    assert!(backend.entries().is_empty());
    backend.expire_leases();
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
        BACKEND.expire_leases();
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

/// Makes the only result stale, and returns where a process claims its refresh.
fn make_stale(backend: &MapBackend) -> (String, Vec<u8>) {
    let mut entries = backend.entries();
    let ((namespace, key), (_, ttl)) = entries.iter_mut().next().expect("a result");
    *ttl = Some(Duration::from_secs(30));
    (format!("{namespace}!refresh"), key.clone())
}

#[test]
fn a_failed_refresh_is_told_to_other_processes() {
    static BACKEND: MapBackend = MapBackend::new();
    static IS_UP: AtomicBool = AtomicBool::new(true);
    #[lru_cache(maxsize = 0, ttl = 60, swr = 30, single_flight = global, backend = &BACKEND)]
    fn price(id: u64) -> Result<u64, String> {
        if IS_UP.load(SeqCst) { Ok(id) } else { Err("the exchange is down".to_owned()) }
    }
    assert_eq!(price(1), Ok(1));
    let place = make_stale(&BACKEND);
    IS_UP.store(false, SeqCst);
    assert!(price(1).is_err());
    assert_eq!(BACKEND.entries().get(&place).expect("the failure").0, b"\xF7\0failed");
    // A call that has not waited for the failed refresh claims the next one.
    IS_UP.store(true, SeqCst);
    assert_eq!(price(1), Ok(1));
    assert_eq!(BACKEND.entries().len(), 1, "the result: the claim was given up");
    assert_eq!(price::cache_stats().backend_errors, 0);
}

#[test]
fn a_call_goes_on_when_the_refresh_that_it_waits_for_fails() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, ttl = 60, swr = 30, single_flight = global, backend = &BACKEND)]
    fn price(id: u64) -> u64 {
        id + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(price(1), 1);
    let place = make_stale(&BACKEND);
    BACKEND.lease_elsewhere(&place);
    BACKEND.take_requests();
    thread::scope(|scope| {
        let call = scope.spawn(|| price(1));
        until(|| BACKEND.count("get") >= 4);
        assert_eq!(RUNS.load(SeqCst), 1, "another process has claimed the refresh");
        BACKEND.entries().insert(place.clone(), (b"\xF7\0failed".to_vec(), Some(Duration::from_secs(1))));
        assert_eq!(call.join().unwrap(), 101);
    });
    assert_eq!(BACKEND.count("end"), 0, "the others that wait for it find the failure as well");
}

#[derive(Clone, Debug, PartialEq)]
struct Failed;

impl From<BackendError> for Failed {
    fn from(_: BackendError) -> Self {
        Self
    }
}

/// Counts the reports of a function whose backend fails.
macro_rules! counted_reports {
    ($reports:ident, $report:ident) => {
        static $reports: AtomicU64 = AtomicU64::new(0);
        fn $report(_: &BackendError) {
            $reports.fetch_add(1, SeqCst);
        }
    };
}

#[test]
fn a_failed_renewal_is_counted_and_reported() {
    static BACKEND: MapBackend = MapBackend::new();
    counted_reports! { REPORTS, report }
    #[lru_cache(maxsize = 0, single_flight = global, strict = true, on_backend_error = report, backend = &BACKEND)]
    fn slow(n: u64) -> Result<u64, Failed> {
        let before = REPORTS.load(SeqCst);
        BACKEND.set_failing(Some("renew"));
        until(|| REPORTS.load(SeqCst) > before);
        BACKEND.set_failing(None);
        Ok(n)
    }
    assert_eq!(slow(1).expect("the call does not fail"), 1);
    assert_eq!((slow::cache_stats().backend_errors, REPORTS.load(SeqCst)), (1, 1));
    // Also while an accessor computes.
    assert_eq!(slow::cache_refresh(2).expect("nor does this"), 2);
    assert_eq!((slow::cache_stats().backend_errors, REPORTS.load(SeqCst)), (2, 2));
}

#[test]
fn a_refresh_that_cannot_give_its_claim_back_succeeds() {
    static BACKEND: MapBackend = MapBackend::new();
    counted_reports! { REPORTS, report }
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(
        maxsize = 0, ttl = 60, swr = 30, single_flight = global, strict = true, on_backend_error = report,
        backend = &BACKEND
    )]
    fn price(id: u64) -> Result<u64, Failed> {
        Ok(id + 100 * RUNS.fetch_add(1, SeqCst))
    }
    assert_eq!(price(1).unwrap(), 1);
    make_stale(&BACKEND);
    BACKEND.set_failing(Some("end"));
    assert_eq!(price(1).expect("the call does not fail"), 101);
    assert_eq!((price::cache_stats().backend_errors, REPORTS.load(SeqCst)), (1, 1));
    assert_eq!(price(1).unwrap(), 101, "it was stored");
}

#[cfg(feature = "tokio")]
#[test]
fn a_claim_that_a_dropped_future_cannot_give_back_is_counted() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    counted_reports! { REPORTS, report }
    #[lru_cache(maxsize = 0, single_flight = global, on_backend_error = report, backend = Slow(&BACKEND))]
    async fn never(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        std::future::pending::<()>().await;
        n
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        BACKEND.set_failing(Some("end"));
        let begins = async {
            while RUNS.load(SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = never(1) => unreachable!("it never ends"),
            () = begins => {}
        }
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!((never::cache_stats().backend_errors, REPORTS.load(SeqCst)), (1, 1));
}

//! A backend that fails, or has entries that cannot be decoded.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use functools::backend::{Backend, BackendError, CircuitBreaker, CircuitState, ErrorKind, Stored};
use functools::lru_cache;

use crate::map_backend::{MapBackend, until};

#[test]
fn a_backend_that_is_down_fails_no_call() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    BACKEND.set_down(true);
    assert_eq!((double(1), double(1)), (2, 2));
    let (info, stats) = (double::cache_info(), double::cache_stats());
    assert_eq!((info.hits, info.misses, stats.backend_errors), (1, 1, 1));
    assert_eq!(double::cache_peek(9), None);
    assert!(!double::cache_contains(9));
    // A change that the backend did not get must be an error.
    assert!(double::cache_invalidate(1).is_err());
    assert_eq!(double::cache_put(1, 5).unwrap_err().to_string(), "the backend is down");
    assert!(double::cache_clear().is_err());
    BACKEND.set_down(false);
    assert_eq!((double(3), BACKEND.entries().len()), (6, 1));
}

#[test]
fn garbled_bytes_are_a_miss_and_are_overwritten() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn name(n: u64) -> String {
        format!("number {n}")
    }
    assert_eq!(name(7), "number 7");
    let (key, (whole, _)) =
        BACKEND.entries().iter().next().map(|(key, entry)| (key.clone(), entry.clone())).unwrap();
    for length in 0..whole.len() {
        BACKEND.entries().insert(key.clone(), (whole[..length].to_vec(), None));
        assert_eq!(name(7), "number 7");
        assert_eq!(BACKEND.entries()[&key].0, whole, "after {length} bytes of it");
    }
    for foreign in [&b""[..], b"number 8", &[0xFF; 100]] {
        BACKEND.entries().insert(key.clone(), (foreign.to_vec(), None));
        assert_eq!(name(7), "number 7");
    }
    assert_eq!(name::cache_info().hits, 0);
    assert_eq!((name(7), name::cache_info().hits), ("number 7".to_owned(), 1));
}

#[test]
fn arguments_that_refuse_to_be_bytes_go_without_a_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Stubborn;
    impl serde::Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn f(_it: Stubborn) -> u32 {
        1
    }
    assert_eq!((f(Stubborn), f(Stubborn)), (1, 1));
    assert!(BACKEND.take_requests().is_empty() && f::cache_stats().backend_errors > 0);
    assert!(f::cache_invalidate(Stubborn).is_err());
}

#[test]
fn results_that_refuse_to_be_bytes_are_told_of() {
    static BACKEND: MapBackend = MapBackend::new();
    #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
    struct Odd(u64);
    impl serde::Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0 % 2 == 0 {
                Err(serde::ser::Error::custom("even"))
            } else {
                serializer.serialize_u64(self.0)
            }
        }
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn odd(n: u64) -> Odd {
        Odd(n)
    }
    assert_eq!((odd(1), odd(2), odd(2)), (Odd(1), Odd(2), Odd(2)));
    assert_eq!((BACKEND.entries().len(), odd::cache_stats().backend_errors), (1, 2));
    // Otherwise other processes would still read the old result.
    assert!(odd::cache_put(1, Odd(2)).is_err());
    odd::cache_put(1, Odd(3)).unwrap();
    assert_eq!(odd(1), Odd(3));
}

#[test]
fn a_refresh_that_is_lost_is_told_of() {
    static BACKEND: MapBackend = MapBackend::new();
    static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    #[lru_cache(backend = &BACKEND, on_backend_error = |error| REPORTED.lock().unwrap().push(error.to_string()))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    #[lru_cache(strict = true, backend = &BACKEND)]
    fn half(n: u64) -> Result<u64, Failure> {
        if n % 2 == 0 { Ok(n / 2) } else { Err(Failure::Own) }
    }
    assert_eq!((double(2), half(4)), (4, Ok(2)));
    BACKEND.set_down(true);
    assert_eq!((double::cache_refresh(1), double::cache_stats().backend_errors), (2, 1));
    assert_eq!(*REPORTED.lock().unwrap(), ["the backend is down"]);
    assert_eq!(half::cache_refresh(2), Err(Failure::Backend("the backend is down".to_owned())));
    assert_eq!(half::cache_refresh(1), Err(Failure::Own));
    assert_eq!(half::cache_stats().backend_errors, 1);
}

#[test]
fn who_wants_to_know_is_told_what_a_backend_could_not_do() {
    static BACKEND: MapBackend = MapBackend::new();
    static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = 0, backend = &BACKEND, on_backend_error = |error| REPORTED.lock().unwrap().push(error.to_string()))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    double(1);
    BACKEND.set_down(true);
    assert_eq!(double(1), 2);
    // After a lookup that failed, the result is not stored: another process may have changed the entry.
    assert_eq!(*REPORTED.lock().unwrap(), ["the backend is down"]);
}

#[test]
fn an_outage_is_reported_once_by_all_functions_that_share_a_circuit_breaker() {
    static BACKEND: MapBackend = MapBackend::new();
    static CHANGES: Mutex<Vec<CircuitState>> = Mutex::new(Vec::new());
    static REPORTED: Mutex<Vec<(ErrorKind, bool)>> = Mutex::new(Vec::new());
    static BREAKER: LazyLock<CircuitBreaker<&MapBackend>> = LazyLock::new(|| {
        let breaker = CircuitBreaker::new(&BACKEND).failures(2).pause(Duration::from_millis(20));
        breaker.on_change(|state| CHANGES.lock().unwrap().push(state))
    });
    fn report(error: &BackendError) {
        REPORTED.lock().unwrap().push((error.kind(), error.opens_circuit()));
    }
    #[lru_cache(maxsize = 0, backend = &*BREAKER, on_backend_error = report)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    #[lru_cache(maxsize = 0, backend = &*BREAKER, on_backend_error = report)]
    fn triple(n: u64) -> u64 {
        3 * n
    }
    assert_eq!((double(1), triple(1)), (2, 3));
    BACKEND.set_down(true);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|n| assert_eq!((double(n), triple(n)), (2 * n, 3 * n))));
        }
    });
    // Some probes fail.
    let probes = || CHANGES.lock().unwrap().iter().filter(|state| **state == CircuitState::HalfOpen).count();
    let before = probes();
    until(|| double(1) == 2 && probes() >= before + 3);
    assert_eq!(double::cache_stats().backend_state, Some(CircuitState::Open));
    BACKEND.set_down(false);
    until(|| triple(1) == 3 && CHANGES.lock().unwrap().last() == Some(&CircuitState::Closed));
    let states = [double::cache_stats(), triple::cache_stats()].map(|stats| stats.backend_state);
    assert_eq!(states, [Some(CircuitState::Closed); 2]);

    let (changes, reported) = (CHANGES.lock().unwrap(), REPORTED.lock().unwrap());
    for (n, pair) in changes.chunks(2).enumerate() {
        let expected = [CircuitState::Open, CircuitState::HalfOpen];
        assert_eq!(pair, if 2 * n + 1 == changes.len() { &[CircuitState::Closed][..] } else { &expected });
    }
    // The failure before the one that opens the circuit, and one for each time that it opens.
    let opened = changes.iter().filter(|state| **state == CircuitState::Open).count();
    assert_eq!(reported.iter().filter(|(_, opens)| *opens).count(), opened);
    assert_eq!(reported.len(), opened + 1, "{reported:?}");
    assert!(reported.iter().all(|(kind, _)| *kind == ErrorKind::Other), "{reported:?}");
    assert!(double::cache_stats().backend_errors >= 2000 && triple::cache_stats().backend_errors >= 2000);
}

#[derive(Debug, PartialEq)]
enum Failure {
    Backend(String),
    Own,
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error.to_string())
    }
}

#[test]
fn a_strict_call_fails_with_its_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(strict = true, backend = &BACKEND)]
    fn half(n: u64) -> Result<u64, Failure> {
        RUNS.fetch_add(1, SeqCst);
        if n % 2 == 0 { Ok(n / 2) } else { Err(Failure::Own) }
    }
    assert_eq!((half(4), half(5)), (Ok(2), Err(Failure::Own)));
    BACKEND.set_down(true);
    assert_eq!(half(4), Ok(2), "the L1 cache has the result");
    let down = || Err(Failure::Backend("the backend is down".to_owned()));
    assert_eq!((half(6), half(6), RUNS.load(SeqCst)), (down(), down(), 2));
    BACKEND.set_down(false);
    assert_eq!((half(6), half::cache_stats().backend_errors), (Ok(3), 2));
}

#[test]
fn a_backend_and_an_error_callback_that_call_the_function_do_not_wait() {
    static CALLS: AtomicU64 = AtomicU64::new(0);

    /// Calls the function, the first two times.
    fn call_once() {
        if CALLS.fetch_add(1, SeqCst) < 2 {
            assert_eq!(double(1), 2);
        }
    }

    struct Caller;

    impl Backend for Caller {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            call_once();
            Err("called".into())
        }

        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Ok(())
        }

        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }
    }

    #[lru_cache(single_flight = true, flight_timeout = 3600, backend = Caller, on_backend_error = |_| call_once())]
    fn double(n: u64) -> u64 {
        2 * n
    }

    let (done, result) = channel();
    thread::spawn(move || done.send(double(1)));
    assert_eq!(result.recv_timeout(Duration::from_secs(120)), Ok(2), "the call waits for itself");
    assert!(CALLS.load(SeqCst) > 2);
}

#[test]
fn without_leases_a_result_is_stored_although_its_lookup_failed() {
    use functools::backend::{Backend, Stored};
    use std::time::Duration;

    /// A backend without leases whose lookups fail.
    struct Plain(&'static MapBackend);
    impl Backend for Plain {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            Err("no lookups".into())
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
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = Plain(&BACKEND))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double::cache_stats().backend_errors), (2, 1));
    assert_eq!(BACKEND.take_requests(), ["set"]);
}

#[test]
fn statistics_have_the_state_of_the_circuit_breaker() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = CircuitBreaker::new(&BACKEND).pause(Duration::from_secs(3600)))]
    fn guarded(n: u64) -> u64 {
        2 * n
    }
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn unguarded(n: u64) -> u64 {
        2 * n
    }
    assert_eq!(guarded::cache_stats().backend_state, None, "it was not used yet");
    assert_eq!((guarded(1), unguarded(1)), (2, 2));
    assert_eq!(guarded::cache_stats().backend_state, Some(CircuitState::Closed));
    assert_eq!(unguarded::cache_stats().backend_state, None, "there is none");
    BACKEND.set_down(true);
    (0..3).for_each(|n| assert_eq!(guarded(n), 2 * n));
    assert_eq!(guarded::cache_stats().backend_state, Some(CircuitState::Open));
    BACKEND.set_down(false);
    guarded::cache_clear().unwrap_err();
    assert_eq!(guarded::cache_stats().backend_state, Some(CircuitState::Open), "a clear resets no state");
}

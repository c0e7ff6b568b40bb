//! A circuit breaker: after repeated failures, operations are skipped for a while.
//!
//! Invariant: while the circuit is open, one operation per pause goes through as a probe; all others fail at the
//! cost of reading a clock.
//!
//! Invariant: each change of the circuit is reported once, whatever the number of functions and threads. The error at
//! which it opens, or stays open, says so; all other errors until it closes are marked as repeated. While it is closed, one
//! failure per pause is reported: a server that answers now and then opens no circuit.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lru_core::__private::circuit_closed;
use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, InvalidationSink, Item, Lease, LeasedItem,
    Leases, Lookup, LookupOptions, Stored, TagKey, TagNonces, TaggedLookup,
};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// How many failures in a row open the circuit by default.
const FAILURES: u32 = 3;

/// How long the circuit stays open by default.
const PAUSE: Duration = Duration::from_secs(1);

/// The name of a backend that has none, in errors.
const PLACE: &str = "the backend";

/// What a recorded outcome means for the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// The operation succeeded, and the circuit was closed.
    Fine,
    /// The operation succeeded and closed the circuit.
    Closed,
    /// The operation failed, and the circuit stays closed: the first failure within a pause.
    Failed,
    /// The operation failed and opened the circuit, or was a probe.
    Opened,
    /// The operation had begun before the circuit opened, or an earlier failure within the pause was reported.
    Repeated,
}

/// The state of a circuit breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    /// How many failures in a row open the circuit.
    pub(crate) limit: u32,
    pub(crate) pause: Duration,
    start: Instant,
    failures: AtomicU32,
    /// When the next probe may go through, in microseconds since `start`.
    probe_at: AtomicU64,
    /// Whether a probe has gone through, and no failure was recorded since.
    is_probed: AtomicBool,
    /// Until when failures are not reported while the circuit is closed, in microseconds since `start`.
    silent_until: AtomicU64,
    pub(crate) on_change: Option<fn(CircuitState)>,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            limit: FAILURES,
            pause: PAUSE,
            start: Instant::now(),
            failures: AtomicU32::new(0),
            probe_at: AtomicU64::new(0),
            is_probed: AtomicBool::new(false),
            silent_until: AtomicU64::new(0),
            on_change: None,
        }
    }

    /// Creates a closed circuit breaker with the settings of this one.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn copied(&self) -> Self {
        Self { limit: self.limit, pause: self.pause, on_change: self.on_change, ..Self::new() }
    }

    /// Returns whether the settings of two circuit breakers are equal.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn has_settings_of(&self, other: &Self) -> bool {
        let is_same_callback = match (self.on_change, other.on_change) {
            (Some(one), Some(two)) => std::ptr::fn_addr_eq(one, two),
            (one, two) => one.is_none() && two.is_none(),
        };
        (self.limit, self.pause) == (other.limit, other.pause) && is_same_callback
    }

    /// Returns whether an operation may go through.
    pub(crate) fn admits(&self) -> bool {
        if self.failures.load(Relaxed) < self.limit {
            return true;
        }
        let (now, probe_at) = (self.now(), self.probe_at.load(Relaxed));
        // The thread that moves the time of the next probe makes this probe. One that never returns delays no other.
        let is_probe = now >= probe_at
            && self.probe_at.compare_exchange(probe_at, self.later(now), Relaxed, Relaxed).is_ok();
        if is_probe {
            self.is_probed.store(true, Relaxed);
            self.changed(CircuitState::HalfOpen);
        }
        is_probe
    }

    /// Records the outcome of an operation that went through, and reports a change of the circuit to the callback.
    pub(crate) fn record(&self, is_down: bool) -> Recorded {
        if !is_down {
            // Usually zero already: then there is no write to memory that other threads read.
            if self.failures.load(Relaxed) == 0 || self.failures.swap(0, Relaxed) < self.limit {
                return Recorded::Fine;
            }
            self.changed(CircuitState::Closed);
            return Recorded::Closed;
        }
        let now = self.now();
        self.probe_at.store(self.later(now), Relaxed);
        let count = |failures| (failures < self.limit).then_some(failures + 1);
        let is_opened = match self.failures.fetch_update(Relaxed, Relaxed, count) {
            Ok(before) if before + 1 < self.limit => {
                return if self.is_first_within_pause(now) { Recorded::Failed } else { Recorded::Repeated };
            }
            Ok(_) => {
                self.is_probed.store(false, Relaxed);
                true
            }
            // Of all operations that were under way, one stands for the probe.
            Err(_) => self.is_probed.load(Relaxed) && self.is_probed.swap(false, Relaxed),
        };
        if !is_opened {
            return Recorded::Repeated;
        }
        self.changed(CircuitState::Open);
        Recorded::Opened
    }

    /// Records the outcome of an operation, and marks its error by what it means for the circuit.
    pub(crate) fn recorded<T>(
        &self,
        place: &str,
        is_down: bool,
        done: Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        match self.record(is_down) {
            Recorded::Fine | Recorded::Failed => done,
            Recorded::Closed => {
                circuit_closed(&place);
                done
            }
            Recorded::Opened => done.map_err(BackendError::opening_circuit),
            Recorded::Repeated => done.map_err(BackendError::repeated),
        }
    }

    /// Returns the state of the circuit, as the last change of it was reported.
    pub(crate) fn state(&self) -> CircuitState {
        if self.failures.load(Relaxed) < self.limit {
            CircuitState::Closed
        } else if self.is_probed.load(Relaxed) {
            CircuitState::HalfOpen
        } else {
            CircuitState::Open
        }
    }

    /// Returns whether no other failure was reported within the pause before this one.
    fn is_first_within_pause(&self, now: u64) -> bool {
        let is_first = |until| (now >= until).then(|| self.later(now));
        self.silent_until.fetch_update(Relaxed, Relaxed, is_first).is_ok()
    }

    fn changed(&self, state: CircuitState) {
        if let Some(callback) = self.on_change {
            callback(state);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn later(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX))
    }
}

/// Returns the error of an operation that an open circuit breaker skips.
pub(crate) fn circuit_open(place: &str) -> BackendError {
    let message = format!("circuit breaker open for {place}: skipped after repeated failures");
    BackendError::with_kind(ErrorKind::CircuitOpen, message)
}

/// A circuit breaker around any backend: after repeated failures, operations are skipped for a while.
///
/// By default three failures in a row open the circuit for one second. Then one operation goes through as a
/// probe; if it fails, the circuit stays open for another second. A skipped operation fails with an error of
/// kind [`CircuitOpen`](ErrorKind::CircuitOpen). `Redis`, `Memcached` and `Disk` have a circuit breaker built in.
///
/// An outage is reported once, whatever the number of calls. `on_backend_error`, and an event of level `WARN` with the
/// feature `tracing`, report the failure that opens the circuit, and each failed probe:
/// [`opens_circuit`](BackendError::opens_circuit) tells these from the failures while the circuit is closed, of which the first one in each
/// pause is reported. All other errors are only counted. An event of
/// level `INFO` reports that the circuit closed. [`on_change`](Self::on_change) reports every change.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use lru_core::backend::{Backend, BackendError, ErrorKind, Stored};
/// use lru_backends::CircuitBreaker;
///
/// #[derive(Debug)]
/// struct Away;
///
/// impl Backend for Away {
///     fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
///         Err("no answer".into())
///     }
///     // and so on
/// #   fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
/// #       Err("no answer".into())
/// #   }
/// #   fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
/// #       Err("no answer".into())
/// #   }
/// #   fn clear(&self, _: &str) -> Result<(), BackendError> {
/// #       Err("no answer".into())
/// #   }
/// }
///
/// let away = CircuitBreaker::new(Away).failures(2).pause(Duration::from_secs(60));
/// let kinds = [(); 3].map(|()| away.get("squares", b"12").unwrap_err().kind());
/// assert_eq!(kinds, [ErrorKind::Other, ErrorKind::Other, ErrorKind::CircuitOpen]);
/// ```
pub struct CircuitBreaker<B> {
    backend: B,
    breaker: Breaker,
}

impl<B> CircuitBreaker<B> {
    /// Wraps a backend in a circuit breaker that opens for one second after three failures in a row.
    pub fn new(backend: B) -> Self {
        Self { backend, breaker: Breaker::new() }
    }

    /// Sets the number of failures in a row that open the circuit.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.breaker.limit = failures.max(1);
        self
    }

    /// Sets how long the circuit stays open.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.breaker.pause = pause;
        self
    }

    /// Sets a callback for changes of the circuit. The thread calls it whose operation caused the change.
    #[must_use]
    pub fn on_change(mut self, callback: fn(CircuitState)) -> Self {
        self.breaker.on_change = Some(callback);
        self
    }

    fn admitted(&self) -> Result<&B, BackendError> {
        if self.breaker.admits() { Ok(&self.backend) } else { Err(circuit_open(PLACE)) }
    }

    fn record<T>(&self, done: Result<T, BackendError>) -> Result<T, BackendError> {
        self.breaker.recorded(PLACE, done.is_err(), done)
    }
}

impl<B: fmt::Debug> fmt::Debug for CircuitBreaker<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CircuitBreaker").field(&self.backend).finish()
    }
}

impl<B: Leases> Leases for CircuitBreaker<B> {}

macro_rules! with_circuit_breaker {
    ($Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<B: $Backend $($bound)*> $Backend for CircuitBreaker<B> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.record(self.admitted()?.get(namespace, key)$($await)*)
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                self.record(self.admitted()?.get_many(namespace, keys)$($await)*)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.record(self.admitted()?.set(namespace, key, value, ttl)$($await)*)
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                self.record(self.admitted()?.set_many(namespace, items)$($await)*)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let done = self.admitted()?.add(namespace, key, value, ttl)$($await)*;
                // A backend that does not implement `add` is not down.
                if done.is_ok() { self.record(done) } else { done }
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                self.record(self.admitted()?.get_or_lease(namespace, key, options)$($await)*)
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.record(self.admitted()?.set_leased(namespace, key, lease, value, ttl)$($await)*)
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                self.record(self.admitted()?.put(namespace, key, value, ttl)$($await)*)
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.record(self.admitted()?.renew_lease(namespace, key, lease, ttl)$($await)*)
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                self.record(self.admitted()?.end_lease(namespace, key, lease)$($await)*)
            }

            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                self.record(self.admitted()?.get_or_lease_many(namespace, keys, options)$($await)*)
            }

            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                self.record(self.admitted()?.set_leased_many(namespace, items)$($await)*)
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                self.record(self.admitted()?.renew_leases(namespace, leases, ttl)$($await)*)
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                self.record(self.admitted()?.end_leases(namespace, leases)$($await)*)
            }

            $($fn)* get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> Result<TaggedLookup, BackendError> {
                let backend = self.admitted()?;
                self.record(backend.get_or_lease_tagged(namespace, key, options, tags, life)$($await)*)
            }

            $($fn)* tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
                self.record(self.admitted()?.tag_nonces(tags, life)$($await)*)
            }

            $($fn)* invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                self.record(self.admitted()?.invalidate_tags(tags)$($await)*)
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.record(self.admitted()?.delete(namespace, key)$($await)*)
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                self.record(self.admitted()?.delete_many(namespace, keys)$($await)*)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.record(self.admitted()?.clear(namespace)$($await)*)
            }

            $($fn)* check(&self) -> Result<(), BackendError> {
                self.record(self.admitted()?.check()$($await)*)
            }

            /// The worse state of this circuit breaker and of the backend.
            fn circuit_state(&self) -> Option<CircuitState> {
                Some(self.breaker.state()).max(self.backend.circuit_state())
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.backend.watch(namespace, sink)
            }
        }

        impl<B: $CompareAndSwap $($bound)*> $CompareAndSwap for CircuitBreaker<B> {
            type Version = B::Version;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                self.record(self.admitted()?.get_versioned(namespace, key)$($await)*)
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.record(self.admitted()?.compare_and_swap(namespace, key, version, value, ttl)$($await)*)
            }
        }
    };
}

with_circuit_breaker! { Backend, CompareAndSwap, [] [fn] }
with_circuit_breaker! { AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_probe_goes_through_in_each_pause() {
        let breaker = Breaker { pause: Duration::from_millis(50), ..Breaker::new() };
        for _ in 0..FAILURES {
            assert!(breaker.admits());
            breaker.record(true);
        }
        assert!(!breaker.admits());
        let deadline = Instant::now() + Duration::from_secs(10);
        while !breaker.admits() {
            assert!(Instant::now() < deadline);
        }
        assert!(!breaker.admits(), "one is enough");
        breaker.record(false);
        assert!(breaker.admits() && breaker.admits());
    }

    #[test]
    fn each_change_is_recorded_once() {
        use Recorded::{Closed, Failed, Fine, Opened, Repeated};
        static CHANGES: std::sync::Mutex<Vec<CircuitState>> = std::sync::Mutex::new(Vec::new());
        let on_change: fn(CircuitState) = |state| CHANGES.lock().unwrap().push(state);
        let breaker = Breaker { pause: Duration::ZERO, on_change: Some(on_change), ..Breaker::new() };
        let fails = [(); 5].map(|()| breaker.record(true));
        assert_eq!(fails, [Failed, Failed, Opened, Repeated, Repeated]);
        assert!(breaker.admits());
        assert_eq!([(); 2].map(|()| breaker.record(true)), [Opened, Repeated]);
        assert!(breaker.admits());
        assert_eq!([(); 2].map(|()| breaker.record(false)), [Closed, Fine]);
        assert_eq!((breaker.record(true), breaker.record(false)), (Failed, Fine));
        {
            use CircuitState::{Closed, HalfOpen, Open};
            assert_eq!(*CHANGES.lock().unwrap(), [Open, HalfOpen, Open, HalfOpen, Closed]);
        }
    }

    #[test]
    fn a_server_that_answers_now_and_then_is_reported_once_in_a_pause() {
        use Recorded::{Failed, Fine, Opened, Repeated};
        let breaker = Breaker { pause: Duration::from_secs(3600), ..Breaker::new() };
        assert_eq!(breaker.record(true), Failed);
        for _ in 0..100 {
            assert_eq!((breaker.record(false), breaker.record(true)), (Fine, Repeated));
        }
        assert_eq!([(); 3].map(|()| breaker.record(true)), [Repeated, Opened, Repeated]);
        breaker.record(false);
        breaker.silent_until.store(breaker.now(), Relaxed);
        assert_eq!([(); 2].map(|()| breaker.record(true)), [Failed, Repeated]);
    }

    /// A backend that counts its lookups and is always down.
    #[derive(Default)]
    struct Away(AtomicU32);

    impl Backend for Away {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            self.0.fetch_add(1, Relaxed);
            Err("no answer".into())
        }

        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Err("no answer".into())
        }

        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Err("no answer".into())
        }

        fn clear(&self, _: &str) -> Result<(), BackendError> {
            Err("no answer".into())
        }
    }

    #[test]
    fn the_state_can_be_read() {
        let breaker = Breaker { pause: Duration::ZERO, limit: 2, ..Breaker::new() };
        assert_eq!(breaker.state(), CircuitState::Closed);
        breaker.record(true);
        assert_eq!(breaker.state(), CircuitState::Closed);
        breaker.record(true);
        assert_eq!(breaker.state(), CircuitState::Open);
        assert!(breaker.admits());
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        breaker.record(true);
        assert_eq!(breaker.state(), CircuitState::Open);
        assert!(breaker.admits());
        breaker.record(false);
        assert_eq!(breaker.state(), CircuitState::Closed);
    }

    #[test]
    fn wrappers_have_the_worst_state_of_their_backends() {
        fn is(expected: Option<CircuitState>, backend: impl Backend) {
            assert_eq!(backend.circuit_state(), expected);
        }

        let (closed, open) = (CircuitBreaker::new(Away::default()), CircuitBreaker::new(Away::default()));
        for _ in 0..FAILURES {
            assert!(open.get("any", b"a").is_err());
        }
        let (good, bad) = (Some(CircuitState::Closed), Some(CircuitState::Open));
        is(None, Away::default());
        is(None, lru_core::backend::Off);
        is(None, None::<&CircuitBreaker<Away>>);
        is(good, Some(&closed));
        is(bad, Box::new(&open) as Box<dyn Backend + '_>);
        is(bad, CircuitBreaker::new(&open));
        is(bad, crate::Fallback::new((&closed, &open)));
        is(bad, crate::Layered::new((&open, Away::default())));
        is(good, crate::Sharded::new([&closed, &closed]));
        is(bad, crate::Sharded::new([&closed, &open]));
        is(None, crate::Sharded::<&CircuitBreaker<Away>>::new([]));
        #[cfg(feature = "compression")]
        is(bad, crate::Compressed::new(&open));
        #[cfg(feature = "encryption")]
        is(bad, crate::Encrypted::new(&open, []));
    }

    #[test]
    fn many_keys_are_one_decision() {
        let away = CircuitBreaker::new(Away::default()).failures(2).pause(Duration::from_secs(3600));
        for asked in [1, 2, 2, 2] {
            assert!(away.get_many("any", &[b"a", b"b", b"c"]).is_err());
            assert_eq!(away.backend.0.load(Relaxed), asked);
        }
    }
}

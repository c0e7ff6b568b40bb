//! [`CacheStats`]: the counters other than hits and misses, and their atomics.

use core::fmt;
use core::ops::AddAssign;
use core::time::Duration;

#[cfg(feature = "backend")]
use crate::observe::circuit_state::CircuitReader;
use crate::observe::circuit_state::CircuitState;
use crate::observe::count::Count;
use crate::observe::leading_policy::LeadingPolicy;
use crate::observe::times::Times;

/// The counters of a cache other than hits and misses, as returned by `cache_stats()`.
///
/// All of them count from the start of the program, or from the last `cache_clear()`. They are read one after the
/// other while other threads may count, so they need not be consistent with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// The number of coalesced calls: followers that received the result of a concurrent leader, with
    /// `single_flight`. They also count as hits.
    pub coalesced: u64,
    /// The number of calls that were answered by a stale result, with `swr`, `stale_if_error` or `stale_if_slow`.
    pub stale_hits: u64,
    /// The number of successful refreshes of stale results, with `swr`.
    pub refreshes: u64,
    /// The number of computations that returned an `Err`, including refreshes.
    pub errors: u64,
    /// The number of calls that were answered by the backend. They also count as hits.
    pub backend_hits: u64,
    /// The number of backend operations that failed.
    pub backend_errors: u64,
    /// The number of requests to the backend by calls: lookups, and results that were stored. Those of accessors are not
    /// counted.
    pub backend_requests: u64,
    /// The total size of the values that were found in the backend, in bytes.
    pub backend_bytes_read: u64,
    /// The total size of the values that were sent to the backend, in bytes.
    pub backend_bytes_written: u64,
    /// The total time that these requests took, failed ones included; `None` if there were none. The average latency is this
    /// divided by `backend_requests`.
    pub backend_time: Option<Duration>,
    /// The current state of the backend's circuit breaker; `None` if it has none, or if no call has used the backend. It
    /// changes with operations only: it stays open after a pause until the next operation goes through as a probe.
    pub backend_state: Option<CircuitState>,
    /// The number of entries that were removed because they had expired.
    pub expiries: u64,
    /// The number of entries that were evicted by the eviction policy.
    pub evictions: u64,
    /// The number of results that were returned but not stored, because their keys (or all keys) were changed, put,
    /// refreshed, invalidated or cleared while they were computed: in this process or, with a backend that gives leases,
    /// in another. So do results with tags that were invalidated meanwhile.
    pub superseded: u64,
    /// The number of entries that were removed because one of their own tags was invalidated. An entry is removed, and
    /// counted, when a later result is stored, or when it is looked for by an accessor that removes it.
    pub invalidated: u64,
    /// The number of entries, of functions with `depends = true`, that were removed because a result that they were computed
    /// from was invalidated, or may have been, as its tags are unknown. They are removed like the others.
    pub invalidated_dependents: u64,
    /// The number of computed results that were returned but not stored, because `keep` returned `false` or the `ttl` of the
    /// result was zero.
    pub not_kept: u64,
    /// The total time spent running the function, including refreshes; `None` if none was measured. It is measured
    /// with `single_flight` (the default of an `async fn`), `swr`, `stale_if_error`, `stale_if_slow` and `backend` only:
    /// otherwise no clock is read.
    pub computing: Option<Duration>,
    /// Which policy chooses the victims now, with `policy = auto`; `None` with other policies, and before anything was stored.
    /// With `shards` or `scope = thread`, each shard or thread has its own, and this is one of them.
    pub leading_policy: Option<LeadingPolicy>,
}

#[cfg(feature = "registry")]
impl CacheStats {
    /// Returns what was counted after `earlier` was read, and the present state of the circuit breaker and the leading policy.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            coalesced: self.coalesced.saturating_sub(earlier.coalesced),
            stale_hits: self.stale_hits.saturating_sub(earlier.stale_hits),
            refreshes: self.refreshes.saturating_sub(earlier.refreshes),
            errors: self.errors.saturating_sub(earlier.errors),
            backend_hits: self.backend_hits.saturating_sub(earlier.backend_hits),
            backend_errors: self.backend_errors.saturating_sub(earlier.backend_errors),
            backend_requests: self.backend_requests.saturating_sub(earlier.backend_requests),
            backend_bytes_read: self.backend_bytes_read.saturating_sub(earlier.backend_bytes_read),
            backend_bytes_written: self.backend_bytes_written.saturating_sub(earlier.backend_bytes_written),
            backend_time: time_since(self.backend_time, earlier.backend_time),
            backend_state: self.backend_state,
            expiries: self.expiries.saturating_sub(earlier.expiries),
            evictions: self.evictions.saturating_sub(earlier.evictions),
            superseded: self.superseded.saturating_sub(earlier.superseded),
            invalidated: self.invalidated.saturating_sub(earlier.invalidated),
            invalidated_dependents: self
                .invalidated_dependents
                .saturating_sub(earlier.invalidated_dependents),
            not_kept: self.not_kept.saturating_sub(earlier.not_kept),
            computing: time_since(self.computing, earlier.computing),
            leading_policy: self.leading_policy,
        }
    }
}

/// Returns how much a total time grew; `None` if it did not.
#[cfg(feature = "registry")]
fn time_since(now: Option<Duration>, earlier: Option<Duration>) -> Option<Duration> {
    Some(now?.saturating_sub(earlier.unwrap_or_default())).filter(|grown| !grown.is_zero())
}

impl AddAssign for CacheStats {
    fn add_assign(&mut self, other: Self) {
        self.coalesced += other.coalesced;
        self.stale_hits += other.stale_hits;
        self.refreshes += other.refreshes;
        self.errors += other.errors;
        self.backend_hits += other.backend_hits;
        self.backend_errors += other.backend_errors;
        self.backend_requests += other.backend_requests;
        self.backend_bytes_read += other.backend_bytes_read;
        self.backend_bytes_written += other.backend_bytes_written;
        self.backend_time = sum(self.backend_time, other.backend_time);
        self.backend_state = self.backend_state.max(other.backend_state);
        self.expiries += other.expiries;
        self.evictions += other.evictions;
        self.superseded += other.superseded;
        self.invalidated += other.invalidated;
        self.invalidated_dependents += other.invalidated_dependents;
        self.not_kept += other.not_kept;
        self.computing = sum(self.computing, other.computing);
        self.leading_policy = self.leading_policy.or(other.leading_policy);
    }
}

fn sum(this: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (this, other) {
        (Some(this), Some(other)) => Some(this.saturating_add(other)),
        (this, other) => this.or(other),
    }
}

impl fmt::Display for CacheStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { coalesced, stale_hits, refreshes, errors, expiries, evictions, computing, .. } = self;
        let Self { backend_hits, backend_errors, superseded, backend_requests, backend_time, .. } = self;
        let Self { backend_bytes_read, backend_bytes_written, backend_state, .. } = self;
        write!(f, "CacheStats(coalesced={coalesced}, stale_hits={stale_hits}, refreshes={refreshes}, ")?;
        write!(f, "errors={errors}, backend_hits={backend_hits}, backend_errors={backend_errors}, ")?;
        write!(f, "expiries={expiries}, evictions={evictions}, superseded={superseded}, ")?;
        write!(f, "computing={}, backend_requests={backend_requests}, ", Shown(*computing))?;
        write!(
            f,
            "backend_bytes_read={backend_bytes_read}, backend_bytes_written={backend_bytes_written}, "
        )?;
        write!(f, "backend_time={}, backend_state=", Shown(*backend_time))?;
        match backend_state {
            Some(state) => write!(f, "{state}, ")?,
            None => f.write_str("None, ")?,
        }
        let Self { invalidated, invalidated_dependents, not_kept, .. } = self;
        write!(f, "invalidated={invalidated}, invalidated_dependents={invalidated_dependents}, ")?;
        write!(f, "not_kept={not_kept}, leading_policy=")?;
        match self.leading_policy {
            Some(policy) => write!(f, "{policy})"),
            None => f.write_str("None)"),
        }
    }
}

/// Prints a time, or `None`.
struct Shown(Option<Duration>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(took) => write!(f, "{took:?}"),
            None => f.write_str("None"),
        }
    }
}

/// The counters of [`CacheStats`] that are not guarded by the lock of the cache.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) coalesced: Count,
    pub(crate) stale_hits: Count,
    pub(crate) refreshes: Count,
    pub(crate) errors: Count,
    pub(crate) not_kept: Count,
    pub(crate) backend_hits: Count,
    pub(crate) backend_errors: Count,
    pub(crate) computing: Times,
    backend_requests: Count,
    backend_bytes_read: Count,
    backend_bytes_written: Count,
    pub(crate) backend_times: Times,
    #[cfg(feature = "backend")]
    pub(crate) circuit: CircuitReader,
}

/// The size of the value of a request to a backend, in bytes.
#[cfg(feature = "backend")]
#[derive(Clone, Copy)]
pub(crate) enum Transferred {
    Read(usize),
    Written(usize),
}

impl Counters {
    /// Counts a request to the backend.
    #[cfg(feature = "backend")]
    pub(crate) fn requested(&self, took: Duration, transferred: Transferred) {
        self.backend_requests.add(1);
        self.backend_times.record(took);
        match transferred {
            Transferred::Read(bytes) => self.backend_bytes_read.add(bytes as u64),
            Transferred::Written(bytes) => self.backend_bytes_written.add(bytes as u64),
        }
    }

    pub(crate) fn reset(&self) {
        let Self {
            coalesced, stale_hits, refreshes, errors, backend_hits, backend_errors, computing, ..
        } = self;
        let Self { backend_requests, backend_bytes_read, backend_bytes_written, backend_times, .. } = self;
        for counter in [coalesced, stale_hits, refreshes, errors, backend_hits, backend_errors] {
            counter.reset();
        }
        for counter in [backend_requests, backend_bytes_read, backend_bytes_written, &self.not_kept] {
            counter.reset();
        }
        computing.reset();
        backend_times.reset();
    }

    pub(crate) fn read(&self) -> CacheStats {
        let stats = self.read_by(Count::get);
        CacheStats {
            backend_time: self.backend_times.total(),
            computing: self.computing.total(),
            #[cfg(feature = "backend")]
            backend_state: self.circuit.read(),
            ..stats
        }
    }

    /// Returns the counters, each as `read` reads it, without the times.
    pub(crate) fn read_by(&self, read: fn(&Count) -> u64) -> CacheStats {
        CacheStats {
            coalesced: read(&self.coalesced),
            stale_hits: read(&self.stale_hits),
            refreshes: read(&self.refreshes),
            errors: read(&self.errors),
            not_kept: read(&self.not_kept),
            backend_hits: read(&self.backend_hits),
            backend_errors: read(&self.backend_errors),
            backend_requests: read(&self.backend_requests),
            backend_bytes_read: read(&self.backend_bytes_read),
            backend_bytes_written: read(&self.backend_bytes_written),
            ..CacheStats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_all_that_it_counts() {
        let stats = CacheStats {
            coalesced: 1,
            computing: Some(Duration::from_millis(5)),
            leading_policy: Some(LeadingPolicy::WTinyLfu),
            ..CacheStats::default()
        };
        let expected = "CacheStats(coalesced=1, stale_hits=0, refreshes=0, errors=0, backend_hits=0, \
                        backend_errors=0, expiries=0, evictions=0, superseded=0, computing=5ms, backend_requests=0, \
                        backend_bytes_read=0, backend_bytes_written=0, backend_time=None, backend_state=None, invalidated=0, \
                        invalidated_dependents=0, not_kept=0, leading_policy=w_tinylfu)";
        assert_eq!(stats.to_string(), expected);
    }

    #[test]
    fn what_is_counted_is_read_and_reset() {
        let counters = Counters::default();
        counters.computing.record(Duration::from_secs(1));
        counters.errors.add(2);
        assert_eq!((counters.read().errors, counters.read().computing), (2, Some(Duration::from_secs(1))));
        counters.reset();
        assert_eq!(counters.read(), CacheStats::default());
    }

    #[cfg(feature = "backend")]
    #[test]
    fn the_state_of_the_circuit_is_read_when_it_is_asked_for() {
        use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
        use std::sync::Arc;

        let is_open = Arc::new(AtomicBool::new(false));
        let counters = Counters::default();
        assert_eq!(counters.read().backend_state, None);
        let reader = Arc::clone(&is_open);
        counters.circuit.set(|| {
            move || Some(if reader.load(Relaxed) { CircuitState::Open } else { CircuitState::Closed })
        });
        counters.reset();
        assert_eq!(counters.read().backend_state, Some(CircuitState::Closed));
        is_open.store(true, Relaxed);
        let mut sum = CacheStats { backend_state: Some(CircuitState::HalfOpen), ..CacheStats::default() };
        sum += counters.read();
        assert_eq!(sum.backend_state, Some(CircuitState::Open));
        assert!(sum.to_string().contains("backend_state=open, "));
    }

    #[cfg(feature = "backend")]
    #[test]
    fn requests_are_counted_with_their_time_and_bytes() {
        let counters = Counters::default();
        counters.requested(Duration::from_secs(2), Transferred::Read(10));
        counters.requested(Duration::from_secs(1), Transferred::Written(20));
        let read = counters.read();
        assert_eq!((read.backend_requests, read.backend_time), (2, Some(Duration::from_secs(3))));
        assert_eq!((read.backend_bytes_read, read.backend_bytes_written), (10, 20));
        counters.reset();
        assert_eq!(counters.read(), CacheStats::default());
    }
}

//! Publishes the counters of all memoized functions to the `metrics` facade.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::LazyLock;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use parking_lot::Mutex;

use super::circuit_state::CircuitState;
use super::info::CacheInfo;
use super::registry::{Function, functions};
use super::stats::CacheStats;

/// A counter: its name, its description, and how it is read.
type Counter = (&'static str, &'static str, fn(&Counts) -> u64);

struct Counts {
    info: CacheInfo,
    stats: CacheStats,
}

const COUNTERS: [Counter; 14] = [
    ("functools_hits_total", "Calls answered without running the function", |it| it.info.hits),
    ("functools_misses_total", "Calls that ran the function", |it| it.info.misses),
    ("functools_evictions_total", "Entries evicted by the eviction policy", |it| it.stats.evictions),
    ("functools_superseded_total", "Results not stored because of a later change", |it| it.stats.superseded),
    ("functools_expiries_total", "Entries removed because they had expired", |it| it.stats.expiries),
    ("functools_refreshes_total", "Successful refreshes of stale results", |it| it.stats.refreshes),
    ("functools_stale_hits_total", "Calls answered by a stale result", |it| it.stats.stale_hits),
    ("functools_coalesced_total", "Calls answered by the result of a concurrent call", |it| {
        it.stats.coalesced
    }),
    ("functools_errors_total", "Computations that returned an error", |it| it.stats.errors),
    ("functools_backend_hits_total", "Calls answered by the backend", |it| it.stats.backend_hits),
    ("functools_backend_errors_total", "Backend operations that failed", |it| it.stats.backend_errors),
    ("functools_backend_requests_total", "Requests to the backend by calls", |it| it.stats.backend_requests),
    ("functools_backend_read_bytes_total", "Bytes of values that were found in the backend", |it| {
        it.stats.backend_bytes_read
    }),
    ("functools_backend_written_bytes_total", "Bytes of values that were sent to the backend", |it| {
        it.stats.backend_bytes_written
    }),
];

/// A monotonic total of a counter that is reset when its cache is cleared.
#[derive(Clone, Copy, Default)]
struct Total {
    last: u64,
    total: u64,
}

impl Total {
    fn advance(&mut self, count: u64) -> u64 {
        self.total += count.checked_sub(self.last).unwrap_or(count);
        self.last = count;
        self.total
    }
}

/// The totals of one function that were published so far.
#[derive(Clone, Copy, Default)]
struct Published {
    counters: [Total; COUNTERS.len()],
    nanoseconds: Total,
    backend_nanoseconds: Total,
}

/// The totals by the address of the [`Function`], which is in a `static`.
static PUBLISHED: LazyLock<Mutex<HashMap<usize, Published>>> = LazyLock::new(Mutex::default);

/// Publishes the counters of all memoized functions to the recorder of the [`metrics`](::metrics) facade (feature
/// `metrics`).
///
/// Memoized calls publish nothing, so the metrics add no cost to them. Call this function where the values are
/// read, such as in the handler that a Prometheus server scrapes, or at an interval.
///
/// Each metric has the label `function`, with the [namespace](Function::namespace) of the function as its value:
///
/// | metric | kind and value |
/// |---|---|
/// | `functools_hits_total`, `functools_misses_total` | counters, as in `cache_info()` |
/// | `functools_evictions_total`, `functools_expiries_total`, `functools_superseded_total`, `functools_refreshes_total`, `functools_stale_hits_total`, `functools_coalesced_total`, `functools_errors_total`, `functools_backend_hits_total`, `functools_backend_errors_total`, `functools_backend_requests_total`, `functools_backend_read_bytes_total`, `functools_backend_written_bytes_total` | counters, as in `cache_stats()` |
/// | `functools_currsize` | gauge: the current number of entries, or their total weight |
/// | `functools_maxsize` | gauge: the capacity in entries, or in weight; missing for unbounded caches |
/// | `functools_computing_seconds` | gauge: the total time spent running the function, in seconds; it never decreases |
/// | `functools_backend_seconds` | gauge: the total time of the requests to the backend, in seconds; it never decreases |
/// | `functools_backend_state` | gauge: the state of the backend's circuit breaker: 0 closed, 1 half-open, 2 open; missing if there is none, or if no call has used the backend |
///
/// The counters are monotonic: clearing a cache does not reset them. Counts between the last publication and a
/// clear are lost.
pub fn publish_metrics() {
    describe();
    // The recorder is user code: it runs without the lock.
    for function in functions() {
        let counts = Counts { info: function.info(), stats: function.stats() };
        let (totals, [computing, backend]) = advance(function, &counts);
        let namespace = function.namespace();
        for ((name, ..), total) in COUNTERS.iter().zip(totals) {
            counter!(*name, "function" => namespace).absolute(total);
        }
        gauge!("functools_currsize", "function" => namespace).set(approximately(counts.info.currsize as u64));
        if let Some(maxsize) = counts.info.maxsize {
            gauge!("functools_maxsize", "function" => namespace).set(approximately(maxsize as u64));
        }
        if let Some(state) = counts.stats.backend_state {
            gauge!("functools_backend_state", "function" => namespace).set(level(state));
        }
        gauge!("functools_computing_seconds", "function" => namespace).set(approximately(computing) / 1e9);
        gauge!("functools_backend_seconds", "function" => namespace).set(approximately(backend) / 1e9);
    }
}

/// Returns a state of a circuit breaker as the value of a gauge: the greater, the worse.
fn level(state: CircuitState) -> f64 {
    match state {
        CircuitState::Closed => 0.0,
        CircuitState::HalfOpen => 1.0,
        CircuitState::Open => 2.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges have no more than 53 bits")]
fn approximately(count: u64) -> f64 {
    count as f64
}

fn advance(function: &'static Function, counts: &Counts) -> ([u64; COUNTERS.len()], [u64; 2]) {
    let mut published = PUBLISHED.lock();
    let published = published.entry(core::ptr::from_ref(function).addr()).or_default();
    let mut totals = [0; COUNTERS.len()];
    for ((total, kept), (.., read)) in totals.iter_mut().zip(&mut published.counters).zip(&COUNTERS) {
        *total = kept.advance(read(counts));
    }
    let computing = published.nanoseconds.advance(nanoseconds(counts.stats.computing));
    let backend = published.backend_nanoseconds.advance(nanoseconds(counts.stats.backend_time));
    (totals, [computing, backend])
}

fn nanoseconds(took: Option<Duration>) -> u64 {
    took.map_or(0, |took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
}

fn describe() {
    for (name, description, _) in &COUNTERS {
        describe_counter!(*name, *description);
    }
    describe_gauge!("functools_currsize", "Current number of entries");
    describe_gauge!("functools_maxsize", "Capacity in entries or in weight");
    describe_gauge!(
        "functools_computing_seconds",
        metrics::Unit::Seconds,
        "Total time spent running the function"
    );
    describe_gauge!(
        "functools_backend_seconds",
        metrics::Unit::Seconds,
        "Total time of the requests to the backend"
    );
    describe_gauge!(
        "functools_backend_state",
        "Circuit breaker of the backend: 0 closed, 1 half-open, 2 open"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_never_goes_back() {
        let mut total = Total::default();
        assert_eq!([3, 5, 5, 0, 2, 3].map(|count| total.advance(count)), [3, 5, 5, 5, 7, 8]);
    }
}

//! Publishes the counters of all memoized functions to the `metrics` facade.

use std::collections::HashMap;
use std::sync::LazyLock;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use parking_lot::Mutex;

use super::circuit_state::CircuitState;
use super::counts::Counts;
use super::histogram::TimeHistogram;
use super::registry::{Function, functions};

/// A counter: its name, its description, and how it is read.
type Counter = (&'static str, &'static str, fn(&Counts) -> u64);

const COUNTERS: [Counter; 19] = [
    ("functools_hits_total", "Calls answered without running the function", |it| it.hits),
    ("functools_misses_total", "Calls that ran the function", |it| it.misses),
    ("functools_evictions_total", "Entries evicted by the eviction policy", |it| it.stats.evictions),
    ("functools_superseded_total", "Results not stored because of a later change", |it| it.stats.superseded),
    ("functools_invalidated_total", "Entries removed because a tag of theirs was invalidated", |it| {
        it.stats.invalidated
    }),
    (
        "functools_invalidated_dependents_total",
        "Entries removed because what they were computed from was invalidated",
        |it| it.stats.invalidated_dependents,
    ),
    ("functools_not_kept_total", "Results not stored because of `keep` or a `ttl` of zero", |it| {
        it.stats.not_kept
    }),
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
    ("functools_computing_seconds_total", "Time spent running the function", |it| {
        it.computing.total().as_secs()
    }),
    ("functools_backend_seconds_total", "Time of the requests to the backend", |it| {
        it.backend.total().as_secs()
    }),
];

/// A histogram: its name, its description, and how it is read.
type Histogram = (&'static str, &'static str, fn(&Counts) -> &TimeHistogram);

const HISTOGRAMS: [Histogram; 2] = [
    ("functools_computing_duration_seconds", "How long the function ran", |it| &it.computing),
    ("functools_backend_duration_seconds", "How long a request to the backend took", |it| &it.backend),
];

/// What was published last, by the address of the [`Function`], which is in a `static`.
static PUBLISHED: LazyLock<Mutex<HashMap<usize, Counts>>> = LazyLock::new(Mutex::default);

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
/// | `functools_evictions_total`, `functools_expiries_total`, `functools_superseded_total`, `functools_invalidated_total`, `functools_invalidated_dependents_total`, `functools_not_kept_total`, `functools_refreshes_total`, `functools_stale_hits_total`, `functools_coalesced_total`, `functools_errors_total`, `functools_backend_hits_total`, `functools_backend_errors_total`, `functools_backend_requests_total`, `functools_backend_read_bytes_total`, `functools_backend_written_bytes_total` | counters, as in `cache_stats()` |
/// | `functools_computing_seconds_total` | counter: the time spent running the function, in whole seconds, because counters of the facade are whole numbers |
/// | `functools_backend_seconds_total` | counter: the time of the requests to the backend, in whole seconds |
/// | `functools_computing_duration_seconds` | histogram: how long the function ran, in seconds; their sum has fractions |
/// | `functools_backend_duration_seconds` | histogram: how long a request to the backend took, in seconds |
/// | `functools_currsize` | gauge: the current number of entries, or their total weight |
/// | `functools_maxsize` | gauge: the capacity in entries, or in weight; missing for unbounded caches |
/// | `functools_backend_state` | gauge: the state of the backend's circuit breaker: 0 closed, 1 half-open, 2 open; missing if there is none, or if no call has used the backend |
///
/// The counters are monotonic: clearing a cache does not reset them. A histogram records, for all times since the last publication that are in one bucket of a [`TimeHistogram`], their average
/// as many times as there are: the number of times and their sum are exact. Functions whose times are not measured publish none.
pub fn publish_metrics() {
    describe();
    // The recorder is user code: it runs without the lock.
    for function in functions() {
        // Removes expired entries, which are then counted.
        let info = function.info();
        let (namespace, (now, since)) = (function.namespace(), advance(function));
        for (name, _, read) in COUNTERS {
            counter!(name, "function" => namespace).absolute(read(&now));
        }
        for (name, _, read) in HISTOGRAMS {
            for bucket in read(&since).buckets() {
                let (count, total) = (bucket.count, bucket.total.as_secs_f64());
                let times = usize::try_from(count).unwrap_or(usize::MAX);
                histogram!(name, "function" => namespace).record_many(total / approximately(count), times);
            }
        }
        gauge!("functools_currsize", "function" => namespace).set(approximately(info.currsize as u64));
        if let Some(maxsize) = info.maxsize {
            gauge!("functools_maxsize", "function" => namespace).set(approximately(maxsize as u64));
        }
        if let Some(state) = now.stats.backend_state {
            gauge!("functools_backend_state", "function" => namespace).set(level(state));
        }
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

/// Returns what was counted since the start of the program, and since the last publication.
fn advance(function: &'static Function) -> (Counts, Counts) {
    let mut published = PUBLISHED.lock();
    let last = published.entry(core::ptr::from_ref(function).addr()).or_default();
    // Read under the lock: of two threads that publish, the later one counts only what the other has not.
    let mut now = function.counts();
    // Less than before if a miss has become a hit of the backend; published counters do not decrease.
    now.misses = now.misses.max(last.misses);
    let since = now.since(last);
    last.clone_from(&now);
    (now, since)
}

fn describe() {
    for (name, description, _) in COUNTERS {
        describe_counter!(name, description);
    }
    for (name, description, _) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, description);
    }
    describe_gauge!("functools_currsize", "Current number of entries");
    describe_gauge!("functools_maxsize", "Capacity in entries or in weight");
    describe_gauge!(
        "functools_backend_state",
        "Circuit breaker of the backend: 0 closed, 1 half-open, 2 open"
    );
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::vec::Vec;

    use super::*;
    use crate::observe::times::Times;

    #[test]
    fn times_are_counted_in_whole_seconds() {
        let times = Times::default();
        for milliseconds in [1500, 700] {
            times.record(Duration::from_millis(milliseconds));
        }
        let counts = Counts { computing: (&times).into(), ..Counts::default() };
        let seconds = COUNTERS.iter().filter(|(name, ..)| name.contains("_seconds_"));
        let seconds: Vec<_> = seconds.map(|(name, _, read)| (*name, read(&counts))).collect();
        assert_eq!(
            seconds,
            [("functools_computing_seconds_total", 2), ("functools_backend_seconds_total", 0)]
        );
    }
}

//! What functions count, for the `metrics` facade.

use std::collections::HashMap;
use std::sync::LazyLock;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use parking_lot::Mutex;

use crate::observe::registry::{Function, functions};

/// A counter: its name, what it means, and how it is read.
struct Counter {
    name: &'static str,
    meaning: &'static str,
    read: fn(&Counts) -> u64,
}

impl Counter {
    const fn new(name: &'static str, meaning: &'static str, read: fn(&Counts) -> u64) -> Self {
        Self { name, meaning, read }
    }
}

struct Counts {
    info: crate::CacheInfo,
    stats: crate::CacheStats,
}

const COUNTERS: [Counter; 10] = [
    Counter::new(
        "functools_hits_total",
        "CacheHandle that were answered without running the function",
        |it| it.info.hits,
    ),
    Counter::new("functools_misses_total", "CacheHandle that ran the function", |it| it.info.misses),
    Counter::new("functools_evictions_total", "Results that made room for others", |it| it.stats.evictions),
    Counter::new("functools_expiries_total", "Results that left because their time was over", |it| {
        it.stats.expiries
    }),
    Counter::new("functools_refreshes_total", "Refreshes of stale results that came to something", |it| {
        it.stats.refreshes
    }),
    Counter::new("functools_stale_hits_total", "CacheHandle that were answered by a stale result", |it| {
        it.stats.stale_hits
    }),
    Counter::new(
        "functools_coalesced_total",
        "CacheHandle that were answered by what another call computed meanwhile",
        |it| it.stats.coalesced,
    ),
    Counter::new("functools_errors_total", "Computations that came to an error", |it| it.stats.errors),
    Counter::new("functools_backend_hits_total", "CacheHandle that were answered by a backend", |it| {
        it.stats.backend_hits
    }),
    Counter::new("functools_backend_errors_total", "What a backend was asked and could not do", |it| {
        it.stats.backend_errors
    }),
];

/// A count that never goes back, of one that is set to zero when the cache is cleared.
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

/// What was published so far, by function: its counters, and the nanoseconds it computed.
#[derive(Clone, Copy, Default)]
struct Published {
    counters: [Total; COUNTERS.len()],
    nanoseconds: Total,
}

/// By the address of the function, which lies in a `static`.
static PUBLISHED: LazyLock<Mutex<HashMap<usize, Published>>> = LazyLock::new(Mutex::default);

/// Hands what all memoized functions have counted to the recorder of the [`metrics`](::metrics) facade. With
/// the feature `metrics`.
///
/// Calls publish nothing, and so cost nothing: call this where the numbers are asked for, as in the handler
/// that a Prometheus server scrapes, or at an interval.
///
/// Each is labelled with the path of the `function`:
///
/// | metric | |
/// |---|---|
/// | `functools_hits_total`, `functools_misses_total` | counters, as in `cache_info()` |
/// | `functools_evictions_total`, `functools_expiries_total`, `functools_refreshes_total`, `functools_stale_hits_total`, `functools_coalesced_total`, `functools_errors_total`, `functools_backend_hits_total`, `functools_backend_errors_total` | counters, as in `cache_stats()` |
/// | `functools_currsize` | gauge: the entries there are |
/// | `functools_maxsize` | gauge: the bound, where there is one |
/// | `functools_computing_seconds` | gauge: how long computations took, all together; it only grows |
///
/// Counters do not go back when a cache is cleared. What was counted between the last publication and a
/// clear is lost.
pub fn publish_metrics() {
    describe();
    // What recorders do runs without the lock.
    for function in functions() {
        let counts = Counts { info: function.info(), stats: function.stats() };
        let (totals, nanoseconds) = advance(function, &counts);
        let path = function.path();
        for (Counter { name, .. }, total) in COUNTERS.iter().zip(totals) {
            counter!(*name, "function" => path).absolute(total);
        }
        gauge!("functools_currsize", "function" => path).set(approximately(counts.info.currsize as u64));
        if let Some(maxsize) = counts.info.maxsize {
            gauge!("functools_maxsize", "function" => path).set(approximately(maxsize as u64));
        }
        let seconds = approximately(nanoseconds) / 1e9;
        gauge!("functools_computing_seconds", "function" => path).set(seconds);
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges have no more than 53 bits")]
fn approximately(count: u64) -> f64 {
    count as f64
}

fn advance(function: &'static Function, counts: &Counts) -> ([u64; COUNTERS.len()], u64) {
    let mut published = PUBLISHED.lock();
    let published = published.entry(core::ptr::from_ref(function).addr()).or_default();
    let mut totals = [0; COUNTERS.len()];
    for ((total, kept), counter) in totals.iter_mut().zip(&mut published.counters).zip(&COUNTERS) {
        *total = kept.advance((counter.read)(counts));
    }
    let nanoseconds = u64::try_from(counts.stats.computing.as_nanos()).unwrap_or(u64::MAX);
    (totals, published.nanoseconds.advance(nanoseconds))
}

fn describe() {
    for Counter { name, meaning, .. } in &COUNTERS {
        describe_counter!(*name, *meaning);
    }
    describe_gauge!("functools_currsize", "Results that are remembered now");
    describe_gauge!("functools_maxsize", "How many may be");
    describe_gauge!(
        "functools_computing_seconds",
        metrics::Unit::Seconds,
        "How long computations took, all together"
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

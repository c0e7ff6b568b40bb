//! The numbers of the functions, as JSON.

use core::time::Duration;
use std::time::Instant;

use lru_core::Insight;
use lru_core::registry::{self, Function, TimeHistogram};
use serde_json::{Value, json};

use crate::history::{History, INTERVAL, Window};
use crate::sampler::{Sampler, key};

/// The windows, by their names in JSON; the last one is all time.
const WINDOWS: [(&str, Option<Duration>); 3] =
    [("1m", Some(Duration::from_secs(60))), ("5m", Some(Duration::from_secs(300))), ("all", None)];

/// Returns the present numbers of all functions.
pub(crate) fn cache_info(sampler: &Sampler) -> Value {
    // Reads clocks of functions and may call listeners: before the lock of the history is taken.
    let mut functions: Vec<_> =
        registry::functions().map(|function| (function, numbers_of(function))).collect();
    let history = sampler.observed();
    let now = Instant::now();
    for (function, numbers) in &mut functions {
        numbers["windows"] = windows_of(&history, function, now);
    }
    json!({ "functions": functions.into_iter().map(|(_, numbers)| numbers).collect::<Vec<_>>() })
}

/// Returns the samples of all functions after the first `after` ones.
pub(crate) fn samples(sampler: &Sampler, after: u64) -> Value {
    let history = sampler.observed();
    let functions = registry::functions().map(|function| {
        let (mut hits, mut misses): (Vec<_>, Vec<_>) =
            history.samples(key(function), after).map(|sample| (sample.hits, sample.misses)).unzip();
        if hits.iter().chain(&misses).all(|count| *count == 0) {
            (hits, misses) = (Vec::new(), Vec::new());
        }
        json!({ "path": function.path(), "hits": hits, "misses": misses })
    });
    let functions: Vec<_> = functions.collect();
    let ages: Vec<_> = history.ages(after, Instant::now()).map(|age| age.as_secs_f64()).collect();
    json!({
        "interval_sec": INTERVAL.as_secs_f64(),
        "taken": history.taken(),
        "ages_sec": ages,
        "functions": functions,
    })
}

fn numbers_of(function: &'static Function) -> Value {
    let (info, stats) = (function.info(), function.stats());
    json!({
        "path": function.path(),
        "file": function.file(),
        "line": function.line(),
        "hits": info.hits,
        "misses": info.misses,
        "hit_ratio": (info.hits + info.misses > 0).then(|| info.hit_ratio()),
        "maxsize": info.maxsize,
        "currsize": info.currsize,
        "budget_share": function.budget_share(),
        "evictions": stats.evictions,
        "superseded": stats.superseded,
        "expiries": stats.expiries,
        "invalidated": stats.invalidated,
        "invalidated_dependents": stats.invalidated_dependents,
        "not_kept": stats.not_kept,
        "coalesced": stats.coalesced,
        "stale_hits": stats.stale_hits,
        "refreshes": stats.refreshes,
        "errors": stats.errors,
        "backend_hits": stats.backend_hits,
        "backend_errors": stats.backend_errors,
        "backend_requests": stats.backend_requests,
        "backend_bytes_read": stats.backend_bytes_read,
        "backend_bytes_written": stats.backend_bytes_written,
        "backend_state": stats.backend_state.map(|state| state.to_string()),
        "backend_sec": stats.backend_time.map(|took| took.as_secs_f64()),
        "computing_sec": stats.computing.map(|took| took.as_secs_f64()),
        "leading_policy": stats.leading_policy.map(|policy| policy.to_string()),
        "insight": function.insight().map(|insight| numbers_of_insight(&insight)),
    })
}

/// Returns the expected hit ratio by capacity, and advice.
fn numbers_of_insight(insight: &Insight) -> Value {
    json!({
        "advice": insight.to_string(),
        "calls": insight.calls(),
        "uncertainty": insight.uncertainty(),
        "working_set": insight.working_set(),
        "knee": insight.knee(),
        "curve": insight.curve().iter().map(|point| json!([point.maxsize, point.hit_ratio])).collect::<Vec<_>>(),
    })
}

fn windows_of(history: &History, function: &'static Function, now: Instant) -> Value {
    let windows = WINDOWS.iter().filter_map(|&(name, length)| {
        Some((name.to_owned(), numbers_in(&history.window(key(function), length, now)?)))
    });
    Value::Object(windows.collect())
}

fn numbers_in(window: &Window) -> Value {
    let Window { counts, length, calls } = window;
    let stats = &counts.stats;
    json!({
        "sec": length.as_secs_f64(),
        "calls_per_sec": rate(*calls, *length),
        "hits": counts.hits,
        "misses": counts.misses,
        "hit_ratio": counts.hit_ratio(),
        "errors": stats.errors,
        "stale_hits": stats.stale_hits,
        "evictions": stats.evictions,
        "invalidated": stats.invalidated,
        "invalidated_dependents": stats.invalidated_dependents,
        "not_kept": stats.not_kept,
        "computing": times(&counts.computing),
        "backend_hits": stats.backend_hits,
        "backend_errors": stats.backend_errors,
        "backend": times(&counts.backend),
    })
}

/// Returns calls per second; `None` if there was no time.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
fn rate(calls: u64, length: Duration) -> Option<f64> {
    (!length.is_zero()).then(|| calls as f64 / length.as_secs_f64())
}

fn times(times: &TimeHistogram) -> Value {
    let seconds = |took: Option<Duration>| took.map(|took| took.as_secs_f64());
    json!({
        "count": times.count(),
        "mean_sec": seconds(times.mean()),
        "p99_sec": seconds(times.quantile(0.99)),
        "buckets": times.buckets().map(|bucket| json!([seconds(bucket.below), bucket.count])).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use lru_core::LruCache;

    use super::*;

    #[test]
    fn an_insight_has_a_curve_and_advice() {
        let cache = LruCache::builder().maxsize(10).insight().build();
        (0..2000).map(|call| call % 20).for_each(|n| cache.get_or_insert_with(n, || ()));
        let numbers = numbers_of_insight(&cache.insight());
        assert_eq!(
            numbers["advice"],
            "20 → 99 % (now 10 → 0 %); 20 → 99 %; beyond 20 nothing is gained (2000 calls)"
        );
        let curve = numbers["curve"].as_array().unwrap();
        assert_eq!((curve.len(), &curve[9], &curve[19]), (64, &json!([10, 0.0]), &json!([20, 0.99])));
        assert_eq!((&numbers["calls"], &numbers["working_set"]), (&json!(2000), &json!(20)));
    }

    #[test]
    fn a_window_without_calls_has_no_numbers_that_need_one() {
        let mut history = History::default();
        let now = Instant::now();
        history.observe(0, registry::Counts::default(), now);
        let window = |now| numbers_in(&history.window(0, None, now).unwrap());
        let none = json!({ "count": 0, "mean_sec": null, "p99_sec": null, "buckets": [] });
        let mut expected = json!({
            "sec": 0.0, "calls_per_sec": null, "hits": 0, "misses": 0, "hit_ratio": null, "errors": 0, "stale_hits": 0,
            "evictions": 0, "invalidated": 0, "invalidated_dependents": 0, "not_kept": 0, "computing": none, "backend_hits": 0, "backend_errors": 0, "backend": none,
        });
        assert_eq!(window(now), expected);
        (expected["sec"], expected["calls_per_sec"]) = (json!(2.0), json!(0.0));
        assert_eq!(window(now + Duration::from_secs(2)), expected);
    }
}

//! Caches that set their own capacity: their hits against those at the upper bound, and the room that they take.

use std::path::PathBuf;

use functools::LruCache;

use crate::Failure;
use crate::trace::Trace;

/// What a cache did during a trace.
struct Outcome {
    hit_ratio: f64,
    /// The mean capacity, and the last one.
    mean: f64,
    last: usize,
    changes: usize,
}

/// Replays each trace through a cache that sets its own capacity between `min` and `max`, and through one with `max`. Without a
/// `max`, it is the number of keys of the trace.
pub(crate) fn compare(files: &[PathBuf], min: usize, max: Option<usize>) -> Result<(), Failure> {
    println!(
        "{:<12}{:>9}{:>9}{:>9}{:>8}{:>9}{:>10}{:>9}",
        "trace", "max", "at max", "auto", "loss", "mean", "last", "changes"
    );
    for file in files {
        let trace = Trace::read(file)?;
        let max = max.unwrap_or_else(|| trace.unique());
        let (at_max, auto) = (at(&trace.keys, max), auto(&trace.keys, min, max));
        println!(
            "{:<12}{max:>9}{:>8.2}%{:>8.2}%{:>8.2}{:>8.1}%{:>10}{:>9}",
            trace.name,
            100.0 * at_max,
            100.0 * auto.hit_ratio,
            100.0 * (at_max - auto.hit_ratio),
            100.0 * auto.mean / of(max),
            auto.last,
            auto.changes
        );
    }
    Ok(())
}

fn at(keys: &[u64], maxsize: usize) -> f64 {
    let cache = LruCache::builder().maxsize(maxsize).build();
    for &key in keys {
        cache.get_or_insert_with(key, || ());
    }
    cache.info().hit_ratio()
}

fn auto(keys: &[u64], min: usize, max: usize) -> Outcome {
    let cache = LruCache::builder().auto_maxsize(min..=max).build();
    let (mut last, mut changes, mut sum) = (max, 0, 0.0);
    for &key in keys {
        let mut is_miss = false;
        cache.get_or_insert_with(key, || is_miss = true);
        if is_miss {
            let now = cache.info().maxsize.unwrap_or(max);
            changes += usize::from(now != last);
            last = now;
        }
        sum += of(last);
    }
    Outcome { hit_ratio: cache.info().hit_ratio(), mean: sum / of(keys.len()), last, changes }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn of(count: usize) -> f64 {
    count as f64
}

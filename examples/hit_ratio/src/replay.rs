//! Replaying a trace: the hits of each policy, and of the optimum.

use std::collections::{BinaryHeap, HashMap, HashSet};

use functools::Cache;
use functools::policy::{Fifo, Lfu, Lru, Policy, S3Fifo, Sieve, WTinyLfu};
use indicatif::{ProgressBar, ProgressStyle};

use crate::trace::Trace;

/// A policy: its name, and a function that counts its hits.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    hits: fn(&[u64], usize, &ProgressBar) -> usize,
}

/// All policies, the optimum last.
pub(crate) const SERIES: [Series; 7] = [
    Series { name: "lru", hits: replay::<Lru> },
    Series { name: "fifo", hits: replay::<Fifo> },
    Series { name: "lfu", hits: replay::<Lfu> },
    Series { name: "sieve", hits: replay::<Sieve> },
    Series { name: "s3_fifo", hits: replay::<S3Fifo> },
    Series { name: "w_tinylfu", hits: replay::<WTinyLfu> },
    Series { name: "OPT", hits: opt },
];

/// How many requests are replayed between two updates of the progress bar.
const TICK: usize = 1 << 14;

/// Replays the trace: look each key up, and insert it on a miss.
fn replay<P: Policy>(keys: &[u64], capacity: usize, bar: &ProgressBar) -> usize {
    let cache = Cache::<u64, (), P>::new(Some(capacity));
    for keys in keys.chunks(TICK) {
        for &key in keys {
            if cache.get(&key).is_none() {
                cache.insert(key, ());
            }
        }
        bar.inc(keys.len() as u64);
    }
    usize::try_from(cache.info().hits).unwrap_or(usize::MAX)
}

/// Belady's algorithm, which knows the future: it evicts the key whose next use is latest, or that is not used again.
/// No policy that stores every new key has more hits.
fn opt(keys: &[u64], capacity: usize, bar: &ProgressBar) -> usize {
    let mut next = vec![usize::MAX; keys.len()];
    let mut later = HashMap::new();
    for (at, key) in keys.iter().enumerate().rev() {
        next[at] = later.insert(key, at).unwrap_or(usize::MAX);
    }
    let (mut hits, mut stored) = (0, HashSet::new());
    // When each stored key is used next. A use that has passed is smaller than the next use of any stored key, so the
    // top of the heap is always a stored key.
    let mut notes = BinaryHeap::new();
    for (at, key) in keys.iter().enumerate() {
        if stored.contains(key) {
            hits += 1;
        } else {
            let victim = if stored.len() == capacity { notes.pop() } else { None };
            if let Some((_, victim)) = victim {
                stored.remove(victim);
            }
            stored.insert(key);
        }
        notes.push((next[at], key));
        if at % TICK == 0 {
            bar.inc(TICK as u64);
        }
    }
    hits
}

/// Counts hits, and shows the progress on a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(trace: &Trace, replays: usize) -> Self {
        let requests = trace.keys.len() * replays;
        if requests < 1_000_000 {
            return Self(ProgressBar::hidden());
        }
        let style = "{msg:<24} {wide_bar} {percent:>3} % {eta:>4}";
        let bar = ProgressBar::new(requests as u64);
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    pub(crate) fn hits(&self, series: &Series, trace: &Trace, capacity: usize) -> usize {
        self.0.set_message(format!("{} {} {capacity}", trace.name, series.name));
        (series.hits)(&trace.keys, capacity, &self.0)
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

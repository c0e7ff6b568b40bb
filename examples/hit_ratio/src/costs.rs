//! Replaying a trace with a cost and a weight for each key: how much of the cost each policy saves.
//!
//! Neither is in a trace. They are made of a hash of key and seed: weights from 1 to 256 and costs from 1 µs to 1 s,
//! both spread evenly over the powers of two and independent of each other, and of how often the key is used.

use std::time::Duration;

use functools::Cache;
use functools::policy::{Gdsf, Lru, Policy, S3Fifo, WTinyLfu};

use crate::trace::Trace;

/// The mean of the weights.
const MEAN_WEIGHT: usize = 511 / 9;

/// A policy: its name, and what it saves.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) saves: fn(&Trace, usize, u64) -> Saved,
}

pub(crate) const SERIES: [Series; 4] = [
    Series { name: "lru", saves: |trace, capacity, seed| replay::<Lru>(trace, capacity, seed, store) },
    Series { name: "s3_fifo", saves: |trace, capacity, seed| replay::<S3Fifo>(trace, capacity, seed, store) },
    Series {
        name: "w_tinylfu",
        saves: |trace, capacity, seed| replay::<WTinyLfu>(trace, capacity, seed, store),
    },
    Series {
        name: "gdsf",
        saves: |trace, capacity, seed| {
            replay::<Gdsf>(trace, capacity, seed, |cache, key, cost| {
                cache.insert_with_cost(key, (), cost);
            })
        },
    },
];

/// What the hits of a policy save, of all requests.
pub(crate) struct Saved {
    pub(crate) hits: f64,
    pub(crate) cost: f64,
}

fn store<P: Policy>(cache: &Cache<u64, (), P>, key: u64, _: Duration) {
    cache.insert(key, ());
}

/// Replays the trace through a cache with room for so many entries of mean weight.
fn replay<P: Policy>(
    trace: &Trace,
    capacity: usize,
    seed: u64,
    store: fn(&Cache<u64, (), P>, u64, Duration),
) -> Saved {
    let weigher = move |key: &u64, (): &()| weight(*key, seed);
    let cache = Cache::<u64, (), P>::builder().maxsize(capacity * MEAN_WEIGHT).weigher(weigher).build();
    let (mut hits, mut saved, mut all) = (0_u32, 0.0, 0.0);
    for &key in &trace.keys {
        let cost = cost(key, seed);
        all += cost.as_secs_f64();
        if cache.get(&key).is_some() {
            hits += 1;
            saved += cost.as_secs_f64();
        } else {
            store(&cache, key, cost);
        }
    }
    Saved { hits: trace.ratio(hits as usize), cost: saved / all }
}

/// Returns a power of two from 1 to 256.
fn weight(key: u64, seed: u64) -> usize {
    1 << (mixed(key ^ seed) % 9)
}

/// Returns a power of two of microseconds, up to a second.
fn cost(key: u64, seed: u64) -> Duration {
    Duration::from_micros(1 << (mixed(!key ^ seed.rotate_left(32)) % 21))
}

/// The finalizer of `SplitMix64`.
fn mixed(key: u64) -> u64 {
    let mut key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

//! Compares the curve of hit ratios that a cache estimates with an exact one.

use std::collections::HashMap;

use functools::{Insight, LruCache};

use crate::Failure;
use crate::trace::Trace;

/// How many capacities are compared.
const CAPACITIES: usize = 20;

/// How often a trace is replayed, with other hashes of the keys: the sampled keys differ.
const REPLAYS: u64 = 5;

/// The bars, in parts of 1: the mean error of all traces, and the largest one of each trace. Both are of the median replay.
const MEAN_BAR: f64 = 0.005;
const WORST_BAR: f64 = 0.03;

/// The errors of a curve.
#[derive(Clone, Copy)]
struct Errors {
    mean: f64,
    worst: f64,
}

pub(crate) fn check(traces: &[Trace]) -> Result<(), Failure> {
    println!(
        "\n{:<12}{:>8}{:>8}{:>11}  advice for the smallest capacity",
        "curve of", "mean", "worst", "uncertain"
    );
    let (mut sum, mut worst) = (0.0, 0.0_f64);
    for trace in traces {
        let exact = Exact::of(&trace.keys);
        let capacities = capacities(trace.unique());
        let mut replays: Vec<(Errors, Insight)> = (0..REPLAYS)
            .map(|replay| {
                let insight = estimated(&trace.keys, 1000, replay);
                (errors(&exact, &insight, &capacities), insight)
            })
            .collect();
        replays.sort_by(|(one, _), (other, _)| one.worst.total_cmp(&other.worst));
        let (errors, insight) = &replays[replays.len() / 2];
        println!(
            "{:<12}{:>8.4}{:>8.4}{:>11.4}  {insight}",
            trace.name,
            errors.mean,
            errors.worst,
            insight.uncertainty()
        );
        sum += errors.mean;
        worst = worst.max(errors.worst);
    }
    #[expect(clippy::cast_precision_loss, reason = "there are few traces")]
    let mean = sum / traces.len() as f64;
    let verdict = format!("mean {mean:.4}, at most {MEAN_BAR}; worst {worst:.4}, at most {WORST_BAR}");
    if mean > MEAN_BAR || worst > WORST_BAR {
        return Err(Failure(format!("the curves are too far from the exact ones: {verdict}")));
    }
    println!("The curves are close enough: {verdict}.");
    Ok(())
}

/// Replays a trace through a cache that estimates its curve.
pub(crate) fn estimated(keys: &[u64], maxsize: usize, replay: u64) -> Insight {
    let cache = LruCache::builder().maxsize(maxsize).insight().build();
    for &key in keys {
        cache.get_or_insert_with((key, replay), || ());
    }
    cache.insight()
}

#[expect(clippy::cast_precision_loss, reason = "there are few capacities")]
fn errors(exact: &Exact, insight: &Insight, capacities: &[usize]) -> Errors {
    let error = |&capacity: &usize| (insight.hit_ratio(capacity) - exact.hit_ratio(capacity)).abs();
    let errors: Vec<f64> = capacities.iter().map(error).collect();
    Errors {
        mean: errors.iter().sum::<f64>() / errors.len() as f64,
        worst: errors.iter().fold(0.0, |worst, &error| worst.max(error)),
    }
}

/// Capacities from 10 to the number of keys, whose ratios are the same.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "they are small"
)]
fn capacities(unique: usize) -> Vec<usize> {
    let part = |number: usize| number as f64 / (CAPACITIES - 1) as f64;
    (0..CAPACITIES).map(|number| (10.0 * (unique as f64 / 10.0).powf(part(number))) as usize).collect()
}

/// The distances of all uses in an exact LRU cache: how many keys were used since the last use, with the key itself.
pub(crate) struct Exact {
    /// In ascending order.
    distances: Vec<usize>,
    uses: usize,
}

impl Exact {
    pub(crate) fn of(keys: &[u64]) -> Self {
        // A one at the time of the last use of each key, as sums in a binary indexed tree.
        let mut tree = vec![0_usize; keys.len() + 1];
        let (mut last, mut distances) = (HashMap::new(), Vec::new());
        for (time, key) in keys.iter().enumerate() {
            let known = last.len();
            if let Some(before) = last.insert(key, time) {
                distances.push(known - sum_up_to(&tree, before) + 1);
                add(&mut tree, before, usize::MAX);
            }
            add(&mut tree, time, 1);
        }
        distances.sort_unstable();
        Self { distances, uses: keys.len() }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn hit_ratio(&self, capacity: usize) -> f64 {
        self.distances.partition_point(|&distance| distance <= capacity) as f64 / self.uses as f64
    }
}

fn add(tree: &mut [usize], time: usize, number: usize) {
    let mut at = time + 1;
    while at < tree.len() {
        tree[at] = tree[at].wrapping_add(number);
        at += at & at.wrapping_neg();
    }
}

fn sum_up_to(tree: &[usize], time: usize) -> usize {
    let (mut at, mut sum) = (time + 1, 0_usize);
    while at > 0 {
        sum = sum.wrapping_add(tree[at]);
        at &= at - 1;
    }
    sum
}

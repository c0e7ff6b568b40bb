//! The rule by which a cache sets its own capacity, within bounds.
//!
//! The rule wants the smallest capacity whose hit ratio is at most a point below that at the upper bound, and a tenth more.
//! It begins at the upper bound, and looks at the curve of hit ratios after as many calls as there are entries to judge by.
//! It grows where the present capacity loses more than a point and a half, and shrinks where twice in a row much less would
//! do. So the capacity changes seldom, and by a factor of two to four at most.
//!
//! Invariant: the capacity is within the bounds.

use core::cell::Cell;

use super::curve::{Insight, of_size};
use super::level::of_count;
use super::sampler::Sampler;

/// How much less than at the upper bound the hit ratio may be.
const LOSS: f64 = 0.01;

/// The fewest calls between two checks, and how many there are for each entry.
const FEWEST_CALLS: u64 = 1000;
const CALLS_OF_AN_ENTRY: u64 = 4;

/// How many times longer the time between checks becomes while nothing changes.
const PATIENCE: u64 = 16;

/// How far the hit ratio of the last calls is from that of the curve if the calls have changed.
const DRIFT: f64 = 0.05;

/// The bounds of a capacity that a cache sets itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: usize,
    max: usize,
}

impl Bounds {
    /// Creates bounds. If they are in the wrong order, the upper one holds. A capacity is at least 1.
    pub fn new(min: usize, max: usize) -> Self {
        let max = max.max(1);
        Self { min: min.clamp(1, max), max }
    }

    pub(crate) fn max(self) -> usize {
        self.max
    }

    fn clamp(self, size: usize) -> usize {
        size.clamp(self.min, self.max)
    }
}

/// What the rule knows of earlier checks.
#[derive(Clone, Copy, Debug)]
struct Checks {
    /// Hits and misses at the last one.
    counted: (u64, u64),
    /// The factor of the time until the next one.
    patience: u64,
    /// Whether the last one wanted a much smaller capacity.
    wants_less: bool,
    /// Whether it wanted more than it was to have at once.
    is_growing: bool,
    /// How far the observed hit ratio is from that of the curve.
    bias: Option<f64>,
}

impl Checks {
    const NONE: Self =
        Self { counted: (0, 0), patience: 1, wants_less: false, is_growing: false, bias: None };
}

/// The state of a cache that sets its own capacity.
#[derive(Debug)]
pub struct SelfSizing {
    /// `None` until they are set, and after a caller has set the capacity.
    bounds: Cell<Option<Bounds>>,
    checks: Cell<Checks>,
}

impl SelfSizing {
    pub(crate) const fn new() -> Self {
        Self { bounds: Cell::new(None), checks: Cell::new(Checks::NONE) }
    }

    /// Sets the bounds; with `None`, the capacity stays as it is.
    pub(crate) fn set_bounds(&self, bounds: Option<Bounds>) {
        self.bounds.set(bounds);
        self.checks.set(Checks::NONE);
    }

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        self.bounds.get()
    }

    /// Returns whether it is time for a check, in a cache of so many entries that has had so many hits and misses.
    #[inline]
    pub(crate) fn is_due(&self, (hits, misses): (u64, u64), entries: usize) -> bool {
        let Checks { counted, patience, is_growing, .. } = self.checks.get();
        let calls = (hits + misses).checked_sub(counted.0 + counted.1);
        let each = if is_growing { 1 } else { CALLS_OF_AN_ENTRY };
        let enough = (each * entries as u64).max(FEWEST_CALLS * patience);
        // After the counters are reset, they are less than before.
        self.bounds.get().is_some() && calls.is_none_or(|calls| calls >= enough)
    }

    /// Returns another capacity for a cache of this one, where that is better.
    pub(crate) fn check(&self, counted: (u64, u64), size: usize, sampler: &Sampler) -> Option<usize> {
        let bounds = self.bounds.get()?;
        let insight = sampler.insight(Some(size), true);
        let before = self.checks.get();
        let observed = observed(before.counted, counted);
        let wanted = wanted(bounds, size, &insight);
        let (bias, has_drifted) = match observed.map(|observed| observed - insight.hit_ratio(size)) {
            None => (before.bias, false),
            Some(bias) => {
                let last = before.bias.unwrap_or(bias);
                (Some(last + (bias - last) / 4.0), (bias - last).abs() > DRIFT)
            }
        };
        if has_drifted {
            sampler.forget();
        }
        let is_growing = matches!(wanted, Wanted::More(_));
        let (size, wants_less) = match wanted {
            Wanted::More(size) => (Some(size), false),
            Wanted::Less(size) => (before.wants_less.then_some(size), !before.wants_less),
            Wanted::Same => (None, false),
        };
        let is_settled = size.is_none() && !wants_less && !has_drifted;
        let patience = if is_settled { (2 * before.patience).min(PATIENCE) } else { 1 };
        self.checks.set(Checks { counted, patience, wants_less, is_growing, bias });
        size
    }
}

/// Returns the hit ratio of the calls since the last check.
fn observed(before: (u64, u64), now: (u64, u64)) -> Option<f64> {
    let (hits, misses) = (now.0.checked_sub(before.0)?, now.1.checked_sub(before.1)?);
    (hits + misses > 0).then(|| of_count(hits) / of_count(hits + misses))
}

/// What the rule wants in place of the present capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    More(usize),
    Less(usize),
    Same,
}

/// The rule.
fn wanted(bounds: Bounds, size: usize, insight: &Insight) -> Wanted {
    let at_max = insight.hit_ratio(bounds.max);
    let enough = insight.smallest_with(at_max - LOSS);
    let want = bounds.clamp(enough.saturating_add(enough / 10));
    if at_max - insight.hit_ratio(size) > 1.5 * LOSS && want > size {
        Wanted::More(want.min(size.saturating_mul(4)))
    } else if of_size(want) < 0.75 * of_size(size) {
        Wanted::Less(want.max(size / 2))
    } else {
        Wanted::Same
    }
}

#[cfg(test)]
mod tests;

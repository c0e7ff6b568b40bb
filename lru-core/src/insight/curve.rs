//! The curve of hit ratios by capacity, and what can be read from it.

use std::sync::OnceLock;
use std::vec::Vec;

use super::level::{Level, of_count};

/// How many points [`Insight::curve`] has.
const POINTS: usize = 64;

/// An estimate of the hit ratio that a cache would have with other capacities, made from the calls that it has had.
///
/// `cache_insight()` of a function with `insight = true` returns it, and [`Cache::insight`](crate::Cache::insight) of an
/// object. It is a copy: later calls do not change it. Printed, it is advice in words.
///
/// The curve is that of the policy LRU (least recently used), whatever the policy of the cache is. Where the cache has
/// weights, the capacities are weights.
///
/// It is exact while fewer than 4096 keys and 262,144 calls are seen. With more keys, it is estimated from
/// samples of 4096 keys each. With more calls, the sampler rests most of the time, so that it costs little. What was seen before the
/// last 8 million calls counts half, and so on.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let cache = LruCache::builder().maxsize(10).insight().build();
/// for _ in 0..100 {
///     for n in 0..20 {
///         cache.get_or_insert_with(n, || n * n);
///     }
/// }
/// let insight = cache.insight();
/// assert_eq!(insight.hit_ratio(10), 0.0);
/// assert_eq!(insight.hit_ratio(20), 0.99);
/// assert_eq!(insight.smallest_within(0.01), 20);
/// ```
#[derive(Clone, Debug)]
pub struct Insight {
    /// Capacities in ascending order, and the hit ratios, which do not decrease. In between they rise evenly.
    steps: Vec<CurvePoint>,
    /// Made when they are asked for.
    points: OnceLock<Vec<CurvePoint>>,
    maxsize: Option<usize>,
    is_lru: bool,
    calls: u64,
    uncertainty: f64,
}

/// A point of a curve: a capacity, and the hit ratio that is expected with it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CurvePoint {
    /// The capacity: a number of entries or, where they have weights, their total weight.
    pub maxsize: usize,
    /// The expected hit ratio, from 0 to 1.
    pub hit_ratio: f64,
}

impl Insight {
    /// Returns what is known without any call: nothing.
    pub(crate) fn none(maxsize: Option<usize>, is_lru: bool) -> Self {
        Self::new(Vec::new(), maxsize, is_lru, 0, 1.0)
    }

    pub(super) fn of_levels(levels: &[Level], call: u64, maxsize: Option<usize>, is_lru: bool) -> Self {
        let mut steps = Steps::default();
        let (mut reached, mut uncertainty) = (0, 0.0_f64);
        for level in levels {
            let reach = level.reach();
            for part in level.parts(call) {
                if part.capacity > reached && part.above < reach {
                    steps.add(part.above.max(reached), part.capacity, part.hit_ratio);
                    uncertainty = uncertainty.max(part.error);
                }
            }
            reached = reached.max(reach);
            if level.suffices() {
                break;
            }
        }
        Self::new(steps.0, maxsize, is_lru, call, uncertainty)
    }

    /// Merges what is known of the parts of a cache among which the keys are divided evenly.
    pub(crate) fn merged(parts: &[Self], maxsize: Option<usize>) -> Self {
        let number = parts.len().max(1);
        let calls: u64 = parts.iter().map(|part| part.calls).sum();
        let share = |part: &Self| of_count(part.calls) / of_count(calls.max(1));
        let mut sizes: Vec<usize> = parts
            .iter()
            .flat_map(|part| &part.steps)
            .map(|step| step.maxsize.saturating_mul(number))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        let hit_ratio =
            |size: usize| parts.iter().map(|part| share(part) * part.hit_ratio(size / number)).sum();
        let steps =
            sizes.into_iter().map(|maxsize| CurvePoint { maxsize, hit_ratio: hit_ratio(maxsize) }).collect();
        let squares: f64 = parts.iter().map(|part| (share(part) * part.uncertainty).powi(2)).sum();
        let is_lru = parts.iter().all(|part| part.is_lru);
        Self::new(steps, maxsize, is_lru, calls, squares.sqrt())
    }

    /// Creates an estimate by its points.
    #[cfg(test)]
    pub(crate) fn of_points(points: &[(usize, f64)], calls: u64) -> Self {
        let steps = points.iter().map(|&(maxsize, hit_ratio)| CurvePoint { maxsize, hit_ratio }).collect();
        Self::new(steps, None, true, calls, 0.0)
    }

    fn new(
        steps: Vec<CurvePoint>,
        maxsize: Option<usize>,
        is_lru: bool,
        calls: u64,
        uncertainty: f64,
    ) -> Self {
        Self { steps, points: OnceLock::new(), maxsize, is_lru, calls, uncertainty }
    }

    /// Returns the hit ratio that is expected with this capacity, from 0 to 1.
    ///
    /// It is that of a cache with the policy LRU, once it is full. Takes O(log n) time in the number of steps of the curve, which
    /// are some thousand at most.
    pub fn hit_ratio(&self, maxsize: usize) -> f64 {
        let after = self.steps.partition_point(|step| step.maxsize <= maxsize);
        let start = CurvePoint { maxsize: 0, hit_ratio: 0.0 };
        let below = after.checked_sub(1).map_or(start, |below| self.steps[below]);
        let Some(above) = self.steps.get(after) else { return below.hit_ratio };
        let part = of_size(maxsize - below.maxsize) / of_size(above.maxsize - below.maxsize);
        below.hit_ratio + part * (above.hit_ratio - below.hit_ratio)
    }

    /// Returns 64 points of the curve, with capacities that grow by a factor, up to twice the `maxsize` of the cache or more.
    ///
    /// The hit ratios do not decrease.
    pub fn curve(&self) -> &[CurvePoint] {
        self.points.get_or_init(|| {
            let twice = self.maxsize.unwrap_or_default().saturating_mul(2);
            let largest = self.working_set().max(twice).max(POINTS);
            log_spaced(largest)
                .map(|maxsize| CurvePoint { maxsize, hit_ratio: self.hit_ratio(maxsize) })
                .collect()
        })
    }

    /// Returns the best hit ratio of any capacity.
    pub fn best(&self) -> f64 {
        self.steps.last().map_or(0.0, |step| step.hit_ratio)
    }

    /// Returns the smallest capacity whose hit ratio is at most `loss` below the best: with 0.01, by one point.
    ///
    /// Returns 0 if no capacity has hits.
    pub fn smallest_within(&self, loss: f64) -> usize {
        self.smallest_with(self.best() - loss.max(0.0))
    }

    /// Returns the smallest capacity with this hit ratio or a better one.
    pub(super) fn smallest_with(&self, hit_ratio: f64) -> usize {
        if hit_ratio <= 0.0 {
            return 0;
        }
        let first = self.steps.partition_point(|step| step.hit_ratio < hit_ratio);
        let Some(&above) = self.steps.get(first) else {
            return self.steps.last().map_or(0, |step| step.maxsize);
        };
        let start = CurvePoint { maxsize: 0, hit_ratio: 0.0 };
        let (mut below, mut enough) =
            (first.checked_sub(1).map_or(start, |below| self.steps[below]).maxsize, above.maxsize);
        while enough - below > 1 {
            let middle = below + (enough - below) / 2;
            if self.hit_ratio(middle) >= hit_ratio {
                enough = middle;
            } else {
                below = middle;
            }
        }
        enough
    }

    /// Returns the size of the working set: the smallest capacity beyond which nothing is gained, to a thousandth.
    pub fn working_set(&self) -> usize {
        self.smallest_within(0.001)
    }

    /// Returns the knee of the curve: the capacity up to which hits are gained fastest, and beyond which slower.
    ///
    /// It is the point that is farthest above the line from the first to the last point, over the logarithm of the
    /// capacity. Returns 0 if no capacity has hits.
    pub fn knee(&self) -> usize {
        let (low, best) = (self.hit_ratio(1), self.best());
        let last = self.working_set();
        if best <= 0.0 || last <= 1 {
            return last;
        }
        let above_line = |point: &CurvePoint| {
            point.hit_ratio - low - (best - low) * of_size(point.maxsize).ln() / of_size(last).ln()
        };
        let points = log_spaced(last.max(POINTS)).take_while(|&size| size <= last);
        let points = points.map(|maxsize| CurvePoint { maxsize, hit_ratio: self.hit_ratio(maxsize) });
        let highest = points.max_by(|one, other| above_line(one).total_cmp(&above_line(other)));
        highest.map_or(0, |point| point.maxsize)
    }

    /// Returns how much the hit ratio would rise if the capacity were doubled; 0 if the cache is unbounded.
    pub fn gain_of_doubling(&self) -> f64 {
        self.maxsize
            .map_or(0.0, |maxsize| self.hit_ratio(maxsize.saturating_mul(2)) - self.hit_ratio(maxsize))
    }

    /// Returns the expected error of a hit ratio, as a part of 1: a hit ratio of 0.8 with an uncertainty of 0.01 is
    /// between 0.79 and 0.81.
    ///
    /// It is 0 while the curve is exact. Otherwise it is the difference that it makes which half of all keys the samples were
    /// taken from, at the capacity where that is largest.
    pub fn uncertainty(&self) -> f64 {
        self.uncertainty
    }

    /// Returns the points between which the hit ratio rises evenly, and after the last of which it stays; before them is a capacity of
    /// zero without hits.
    pub(crate) fn steps(&self) -> &[CurvePoint] {
        &self.steps
    }

    /// Returns the number of calls that were seen since the start of the program, or since the cache was cleared.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns the capacity of the cache.
    pub fn maxsize(&self) -> Option<usize> {
        self.maxsize
    }

    /// Returns whether the policy of the cache is LRU, which the curve describes.
    pub(super) fn is_lru(&self) -> bool {
        self.is_lru
    }
}

/// Steps of a curve that does not decrease.
#[derive(Debug, Default)]
struct Steps(Vec<CurvePoint>);

impl Steps {
    /// Adds a part, in which the hit ratio rises evenly up to `hit_ratio`.
    fn add(&mut self, above: u64, capacity: u64, hit_ratio: f64) {
        let last = self.0.last().copied().unwrap_or(CurvePoint { maxsize: 0, hit_ratio: 0.0 });
        let hit_ratio = hit_ratio.max(last.hit_ratio);
        let [above, capacity] = [above, capacity].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if above > last.maxsize {
            self.0.push(CurvePoint { maxsize: above, ..last });
        }
        if capacity > last.maxsize && hit_ratio > last.hit_ratio {
            self.0.push(CurvePoint { maxsize: capacity, hit_ratio });
        }
    }
}

/// Returns [`POINTS`] capacities from 1 to `largest`, whose ratios are the same as far as whole numbers allow.
fn log_spaced(largest: usize) -> impl Iterator<Item = usize> {
    let (mut last, mut left) = (0, POINTS);
    core::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let part = of_size(POINTS - 1 - left) / of_size(POINTS - 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 1 and `largest`"
        )]
        let size = of_size(largest).powf(part).round() as usize;
        last = size.clamp(last + 1, largest.max(last + 1));
        Some(if left == 0 { largest } else { last })
    })
}

/// Converts a capacity, with 53 bits.
pub(crate) fn of_size(size: usize) -> f64 {
    of_count(size as u64)
}

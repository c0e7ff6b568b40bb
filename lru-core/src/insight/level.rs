//! One level of a sampler: a sample of all keys, and the distances of their uses.

use std::vec::Vec;

use super::distances::{Distances, Step};
use super::stack::{Found, Stack};

/// Of so many calls in a row, one tells something new about the hit ratio: an assumption, on the safe side for recorded calls.
const DEPENDENT: f64 = 64.0;

/// A sample of the keys at the rate `4^-number`, of which the `depth` last used ones are known.
///
/// It measures distances up to about `depth << 2 * number`. While a level rests it is told nothing; when it wakes, it knows
/// no keys, so that what happened meanwhile cannot mislead it.
#[derive(Debug)]
pub(super) struct Level {
    shift: u32,
    stack: Stack,
    distances: Distances,
    /// How many calls there were while the level was awake, and of how many of those something is known.
    calls: f64,
    /// The number of the call at which it woke up; `None` while it rests.
    awake_since: Option<u64>,
    /// How many uses were sampled.
    sampled: u64,
    /// Whether the stack has had all keys since the first call.
    has_all: bool,
    /// Whether the level has rested.
    has_rested: bool,
    /// Whether the stack was ever too short for all keys.
    has_dropped: bool,
    /// The distances up to which the stack has reached: the smallest ones before the last halving, and since then.
    reach: [u64; 2],
}

/// A part of the curve of a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The capacity at which the part begins, and from which on the hit ratio rises evenly.
    pub(super) above: u64,
    /// The capacity at which it ends.
    pub(super) capacity: u64,
    /// The hit ratio at the end.
    pub(super) hit_ratio: f64,
    pub(super) error: f64,
}

impl Level {
    pub(super) fn new(number: u32, depth: usize, has_all: bool) -> Self {
        Self {
            shift: 2 * number,
            stack: Stack::new(depth),
            distances: Distances::new(if number == 0 { depth.max(64).ilog2() } else { 6 }),
            calls: 0.0,
            awake_since: Some(0),
            sampled: 0,
            has_all,
            has_rested: false,
            has_dropped: false,
            reach: [u64::MAX; 2],
        }
    }

    /// Returns the bits of a hash that are zero in the sampled ones.
    pub(super) fn mask(&self) -> u64 {
        (1 << self.shift) - 1
    }

    pub(super) fn is_awake(&self) -> bool {
        self.awake_since.is_some()
    }

    /// Returns whether uses of this key are to be counted now.
    pub(super) fn takes(&self, hash: u64) -> bool {
        self.awake_since.is_some() && hash & self.mask() == 0
    }

    pub(super) fn sampled(&self) -> u64 {
        self.sampled
    }

    /// Returns whether the stack is deep enough for all keys.
    pub(super) fn suffices(&self) -> bool {
        !self.has_dropped
    }

    /// Counts a call that has found an entry. Returns whether the stack has become too short for all keys.
    pub(super) fn hit(&mut self, hash: u64, weight: u32) -> bool {
        let index = self.stack.index(hash);
        self.count(hash, index);
        self.push(hash, index, weight)
    }

    /// Counts a call that has found no entry.
    pub(super) fn miss(&mut self, hash: u64) {
        self.count(hash, self.stack.index(hash));
    }

    /// Records that the entry of a key is stored. Returns whether the stack has become too short for all keys.
    pub(super) fn store(&mut self, hash: u64, weight: u32) -> bool {
        self.push(hash, self.stack.index(hash), weight)
    }

    fn count(&mut self, hash: u64, index: Option<usize>) {
        self.sampled += 1;
        // Any other bit than those of the mask.
        let sign = if hash & (1 << 40) == 0 { 1.0 } else { -1.0 };
        match self.stack.found(index) {
            Found::Used { since, own } => {
                let distance = self.scaled(since).saturating_add(u64::from(own));
                self.distances.count(distance, sign);
            }
            Found::Gone => self.distances.count_never(sign),
            // No key was dropped, and none forgotten: it was never used.
            Found::Unknown if self.has_all => self.distances.count_never(sign),
            Found::Unknown => match self.scaled(self.stack.total()) {
                0 => self.calls -= f64::from(1_u32 << self.shift),
                distance => self.distances.count_beyond(distance, sign),
            },
        }
    }

    fn push(&mut self, hash: u64, index: Option<usize>, weight: u32) -> bool {
        let total = self.stack.total();
        if !self.stack.push(hash, index, weight) {
            return false;
        }
        self.has_all = false;
        self.note_reach(total);
        !core::mem::replace(&mut self.has_dropped, true)
    }

    /// Records that the stack has keys of this weight only.
    fn note_reach(&mut self, total: u64) {
        self.reach[1] = self.reach[1].min(self.scaled(total));
    }

    /// Converts a weight of sampled keys to that of all keys.
    fn scaled(&self, weight: u64) -> u64 {
        weight.saturating_mul(1 << self.shift)
    }

    pub(super) fn remove(&mut self, hash: u64) {
        self.stack.remove(hash);
    }

    /// Wakes the level, or lets it rest, at this call.
    pub(super) fn set_awake(&mut self, is_awake: bool, call: u64) {
        match self.awake_since {
            Some(since) if !is_awake => {
                self.calls += of_count(call - since);
                self.awake_since = None;
                if self.has_dropped {
                    self.note_reach(self.stack.total());
                }
                self.stack.clear();
                self.has_all = false;
                self.has_rested = true;
            }
            None if is_awake => self.awake_since = Some(call),
            _ => {}
        }
    }

    /// Counts uses as if none was sampled yet.
    pub(super) fn learn_anew(&mut self) {
        self.sampled = 0;
    }

    /// Halves all that was counted until this call.
    pub(super) fn halve(&mut self, call: u64) {
        if let Some(since) = &mut self.awake_since {
            self.calls += of_count(call - *since);
            *since = call;
        }
        self.calls /= 2.0;
        self.distances.halve();
        if self.reach[1] < u64::MAX {
            self.reach = [self.reach[1], u64::MAX];
        }
    }

    /// Returns the largest capacity of which the level knows.
    pub(super) fn reach(&self) -> u64 {
        if self.has_dropped { self.reach[0].min(self.reach[1]) } else { u64::MAX }
    }

    /// Returns the curve up to this call.
    pub(super) fn parts(&self, call: u64) -> Vec<Part> {
        let calls = self.calls + self.awake_since.map_or(0.0, |since| of_count(call - since));
        let uses = calls / f64::from(1_u32 << self.shift);
        if uses <= 0.0 {
            return Vec::new();
        }
        let steps = self.distances.steps(uses).into_iter();
        steps
            .map(|step| Part {
                above: step.above,
                capacity: step.distance,
                hit_ratio: (1.0 - step.beyond).clamp(0.0, 1.0),
                error: self.error(&step, uses),
            })
            .collect()
    }

    /// Returns the expected error of the hit ratio at a step of the curve.
    fn error(&self, step: &Step, uses: f64) -> f64 {
        match (self.shift, self.has_rested) {
            // Nothing was left to chance.
            (0, false) => 0.0,
            // The choice of times: that of independent samples, if one in so many is independent.
            (0, true) => (step.beyond * (1.0 - step.beyond) * DEPENDENT / uses).max(0.0).sqrt(),
            _ => step.error,
        }
    }

    /// Returns how many bytes the level has on the heap.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.stack.bytes() + self.distances.bytes()
    }
}

/// Converts a count, with 53 bits.
#[expect(clippy::cast_precision_loss, reason = "a count is not exact to more than 53 bits")]
pub(crate) fn of_count(count: u64) -> f64 {
    count as f64
}

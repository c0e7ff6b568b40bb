//! How often each distance was counted: a histogram.

use std::vec::Vec;

/// The bins of each doubling, beyond the distances that have a bin each.
const FINE: u64 = 32;

/// The number of bins for which memory is taken at a time.
const MORE: usize = 128;

/// How distances are divided into bins.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// The binary logarithm of the largest distance that has a bin of its own; at least that of [`FINE`].
    linear_bits: u32,
}

impl Scale {
    const fn linear(self) -> u64 {
        1 << self.linear_bits
    }

    /// Returns the bin of a distance, which is above zero.
    fn bin(self, distance: u64) -> usize {
        let below = distance.max(1) - 1;
        let bin = if below < self.linear() {
            below
        } else {
            let doublings = below.ilog2() - self.linear_bits;
            let width_bits = below.ilog2() - FINE.ilog2();
            self.linear() + FINE * u64::from(doublings) + ((below >> width_bits) - FINE)
        };
        usize::try_from(bin).unwrap_or(usize::MAX)
    }

    /// Returns the largest distance of a bin.
    fn upper(self, bin: usize) -> u64 {
        let bin = bin as u64;
        if bin < self.linear() {
            return bin + 1;
        }
        let (doublings, part) = ((bin - self.linear()) / FINE, (bin - self.linear()) % FINE);
        let width = (u128::from(self.linear()) << doublings) / u128::from(FINE);
        u64::try_from(width * u128::from(FINE + part + 1)).unwrap_or(u64::MAX)
    }
}

/// A bin of the histogram.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    /// Uses at these distances.
    used: f32,
    /// Uses at larger distances, of which no more is known.
    beyond: f32,
    /// The difference between the uses of one half of all keys and those of the other.
    difference: f32,
}

/// The distances of all counted uses. A use whose distance was not seen is counted by what is known: it is larger than
/// some distance, or the entry was never stored.
///
/// Counts are halved to forget what is old, so they are not whole numbers.
#[derive(Debug)]
pub(super) struct Distances {
    scale: Scale,
    bins: Vec<Bin>,
    /// Uses of keys that no cache has, whatever its capacity.
    never: Bin,
}

/// The share of calls at larger distances than `distance`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The largest distance below the bin.
    pub(super) above: u64,
    /// The largest distance of the bin.
    pub(super) distance: u64,
    /// The share of all calls that are beyond it.
    pub(super) beyond: f64,
    /// An estimate of the error of `beyond` that is due to the choice of keys: how far the two halves of them are apart.
    pub(super) error: f64,
}

impl Distances {
    /// Creates an empty histogram in which distances up to `2^linear_bits` are told apart, and larger ones to 3 %.
    pub(super) fn new(linear_bits: u32) -> Self {
        Self { scale: Scale { linear_bits }, bins: Vec::new(), never: Bin::default() }
    }

    fn bin(&mut self, distance: u64) -> &mut Bin {
        let bin = self.scale.bin(distance);
        if bin >= self.bins.len() {
            self.bins.reserve_exact(bin + 1 + MORE - self.bins.len());
            self.bins.resize(bin + 1, Bin::default());
        }
        &mut self.bins[bin]
    }

    /// Counts a use at this distance. `sign` is 1 for one half of all keys, and -1 for the other.
    pub(super) fn count(&mut self, distance: u64, sign: f32) {
        let bin = self.bin(distance);
        bin.used += 1.0;
        bin.difference += sign;
    }

    /// Counts a use at a larger distance than this one.
    pub(super) fn count_beyond(&mut self, distance: u64, sign: f32) {
        let bin = self.bin(distance);
        bin.beyond += 1.0;
        bin.difference += sign;
    }

    /// Counts a use that is a miss of any cache.
    pub(super) fn count_never(&mut self, sign: f32) {
        self.never.used += 1.0;
        self.never.difference += sign;
    }

    /// Halves all counts.
    pub(super) fn halve(&mut self) {
        for bin in self.bins.iter_mut().chain([&mut self.never]) {
            bin.used /= 2.0;
            bin.beyond /= 2.0;
            bin.difference /= 2.0;
        }
    }

    /// Returns the curve in ascending order of distances: a step for each bin at which it may change. `expected` is the number of
    /// uses that were to be counted, from the number of all calls.
    ///
    /// Keys that are used often and happen to be sampled, or not, make the counted uses more or less than that. They are
    /// used at small distances, so only what lies beyond is taken from the counts.
    ///
    /// Of a use that is counted as beyond some distance it is assumed that its distance is distributed as that of the
    /// others beyond (the estimator of Kaplan and Meier).
    pub(super) fn steps(&self, expected: f64) -> Vec<Step> {
        let (mut at_risk, mut difference) = (f64::from(self.never.used), f64::from(self.never.difference));
        for bin in &self.bins {
            at_risk += f64::from(bin.used) + f64::from(bin.beyond);
            difference += f64::from(bin.difference);
        }
        let mut steps = Vec::new();
        let mut beyond = 1.0;
        for (number, bin) in self.bins.iter().enumerate() {
            let (used, left) = (f64::from(bin.used), f64::from(bin.beyond));
            let rest = (at_risk - used).max(0.0);
            // All the frequent keys are in the first bin.
            let share = if number == 0 {
                rest / expected
            } else if at_risk > 0.0 {
                rest / at_risk
            } else {
                1.0
            };
            beyond *= share;
            at_risk = (rest - left).max(0.0);
            difference -= f64::from(bin.difference);
            if used > 0.0 || number == 0 || number + 1 == self.bins.len() {
                let above = if number == 0 { 0 } else { self.scale.upper(number - 1) };
                let error = (difference.abs() / expected).min(0.5);
                steps.push(Step { above, distance: self.scale.upper(number), beyond, error });
            }
        }
        steps
    }

    /// Returns how many bytes the bins have on the heap.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bins.capacity() * size_of::<Bin>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_distance_is_within_its_bin() {
        let distances = (1..10_000).chain((14..64).flat_map(|bits| {
            let power = 1_u64 << bits;
            [power - 1, power, power + 1, power + power / 3]
        }));
        for (distance, linear_bits) in distances.flat_map(|distance| [(distance, 5), (distance, 12)]) {
            let scale = Scale { linear_bits };
            let bin = scale.bin(distance);
            assert!(distance <= scale.upper(bin), "{distance} in {bin}");
            assert!(bin == 0 || distance > scale.upper(bin - 1), "{distance} in {bin}");
            assert_eq!(scale.upper(scale.bin(u64::MAX)), u64::MAX);
        }
    }

    #[test]
    fn uses_beyond_a_distance_are_shared_out_among_those_beyond() {
        let mut distances = Distances::new(6);
        (0..10).for_each(|_| distances.count(1, 1.0));
        (0..10).for_each(|_| distances.count_beyond(5, 1.0));
        (0..5).for_each(|_| distances.count(10, 1.0));
        (0..5).for_each(|_| distances.count_never(1.0));
        let steps = distances.steps(30.0);
        let at = |distance| steps.iter().rfind(|step| step.distance <= distance).unwrap().beyond;
        assert!((at(1) - 20.0 / 30.0).abs() < 1e-6);
        assert!((at(9) - 20.0 / 30.0).abs() < 1e-6);
        // Half of those beyond five are at ten.
        assert!((at(10) - 10.0 / 30.0).abs() < 1e-6);
    }
}

//! The cost of a miss: how long computations take.

use std::vec::Vec;

use crate::insight::curve::of_size;
use crate::insight::of_count;

/// How many of the last computations count.
const LAST: usize = 64;

/// A computation that takes longer than so many times the median counts as that: one slow call does not move memory.
const LONGEST: u64 = 8;

/// How long the last computations took, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    last: Vec<u64>,
    next: usize,
}

impl Costs {
    pub(crate) fn push(&mut self, nanoseconds: u64) {
        if self.last.len() < LAST {
            self.last.push(nanoseconds);
        } else {
            self.last[self.next] = nanoseconds;
            self.next = (self.next + 1) % LAST;
        }
    }

    /// Returns the times, in any order.
    pub(crate) fn last(&self) -> &[u64] {
        &self.last
    }
}

/// Returns the mean of the costs, of which each is at most eight times the median; `None` if there are none.
pub(crate) fn clipped_mean(mut costs: Vec<u64>) -> Option<f64> {
    costs.sort_unstable();
    let most = costs.get(costs.len() / 2)?.saturating_mul(LONGEST);
    let sum: f64 = costs.iter().map(|&cost| of_count(cost.min(most))).sum();
    Some(sum / of_size(costs.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_computation_counts_as_eight_times_the_median() {
        let mut costs = Costs::default();
        (0..LAST).for_each(|_| costs.push(100));
        assert_eq!(clipped_mean(costs.last().to_vec()), Some(100.0));
        costs.push(1_000_000);
        assert_eq!(clipped_mean(costs.last().to_vec()), Some((63.0 * 100.0 + 800.0) / 64.0));
        assert_eq!(clipped_mean(Vec::new()), None);
    }

    #[test]
    fn only_the_last_computations_count() {
        let mut costs = Costs::default();
        (0..1000).for_each(|_| costs.push(5));
        (0..LAST).for_each(|_| costs.push(9));
        assert_eq!((clipped_mean(costs.last().to_vec()), costs.last().len()), (Some(9.0), LAST));
    }
}

//! How a budget is divided: where memory saves most computing time, in small steps.
//!
//! Nothing here depends on caches, locks or clocks. [`targets`] is the best division that is known; [`next`] is a step towards it.
//!
//! Invariant: the parts are never more than the budget in sum, none is below its floor or above its bound, and a step takes at
//! most a tenth of the budget away.

use std::vec::Vec;

use crate::budget::hull::{Segment, hull};
use crate::insight::curve::{CurvePoint, of_size};

/// The share of the budget that one step takes away at most.
const LARGEST_STEP: f64 = 0.1;

/// The share of the budget below which nothing is moved: estimates are not more exact.
const SMALLEST_STEP: f64 = 0.02;

/// The floor of a function that has none of its own: a fiftieth of the budget.
const FLOOR: usize = 50;

/// What is known of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    /// The hit ratio by capacity.
    pub(crate) curve: &'a [CurvePoint],
    /// The computing time of its calls if there were no cache, lately.
    pub(crate) computing: f64,
    /// What it has at least.
    pub(crate) floor: usize,
    /// What it has at most.
    pub(crate) bound: usize,
    /// What it has now.
    pub(crate) share: usize,
}

/// Returns the floors of functions, given their own floors and bounds.
///
/// Where they are more than the budget in sum, each is reduced in proportion.
pub(crate) fn floors(total: usize, wanted: &[(Option<usize>, usize)]) -> Vec<usize> {
    let number = wanted.len().max(1);
    let default = (total / FLOOR).min(total / (2 * number));
    let floors = wanted.iter().map(|&(floor, bound)| floor.unwrap_or(default).min(bound));
    let floors: Vec<_> = floors.collect();
    // Not the saturating sum, whose parts would be too large.
    let sum: f64 = floors.iter().map(|&floor| of_size(floor)).sum();
    let part = of_size(total) / sum.max(1.0);
    floors.into_iter().map(|floor| part_of(floor, part)).collect()
}

/// What a function has at least and at most.
pub(crate) type Limits = (usize, usize);

/// Returns the bytes below which nothing is moved.
pub(crate) fn smallest_step(total: usize) -> usize {
    part_of(total, SMALLEST_STEP)
}

/// Divides a budget evenly, within floors and bounds.
pub(crate) fn evenly(total: usize, limits: &[Limits]) -> Vec<usize> {
    // Functions whose floor is more than an even part have their floor; the others divide the rest.
    let mut has_floor = std::vec![false; limits.len()];
    loop {
        let (mut left, mut shares) = (total, std::vec![0; limits.len()]);
        for (number, &(floor, _)) in limits.iter().enumerate().filter(|&(number, _)| has_floor[number]) {
            shares[number] = floor.min(left);
            left -= shares[number];
        }
        let mut others: Vec<_> = (0..limits.len()).filter(|&number| !has_floor[number]).collect();
        others.sort_by_key(|&number| limits[number].1);
        for (position, &number) in others.iter().enumerate() {
            shares[number] = (left / (others.len() - position)).min(limits[number].1);
            left -= shares[number];
        }
        let below = others.iter().find(|&&number| shares[number] < limits[number].0.min(limits[number].1));
        match below {
            Some(&number) => has_floor[number] = true,
            None => return shares,
        }
    }
}

/// Returns the best division of a budget: each function has its floor, and the rest goes where a byte saves most.
///
/// What saves nothing anywhere stays where it is.
pub(crate) fn targets(total: usize, claims: &[Claim<'_>]) -> Vec<usize> {
    let mut shares: Vec<_> = claims.iter().map(|claim| claim.floor.min(claim.bound)).collect();
    let mut left = total.saturating_sub(sum_of(shares.iter().copied()));
    let steps_of = |claim: &Claim<'_>, share: usize, most: usize| {
        let mut steps = hull(claim.curve, share, claim.bound.min(share.saturating_add(most)));
        // The best one is taken from the end.
        steps.reverse();
        steps
    };
    let mut steps: Vec<_> =
        claims.iter().zip(&shares).map(|(claim, &share)| steps_of(claim, share, usize::MAX)).collect();
    while let (Some(best), true) = (best_of(claims, &steps), left > 0) {
        match steps[best].last() {
            Some(step) if step.bytes <= left => {
                shares[best] += step.bytes;
                left -= step.bytes;
                steps[best].pop();
            }
            // A part of the step may bring nothing: what does, of the memory that is left?
            _ => steps[best] = steps_of(&claims[best], shares[best], left),
        }
    }
    keep(claims, &mut shares, left);
    shares
}

/// Returns the function to which the next step saves most for each byte.
fn best_of(claims: &[Claim<'_>], steps: &[Vec<Segment>]) -> Option<usize> {
    let worth = |number: usize| Some(steps[number].last()?.slope() * claims[number].computing);
    let worth = (0..claims.len()).filter_map(|number| Some((number, worth(number)?)));
    let best = worth.filter(|&(_, worth)| worth > 0.0).max_by(|one, other| one.1.total_cmp(&other.1));
    best.map(|(number, _)| number)
}

/// Divides the memory that saves nothing: each function keeps what it has, as far as there is enough.
fn keep(claims: &[Claim<'_>], shares: &mut [usize], mut left: usize) {
    let surplus: Vec<_> = claims
        .iter()
        .zip(&*shares)
        .map(|(claim, &target)| claim.share.min(claim.bound).saturating_sub(target))
        .collect();
    left = give(shares, &surplus, left);
    let room: Vec<_> = claims.iter().zip(&*shares).map(|(claim, &share)| (0, claim.bound - share)).collect();
    for (share, more) in shares.iter_mut().zip(evenly(left, &room)) {
        *share += more;
    }
}

/// Returns the shares after a step from the present ones towards `targets`.
///
/// Memory that no function has is given at once. If the present shares are more than the budget, as after it was lowered,
/// what is too much is taken at once.
pub(crate) fn next(total: usize, claims: &[Claim<'_>], targets: &[usize]) -> Vec<usize> {
    let present: Vec<_> = claims.iter().map(|claim| claim.share).collect();
    let mut shares: Vec<_> = fitted(total, claims);
    let surplus: Vec<_> =
        shares.iter().zip(targets).map(|(&share, &target)| share.saturating_sub(target)).collect();
    let unused = total - sum_of(shares.iter().copied());
    let sum = sum_of(surplus.iter().copied());
    let (largest, smallest) = (of_size(total) * LARGEST_STEP, of_size(total) * SMALLEST_STEP);
    let is_fitted = shares != present;
    if !is_fitted && of_size(sum) < smallest && of_size(unused) < smallest {
        return present;
    }
    let part = if of_size(sum) <= largest { 1.0 } else { largest / of_size(sum) };
    let mut left = unused;
    for (share, surplus) in shares.iter_mut().zip(surplus) {
        let taken = part_of(surplus, part);
        *share -= taken;
        left += taken;
    }
    let wanted: Vec<_> =
        shares.iter().zip(targets).map(|(&share, &target)| target.saturating_sub(share)).collect();
    // A function that gave has reached its target, or is on its way down to it.
    give(&mut shares, &wanted, left);
    shares
}

/// Adds to each share what is wanted for it, or a part in proportion if there is not so much `left`. Returns what is left then.
fn give(shares: &mut [usize], wanted: &[usize], mut left: usize) -> usize {
    let sum = sum_of(wanted.iter().copied());
    let part = if sum <= left { 1.0 } else { of_size(left) / of_size(sum) };
    for (share, &wanted) in shares.iter_mut().zip(wanted) {
        let given = part_of(wanted, part).min(left);
        *share += given;
        left -= given;
    }
    left
}

/// Returns the present shares within the budget, and each within its bound.
pub(crate) fn fitted(total: usize, claims: &[Claim<'_>]) -> Vec<usize> {
    let shares: Vec<_> = claims.iter().map(|claim| claim.share.min(claim.bound)).collect();
    if sum_of(shares.iter().copied()) <= total {
        return shares;
    }
    // Each gives in proportion to what it has above its floor.
    let kept: Vec<_> = claims.iter().zip(&shares).map(|(claim, &share)| claim.floor.min(share)).collect();
    let above = sum_of(kept.iter().zip(&shares).map(|(&kept, &share)| share - kept));
    let part = of_size(total.saturating_sub(sum_of(kept.iter().copied()))) / of_size(above.max(1));
    let mut left = total;
    let parts = kept.iter().zip(shares).map(|(&kept, share)| {
        let share = (kept + part_of(share - kept, part)).min(left);
        left -= share;
        share
    });
    parts.collect()
}

fn sum_of(bytes: impl Iterator<Item = usize>) -> usize {
    bytes.fold(0, usize::saturating_add)
}

/// Returns a part of a number of bytes, rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and `bytes`")]
fn part_of(bytes: usize, part: f64) -> usize {
    if part >= 1.0 { bytes } else { ((of_size(bytes) * part.max(0.0)) as usize).min(bytes) }
}

#[cfg(test)]
mod tests;

//! What is known of the members, and what each is to have.

use core::time::Duration;
use std::vec::Vec;

use crate::budget::allocate::{Claim, evenly, fitted, floors, next, smallest_step, targets};
use crate::budget::cache::Observation;
use crate::budget::costs::clipped_mean;
use crate::budget::hull::hull;
use crate::budget::member::Member;
use crate::budget::report::{BudgetReport, BudgetShare, ShareReason};
use crate::insight::curve::CurvePoint;
use crate::insight::of_count;

/// The part of what was counted before that counts in the next epoch.
const KEPT: f64 = 0.7;

/// Fewer calls than these, by their weight, are none.
const FEWEST_CALLS: f64 = 1.0;

/// What is known of a member.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) member: &'static Member,
    /// The capacity that the function has without a budget.
    pub(crate) own: Option<usize>,
    /// The bytes that the cache has at most; `None` without a budget.
    pub(crate) share: Option<usize>,
    /// Whether the cache has joined since the budget was last divided.
    pub(crate) is_new: bool,
    /// Whether a part of the cache could not be resized to its share.
    pub(crate) is_incomplete: bool,
    /// The floor that the function asks for.
    own_floor: Option<usize>,
    floor: usize,
    target: Option<usize>,
    curve: Vec<CurvePoint>,
    /// The cost of a miss in nanoseconds.
    cost: Option<f64>,
    /// The calls lately.
    calls: f64,
    /// All calls, at the last epoch.
    all_calls: u64,
    /// All calls, when they were last read.
    last_calls: u64,
    used: usize,
}

impl Seat {
    fn new(
        member: &'static Member,
        own: Option<usize>,
        own_floor: Option<usize>,
        share: Option<usize>,
    ) -> Self {
        Self {
            member,
            own,
            own_floor,
            share,
            is_new: true,
            is_incomplete: false,
            floor: 0,
            target: None,
            curve: Vec::new(),
            cost: None,
            calls: 0.0,
            all_calls: 0,
            last_calls: 0,
            used: 0,
        }
    }

    fn bound(&self) -> usize {
        self.own.unwrap_or(usize::MAX)
    }

    /// Returns the computing time of the calls lately if there were no cache.
    fn computing(&self) -> f64 {
        if self.is_called() { self.calls * self.cost.unwrap_or_default() } else { 0.0 }
    }

    fn is_called(&self) -> bool {
        self.calls >= FEWEST_CALLS
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            curve: &self.curve,
            computing: self.computing(),
            floor: self.floor,
            bound: self.bound(),
            share: self.share.unwrap_or_default(),
        }
    }

    /// Records an observation, or that the cache was busy.
    fn observe(&mut self, observation: Option<Observation>) {
        self.calls *= KEPT;
        let Some(observation) = observation else { return };
        self.look(&observation);
        let insight = observation.insight;
        // A cache that was cleared counts anew.
        let calls = insight.calls();
        let more = calls.checked_sub(self.all_calls).unwrap_or(calls);
        self.all_calls = calls;
        self.calls += of_count(more);
        self.curve = insight.steps().to_vec();
    }

    /// Reads an observation for a report.
    fn look(&mut self, observation: &Observation) {
        self.last_calls = observation.insight.calls();
        self.used = observation.used;
        self.cost = clipped_mean(observation.costs.clone()).or(self.cost);
    }

    fn forget_measurements(&mut self) {
        *self = Self { is_new: false, ..Self::new(self.member, self.own, self.own_floor, None) };
    }

    /// Returns the gain of a byte by the next step, in nanoseconds.
    fn worth(&self) -> f64 {
        let step = hull(&self.curve, self.share.unwrap_or_default(), usize::MAX).into_iter().next();
        step.map_or(0.0, |step| step.slope()) * self.computing()
    }

    /// Returns why the function has its share. Less than `step` bytes are not moved.
    fn reason(&self, worth: f64, step: usize) -> ShareReason {
        let share = self.share.unwrap_or_default();
        let Some(target) = self.target else { return ShareReason::EvenPart };
        if !self.is_called() {
            ShareReason::NotCalled
        } else if share >= self.bound() {
            ShareReason::AtBound
        } else if target > share.saturating_add(step) {
            ShareReason::Grows
        } else if target < share.saturating_sub(step) {
            ShareReason::Shrinks
        } else if worth <= 0.0 {
            ShareReason::Sufficient
        } else if share <= self.floor.saturating_add(step) {
            ShareReason::AtFloor
        } else {
            ShareReason::Balanced
        }
    }

    fn report(&self, all_calls: f64, step: usize) -> BudgetShare {
        const MIB: f64 = 1_048_576.0;
        let worth = self.worth();
        let saved = if all_calls > 0.0 { worth * MIB * 1000.0 / all_calls / 1e9 } else { 0.0 };
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        BudgetShare {
            location: self.member.location(),
            share: self.share.unwrap_or_default(),
            floor: self.floor,
            bound: self.own,
            used: self.used,
            calls: self.last_calls,
            cost_of_miss: self.cost.map(|cost| seconds(cost / 1e9)),
            gain_per_mib: seconds(saved),
            reason: self.reason(worth, step),
        }
    }
}

/// All members.
#[derive(Debug)]
pub(crate) struct Seats {
    pub(crate) total: Option<usize>,
    pub(crate) all: Vec<Seat>,
    pub(crate) epochs: u64,
}

impl Seats {
    pub(crate) const fn new() -> Self {
        Self { total: None, all: Vec::new(), epochs: 0 }
    }

    /// Adds a member with the bytes that no other has, and returns these; `None` if there is no budget.
    pub(crate) fn add(
        &mut self,
        member: &'static Member,
        own: Option<usize>,
        own_floor: Option<usize>,
    ) -> Option<usize> {
        let share = self.unused().map(|unused| unused.min(own.unwrap_or(usize::MAX)));
        self.all.push(Seat::new(member, own, own_floor, share));
        self.set_floors();
        share
    }

    /// Returns the bytes that no function has; `None` if there is no budget.
    pub(crate) fn unused(&self) -> Option<usize> {
        // A cache that has no share yet has its own capacity.
        let held = self.all.iter().map(|seat| seat.share.unwrap_or(seat.bound()));
        let sum = held.fold(0, usize::saturating_add);
        Some(self.total?.saturating_sub(sum))
    }

    fn set_floors(&mut self) {
        let Some(total) = self.total else { return };
        let wanted: Vec<_> = self.all.iter().map(|seat| (seat.own_floor, seat.bound())).collect();
        for (seat, floor) in self.all.iter_mut().zip(floors(total, &wanted)) {
            seat.floor = floor;
        }
    }

    /// Returns an even division.
    pub(crate) fn divide_evenly(&mut self) -> Vec<usize> {
        self.set_floors();
        let limits: Vec<_> = self.all.iter().map(|seat| (seat.floor, seat.bound())).collect();
        self.all.iter_mut().for_each(|seat| seat.is_new = false);
        evenly(self.total.unwrap_or_default(), &limits)
    }

    /// Returns a division in which each new member has an even part, to which the others contribute in proportion to what they have
    /// above their floors.
    pub(crate) fn admit(&mut self) -> Vec<usize> {
        self.set_floors();
        let total = self.total.unwrap_or_default();
        let limits: Vec<_> = self.all.iter().map(|seat| (seat.floor, seat.bound())).collect();
        let even = evenly(total, &limits);
        let parts = self.all.iter().zip(&even);
        let of_new: usize = parts.filter(|(seat, _)| seat.is_new).map(|(_, even)| even).sum();
        let claims: Vec<_> = self
            .all
            .iter()
            .map(|seat| if seat.is_new { Claim { share: 0, ..seat.claim() } } else { seat.claim() })
            .collect();
        let mut shares = fitted(total - of_new, &claims);
        for (number, seat) in self.all.iter_mut().enumerate() {
            if core::mem::take(&mut seat.is_new) {
                shares[number] = even[number];
            }
        }
        shares
    }

    /// Records what was measured of each member.
    pub(crate) fn observe(&mut self, observations: Vec<Option<Observation>>) {
        self.epochs += 1;
        for (seat, observation) in self.all.iter_mut().zip(observations) {
            seat.observe(observation);
        }
    }

    /// Reads observations for a report.
    pub(crate) fn look(&mut self, observations: &[Option<Observation>]) {
        for (seat, observation) in self.all.iter_mut().zip(observations) {
            if let (Some(observation), Some(_)) = (observation, seat.share) {
                seat.look(observation);
            }
        }
    }

    /// Returns the next step towards the best division.
    pub(crate) fn step(&mut self) -> Vec<usize> {
        self.set_floors();
        let total = self.total.unwrap_or_default();
        let claims: Vec<_> = self.all.iter().map(Seat::claim).collect();
        let targets = targets(total, &claims);
        let shares = next(total, &claims, &targets);
        if self.epochs > 0 {
            for (seat, target) in self.all.iter_mut().zip(targets) {
                seat.target = Some(target);
            }
        }
        shares
    }

    /// Records that there is no budget any more.
    pub(crate) fn end(&mut self) {
        self.epochs = 0;
        self.all.iter_mut().for_each(Seat::forget_measurements);
    }

    pub(crate) fn report(&self) -> BudgetReport {
        let step = smallest_step(self.total.unwrap_or_default());
        let calls = self.all.iter().filter(|seat| seat.is_called()).map(|seat| seat.calls).sum();
        let functions = self.all.iter().filter(|seat| seat.share.is_some());
        let mut functions: Vec<_> = functions.map(|seat| seat.report(calls, step)).collect();
        functions.sort_by(|one, other| {
            other.share.cmp(&one.share).then_with(|| one.location.path().cmp(other.location.path()))
        });
        BudgetReport { total: self.total, epochs: self.epochs, functions }
    }
}

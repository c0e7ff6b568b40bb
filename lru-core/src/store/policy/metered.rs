//! A policy with a meter, for caches that share a budget.

use std::boxed::Box;

use super::Policy;
use super::sealed::Sealed;
use super::stopwatch::Stopwatch;
use crate::budget::meter::Meter;
use crate::insight::Sampler;
use crate::key::KeyHash;
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::linked_arena::{Arena, Slot};

/// The eviction policy `P` of a function with `weight = bytes`: it evicts the same entries as `P`, and has a meter while a budget is set.
/// Without one, a call takes a comparison more.
#[derive(Debug)]
pub struct Metered<P> {
    policy: P,
    meter: Option<Box<Meter>>,
}

impl<P> Sealed for Metered<P> {}

impl<P: Policy> Policy for Metered<P> {
    type Stopwatch = <P::Stopwatch as Stopwatch>::InBudget;
    const IS_WEIGHED: bool = P::IS_WEIGHED;
    const NEW: Self = Self { policy: P::NEW, meter: None };
    const SLOT_BYTES: usize = P::SLOT_BYTES;
    const IS_LRU: bool = P::IS_LRU;
    const SAMPLES: bool = true;
    const IS_METERED: bool = true;

    /// A function with `insight = true` has a sampler of its own.
    #[inline]
    fn sampler(&self) -> Option<&Sampler> {
        if P::SAMPLES { self.policy.sampler() } else { self.meter.as_deref().map(Meter::sampler) }
    }

    #[inline]
    fn meter(&self) -> Option<&Meter> {
        self.meter.as_deref()
    }

    fn set_meter(&mut self, meter: Option<Box<Meter>>) {
        self.meter = meter;
    }

    fn leading(&self) -> Option<LeadingPolicy> {
        self.policy.leading()
    }

    #[inline]
    fn announce_maxsize(&mut self, maxsize: usize) {
        self.policy.announce_maxsize(maxsize);
    }

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        self.policy.used(ring, slot);
    }

    #[inline]
    fn announce_cost(&mut self, nanoseconds: u64) {
        self.policy.announce_cost(nanoseconds);
    }

    #[inline]
    fn announce_weight(&mut self, weight: usize) {
        self.policy.announce_weight(weight);
    }

    fn resized<T>(&mut self, ring: &Arena<T>, maxsize: usize) {
        self.policy.resized(ring, maxsize);
    }

    #[inline]
    fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.policy.admitted(ring, slot, hash);
    }

    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        self.policy.replaced(ring, slot);
    }

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, newcomer: KeyHash) -> Option<Slot> {
        self.policy.victim(ring, newcomer)
    }

    fn candidates(&self) -> &[Slot] {
        self.policy.candidates()
    }

    fn choose(&mut self, slot: Slot) {
        self.policy.choose(slot);
    }

    #[inline]
    fn settle<T>(&self, ring: &Arena<T>) {
        self.policy.settle(ring);
    }

    #[inline]
    fn take_counts(&self) -> (u64, u64) {
        self.policy.take_counts()
    }

    fn emptied(&mut self) -> Self {
        Self {
            policy: self.policy.emptied(),
            meter: self.meter.take().map(|meter| Box::new(meter.cleared())),
        }
    }

    #[inline]
    fn removed(&mut self, slot: Slot) {
        self.policy.removed(slot);
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.policy.validate(ring);
    }
}

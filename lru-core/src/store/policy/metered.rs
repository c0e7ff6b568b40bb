//! A policy with a meter, for caches that share a budget.

use std::boxed::Box;

use super::Policy;
use super::forwarding::forward_to_policy;
use super::sealed::Sealed;
use super::stopwatch::Stopwatch;
use crate::budget::meter::Meter;
use crate::insight::Sampler;
use crate::key::KeyHash;
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
    const NEW: Self = Self { policy: P::NEW, meter: None };
    const SAMPLES: bool = true;
    const IS_METERED: bool = true;

    forward_to_policy!(P);

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

    fn emptied(&mut self) -> Self {
        Self {
            policy: self.policy.emptied(),
            meter: self.meter.take().map(|meter| Box::new(meter.cleared())),
        }
    }
}

//! What is measured of a cache while a budget is set.

use core::cell::RefCell;
use std::vec::Vec;

use crate::budget::costs::Costs;
use crate::budget::signal::{Attention, Pulse};
use crate::insight::Sampler;

/// The measurements of one engine, under its lock.
#[derive(Debug)]
pub struct Meter {
    sampler: Sampler,
    costs: RefCell<Costs>,
    attention: &'static Attention,
    pulse: &'static Pulse,
}

impl Meter {
    /// Creates the meter of an engine that may have entries by now.
    pub(crate) fn new(attention: &'static Attention, pulse: &'static Pulse, is_empty: bool) -> Self {
        let sampler = Sampler::for_budget(is_empty);
        Self { sampler, costs: RefCell::default(), attention, pulse }
    }

    pub(crate) fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Returns the attention of the function, which distinguishes it from others.
    pub(crate) fn attention(&self) -> &'static Attention {
        self.attention
    }

    /// Records that a computation took so long, and its result so many bytes.
    pub(crate) fn computed(&self, nanoseconds: u64, bytes: usize) {
        if nanoseconds > 0 {
            self.costs.borrow_mut().push(nanoseconds);
        }
        self.pulse.count(bytes, self.attention);
    }

    /// Returns whether a result of so many bytes could be stored with all of the budget.
    pub(crate) fn has_room_for(&self, bytes: usize) -> bool {
        self.pulse.has_room_for(bytes)
    }

    /// Returns how long the last computations took, in nanoseconds.
    pub(crate) fn costs(&self) -> Vec<u64> {
        self.costs.borrow().last().to_vec()
    }

    /// Returns the meter of an engine that was cleared. What its calls cost is known all the same.
    pub(crate) fn cleared(self) -> Self {
        Self { sampler: Sampler::for_budget(true), ..self }
    }
}

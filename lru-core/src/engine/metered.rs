//! Engines that share a budget: what is measured of them.

use std::boxed::Box;

use crate::budget::cache::Observation;
use crate::budget::meter::Meter;
use crate::budget::signal::{Attention, Pulse};
use crate::engine::Engine;
use crate::engine::lock::Lock;
use crate::engine::state::State;
use crate::store::CacheTypes;
use crate::store::policy::Policy;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Begins to measure.
    pub(crate) fn begin_to_measure(&self, attention: &'static Attention, pulse: &'static Pulse) {
        let state = self.hold();
        if let Ok(mut store) = state.store.try_borrow_mut() {
            let is_empty = store.len() == 0;
            store.set_meter(Some(Box::new(Meter::new(attention, pulse, is_empty))));
        }
    }

    /// Ends the measurement.
    pub(crate) fn end_to_measure(&self) {
        let state = self.hold();
        if let Ok(mut store) = state.store.try_borrow_mut() {
            store.set_meter(None);
        }
    }

    /// Returns what was measured; `None` if another thread holds the lock, or nothing is measured.
    pub(crate) fn measured_if_free(&self) -> Option<Observation> {
        let state = self.try_hold()?;
        let store = state.store.try_borrow().ok()?;
        let (meter, sampler) = (store.meter()?, store.sampler()?);
        let insight = sampler.insight(store.maxsize(), C::Policy::IS_LRU);
        Some(Observation { insight, costs: meter.costs(), used: store.weight() })
    }

    /// Returns the attention of the function, if it shares a budget.
    pub(crate) fn attention(&self) -> Option<&'static Attention> {
        if !C::Policy::IS_METERED {
            return None;
        }
        let state = self.hold();
        let store = state.store.try_borrow().ok()?;
        Some(store.meter()?.attention())
    }
}

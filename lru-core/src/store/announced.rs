//! What a policy learns of an entry before it is inserted, and of one that is too large.

use std::boxed::Box;

use crate::budget::meter::Meter;
use crate::key::KeyHash;
use crate::store::Store;
use crate::store::policy::Policy;
use crate::store::types::CacheTypes;

impl<C: CacheTypes> Store<C> {
    /// Tells a policy that asks for it how long the computation of the next entry took; zero if that is not known.
    #[inline]
    pub(crate) fn announce_cost(&mut self, nanoseconds: impl FnOnce() -> u64) {
        if let (true, Self::Bounded(bounded)) = (C::Policy::IS_WEIGHED, self) {
            bounded.announce_cost(nanoseconds());
        }
    }

    /// Returns what is measured of the cache while it shares a budget.
    #[inline]
    pub(crate) fn meter(&self) -> Option<&Meter> {
        match self {
            Self::Bounded(bounded) if C::Policy::IS_METERED => bounded.policy.meter(),
            _ => None,
        }
    }

    /// Begins or ends the measurement.
    pub(crate) fn set_meter(&mut self, meter: Option<Box<Meter>>) {
        if let (true, Self::Bounded(bounded)) = (C::Policy::IS_METERED, self) {
            bounded.policy.set_meter(meter);
        }
    }

    /// Records a computation with its time in nanoseconds, and that its result `is_too_large` for the cache: with a larger share it would be
    /// stored.
    pub(crate) fn measured(&self, hash: KeyHash, weight: usize, nanoseconds: u64, is_too_large: bool) {
        let Some(meter) = self.meter() else { return };
        meter.computed(nanoseconds, weight);
        if let (true, Some(sampler)) = (is_too_large && meter.has_room_for(weight), self.sampler()) {
            sampler.stored(hash.get(), weight);
        }
    }
}

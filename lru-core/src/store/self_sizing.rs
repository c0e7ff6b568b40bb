//! Stores that set their own capacity. In others, nothing of it is compiled.

use crate::insight::Bounds;
use crate::store::policy::Policy;
use crate::store::types::CacheTypes;
use crate::store::{Removed, Store};

impl<C: CacheTypes> Store<C> {
    /// Sets the bounds within which the store sets its own capacity; with `None`, it does not.
    pub(crate) fn set_bounds(&self, bounds: Option<Bounds>) {
        if let (true, Self::Bounded(bounded)) = (C::Policy::SIZES_ITSELF, self) {
            if let Some(sizing) = bounded.policy.self_sizing() {
                sizing.set_bounds(bounds);
            }
        }
    }

    /// Returns the bounds within which the store sets its own capacity.
    #[cfg(feature = "testing")]
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        match self {
            Self::Bounded(bounded) if C::Policy::SIZES_ITSELF => bounded.policy.self_sizing()?.bounds(),
            _ => None,
        }
    }

    /// Returns whether the store may set its capacity anew, after so many hits and misses.
    #[inline]
    pub(crate) fn is_size_due(&self, counted: (u64, u64)) -> bool {
        match self {
            Self::Bounded(bounded) if C::Policy::SIZES_ITSELF => {
                bounded.policy.self_sizing().is_some_and(|sizing| sizing.is_due(counted, bounded.len()))
            }
            _ => false,
        }
    }

    /// Sets the capacity by what was sampled, and evicts the entries that exceed it, if it is due.
    #[cold]
    pub(crate) fn size_itself(&mut self, counted: (u64, u64), removed: &mut Removed<C>) {
        if !self.is_size_due(counted) {
            return;
        }
        let Self::Bounded(bounded) = self else { return };
        let (sizing, sampler) = (bounded.policy.self_sizing(), bounded.policy.sampler());
        let size = match (sizing, sampler, bounded.maxsize()) {
            (Some(sizing), Some(sampler), Some(size)) => sizing.check(counted, size, sampler),
            _ => None,
        };
        if let Some(size) = size {
            bounded.resize(Some(size), removed);
        }
    }
}

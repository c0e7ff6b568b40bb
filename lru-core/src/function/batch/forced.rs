//! Elements that are computed anew, whatever is stored (`force`).
//!
//! They are missing for the call, which computes them itself: it follows no other call, and none follows it, as by
//! `cache_refresh` of one element. Until they are stored, other calls find the former results; those that have tags are
//! invalidated before.

use core::marker::PhantomData;

use crate::engine::placement::rounds::Missing;
use crate::engine::{InsertKind, Lifecycle, Placement, StoredValue};
use crate::function::batch::miss::Same;
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::ResultPolicy;
use crate::store::Entry;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Begins to compute the elements that are forced, and counts a miss of each.
    pub(super) fn begin_forced(&self, missing: &mut [Missing]) {
        if self.is_bypassed() {
            return;
        }
        for missing in missing.iter_mut().filter(|missing| missing.is_forced) {
            let hash = missing.hash;
            // Before the body runs: the new result is valid from then on.
            self.invalidate_dependents(hash);
            if self.stores {
                missing.began = self.change(hash, |engine, _| engine.begin_refresh(hash));
            } else {
                // Later calls must not join a computation that began earlier. It counts with the others.
                self.change(hash, |engine, _| engine.record_change(hash));
                missing.is_forced = false;
            }
        }
    }

    /// Stores the result of an element that was forced, in place of the former one.
    pub(super) fn replace<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        entry: Entry<E::Types>,
        missing: Missing,
        same: Same<E>,
        _: O,
    ) {
        let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
        self.insert(entry, missing.insert_kind(), compare);
    }
}

impl Missing {
    /// Returns how a result of the element changes what is stored.
    pub(super) fn insert_kind(self) -> InsertKind {
        if self.is_forced { InsertKind::Refreshed(self.began) } else { InsertKind::Computed(self.began) }
    }
}

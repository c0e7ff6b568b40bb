//! The removal of expired entries, some at a time.
//!
//! Lookups compare the deadline of an entry with the clock, so nothing is served late. An insert removes a few
//! expired entries, and more if there is no room. Calls that need the exact number of entries remove all expired
//! ones, and release the lock in between.
//!
//! Where entries are invalidated by tags, an insert also looks at two of them, whether or not they are in its way.

use core::cell::RefMut;

use crate::engine::Engine;
use crate::engine::evict::Demand;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::Lock;
use crate::engine::state::State;
use crate::expiry::ticks::Ticks;
use crate::store::entry_meta::{EntryMeta, Queue};
use crate::store::types::CacheTypes;
use crate::store::{Removed, Store};

/// The number of deadlines that one hold of the lock looks at.
const STEPS: usize = 64;

/// The number of entries that an insert looks at, where entries are invalidated by tags.
const LOOKS: usize = 2;

/// The number of deadlines that an insert into a full cache looks at before it evicts.
const MOST_STEPS: usize = 4096;

impl<C: CacheTypes> State<C> {
    /// Removes some of the entries that have expired by now. Returns the current time, and whether there may be
    /// more of them.
    pub(super) fn sweep(&self, lifecycle: &impl Lifecycle<C>, removed: &mut Removed<C>) -> (Ticks, bool) {
        if !C::Meta::MAY_EXPIRE {
            return (Ticks::START, false);
        }
        let now = self.while_borrowed(|| lifecycle.now());
        let mut expired = Removed::none();
        let mut steps = STEPS;
        if let Some(mut store) = self.write_swept(lifecycle, removed) {
            store.expire(now.get(), &mut steps, &mut expired);
        }
        // The code that follows may be user code, and panic.
        expired.drain_into(|entry, cause| self.deferred.defer_entry(entry, cause));
        (now, steps == 0)
    }

    /// Borrows the store to remove entries that are not served any more.
    fn write_swept(
        &self,
        lifecycle: &impl Lifecycle<C>,
        removed: &mut Removed<C>,
    ) -> Option<RefMut<'_, Store<C>>> {
        if lifecycle.hooks().notifies_later() {
            // Removed entries that the next call reports stay deferred. While hidden places are listed,
            // nothing expires.
            self.store.try_borrow_mut().ok().filter(|_| !self.deferred.hides_any())
        } else {
            self.write(removed)
        }
    }

    /// Looks at a few more entries, of which some may have been invalidated since the last time, and removes these.
    #[inline]
    pub(super) fn look(&self, lifecycle: &impl Lifecycle<C>, now: Ticks, removed: &mut Removed<C>) {
        if <C::Meta as EntryMeta>::Queue::LOOKS {
            self.look_at_some(lifecycle, now, removed);
        }
    }

    #[inline(never)]
    fn look_at_some(&self, lifecycle: &impl Lifecycle<C>, now: Ticks, removed: &mut Removed<C>) {
        let Some(mut store) = self.write_swept(lifecycle, removed) else { return };
        let found = [(); LOOKS].map(|()| store.look());
        drop(store);
        for gone in found.into_iter().flatten() {
            let cause = self.cause_of(lifecycle.check(&gone.meta, now));
            self.deferred.defer_entry(gone, Some(cause));
        }
    }

    /// Removes expired entries until the demand is met. The entry that an insert replaces has not expired.
    pub(super) fn sweep_for(&self, demand: &Demand<'_, C>, now: Ticks, removed: &mut Removed<C>) {
        if !C::Meta::MAY_EXPIRE {
            return;
        }
        let mut expired = Removed::none();
        if let Some(mut store) = self.write(removed) {
            for _ in 0..MOST_STEPS {
                // The step is left if there is nothing to look at.
                let mut step = 1;
                if demand.exceeds(&store) {
                    store.expire(now.get(), &mut step, &mut expired);
                }
                if step > 0 {
                    break;
                }
            }
        }
        expired.drain_into(|entry, cause| self.deferred.defer_entry(entry, cause));
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Takes the lock when no entry has expired, after removing those that have. Returns those removed last.
    /// Releases the lock in between, and passes the entries removed before to `swept`.
    pub(super) fn hold_swept(
        &self,
        lifecycle: &impl Lifecycle<C>,
        mut swept: impl FnMut(Removed<C>),
    ) -> (L::Held<'_>, Removed<C>) {
        loop {
            let mut removed = Removed::none();
            let state = self.hold();
            let (_, may_be_more) = state.sweep(lifecycle, &mut removed);
            if !may_be_more {
                return (state, removed);
            }
            if !lifecycle.hooks().notifies_later() {
                swept(Self::release_and_notify(state, removed, lifecycle));
            }
        }
    }
}

//! Removals: of one key, of rejected entries, of all entries, of expired entries, and of victims.

use std::vec::Vec;

use crate::engine::deferred::DeferredChange;
use crate::engine::evict::Demand;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::Lock;
#[cfg(feature = "backend")]
use crate::engine::lock::release;
use crate::engine::notify::told;
use crate::engine::state::State;
use crate::engine::{Copied, Engine};
use crate::expiry::entry_info::Freshness;
use crate::key::KeyHash;
use crate::store::Removed;
use crate::store::entry::{Entry, EntryOf};
use crate::store::removal_cause::RemovalCause;
use crate::store::types::CacheTypes;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Removes the entry for one key, and returns whether there was one. Computations in flight do not store
    /// the key again.
    pub(crate) fn forget(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> bool {
        self.forget_with(hash, matches, |_| (), |_| (), plan).is_some()
    }

    /// Removes the entry for one key and passes its value to `taken`. In a nested call the entry is removed
    /// later, and `seen` gets a reference to the value instead.
    pub(crate) fn forget_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        taken: impl FnOnce(C::Value) -> R,
        seen: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            // As in `keep`: the result of a computation in flight must not be written to a backend.
            self.hold().history.changed(hash);
            return None;
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        let found = state.find(hash, matches);
        state.history.changed(hash);
        let removed = found.map(|place| {
            // The user's clock may have called the cache.
            let is_live = plan.check(&state.store.borrow().get(place).term, plan.now()).is_live();
            if state.deferred.hides(place) {
                return (None, None, RemovalCause::Invalidated);
            }
            let cause = if is_live { RemovalCause::Invalidated } else { RemovalCause::Expired };
            let taken = state.take(place, cause, &mut leavers);
            let seen = (taken.is_none() && is_live).then(|| seen(&state.store.borrow().get(place).value));
            (taken, seen, cause)
        });
        let taken_out = removed.as_ref().and_then(|(entry, _, cause)| Some((entry.as_ref()?, *cause)));
        drop(Self::let_go_of(state, leavers, taken_out, plan));
        let (taken_out, seen, cause) = removed?;
        let Some(EntryOf { key, value, .. }) = taken_out else { return seen };
        drop(key);
        (cause == RemovalCause::Invalidated).then(|| taken(value))
    }

    /// Removes the entry for a key if it is no longer fresh, when the new result is not to be stored.
    pub(crate) fn forget_stale(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let is_stale =
            |entry: &Entry<C>| (plan.check(&entry.term, plan.now()) != Freshness::Fresh).then_some(());
        if self.find_with(hash, &mut matches, is_stale, plan).is_some() {
            self.forget(hash, matches, plan);
        }
    }

    /// Removes the entries with this hash. Computations in flight do not store their keys again. The next
    /// call notifies the eviction listener.
    #[cfg(feature = "backend")]
    pub(crate) fn forget_hash(&self, hash: KeyHash) {
        let state = self.hold();
        state.history.changed(hash);
        if !self.is_disabled() {
            state.hide_all_of(hash);
            Self::let_go_of_hidden(state, true);
        }
    }

    /// Releases the lock. The hidden entries are removed and dropped now, or by the next call if `later` is
    /// set.
    #[cfg(feature = "backend")]
    fn let_go_of_hidden(state: L::Held<'_>, later: bool) {
        if later {
            drop(state);
        } else {
            release(state, drop);
        }
    }

    /// Removes all entries for which `holds` is false. Results of computations in flight are not stored,
    /// because they may be based on what no longer holds.
    pub(crate) fn retain(&self, mut holds: impl FnMut(&C::Key, &C::Value) -> bool, plan: &impl Lifecycle<C>) {
        let mut leavers = Removed::none();
        if self.is_disabled() {
            return;
        }
        if let Some(copy) = self.copy {
            return self.retain_by_copies(copy, holds, plan);
        }
        let state = self.hold();
        state.history.cleared();
        state.expire(plan, &mut leavers);
        let places = state.store.borrow().places();
        for place in places {
            let store = state.store.borrow();
            let entry = store.get(place);
            // A call of `holds`, even this one, may have called the cache and removed the entry.
            if state.deferred.hides(place) || holds(&entry.key, &entry.value) || state.deferred.hides(place) {
                continue;
            }
            state.history.changed(entry.hash);
            state.hide(place, RemovalCause::Invalidated);
        }
        drop(Self::let_go(state, leavers, plan));
    }

    /// Like [`retain`](Self::retain), but calls `holds` without the lock, on copies. Entries that were
    /// removed meanwhile are skipped; an entry that replaced a rejected one meanwhile is removed as well.
    fn retain_by_copies(
        &self,
        copy: Copied<C>,
        mut holds: impl FnMut(&C::Key, &C::Value) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let state = self.hold();
        state.history.cleared();
        let store = state.store.borrow();
        let copied = |entry: &Entry<C>| (entry.hash, copy.0(&entry.key), copy.1(&entry.value));
        let entries: Vec<_> = store.places().into_iter().map(|place| copied(store.get(place))).collect();
        drop(store);
        drop(state);
        for (hash, key, value) in entries {
            if self.holds(hash) && !holds(&key, &value) {
                let state = self.hold();
                state.history.changed(hash);
                state.hide_all_of(hash);
                drop(Self::let_go(state, Removed::none(), plan));
            }
        }
    }

    /// Removes all entries and resets the counters. Results of computations in flight are not stored.
    pub(crate) fn clear(&self, plan: &impl Lifecycle<C>) {
        if let Some(leavers) = self.empty(plan) {
            drop(told(leavers, plan));
        }
    }

    /// Like [`clear`](Self::clear), but returns the removed entries, to be reported and dropped.
    #[must_use]
    pub(crate) fn empty(&self, plan: &impl Lifecycle<C>) -> Option<Removed<C>> {
        self.uncount();
        if self.is_disabled() {
            // A call must not share a computation that began before the clear.
            self.hold().history.cleared();
            return None;
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        state.begin_anew();
        if plan.hooks().notifies_later() {
            return None;
        }
        drop(state.write(&mut leavers));
        Some(leavers)
    }

    /// Carries out changes that nested calls requested while another thread held the lock. The caller holds
    /// it now. The entries are hidden, and removed when the state is settled.
    pub(crate) fn make_up(&self, state: &State<C>, wanted: Vec<DeferredChange>) {
        for wanted in wanted {
            match wanted {
                DeferredChange::Forget(hash) => {
                    state.history.changed(hash);
                    state.hide_all_of(hash);
                }
                DeferredChange::Empty => {
                    state.history.cleared();
                    state.hide_all();
                }
                DeferredChange::Clear => {
                    self.uncount();
                    state.begin_anew();
                }
            }
        }
    }

    /// Removes the expired entries, and returns them in the order in which they expired.
    pub(crate) fn take_expired(&self, plan: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)> {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        Self::let_go(state, leavers, plan).only(RemovalCause::Expired).collect()
    }

    /// Removes the next victim and returns it.
    pub(crate) fn pop_victim(&self, lifecycle: &impl Lifecycle<C>) -> Option<(C::Key, C::Value)> {
        let mut removed = Removed::none();
        let state = self.hold();
        state.expire(lifecycle, &mut removed);
        let victim = state.pop_victim(lifecycle, &mut removed);
        if let Some(entry) = &victim {
            state.history.changed(entry.hash);
        }
        let taken = victim.as_ref().map(|entry| (entry, RemovalCause::Evicted));
        drop(Self::let_go_of(state, removed, taken, lifecycle));
        victim.map(|EntryOf { key, value, .. }| (key, value))
    }

    /// Sets the capacity, and evicts the entries that exceed it.
    pub(crate) fn resize(&self, maxsize: Option<usize>, lifecycle: &impl Lifecycle<C>) {
        let mut removed = Removed::none();
        let state = self.hold();
        state.expire(lifecycle, &mut removed);
        state.evict_chosen(Demand::Capacity(maxsize), lifecycle, &mut removed);
        if let Some(mut store) = state.write(&mut removed) {
            store.resize(maxsize, &mut removed);
        }
        drop(Self::let_go(state, removed, lifecycle));
    }
}

/// Backend invalidation: another process changed the values that entries are copies of. These methods record
/// no change, so the result of a computation in flight may still be stored: they do not check whether it was
/// superseded.
#[cfg(feature = "backend")]
impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Removes the entries with this hash. With `later`, the next call notifies the eviction listener.
    pub(crate) fn drop_changed(&self, hash: KeyHash, later: bool) {
        let state = self.hold();
        state.hide_all_of(hash);
        Self::let_go_of_hidden(state, later);
    }

    /// Removes all entries. With `later`, the next call notifies the eviction listener.
    pub(crate) fn drop_all_changed(&self, later: bool) {
        let state = self.hold();
        state.hide_all();
        Self::let_go_of_hidden(state, later);
    }
}

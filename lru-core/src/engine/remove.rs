//! Removals: of one key, of rejected entries, of all entries, of expired entries, and of victims.

use std::vec::Vec;

use crate::engine::Engine;
use crate::engine::deferred::DeferredChange;
use crate::engine::evict::Demand;
use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::Lock;
#[cfg(feature = "backend")]
use crate::engine::lock::release;
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::store::{CacheTypes, Entry, EntryOf, RemovalCause, Removed, Superseded};

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Removes the entry for one key, and returns whether there was one. Computations in flight do not store
    /// the key again.
    pub(crate) fn invalidate(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) -> bool {
        self.take_with(hash, matches, |_| (), |_| (), lifecycle).is_some()
    }

    /// Removes the entry for one key and passes its value to `taken`. In a nested call the entry is removed
    /// later, and `read` gets a reference to the value instead.
    pub(crate) fn take_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        taken: impl FnOnce(C::Value) -> R,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            // As in `insert`: the result of a computation in flight must not be written to a backend.
            self.hold().change_log.changed(hash);
            return None;
        }
        Self::take_held(self.hold(), hash, matches, taken, read, lifecycle)
    }

    /// Like [`take_with`](Self::take_with), but takes the lock as it is held, and releases it.
    pub(crate) fn take_held<R>(
        state: L::Held<'_>,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        taken: impl FnOnce(C::Value) -> R,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<R> {
        let mut removed = Removed::none();
        // Declared last, and therefore released first if user code panics.
        let state = state;
        let found = state.find(hash, matches);
        state.change_log.changed(hash);
        let invalidated = found.map(|place| {
            // The user's clock may have called the cache.
            let freshness = lifecycle.check(&state.store.borrow().get(place).meta, lifecycle.now());
            let is_live = freshness.is_live();
            if state.deferred.hides(place) {
                return (None, None, RemovalCause::Invalidated, is_live);
            }
            let cause = if is_live { RemovalCause::Invalidated } else { state.cause_of(freshness) };
            let taken = state.take(place, cause, &mut removed);
            let read = (taken.is_none() && is_live).then(|| read(&state.store.borrow().get(place).value));
            (taken, read, cause, is_live)
        });
        let taken_out = invalidated.as_ref().and_then(|(entry, _, cause, _)| Some((entry.as_ref()?, *cause)));
        drop(Self::release_and_notify_with(state, removed, taken_out, lifecycle));
        let (taken_out, read, _, is_live) = invalidated?;
        let Some(EntryOf { key, value, .. }) = taken_out else { return read };
        drop(key);
        is_live.then(|| taken(value))
    }

    /// Removes the entry for a key which a result of this kind was to replace that is not stored. A later change
    /// of the key supersedes the result: the entry is newer then.
    pub(crate) fn remove_replaced(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        kind: InsertKind,
        lifecycle: &impl Lifecycle<C>,
    ) {
        if self.hold().superseded(kind, hash) != Superseded::ByKey {
            self.invalidate(hash, matches, lifecycle);
        }
    }

    /// Removes the entry for a key if it is no longer fresh, when the new result is not to be stored.
    pub(crate) fn remove_stale(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let is_stale = |entry: &Entry<C>| {
            (lifecycle.check(&entry.meta, lifecycle.now()) != Freshness::Fresh).then_some(())
        };
        if self.find_with(hash, &mut matches, is_stale, lifecycle).is_some() {
            self.invalidate(hash, matches, lifecycle);
        }
    }

    /// Releases the lock. The hidden entries are removed and dropped now, or by the next call if
    /// `defer_listener` is set.
    #[cfg(feature = "backend")]
    fn release_hidden(state: L::Held<'_>, defer_listener: bool) {
        if defer_listener {
            drop(state);
        } else {
            release(state, drop);
        }
    }

    /// Removes all entries and resets the counters. Results of computations in flight are not stored.
    pub(crate) fn clear(&self, lifecycle: &impl Lifecycle<C>) {
        if let Some(removed) = self.clear_unreported(lifecycle) {
            drop(notify(removed, lifecycle));
        }
    }

    /// Like [`clear`](Self::clear), but returns the removed entries, to be reported and dropped.
    #[must_use]
    pub(crate) fn clear_unreported(&self, lifecycle: &impl Lifecycle<C>) -> Option<Removed<C>> {
        self.reset_counters();
        self.remove_by(State::clear, lifecycle)
    }

    /// Like [`clear_unreported`](Self::clear_unreported), but leaves the counters.
    #[cfg(feature = "registry")]
    #[must_use]
    pub(crate) fn remove_entries_unreported(&self, lifecycle: &impl Lifecycle<C>) -> Option<Removed<C>> {
        self.remove_by(State::remove_entries, lifecycle)
    }

    /// Removes all entries by `hide`, which hides them, and returns them.
    fn remove_by(&self, hide: fn(&State<C>), lifecycle: &impl Lifecycle<C>) -> Option<Removed<C>> {
        if self.is_disabled() {
            // A call must not share a computation that began before.
            self.hold().change_log.cleared();
            return None;
        }
        let mut removed = Removed::none();
        let state = self.hold();
        hide(&state);
        if lifecycle.hooks().notifies_later() {
            return None;
        }
        drop(state.write(&mut removed));
        Some(removed)
    }

    /// Carries out changes that nested calls requested while another thread held the lock. The caller holds
    /// it now. The entries are hidden, and removed when the state is settled.
    /// `capacity` returns the current one.
    pub(crate) fn apply_changes(
        &self,
        state: &State<C>,
        changes: Vec<DeferredChange>,
        capacity: &dyn Fn() -> Option<usize>,
    ) {
        for change in changes {
            match change {
                DeferredChange::Invalidate(hash) => {
                    state.change_log.changed(hash);
                    state.hide_all_of(hash);
                }
                DeferredChange::RemoveAll => {
                    state.change_log.cleared();
                    state.hide_all();
                }
                DeferredChange::Resize => state.deferred.resize(capacity()),
                #[cfg(feature = "registry")]
                DeferredChange::Reset => {
                    self.reset_counters();
                    state.reset_counters();
                }
                DeferredChange::Clear => {
                    self.reset_counters();
                    state.clear();
                }
            }
        }
    }

    /// Removes the expired entries, and returns them in the order in which they expired.
    pub(crate) fn take_expired(&self, lifecycle: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)> {
        let mut expired = Vec::new();
        let (state, removed) =
            self.hold_swept(lifecycle, |swept| expired.extend(swept.into_entries_of(RemovalCause::Expired)));
        expired.extend(
            Self::release_and_notify(state, removed, lifecycle).into_entries_of(RemovalCause::Expired),
        );
        expired
    }

    /// Removes the next victim and returns it.
    pub(crate) fn pop_victim(&self, lifecycle: &impl Lifecycle<C>) -> Option<(C::Key, C::Value)> {
        let (state, mut removed) = self.hold_swept(lifecycle, drop);
        let victim = state.pop_victim(lifecycle, &mut removed);
        if let Some(entry) = &victim {
            state.change_log.changed(entry.hash);
        }
        let taken = victim.as_ref().map(|entry| (entry, RemovalCause::Evicted));
        drop(Self::release_and_notify_with(state, removed, taken, lifecycle));
        victim.map(|EntryOf { key, value, .. }| (key, value))
    }

    /// Sets the capacity, and evicts the entries that exceed it. The capacity is read under the lock, so that of several
    /// calls the last one decides. A call that is nested in a read takes effect when the read is over.
    pub(crate) fn resize(&self, maxsize: impl Fn() -> Option<usize>, lifecycle: &impl Lifecycle<C>) {
        let (state, mut removed) = self.hold_swept(lifecycle, drop);
        if !Self::resize_held(&state, maxsize(), &maxsize, lifecycle, &mut removed) {
            state.deferred.resize(maxsize());
        }
        drop(Self::release_and_notify(state, removed, lifecycle));
    }

    /// Like [`resize`](Self::resize), but changes nothing if another thread holds the lock, or the call is nested in a read. Returns
    /// whether the capacity was set.
    pub(crate) fn resize_if_free(
        &self,
        maxsize: impl Fn() -> Option<usize>,
        lifecycle: &impl Lifecycle<C>,
    ) -> bool {
        if self.is_held() {
            return false;
        }
        let Some(state) = self.try_hold() else { return false };
        let mut removed = Removed::none();
        let (_, _) = state.sweep(lifecycle, &mut removed);
        let is_done = Self::resize_held(&state, maxsize(), &maxsize, lifecycle, &mut removed);
        drop(Self::release_and_notify(state, removed, lifecycle));
        is_done
    }

    /// Sets the capacity of the held state; `false` if the call is nested in a read.
    fn resize_held(
        state: &State<C>,
        demanded: Option<usize>,
        maxsize: &impl Fn() -> Option<usize>,
        lifecycle: &impl Lifecycle<C>,
        removed: &mut Removed<C>,
    ) -> bool {
        state.evict_chosen(Demand::Capacity(demanded), lifecycle, removed);
        match state.write(removed) {
            Some(mut store) => {
                store.resize(maxsize(), removed);
                true
            }
            None => false,
        }
    }

    /// Sets the capacity of an empty cache.
    pub(crate) fn set_capacity(&self, maxsize: Option<usize>) {
        let mut removed = Removed::none();
        let state = self.hold();
        if let Some(mut store) = state.write(&mut removed) {
            store.resize(maxsize, &mut removed);
        }
        drop(state);
    }
}

/// Backend invalidation: another process changed the values that entries are copies of. These methods record
/// no change, so the result of a computation in flight may still be stored: they do not check whether it was
/// superseded.
#[cfg(feature = "backend")]
impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Removes the entries with this hash. With `defer_listener`, the next call notifies the eviction
    /// listener.
    pub(crate) fn remove_hash(&self, hash: KeyHash, defer_listener: bool) {
        let state = self.hold();
        state.hide_all_of(hash);
        Self::release_hidden(state, defer_listener);
    }

    /// Removes all entries. With `defer_listener`, the next call notifies the eviction listener.
    pub(crate) fn remove_all(&self, defer_listener: bool) {
        let state = self.hold();
        state.hide_all();
        Self::release_hidden(state, defer_listener);
    }
}

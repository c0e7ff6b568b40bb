//! Inserts of computed results and of values that callers put.

use crate::engine::Engine;
use crate::engine::evict::Demand;
use crate::engine::insert_decision::{Decision, Findings, Obstacle, StoredEntry, decide};
use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, Settle, release};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::expiry::{Freshness, Ticks};
use crate::key::KeyHash;
use crate::store::place::FastInsert;
use crate::store::{CacheTypes, Entry, EntryMeta, EntryOf, Epoch, MaxSize, Place, RemovalCause, Removed};

impl<C: CacheTypes> State<C> {
    /// Returns whether the key of a value of this kind is known to be missing: it was missing when the
    /// computation began, and no insertion or change happened since. With entry metadata nothing is known,
    /// because the miss may have been an expired entry.
    fn is_known_missing(&self, kind: InsertKind) -> bool {
        matches!(kind, InsertKind::Computed(began) if C::Meta::IS_BARE && self.change_log.is_at(began))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_fast(
        &self,
        entry: Entry<C>,
        began: Epoch,
        same: impl Fn(&C::Key, &C::Key) -> bool,
    ) -> FastInsert<C> {
        if !C::Meta::IS_BARE || !self.is_settled() {
            return Err(entry);
        }
        if !self.change_log.is_at(began) && !self.is_missing(&entry, began, same) {
            return Err(entry);
        }
        let Ok(mut store) = self.store.try_borrow_mut() else { return Err(entry) };
        let evicted = store.insert_fast(entry)?;
        self.change_log.inserted();
        if evicted.is_some() {
            self.counters.eviction();
        }
        Ok(evicted)
    }

    /// Returns whether only other results were inserted since `began`, and no caller changed anything.
    #[inline(never)]
    fn is_missing(&self, entry: &Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> bool {
        self.change_log.is_unchanged(began)
            && self.find(entry.hash, |stored| same(stored, &entry.key)).is_none()
            // `same` may have called the cache.
            && self.change_log.is_unchanged(began)
            && self.is_settled()
    }

    /// Records the change that a value of this kind makes to its key, whether or not it can be stored.
    fn record(&self, kind: InsertKind, hash: KeyHash) {
        match kind {
            InsertKind::Computed(_) | InsertKind::Revalidated(_) => {}
            InsertKind::Refreshed(began) => self.change_log.refreshed(hash, began),
            InsertKind::Put | InsertKind::Inserted => self.change_log.changed(hash),
        }
    }

    /// Carries out a decision. `found` is the place of the stored entry of the key.
    fn apply(&self, decision: Decision, found: Option<Place>, entry: Entry<C>, removed: &mut Removed<C>) {
        match (decision, found) {
            (Decision::Insert | Decision::Replace, found) => match (self.write(removed), found) {
                (Some(mut store), Some(place)) => store.replace(place, entry, removed),
                (Some(mut store), None) => {
                    self.change_log.inserted();
                    store.insert(entry, removed);
                }
                // Unreachable: a nested call decides not to store.
                (None, _) => self.reject(entry, removed),
            },
            (Decision::RejectAndRemove, Some(place)) => {
                if let Some(replaced) = self.take(place, RemovalCause::Replaced, removed) {
                    removed.push_replaced(replaced);
                }
                self.reject(entry, removed);
            }
            (Decision::RejectAndRemove | Decision::Reject, _) => self.reject(entry, removed),
        }
    }

    /// Rejects an entry, which is dropped as soon as the lock is released.
    #[cold]
    #[inline(never)]
    fn reject(&self, entry: Entry<C>, removed: &mut Removed<C>) {
        if self.store.try_borrow_mut().is_ok() {
            removed.push_rejected(entry);
        } else {
            // In a nested call the lock is still held after the call has returned.
            self.deferred.defer_entry(entry, None);
        }
    }

    /// Returns whether a later change to the key supersedes a value of this kind.
    fn is_superseded(&self, kind: InsertKind, hash: KeyHash) -> bool {
        kind.began().is_some_and(|began| self.change_log.is_superseded(began, hash))
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Inserts an entry if its `kind` allows, and returns the removed entries, to be reported and dropped.
    ///
    /// A computed result is rejected if its key was cleared, invalidated or put since the computation began.
    /// If another computation of the key finished first, the bounded mode keeps the first result and the
    /// unbounded mode the last. A put or refreshed value replaces the entry, and supersedes every computation
    /// that began earlier. A value that has expired or weighs more than the capacity is rejected.
    #[must_use]
    pub(crate) fn insert(
        &self,
        entry: Entry<C>,
        kind: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) -> Removed<C> {
        if self.is_disabled() {
            // The result of a computation in flight must not be written to a backend later.
            if let InsertKind::Put | InsertKind::Inserted = kind {
                self.hold().change_log.changed(entry.hash);
            }
            let mut removed = Removed::none();
            removed.push_rejected(entry);
            return removed;
        }
        self.insert_decided(self.hold(), entry, kind, same, lifecycle)
    }

    /// Inserts the result of a miss, like [`Engine::insert`], with a fast path for a full cache. Reports and
    /// drops the removed entries.
    // Neither the new entry nor the evicted one goes through memory if registers can hold them. The function
    // is not inlined: in the caller it would take registers from the hit path, and stack space from recursive
    // functions.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "an entry in its parts goes in registers")]
    pub(crate) fn insert_computed(
        &self,
        hash: KeyHash,
        key: C::Key,
        value: C::Value,
        meta: C::Meta,
        began: Epoch,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let entry = EntryOf { hash, key, value, meta };
        let state = self.hold();
        match state.insert_fast(entry, began, &same) {
            Ok(evicted) => {
                // The state is settled: no deferred work is left.
                drop(state);
                if let (Some(evicted), true) = (&evicted, lifecycle.hooks().listens()) {
                    lifecycle.hooks().notify(&evicted.key, &evicted.value, RemovalCause::Evicted);
                }
                drop(evicted);
            }
            Err(entry) => {
                let kind = InsertKind::Computed(began);
                drop(notify(self.insert_decided(state, entry, kind, same, lifecycle), lifecycle));
            }
        }
    }

    /// The slow path of [`Engine::insert`], which considers all changes since the computation began. Releases
    /// the lock.
    #[inline(never)]
    fn insert_decided(
        &self,
        state: L::Held<'_>,
        entry: Entry<C>,
        kind: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) -> Removed<C> {
        let mut removed = Removed::none();
        // Declared last, and therefore released first if `same` panics.
        let state = state;
        let now = state.expire(lifecycle, &mut removed);
        let mut chose = false;
        let (found, decision, is_superseded) = loop {
            let (found, findings) = self.examine(&state, &entry, kind, &same, lifecycle, now);
            let decision = decide(kind, findings);
            let demand = Demand::Insert { meta: &entry.meta, replaced: found };
            if chose || !decision.stores() || !state.evict_chosen(demand, lifecycle, &mut removed) {
                break (found, decision, findings.is_superseded);
            }
            // The victim chooser may have called the cache: examine it once more.
            chose = true;
        };
        if !is_superseded {
            state.record(kind, entry.hash);
        }
        state.apply(decision, found, entry, &mut removed);
        state.count(&removed);
        release(state, |leftover| removed.append(leftover));
        removed
    }

    /// Finds out what [`decide`] must know about an insert, and the place of the stored entry of the key. No
    /// user code runs after the last check.
    fn examine(
        &self,
        state: &State<C>,
        entry: &Entry<C>,
        kind: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
        now: Ticks,
    ) -> (Option<Place>, Findings) {
        let found = if state.is_superseded(kind, entry.hash) || state.is_known_missing(kind) {
            None
        } else {
            state.find(entry.hash, |stored| same(stored, &entry.key))
        };
        let freshness_of = |place| match lifecycle.check(&state.store.borrow().get(place).meta, now) {
            Freshness::Fresh => StoredEntry::Fresh,
            _ => StoredEntry::Stale,
        };
        let obstacle = if !lifecycle.check(&entry.meta, now).is_live() {
            Some(Obstacle::Expired)
        } else if let Ok(store) = state.store.try_borrow_mut() {
            (!store.has_room_for(&entry.meta)).then_some(Obstacle::TooHeavy)
        } else {
            Some(Obstacle::Nested)
        };
        let findings = Findings {
            // `same` may have called the cache.
            is_superseded: state.is_superseded(kind, entry.hash),
            stored: found.map(freshness_of),
            keeps_last: matches!(self.maxsize, MaxSize::Unbounded),
            obstacle,
        };
        (found, findings)
    }
}

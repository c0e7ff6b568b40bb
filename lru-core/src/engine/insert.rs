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
use crate::store::{
    CacheTypes, Entry, EntryMeta, EntryOf, Epoch, MaxSize, Place, Policy, RemovalCause, Removed, Superseded,
};

/// How an insert compares keys and recognizes errors. A closure compares keys only: no value is then an
/// error.
pub trait Comparison<C: CacheTypes> {
    /// Returns whether two keys are equal.
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool;

    /// Returns whether a value is an error.
    fn is_error(&self, _value: &C::Value) -> bool {
        false
    }

    /// Returns how long the computation of the value took, in nanoseconds; zero if that is not known.
    fn cost(&self) -> u64 {
        0
    }
}

impl<C: CacheTypes, F: Fn(&C::Key, &C::Key) -> bool> Comparison<C> for F {
    #[inline]
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool {
        self(stored, key)
    }
}

impl<C: CacheTypes> State<C> {
    /// Returns whether the key of a value of this kind is known to be missing: it was missing when the
    /// computation began, and no insertion or change happened since. Where entries may end nothing is known,
    /// because the miss may have been such an entry.
    fn is_known_missing(&self, kind: InsertKind) -> bool {
        matches!(kind, InsertKind::Computed(began) if !C::Meta::MAY_END && self.change_log.is_at(began))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn insert_fast(
        &self,
        entry: Entry<C>,
        began: Epoch,
        compare: &impl Comparison<C>,
    ) -> FastInsert<C> {
        if C::Meta::MAY_END || !self.is_settled() {
            return Err(entry);
        }
        if !self.change_log.is_at(began) && !self.is_missing(&entry, began, compare) {
            return Err(entry);
        }
        let Ok(mut store) = self.store.try_borrow_mut() else { return Err(entry) };
        store.announce_cost(|| compare.cost());
        let evicted = store.insert_fast(entry)?;
        self.change_log.inserted();
        if evicted.is_some() {
            self.counters.eviction();
        }
        Ok(evicted)
    }

    /// Like [`insert_fast`](Self::insert_fast), for state under whose lock no user code runs: there is no deferred work, and
    /// a key that may have been inserted since `began` is searched where it is inserted.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn insert_exclusive(
        &mut self,
        entry: Entry<C>,
        began: Epoch,
        compare: &impl Comparison<C>,
    ) -> FastInsert<C> {
        if C::Meta::MAY_END || !self.change_log.is_unchanged(began) {
            return Err(entry);
        }
        let store = self.store.get_mut();
        store.announce_cost(|| compare.cost());
        let evicted = if self.change_log.is_at(began) {
            store.insert_fast(entry)?
        } else {
            store.insert_if_missing(entry, |stored, key| compare.is_same(stored, key))?
        };
        self.change_log.inserted();
        if evicted.is_some() {
            self.counters.eviction();
        }
        Ok(evicted)
    }

    /// Returns whether only other results were inserted since `began`, and no caller changed anything.
    #[inline(never)]
    fn is_missing(&self, entry: &Entry<C>, began: Epoch, compare: &impl Comparison<C>) -> bool {
        self.change_log.is_unchanged(began)
            && self.find(entry.hash, |stored| compare.is_same(stored, &entry.key)).is_none()
            // `compare` may have called the cache.
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
                (Some(mut store), found) => {
                    self.change_log.inserted();
                    match found {
                        Some(place) => store.replace(place, entry, removed),
                        None => store.insert(entry, removed),
                    }
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

    /// Records a computation in the meter of a cache that shares a budget.
    fn measure(&self, entry: &Entry<C>, nanoseconds: u64) {
        if let Ok(store) = self.store.try_borrow() {
            let is_too_large = !store.has_room_for(&entry.meta);
            store.measured(entry.hash, entry.meta.weight(), nanoseconds, is_too_large);
        }
    }

    /// Returns whether a later change supersedes a value of this kind.
    pub(super) fn superseded(&self, kind: InsertKind, hash: KeyHash) -> Superseded {
        kind.began().map_or(Superseded::No, |began| self.change_log.superseded(began, hash))
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
    #[expect(clippy::needless_pass_by_value, reason = "a comparison is a function pointer at most")]
    pub(crate) fn insert(
        &self,
        entry: Entry<C>,
        kind: InsertKind,
        compare: impl Comparison<C>,
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
        let mut removed = self.insert_decided(self.hold(), entry, kind, &compare, lifecycle);
        self.size_itself(&mut removed);
        removed
    }

    /// Inserts the result of a miss, like [`Engine::insert`], with a fast path for a full cache. Reports and
    /// drops the removed entries.
    // Neither the new entry nor the evicted one goes through memory if registers can hold them. The function
    // is not inlined: in the caller it would take registers from the hit path, and stack space from recursive
    // functions.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "an entry in its parts goes in registers")]
    #[expect(clippy::needless_pass_by_value, reason = "a comparison is a function pointer at most")]
    pub(crate) fn insert_computed(
        &self,
        hash: KeyHash,
        key: C::Key,
        value: C::Value,
        meta: C::Meta,
        began: Epoch,
        compare: impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let entry = EntryOf { hash, key, value, meta };
        let mut state = self.hold();
        let inserted = match L::exclusive(&mut state) {
            Some(state) => state.insert_exclusive(entry, began, &compare),
            None => state.insert_fast(entry, began, &compare),
        };
        match inserted {
            Ok(evicted) => {
                let is_size_due = state.is_size_due();
                // The state is settled: no deferred work is left.
                drop(state);
                if let (Some(evicted), true) = (&evicted, lifecycle.hooks().listens()) {
                    lifecycle.hooks().notify(&evicted.key, &evicted.value, RemovalCause::Evicted);
                }
                drop(evicted);
                if is_size_due {
                    self.size_itself_and_notify(lifecycle);
                }
            }
            Err(entry) => {
                let kind = InsertKind::Computed(began);
                let mut removed = self.insert_decided(state, entry, kind, &compare, lifecycle);
                self.size_itself(&mut removed);
                drop(notify(removed, lifecycle));
            }
        }
    }

    /// Inserts by the slow path of [`Engine::insert`], which considers all changes since the computation
    /// began. Releases the lock.
    #[must_use]
    #[inline(never)]
    pub(crate) fn insert_decided(
        &self,
        state: L::Held<'_>,
        entry: Entry<C>,
        kind: InsertKind,
        compare: &impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) -> Removed<C> {
        let mut removed = Removed::none();
        // Declared last, and therefore released first if `compare` panics.
        let state = state;
        let (now, _) = state.sweep(lifecycle, &mut removed);
        self.decide_and_apply(&state, entry, kind, compare, (lifecycle, now), &mut removed);
        state.count(&removed);
        release(state, |leftover| removed.append(leftover));
        removed
    }

    /// Decides about an entry at the time `now`, and inserts or rejects it. The lock is held.
    pub(super) fn decide_and_apply(
        &self,
        state: &State<C>,
        entry: Entry<C>,
        kind: InsertKind,
        compare: &impl Comparison<C>,
        (lifecycle, now): (&impl Lifecycle<C>, Ticks),
        removed: &mut Removed<C>,
    ) {
        let mut chose = false;
        let (found, decision, superseded, is_superseded) = loop {
            let (found, findings) = self.examine(state, &entry, kind, compare, (lifecycle, now), removed);
            let decision = decide(kind, findings);
            let is_superseded =
                findings.superseded != Superseded::No || findings.obstacle == Some(Obstacle::Invalid);
            let demand = Demand::Insert { meta: &entry.meta, replaced: found };
            if decision.stores() {
                state.sweep_for(&demand, now, removed);
            }
            if chose || !decision.stores() || !state.evict_chosen(demand, lifecycle, removed) {
                break (found, decision, findings.superseded, is_superseded);
            }
            // The victim chooser may have called the cache: examine it once more.
            chose = true;
        };
        if superseded == Superseded::No {
            state.record(kind, entry.hash);
        }
        if is_superseded {
            state.counters.superseded();
        }
        if C::Policy::IS_METERED && kind.began().is_some() {
            state.measure(&entry, compare.cost());
        }
        if C::Policy::IS_WEIGHED && decision.stores() {
            if let Ok(mut store) = state.store.try_borrow_mut() {
                store.announce_cost(|| compare.cost());
            }
        }
        state.apply(decision, found, entry, removed);
        state.look(lifecycle, now, removed);
    }

    /// Collects the findings that [`decide`] needs about an insert, and the place of the stored entry of the
    /// key. No user code runs after the last check.
    fn examine(
        &self,
        state: &State<C>,
        entry: &Entry<C>,
        kind: InsertKind,
        compare: &impl Comparison<C>,
        (lifecycle, now): (&impl Lifecycle<C>, Ticks),
        removed: &mut Removed<C>,
    ) -> (Option<Place>, Findings) {
        let superseded = state.superseded(kind, entry.hash);
        let found = if superseded == Superseded::ByKey || state.is_known_missing(kind) {
            None
        } else {
            state.find(entry.hash, |stored| compare.is_same(stored, &entry.key))
        };
        let freshness = |place| lifecycle.check(&state.store.borrow().get(place).meta, now);
        let found = found.filter(|&place| {
            let freshness = freshness(place);
            if kind.is_requested() && matches!(freshness, Freshness::Invalid(_)) {
                // It was invalidated because it is to be replaced.
                return true;
            }
            if freshness.is_gone() {
                let cause = state.cause_of(freshness);
                if let Some(gone) = state.take(place, cause, removed) {
                    // The victim chooser may run before it is reported, and panic.
                    state.deferred.defer_entry(gone, Some(cause));
                }
            }
            !freshness.is_gone()
        });
        let stored = found.map(|place| StoredEntry {
            is_stale: freshness(place) != Freshness::Fresh,
            is_error: compare.is_error(&state.store.borrow().get(place).value),
        });
        let own_freshness = lifecycle.check(&entry.meta, now);
        let obstacle = if matches!(own_freshness, Freshness::Invalid(_)) {
            Some(Obstacle::Invalid)
        } else if !own_freshness.is_live() {
            Some(Obstacle::Expired)
        } else if let Ok(store) = state.store.try_borrow_mut() {
            (!store.has_room_for(&entry.meta)).then_some(Obstacle::TooHeavy)
        } else {
            Some(Obstacle::Nested)
        };
        let findings = Findings {
            // `compare` may have called the cache.
            superseded: state.superseded(kind, entry.hash),
            is_error: compare.is_error(&entry.value),
            stored,
            keeps_last: matches!(self.maxsize, MaxSize::Unbounded),
            obstacle,
        };
        (found, findings)
    }
}

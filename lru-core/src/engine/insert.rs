//! Inserts of computed results and of values that callers put.

use crate::engine::Engine;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, Settle, release};
use crate::engine::notify::told;
use crate::engine::state::State;
use crate::expiry::entry_info::Freshness;
use crate::expiry::ticks::Ticks;
use crate::key::KeyHash;
use crate::store::Removed;
use crate::store::change_log::Epoch;
use crate::store::entry::Entry;
use crate::store::entry_meta::EntryMeta;
use crate::store::maxsize::MaxSize;
use crate::store::place::{Brought, Place};
use crate::store::removal_cause::RemovalCause;
use crate::store::types::CacheTypes;

/// The origin of an inserted value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InsertKind {
    /// The result of a miss, whose computation began at this epoch.
    Computed(Epoch),
    /// The result of an explicit refresh. Replaces any entry of its key.
    Refreshed(Epoch),
    /// The result of a background refresh, or of a leader that timed out and was taken over. Replaces a stale
    /// entry only.
    Revalidated(Epoch),
    /// A value that the caller puts in place of the result of a function.
    Put,
    /// A value that the caller inserts into a map. A value that is too heavy leaves the old entry in place.
    Inserted,
}

impl<C: CacheTypes> State<C> {
    /// Evicts the victims that the user chooses, one by one, until there is room for `entry` in place of the
    /// entry at `found`. That entry may be evicted as well, or be removed by user code meanwhile.
    #[cold]
    fn make_room_by_choice(
        &self,
        entry: &Entry<C>,
        mut found: Option<Place>,
        plan: &impl Lifecycle<C>,
        leavers: &mut Removed<C>,
    ) {
        let lacks_room = |found| {
            let store = self.store.borrow();
            store.has_room_for(&entry.term) && store.lacks_room(&entry.term, found)
        };
        while lacks_room(found) {
            self.choose(plan);
            // The victim chooser may have called the cache.
            found = found.filter(|&found| !self.deferred.hides(found));
            let mut left = Removed::none();
            let Some(mut store) = self.write(&mut left) else { return };
            let lacks_room = store.has_room_for(&entry.term) && store.lacks_room(&entry.term, found);
            let victim = if lacks_room { store.pop_victim() } else { None };
            drop(store);
            if left.are_all() {
                return leavers.append(left);
            }
            // The next call of the chooser may panic.
            left.hand_over(|entry, cause| self.deferred.leave(entry, cause));
            let Some((place, victim)) = victim else { return };
            found = found.filter(|&found| found != place);
            self.deferred.leave(victim, Some(RemovalCause::Evicted));
        }
    }

    /// Returns whether the key of a value of this kind is known to be missing: it was missing when the
    /// computation began, and no insertion or change happened since. With entry metadata nothing is known,
    /// because the miss may have been an expired entry.
    fn is_still_missing(&self, origin: InsertKind) -> bool {
        match origin {
            InsertKind::Computed(began) => C::Meta::IS_BARE && self.history.is_still(began),
            InsertKind::Revalidated(_)
            | InsertKind::Refreshed(_)
            | InsertKind::Put
            | InsertKind::Inserted => false,
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn bring_in(&self, entry: Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> Brought<C> {
        if !C::Meta::IS_BARE || !self.is_settled() {
            return Err(entry);
        }
        if !self.history.is_still(began) && !self.lacks(&entry, began, same) {
            return Err(entry);
        }
        let Ok(mut store) = self.store.try_borrow_mut() else { return Err(entry) };
        let evicted = store.bring_in(entry)?;
        self.history.arrived();
        if evicted.is_some() {
            self.counters.eviction();
        }
        Ok(evicted)
    }

    /// Returns whether only other results were inserted since `began`, and no caller changed anything.
    #[inline(never)]
    fn lacks(&self, entry: &Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> bool {
        self.history.is_unchanged(began)
            && self.find(entry.hash, |stored| same(stored, &entry.key)).is_none()
            // `same` may have called the cache.
            && self.history.is_unchanged(began)
            && self.is_settled()
    }

    /// Inserts an entry. `found` is the place of an entry with the same key.
    // Inlined into its only caller.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn admit(
        &self,
        entry: Entry<C>,
        origin: InsertKind,
        found: Option<Place>,
        last_result_stays: bool,
        leavers: &mut Removed<C>,
    ) {
        let replaces = match origin {
            InsertKind::Computed(_) | InsertKind::Revalidated(_) => last_result_stays,
            InsertKind::Refreshed(began) => {
                self.history.refreshed(entry.hash, began);
                true
            }
            InsertKind::Put | InsertKind::Inserted => {
                self.history.changed(entry.hash);
                true
            }
        };
        match (self.write(leavers), found) {
            (Some(mut store), found) if !store.has_room_for(&entry.term) => {
                // An entry does not outlive a refresh or put of its key, even if the new value is too heavy.
                let goes = match origin {
                    InsertKind::Refreshed(_) | InsertKind::Put => true,
                    InsertKind::Revalidated(_) => replaces,
                    InsertKind::Computed(_) | InsertKind::Inserted => false,
                };
                if let Some(place) = found.filter(|_| goes) {
                    leavers.replace(store.remove(place));
                }
                leavers.refuse(entry);
            }
            (Some(mut store), None) => {
                self.history.arrived();
                store.insert(entry, leavers);
            }
            (Some(mut store), Some(place)) if replaces => store.replace(place, entry, leavers),
            (Some(_), Some(_)) => leavers.refuse(entry),
            (None, found) => {
                // In a nested call the new value cannot be stored, and the old one must not stay.
                if let (Some(place), InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted) =
                    (found, origin)
                {
                    self.hide(place, RemovalCause::Replaced);
                }
                self.deferred.leave(entry, None);
            }
        }
    }

    /// Rejects an entry, which is dropped as soon as the lock is released.
    fn refuse(&self, entry: Entry<C>, leavers: &mut Removed<C>) {
        if self.store.try_borrow_mut().is_ok() {
            leavers.refuse(entry);
        } else {
            // In a nested call the lock is still held after the call has returned.
            self.deferred.leave(entry, None);
        }
    }

    /// Returns whether the entry at `place` is no longer fresh at `now`.
    fn is_stale(&self, place: Place, plan: &impl Lifecycle<C>, now: Ticks) -> bool {
        plan.check(&self.store.borrow().get(place).term, now) != Freshness::Fresh
    }

    /// Returns whether a later change to the key supersedes a value of this kind.
    fn is_overtaken(&self, origin: InsertKind, hash: KeyHash) -> bool {
        match origin {
            InsertKind::Computed(began) | InsertKind::Revalidated(began) | InsertKind::Refreshed(began) => {
                self.history.overtook(began, hash)
            }
            InsertKind::Put | InsertKind::Inserted => false,
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Inserts an entry if its `origin` allows, and returns the removed entries, to be reported and dropped.
    ///
    /// A computed result is rejected if its key was cleared, invalidated or put since the computation began.
    /// If another computation of the key finished first, the bounded mode keeps the first result and the
    /// unbounded mode the last. A put or refreshed value replaces the entry, and supersedes every computation
    /// that began earlier. A value that has expired or weighs more than the capacity is rejected.
    #[must_use]
    pub(crate) fn keep(
        &self,
        entry: Entry<C>,
        origin: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        if self.is_disabled() {
            // The result of a computation in flight must not be written to a backend later.
            if let InsertKind::Put | InsertKind::Inserted = origin {
                self.hold().history.changed(entry.hash);
            }
            let mut leavers = Removed::none();
            leavers.refuse(entry);
            return leavers;
        }
        self.keep_asking(self.hold(), entry, origin, same, plan)
    }

    /// Inserts the result of a miss, like [`Engine::keep`], with a fast path for a full cache. Reports and
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
        term: C::Meta,
        began: Epoch,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) {
        let entry = Entry { hash, key, value, term };
        let state = self.hold();
        match state.bring_in(entry, began, &same) {
            Ok(evicted) => {
                // The state is settled: no deferred work is left.
                drop(state);
                if let (Some(evicted), true) = (&evicted, plan.hooks().listens()) {
                    plan.hooks().notify(&evicted.key, &evicted.value, RemovalCause::Evicted);
                }
                drop(evicted);
            }
            Err(entry) => {
                drop(told(self.keep_asking(state, entry, InsertKind::Computed(began), same, plan), plan));
            }
        }
    }

    /// The slow path of [`Engine::keep`], which considers all changes since the computation began. Releases
    /// the lock.
    #[inline(never)]
    fn keep_asking(
        &self,
        state: L::Held<'_>,
        entry: Entry<C>,
        origin: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        let mut leavers = Removed::none();
        // Declared last, and therefore released first if `same` panics.
        let state = state;
        let hash = entry.hash;
        let is_live = state.while_read(|| plan.check(&entry.term, plan.now()).is_live());
        let now = plan.may_be_stale().then(|| state.while_read(|| plan.now()));
        state.expire(plan, &mut leavers);
        let overtaken = state.is_overtaken(origin, hash);
        let found = if overtaken || state.is_still_missing(origin) {
            None
        } else {
            state.find(hash, |stored| same(stored, &entry.key))
        };
        let is_stale = |found| now.is_some_and(|now| state.is_stale(found, plan, now));
        let last_result_stays = (self.last_result_stays() && !matches!(origin, InsertKind::Revalidated(_)))
            || found.is_some_and(is_stale);
        let is_asked_for =
            matches!(origin, InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted);
        let stays = found.is_some() && !is_asked_for && !last_result_stays;
        let found = if plan.hooks().chooses() && is_live && !overtaken && !stays {
            state.make_room_by_choice(&entry, found, plan, &mut leavers);
            state.find(hash, |stored| same(stored, &entry.key))
        } else {
            found
        };
        // `same` may have called the cache: check again. No user code runs from here on.
        if state.is_overtaken(origin, hash) {
            state.refuse(entry, &mut leavers);
        } else if is_live {
            state.admit(entry, origin, found, last_result_stays, &mut leavers);
        } else {
            match origin {
                InsertKind::Computed(_) | InsertKind::Revalidated(_) => {}
                InsertKind::Refreshed(began) => state.history.refreshed(hash, began),
                InsertKind::Put | InsertKind::Inserted => state.history.changed(hash),
            }
            let found = found.filter(|_| !stays);
            if let Some(entry) =
                found.and_then(|place| state.take(place, RemovalCause::Replaced, &mut leavers))
            {
                leavers.replace(entry);
            }
            state.refuse(entry, &mut leavers);
        }
        state.count(&leavers);
        release(state, |leftover| leavers.append(leftover));
        leavers
    }

    /// Returns whether the last of two results for one key is kept. As in Python, the unbounded mode assigns
    /// to a dictionary, and the bounded mode first checks whether the key was inserted meanwhile.
    fn last_result_stays(&self) -> bool {
        matches!(self.maxsize, MaxSize::Unbounded)
    }
}

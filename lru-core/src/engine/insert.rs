//! Inserts: of what was computed, and of what a caller puts.

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

/// How a value comes into the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InsertKind {
    /// By a call that missed, and began at this moment.
    Computed(Epoch),
    /// By a computation that was asked to replace what is there.
    Refreshed(Epoch),
    /// By a computation that is to replace what is not fresh, and nothing else: in the background, or by
    /// one that took too long, for whom another computes by now.
    Revalidated(Epoch),
    /// By the caller's hand, in place of what a function would compute.
    Put,
    /// By the caller's hand, into a map: what is too heavy for it changes nothing.
    Inserted,
}

impl<C: CacheTypes> State<C> {
    /// Evicts, one by one, whom the user chooses, until there is room for `entry` in place of what lies
    /// at `found`; which may have to leave, or be removed meanwhile.
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
            // The user's choice may have called back.
            found = found.filter(|&found| !self.deferred.hides(found));
            let mut left = Removed::none();
            let Some(mut store) = self.write(&mut left) else { return };
            let lacks_room = store.has_room_for(&entry.term) && store.lacks_room(&entry.term, found);
            let victim = if lacks_room { store.pop_victim() } else { None };
            drop(store);
            if left.are_all() {
                return leavers.append(left);
            }
            // The next choice may panic.
            left.hand_over(|entry, cause| self.deferred.leave(entry, cause));
            let Some((place, victim)) = victim else { return };
            found = found.filter(|&found| found != place);
            self.deferred.leave(victim, Some(RemovalCause::Evicted));
        }
    }

    /// Whether the key of what comes from `origin` is known to be missing: it was when the
    /// computation began, and nothing came in since. What has terms may have been there, but not
    /// live, so that says nothing of it.
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

    /// Whether no caller changed anything since `began`, and other results alone have come in.
    #[inline(never)]
    fn lacks(&self, entry: &Entry<C>, began: Epoch, same: impl Fn(&C::Key, &C::Key) -> bool) -> bool {
        self.history.is_unchanged(began)
            && self.find(entry.hash, |stored| same(stored, &entry.key)).is_none()
            // `same` may have called back.
            && self.history.is_unchanged(began)
            && self.is_settled()
    }

    /// Brings an entry in. `found` is where its key lies already.
    // Called in one place.
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
                // What was refreshed or put does not stay as it was.
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
                // Nested: the new value can't be stored, and the old one must not stay.
                if let (Some(place), InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted) =
                    (found, origin)
                {
                    self.hide(place, RemovalCause::Replaced);
                }
                self.deferred.leave(entry, None);
            }
        }
    }

    /// Keeps an entry out, and under the lock no longer than that takes.
    fn refuse(&self, entry: Entry<C>, leavers: &mut Removed<C>) {
        if self.store.try_borrow_mut().is_ok() {
            leavers.refuse(entry);
        } else {
            // Nested: the lock is not free when this call is over.
            self.deferred.leave(entry, None);
        }
    }

    /// Whether what lies there is not fresh any more, by what a clock showed.
    fn is_stale(&self, place: Place, plan: &impl Lifecycle<C>, now: Ticks) -> bool {
        plan.check(&self.store.borrow().get(place).term, now) != Freshness::Fresh
    }

    /// Whether what comes from `origin` is out of date.
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
    /// Remembers an entry if its `origin` allows, and returns what left, to be told of and dropped.
    ///
    /// A result that was computed stays out where the key was cleared, invalidated or put since
    /// it began. Where another activation was first, the bounded mode keeps the first result and
    /// the unbounded mode the last. What is put or refreshed replaces, and overtakes every
    /// computation in flight that began earlier. What is not live, or weighs more than all
    /// entries may, stays out.
    #[must_use]
    pub(crate) fn keep(
        &self,
        entry: Entry<C>,
        origin: InsertKind,
        same: impl Fn(&C::Key, &C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> Removed<C> {
        if self.is_disabled() {
            // A computation in flight must not reach a backend later on.
            if let InsertKind::Put | InsertKind::Inserted = origin {
                self.hold().history.changed(entry.hash);
            }
            let mut leavers = Removed::none();
            leavers.refuse(entry);
            return leavers;
        }
        self.keep_asking(self.hold(), entry, origin, same, plan)
    }

    /// [`Engine::keep`] after a miss: in a full cache, where misses go on forever, the short way.
    /// What leaves is told and dropped.
    // Neither the entry nor the evicted one goes through memory, if registers can hold them. The call
    // itself is not inlined: in the caller, it would take registers from the hit, and stack from
    // functions that call themselves.
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
                // Nothing is left to be settled.
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

    /// [`Engine::keep`], whatever happened meanwhile. Lets go of the lock.
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
        // Declared last, and so let go first should `same` panic.
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
        // `same` may have called back: ask again. From here on no user code runs.
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

    /// Whether of two results for one key the last one stays: as in Python, where the unbounded
    /// mode assigns to a dictionary, and the bounded mode looks first whether the key came in.
    fn last_result_stays(&self) -> bool {
        matches!(self.maxsize, MaxSize::Unbounded)
    }
}

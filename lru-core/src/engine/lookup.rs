//! Lookups, which count a hit or a miss and mark the entry as used, and peeks, which do neither.

use crate::engine::Engine;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::{Lock, release};
use crate::engine::notify::told;
use crate::engine::state::State;
use crate::expiry::entry_info::Freshness;
use crate::expiry::ticks::Ticks;
use crate::key::KeyHash;
use crate::store::change_log::Epoch;
use crate::store::entry::Entry;
use crate::store::place::Place;
use crate::store::types::CacheTypes;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Looks a key up for a caller, and counts a hit or a miss. A miss returns the epoch at which it was
    /// counted.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        let missed = |state: &State<C>| {
            state.counters.miss();
            state.history.now()
        };
        self.search(hash, matches, |entry, _| read(&entry.value), missed, plan)
    }

    /// Like [`lookup`](Self::lookup), but does not count a miss, because the call may be answered without a
    /// computation of its own. Returns the freshness of a hit as well.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<(R, Freshness)> {
        if self.is_disabled() {
            return None;
        }
        let read = |entry: &Entry<C>, now| (read(&entry.value), plan.check(&entry.term, now));
        self.search(hash, matches, read, |_| (), plan).ok()
    }

    /// Counts a hit and returns the result of `read` if an entry may be served at the current time. Otherwise
    /// returns the result of `missed`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn search<R, M>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>, Ticks) -> R,
        missed: impl FnOnce(&State<C>) -> M,
        plan: &impl Lifecycle<C>,
    ) -> Result<R, M> {
        let now = plan.now();
        let state = self.hold();
        let is_there = |place: &dyn Fn() -> Option<Place>, term: &C::Meta| {
            if state.deferred.hides_at(place) || !plan.check(term, now).is_live() {
                return false;
            }
            plan.touch(term, now);
            true
        };
        let found = match state.store.try_borrow() {
            Ok(store) => store.read(hash, matches, is_there, |entry| read(entry, now)),
            // Unreachable: no user code runs while the store is mutably borrowed.
            Err(_) => None,
        };
        let searched = if let Some(found) = found {
            self.state.have_hit(state.counters.hit());
            Ok(found)
        } else {
            Err(missed(&state))
        };
        release(state, |leavers| drop(told(leavers, plan)));
        searched
    }

    /// Peeks at a value that may be served.
    pub(crate) fn peek_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        self.find_with(
            hash,
            matches,
            |entry| plan.check(&entry.term, plan.now()).is_live().then(|| read(&entry.value)),
            plan,
        )
    }

    /// Returns whether there is a fresh entry, without counting or touching it.
    pub(crate) fn contains(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> bool {
        let is_fresh = |entry: &Entry<C>| plan.check(&entry.term, plan.now()) == Freshness::Fresh;
        self.find_with(hash, matches, |entry| is_fresh(entry).then_some(()), plan).is_some()
    }

    /// Peeks at an entry, whether or not it has expired.
    pub(crate) fn find_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>) -> Option<R>,
        plan: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            return None;
        }
        let state = self.hold();
        let found = state.store.borrow().find(hash, matches).and_then(|(place, entry)| {
            // `matches` may have called the cache and removed the entry.
            if state.deferred.hides(place) { None } else { read(entry) }
        });
        release(state, |leavers| drop(told(leavers, plan)));
        found
    }

    /// Returns whether there is an entry with this hash.
    pub(crate) fn holds(&self, hash: KeyHash) -> bool {
        self.hold().find(hash, |_| true).is_some()
    }

    /// Returns the current epoch of the change log.
    pub(crate) fn moment(&self) -> Epoch {
        self.hold().history.unseen()
    }

    /// Like [`moment`](Self::moment), but also counts a miss: a call begins to compute.
    pub(crate) fn begin_call(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.unseen()
    }

    /// Counts a miss without a lookup, when a requested computation begins, and returns an epoch of its own.
    pub(crate) fn begin(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.next()
    }

    /// Returns whether a computation that began at `began` was superseded by a change to this key.
    pub(crate) fn overtook(&self, began: Epoch, hash: KeyHash) -> bool {
        self.hold().history.overtook(began, hash)
    }

    /// Reverts the counting of a hit.
    pub(crate) fn uncount_hit(&self) {
        self.hold().counters.uncount_hit();
    }
}

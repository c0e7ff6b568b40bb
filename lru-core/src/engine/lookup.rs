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
    /// A caller's lookup: a hit, or a miss and the moment it was counted.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
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

    /// The same, where a call may be answered without a computation of its own: a miss is not counted yet.
    /// Tells how fresh the answer is.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
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

    /// What `read` makes of a live entry, by what the clock shows: that is a hit. Else what `missed` makes of the
    /// state.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
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
            // Never: who borrows it for writing calls nobody.
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

    /// What is remembered, untouched and uncounted.
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

    /// Whether something fresh is remembered.
    pub(crate) fn contains(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        plan: &impl Lifecycle<C>,
    ) -> bool {
        let is_fresh = |entry: &Entry<C>| plan.check(&entry.term, plan.now()) == Freshness::Fresh;
        self.find_with(hash, matches, |entry| is_fresh(entry).then_some(()), plan).is_some()
    }

    /// What is there, as good as it may be, untouched and uncounted.
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
            // `matches` may have called back, and what it found be gone by now.
            if state.deferred.hides(place) { None } else { read(entry) }
        });
        release(state, |leavers| drop(told(leavers, plan)));
        found
    }

    /// Whether anything lies under this hash.
    pub(crate) fn holds(&self, hash: KeyHash) -> bool {
        self.hold().find(hash, |_| true).is_some()
    }

    /// Where it stands in the history of the cache.
    pub(crate) fn moment(&self) -> Epoch {
        self.hold().history.unseen()
    }

    /// The same, and counts a miss: a call begins to compute.
    pub(crate) fn begin_call(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.unseen()
    }

    /// Counts a miss without looking: a computation that was asked for begins.
    pub(crate) fn begin(&self) -> Epoch {
        let state = self.hold();
        state.counters.miss();
        state.history.next()
    }

    /// Whether what began then was overtaken by a change to this key.
    pub(crate) fn overtook(&self, began: Epoch, hash: KeyHash) -> bool {
        self.hold().history.overtook(began, hash)
    }

    /// Takes back that a hit was counted.
    pub(crate) fn uncount_hit(&self) {
        self.hold().counters.uncount_hit();
    }
}

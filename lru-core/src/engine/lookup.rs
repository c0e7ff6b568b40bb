//! Lookups, which count a hit or a miss and mark the entry as used, and peeks, which do neither.

use core::cell::Cell;

use crate::engine::Engine;
use crate::engine::lifecycle::{Expiry, Lifecycle};
use crate::engine::lock::{Lock, Settle, release};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::expiry::{Freshness, Ticks};
use crate::key::KeyHash;
use crate::store::{CacheTypes, Entry, Epoch, Place, Superseded};

/// Which entries lookups may serve, at a time that is read once.
pub(super) struct Serving<'l, S> {
    lifecycle: &'l S,
    now: Cell<Ticks>,
}

impl<'l, S> Serving<'l, S> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new<M>(lifecycle: &'l S) -> Self
    where
        S: Expiry<M>,
    {
        Self { lifecycle, now: Cell::new(lifecycle.about_now()) }
    }

    /// Returns the time, as exact as it was needed.
    #[inline]
    fn now(&self) -> Ticks {
        self.now.get()
    }

    /// Returns whether an entry may be served, as far as the approximate time tells, and a use of it records nothing.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn is_surely_served<M>(&self, meta: &M) -> bool
    where
        S: Expiry<M>,
    {
        self.lifecycle.is_surely_fresh(meta, self.now.get())
    }

    /// Returns whether an entry may be served, and records the use of it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn may_serve<M>(&self, meta: &M) -> bool
    where
        S: Expiry<M>,
    {
        let Self { lifecycle, now } = self;
        if self.is_surely_served(meta) {
            return true;
        }
        now.set(lifecycle.exact(now.get()));
        let is_live = lifecycle.check(meta, now.get()).is_live();
        if is_live {
            lifecycle.touch(meta, now.get());
        }
        is_live
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Looks a key up for a caller, and counts a hit or a miss. A miss returns the epoch at which it was
    /// counted.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        self.lookup_entry(hash, matches, |entry| read(&entry.value), lifecycle)
    }

    /// Like [`lookup`](Self::lookup), but reads the entry with its metadata.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_entry<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        let on_miss = |state: &State<C>| {
            state.count_miss(hash);
            state.change_log.now()
        };
        self.search(hash, matches, |entry, _| read(entry), on_miss, lifecycle)
    }

    /// Like [`lookup`](Self::lookup), but does not count a miss, because the call may be answered without a
    /// computation of its own. Returns the freshness of a hit as well, and the epoch of a miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<(R, Freshness), Epoch> {
        self.lookup_entry_uncounted(hash, matches, |entry| read(&entry.value), lifecycle)
    }

    /// Like [`lookup_uncounted`](Self::lookup_uncounted), but reads the entry with its metadata.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_entry_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<(R, Freshness), Epoch> {
        if self.is_disabled() {
            return Err(Epoch::UNKNOWN);
        }
        let read = |entry: &Entry<C>, now| (read(entry), lifecycle.check(&entry.meta, now));
        self.search(hash, matches, read, |state| state.change_log.now(), lifecycle)
    }

    /// Counts a hit and returns the result of `read` if an entry may be served at the current time. Otherwise
    /// returns the result of `on_miss`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn search<R, M>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>, Ticks) -> R,
        on_miss: impl FnOnce(&State<C>) -> M,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, M> {
        let serving = Serving::new::<C::Meta>(lifecycle);
        let read = |entry: &Entry<C>| read(entry, serving.now());
        let mut state = self.hold();
        if let Some(state) = L::exclusive(&mut state) {
            debug_assert!(state.is_settled(), "no call is nested in another one");
            let store = state.store.get_mut();
            let is_sure = |meta: &C::Meta| serving.is_surely_served(meta);
            let may_serve = |meta: &C::Meta| serving.may_serve(meta);
            return match store.read_checked(hash, matches, is_sure, may_serve, read) {
                Some(found) => {
                    self.state.on_hit(state.counters.hit());
                    Ok(found)
                }
                None => Err(on_miss(state)),
            };
        }
        let is_there = |place: &dyn Fn() -> Option<Place>, meta: &C::Meta| {
            !state.deferred.hides_at(place) && serving.may_serve(meta)
        };
        let found = match state.store.try_borrow() {
            Ok(store) => store.read(hash, matches, is_there, read),
            // Unreachable: no user code runs while the store is mutably borrowed.
            Err(_) => None,
        };
        let searched = if let Some(found) = found {
            self.state.on_hit(state.counters.hit());
            Ok(found)
        } else {
            Err(on_miss(&state))
        };
        release(state, |removed| drop(notify(removed, lifecycle)));
        searched
    }

    /// Peeks at a value that may be served.
    pub(crate) fn peek_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<R> {
        self.find_with(
            hash,
            matches,
            |entry| lifecycle.check(&entry.meta, lifecycle.now()).is_live().then(|| read(&entry.value)),
            lifecycle,
        )
    }

    /// Returns whether there is a fresh entry, without counting or touching it.
    pub(crate) fn contains(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        lifecycle: &impl Lifecycle<C>,
    ) -> bool {
        let is_fresh = |entry: &Entry<C>| lifecycle.check(&entry.meta, lifecycle.now()) == Freshness::Fresh;
        self.find_with(hash, matches, |entry| is_fresh(entry).then_some(()), lifecycle).is_some()
    }

    /// Peeks at an entry, whether or not it has expired.
    pub(crate) fn find_with<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&C::Key) -> bool,
        read: impl FnOnce(&Entry<C>) -> Option<R>,
        lifecycle: &impl Lifecycle<C>,
    ) -> Option<R> {
        if self.is_disabled() {
            return None;
        }
        let state = self.hold();
        let found = state.store.borrow().find(hash, matches).and_then(|(place, entry)| {
            // `matches` may have called the cache and removed the entry.
            if state.deferred.hides(place) { None } else { read(entry) }
        });
        release(state, |removed| drop(notify(removed, lifecycle)));
        found
    }

    /// Returns whether there is an entry with this hash.
    pub(crate) fn contains_hash(&self, hash: KeyHash) -> bool {
        self.hold().find(hash, |_| true).is_some()
    }

    /// Returns the current epoch of the change log.
    pub(crate) fn epoch(&self) -> Epoch {
        self.hold().change_log.now_without_lookup()
    }

    /// Like [`epoch`](Self::epoch), but also counts a miss: a call begins to compute.
    pub(crate) fn begin_call(&self, hash: KeyHash) -> Epoch {
        let state = self.hold();
        state.count_miss(hash);
        state.change_log.now_without_lookup()
    }

    /// Counts a miss of a key that was missing at this epoch, if nothing was stored or changed since. Returns whether
    /// that is so: the key is then still missing.
    #[inline]
    pub(crate) fn begin_call_at(&self, hash: KeyHash, missed: Epoch) -> bool {
        let state = self.hold();
        let is_current = state.change_log.is_at(missed) && state.is_settled();
        if is_current {
            state.count_miss(hash);
        }
        is_current
    }

    /// Counts a miss without a lookup, when a requested computation begins, and returns an epoch of its own.
    pub(crate) fn begin_refresh(&self, hash: KeyHash) -> Epoch {
        let state = self.hold();
        state.count_miss(hash);
        state.change_log.next()
    }

    /// Returns whether a computation that began at `began` was superseded by a change to this key.
    pub(crate) fn is_superseded(&self, began: Epoch, hash: KeyHash) -> bool {
        self.hold().change_log.superseded(began, hash) != Superseded::No
    }

    /// Records a change of a key that has no entry: computations that began earlier are not shared.
    pub(crate) fn record_change(&self, hash: KeyHash) {
        self.hold().change_log.changed(hash);
    }

    /// Reverts the counting of a hit.
    pub(crate) fn revert_hit(&self) {
        let state = self.hold();
        state.add_counts();
        state.counters.revert_hit();
    }
}

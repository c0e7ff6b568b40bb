//! Reports about a cache: its counters, its capacity, its size, and copies of its entries.

use std::vec::Vec;

use crate::engine::Engine;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, release};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::insight::Insight;
#[cfg(feature = "registry")]
use crate::observe::counts::Counts;
use crate::observe::leading_policy::LeadingPolicy;
use crate::observe::stats::CacheStats;
use crate::observe::{CacheInfo, Counters};
use crate::store::policy::Policy;
use crate::store::{CacheTypes, Entry};

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Returns hits, misses, capacity and size, read together under the lock.
    pub(crate) fn info(&self, lifecycle: &impl Lifecycle<C>) -> CacheInfo {
        if self.is_disabled() {
            return self.uncached();
        }
        let (state, removed) = self.hold_swept(lifecycle, drop);
        let info = self.read_counters(&state);
        if !lifecycle.hooks().notifies_later() {
            drop(Self::release_and_notify(state, removed, lifecycle));
        }
        info
    }

    /// Like [`info`](Self::info) of the held state, but counts expired entries that have not been removed yet.
    pub(crate) fn counted(&self, held: &State<C>) -> CacheInfo {
        if self.is_disabled() { self.uncached() } else { self.read_counters(held) }
    }

    fn uncached(&self) -> CacheInfo {
        let (misses, maxsize) = (self.uncached_misses.get(), self.maxsize.to_option());
        CacheInfo { hits: self.hits_elsewhere(), misses, maxsize, ..CacheInfo::default() }
    }

    fn read_counters(&self, state: &State<C>) -> CacheInfo {
        let hits = self.hits_elsewhere();
        let store = state.store.borrow();
        state.counters.add(store.take_counts());
        let info = state.counters.read(store.maxsize(), state.currsize());
        CacheInfo { hits: info.hits + hits, ..info }
    }

    /// Returns all that was counted since the start of the program, without removing expired entries.
    #[cfg(feature = "registry")]
    pub(crate) fn counts(&self) -> Counts {
        let locked = {
            let state = self.hold();
            state.add_counts();
            state.counters.lifetime()
        };
        // Reads the state of the circuit breaker, which may be user code.
        let others = self.counters.get().map(|counters| &**counters);
        Counts::of(locked, self.uncached_misses.lifetime(), others)
    }

    /// Returns the number of misses, including those of the disabled mode.
    pub(crate) fn misses(&self) -> u64 {
        let state = self.hold();
        state.add_counts();
        self.uncached_misses.get() + state.counters.misses()
    }

    /// Returns the counters other than hits and misses.
    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = self.counters.get().map_or_else(CacheStats::default, |counters| counters.read());
        let held = self.hold();
        held.counters.report(&mut stats);
        stats.leading_policy = held.store.borrow().leading_policy();
        stats
    }

    /// Returns which of several policies chooses the victims, if there are several.
    pub(crate) fn leading_policy(&self) -> Option<LeadingPolicy> {
        self.hold().store.borrow().leading_policy()
    }

    /// Returns the expected hit ratio with other capacities, if there is a sampler.
    pub(crate) fn insight(&self) -> Option<Insight> {
        if !C::Policy::SAMPLES {
            return None;
        }
        let state = self.hold();
        let store = state.store.borrow();
        Some(store.sampler()?.insight(store.maxsize(), C::Policy::IS_LRU))
    }

    /// Passes the calls to a tap, or to none, if there is a sampler.
    #[cfg(feature = "registry")]
    pub(crate) fn set_tap(&self, tap: Option<&std::sync::Arc<dyn crate::insight::Tap>>) {
        if !C::Policy::SAMPLES {
            return;
        }
        let state = self.hold();
        if let Ok(store) = state.store.try_borrow() {
            if let Some(sampler) = store.sampler() {
                sampler.set_tap(tap.cloned());
            }
        }
    }

    /// Returns the hits that this store did not answer: coalesced calls and backend hits.
    fn hits_elsewhere(&self) -> u64 {
        let answered = |counters: &Counters| counters.coalesced.get() + counters.backend_hits.get();
        self.counters.get().map_or(0, |counters| answered(counters))
    }

    /// Turns a counted miss into a backend hit.
    #[cfg(feature = "backend")]
    pub(crate) fn count_backend_hit(&self) {
        if self.is_disabled() {
            // The counter is zero if the cache was cleared meanwhile.
            self.uncached_misses.revert();
        } else {
            self.hold().counters.revert_miss();
        }
        self.counters().backend_hits.add(1);
    }

    /// Counts a result that another process has superseded.
    #[cfg(feature = "backend")]
    pub(crate) fn count_superseded(&self) {
        self.hold().counters.superseded();
    }

    /// Resets the counters that need no lock.
    pub(super) fn reset_counters(&self) {
        self.uncached_misses.reset();
        if let Some(counters) = self.counters.get() {
            counters.reset();
        }
    }

    /// Resets all counters.
    #[cfg(feature = "registry")]
    pub(crate) fn reset_all_counters(&self) {
        self.reset_counters();
        self.hold().reset_counters();
    }

    /// Returns the current capacity.
    pub(crate) fn maxsize(&self) -> Option<usize> {
        if self.is_disabled() { Some(0) } else { self.hold().store.borrow().maxsize() }
    }

    /// Returns whether the cache is bounded, or was when it was created.
    pub(crate) fn is_bounded(&self) -> bool {
        !self.is_disabled() && self.hold().store.borrow().is_bounded()
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self, lifecycle: &impl Lifecycle<C>) -> usize {
        let (state, removed) = self.hold_swept(lifecycle, drop);
        let len = state.deferred.remaining(state.store.borrow().len(), |_| 1);
        drop(Self::release_and_notify(state, removed, lifecycle));
        len
    }

    /// Returns copies of all entries, from least to most recently used if the store keeps an order.
    pub(crate) fn snapshot(&self, lifecycle: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)>
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        // Two vectors outlive the lock, so that copies made before a panic are dropped after it is released.
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let copy = |entry: &Entry<C>| {
            keys.push(entry.key.clone());
            values.push(entry.value.clone());
        };
        self.for_each_live(copy, lifecycle);
        keys.into_iter().zip(values).collect()
    }

    /// Reads all entries that may be served, in the order of [`snapshot`](Self::snapshot), while the lock is held.
    pub(crate) fn for_each_live(&self, mut read: impl FnMut(&Entry<C>), lifecycle: &impl Lifecycle<C>) {
        let state = self.hold();
        let store = state.store.borrow();
        // All places first: a `Clone` that calls the cache may change the order.
        for place in store.places() {
            let entry = store.get(place);
            if !state.deferred.hides(place) && lifecycle.check(&entry.meta, lifecycle.now()).is_live() {
                read(entry);
            }
        }
        drop(store);
        release(state, |removed| drop(notify(removed, lifecycle)));
    }
}

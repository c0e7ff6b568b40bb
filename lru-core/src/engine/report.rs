//! What a cache reports: its counters, its bound, its size, and copies of its entries.

use core::sync::atomic::Ordering::Relaxed;
use std::vec::Vec;

use crate::engine::Engine;
use crate::engine::lifecycle::{Hooks, Lifecycle};
use crate::engine::lock::{Lock, release};
use crate::engine::notify::told;
use crate::engine::state::State;
use crate::observe::info::CacheInfo;
use crate::observe::stats::{CacheStats, Counters};
use crate::store::Removed;
use crate::store::types::CacheTypes;

impl<C: CacheTypes, L: Lock<State<C>>> Engine<C, L> {
    /// Hits, misses, bound and size, read together under the lock.
    pub(crate) fn info(&self, plan: &impl Lifecycle<C>) -> CacheInfo {
        if self.is_disabled() {
            return self.counted();
        }
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        let info = self.read_counters(&state);
        if !plan.hooks().notifies_later() {
            drop(Self::let_go(state, leavers, plan));
        }
        info
    }

    /// The same, with what has expired since anything was last asked.
    pub(crate) fn counted(&self) -> CacheInfo {
        if self.is_disabled() {
            let (misses, maxsize) = (self.uncached.load(Relaxed), self.maxsize.to_option());
            return CacheInfo { hits: self.answered_elsewhere(), misses, maxsize, ..CacheInfo::default() };
        }
        self.read_counters(&self.hold())
    }

    fn read_counters(&self, state: &State<C>) -> CacheInfo {
        let hits = self.answered_elsewhere();
        let store = state.store.borrow();
        state.counters.add_hits(store.take_hits());
        let info = state.counters.read(store.maxsize(), state.currsize());
        CacheInfo { hits: info.hits + hits, ..info }
    }

    /// Misses that were counted, of calls that it stored for and of others.
    pub(crate) fn misses(&self) -> u64 {
        self.uncached.load(Relaxed) + self.hold().counters.misses()
    }

    /// What happened beside hits and misses.
    pub(crate) fn stats(&self) -> CacheStats {
        let mut stats = self.tallies.get().map_or_else(CacheStats::default, |tallies| tallies.read());
        (stats.evictions, stats.expiries) = self.hold().counters.leavers();
        stats
    }

    /// Hits of calls that others computed for.
    fn answered_elsewhere(&self) -> u64 {
        let answered =
            |tallies: &Counters| tallies.coalesced.load(Relaxed) + tallies.backend_hits.load(Relaxed);
        self.tallies.get().map_or(0, |tallies| answered(tallies))
    }

    /// What was counted as a miss has been answered by a backend.
    #[cfg(feature = "backend")]
    pub(crate) fn was_hit(&self) {
        if self.is_disabled() {
            // At zero where it was cleared meanwhile.
            _ = self.uncached.fetch_update(Relaxed, Relaxed, |misses| misses.checked_sub(1));
        } else {
            self.hold().counters.no_miss();
        }
        crate::observe::stats::add(&self.tallies().backend_hits, 1);
    }

    /// Sets to zero what is counted beside the lock.
    pub(super) fn uncount(&self) {
        self.uncached.store(0, Relaxed);
        if let Some(tallies) = self.tallies.get() {
            tallies.reset();
        }
    }

    /// The bound as it is now.
    pub(crate) fn maxsize(&self) -> Option<usize> {
        if self.is_disabled() { Some(0) } else { self.hold().store.borrow().maxsize() }
    }

    /// How many entries there are.
    pub(crate) fn len(&self, plan: &impl Lifecycle<C>) -> usize {
        let mut leavers = Removed::none();
        let state = self.hold();
        state.expire(plan, &mut leavers);
        let len = state.deferred.remaining(state.store.borrow().len(), |_| 1);
        drop(Self::let_go(state, leavers, plan));
        len
    }

    /// Copies of all entries, from least to most recently used where an order is kept.
    pub(crate) fn snapshot(&self, plan: &impl Lifecycle<C>) -> Vec<(C::Key, C::Value)>
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        // Apart, so that each copy made before a panic is dropped without the lock.
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let state = self.hold();
        let store = state.store.borrow();
        // All places first: a `Clone` that calls the cache may change the order.
        for place in store.places() {
            let entry = store.get(place);
            if !state.deferred.hides(place) && plan.check(&entry.term, plan.now()).is_live() {
                keys.push(entry.key.clone());
                values.push(entry.value.clone());
            }
        }
        drop(store);
        release(state, |leavers| drop(told(leavers, plan)));
        keys.into_iter().zip(values).collect()
    }
}

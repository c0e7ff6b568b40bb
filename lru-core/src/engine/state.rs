//! The state under the lock: the store, its counters, its change log, and what nested calls deferred.

use core::cell::{Ref, RefCell, RefMut};

use crate::engine::deferred::{Deferred, Work};

use crate::engine::lock::Settle;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::observe::info::LockedCounters;
use crate::store::change_log::ChangeLog;
use crate::store::maxsize::Capacity;
use crate::store::policy::Policy;
use crate::store::{CacheTypes, Entry, EntryMeta, MaxSize, Place, RemovalCause, Removed, Store};
use crate::tags::node::Invalidity;

/// The state that calls read and change under the lock.
pub struct State<C: CacheTypes> {
    pub(super) counters: LockedCounters,
    pub(super) change_log: ChangeLog,
    pub(super) deferred: Deferred<Entry<C>>,
    pub(super) store: RefCell<Store<C>>,
}

impl<C: CacheTypes> Settle for State<C> {
    type Leftover = Removed<C>;

    #[inline]
    fn is_settled(&self) -> bool {
        self.deferred.is_empty()
    }

    #[cold]
    fn settle(&self) -> Option<Removed<C>> {
        let mut removed = Removed::none();
        self.write(&mut removed);
        self.count(&removed);
        Some(removed)
    }
}

impl<C: CacheTypes> State<C> {
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self {
            counters: LockedCounters::new(),
            change_log: ChangeLog::new(),
            deferred: Deferred::new(),
            store: RefCell::new(Store::new(maxsize.to_option())),
        }
    }

    /// Hides all entries with this hash. They are removed when the lock is released. Entries whose keys
    /// merely share the hash are removed as well.
    pub(super) fn hide_all_of(&self, hash: KeyHash) {
        self.for_each_of(hash, |place| self.hide(place, RemovalCause::Invalidated));
    }

    /// Calls `with` for the place of each entry with this hash that is not hidden.
    pub(super) fn for_each_of(&self, hash: KeyHash, mut with: impl FnMut(Place)) {
        for number in 0.. {
            let mut others = 0..number;
            let found = self.store.borrow().find(hash, |_| others.next().is_none()).map(|(place, _)| place);
            match found {
                Some(place) if self.deferred.hides(place) => {}
                Some(place) => with(place),
                None => break,
            }
        }
    }

    /// Counts the evicted and expired entries.
    #[inline]
    pub(super) fn count(&self, removed: &Removed<C>) {
        if !removed.is_empty() {
            self.counters
                .add_removals(removed.count(RemovalCause::Evicted), removed.count(RemovalCause::Expired));
        }
    }

    /// Returns the cause for which an entry is removed that is not served any more, and counts one that is invalid.
    pub(super) fn cause_of(&self, freshness: Freshness) -> RemovalCause {
        let Freshness::Invalid(invalidity) = freshness else { return RemovalCause::Expired };
        match invalidity {
            Invalidity::Own => self.counters.invalidated(),
            Invalidity::Dependency => self.counters.dependent_invalidated(),
        }
        RemovalCause::Invalidated
    }

    /// Returns the place of the entry that has this hash and `matches`, unless it is hidden.
    pub(super) fn find(&self, hash: KeyHash, matches: impl FnMut(&C::Key) -> bool) -> Option<Place> {
        let (place, _) = self.store.try_borrow().ok()?.find(hash, matches)?;
        (!self.deferred.hides(place)).then_some(place)
    }

    /// Borrows the store mutably, after it is revoked from the read stripes and deferred work is carried out.
    /// No user code may run until the borrow ends. Returns `None` in a call that is nested in a read.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn write(&self, removed: &mut Removed<C>) -> Option<RefMut<'_, Store<C>>> {
        let mut store = self.store.try_borrow_mut().ok()?;
        if store.is_published() {
            self.revoke(&mut store);
        }
        if !self.deferred.is_empty() {
            self.apply_deferred(&mut store, removed);
        }
        Some(store)
    }

    /// Revokes the table from the read stripes, and adds the hits that they counted.
    #[cold]
    #[inline(never)]
    pub(super) fn revoke(&self, store: &mut Store<C>) {
        self.counters.add((store.revoke(), 0));
    }

    /// Counts a miss of a key of this hash.
    #[inline]
    pub(super) fn count_miss(&self, hash: KeyHash) {
        self.counters.miss();
        self.sample_miss(hash);
    }

    /// Tells the sampler of a miss, if there is one.
    #[inline]
    pub(super) fn sample_miss(&self, hash: KeyHash) {
        if !C::Policy::SAMPLES {
            return;
        }
        if let Ok(store) = self.store.try_borrow() {
            if let Some(sampler) = store.sampler() {
                sampler.miss(hash.get());
            }
        }
    }

    /// Adds the hits and misses that were counted without the lock.
    pub(super) fn add_counts(&self) {
        if let Ok(store) = self.store.try_borrow() {
            self.counters.add(store.take_counts());
        }
    }

    /// Revokes the table if it is published, because hidden entries must not be read through a stripe.
    pub(super) fn ensure_revoked(&self) {
        if let Ok(mut store) = self.store.try_borrow_mut() {
            if store.is_published() {
                self.revoke(&mut store);
            }
        }
    }

    /// Hides an entry, which is removed later (a tombstone).
    #[cold]
    #[inline(never)]
    pub(super) fn hide(&self, place: Place, cause: RemovalCause) {
        self.ensure_revoked();
        self.deferred.remove(place, cause);
    }

    /// Hides all entries.
    pub(super) fn hide_all(&self) {
        self.ensure_revoked();
        self.deferred.clear();
    }

    /// Hides all entries and resets the counters.
    pub(super) fn clear(&self) {
        self.remove_entries();
        self.reset_counters();
    }

    /// Hides all entries. Results of computations in flight are not stored.
    pub(super) fn remove_entries(&self) {
        self.hide_all();
        self.change_log.cleared();
    }

    /// Resets the counters.
    pub(super) fn reset_counters(&self) {
        self.add_counts();
        self.counters.reset();
    }

    /// Reads the user's clock while the store is borrowed. The clock may call the cache: what nested calls
    /// change is deferred, so that the eviction listener is not called under the lock.
    #[inline]
    pub(super) fn while_borrowed<R>(&self, read: impl FnOnce() -> R) -> R {
        let _reading = C::Meta::MAY_EXPIRE.then(|| self.store.try_borrow());
        read()
    }

    /// Carries out the work that nested calls deferred.
    #[cold]
    pub(super) fn apply_deferred(&self, store: &mut Store<C>, removed: &mut Removed<C>) {
        let Work { clear, tombstones, entries, capacity } = self.deferred.take();
        removed.extend(entries);
        for (place, cause) in tombstones {
            removed.push(store.remove(place), cause);
        }
        if clear {
            removed.push_cleared(store.take());
        }
        if let Some(Capacity(capacity)) = capacity {
            store.resize(capacity, removed);
        }
    }

    /// Removes an entry. In a nested call the entry is hidden from now on and removed later.
    pub(super) fn take(
        &self,
        place: Place,
        cause: RemovalCause,
        removed: &mut Removed<C>,
    ) -> Option<Entry<C>> {
        if let Some(mut store) = self.write(removed) {
            return Some(store.remove(place));
        }
        self.hide(place, cause);
        None
    }

    /// Borrows the store for reading. Until the borrow ends, removals are deferred to a later call.
    pub(crate) fn reading(&self) -> Option<Ref<'_, Store<C>>> {
        self.store.try_borrow().ok()
    }

    pub(super) fn currsize(&self) -> usize {
        let store = self.store.borrow();
        self.deferred.remaining(store.weight(), |place| store.get(place).meta.weight())
    }
}

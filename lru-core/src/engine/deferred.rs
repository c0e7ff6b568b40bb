//! Deferred removals: changes that nested calls requested while the store was being read.
//!
//! A user's `Eq` or `Clone` runs while the store is read, and may clear the cache or invalidate a key. Both
//! take effect at once, because this list hides the entries as tombstones. The entries themselves are removed
//! when the read is over. Entries that a nested call cannot store are kept here until then.

use core::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use crate::key::KeyHash;
use crate::store::maxsize::Capacity;
use crate::store::removed::RemovedEntry;
use crate::store::{Place, RemovalCause};

/// Invariant: places stay valid, because the list is carried out before any other change to the store.
pub(crate) struct Deferred<E> {
    any: Cell<bool>,
    clear: Cell<bool>,
    tombstones: RefCell<Vec<(Place, RemovalCause)>>,
    /// The places in `tombstones`, because there may be many.
    hidden: Places,
    /// Entries that were never stored, and removed entries with a cause: to be reported and dropped after the
    /// lock is released.
    entries: RefCell<Vec<RemovedEntry<E>>>,
    /// The capacity that was requested.
    capacity: Cell<Option<Capacity>>,
}

/// A set of places. It does not depend on the types of a cache, so its code is compiled once, in this crate.
struct Places(RefCell<BTreeSet<Place>>);

impl Places {
    const fn new() -> Self {
        Self(RefCell::new(BTreeSet::new()))
    }

    fn contains(&self, place: Place) -> bool {
        self.0.borrow().contains(&place)
    }

    fn add(&self, place: Place) {
        self.0.borrow_mut().insert(place);
    }

    fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

/// A change that a call requested while another thread held the lock, on which the call could not block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DeferredChange {
    /// Removes the entries with this hash.
    Invalidate(KeyHash),
    /// Removes all entries.
    RemoveAll,
    /// Sets the capacity to the share of the engine.
    Resize,
    /// Resets the counters.
    #[cfg(feature = "registry")]
    Reset,
    /// Removes all entries and resets the counters.
    Clear,
}

/// The deferred work.
pub(crate) struct Work<E> {
    pub(crate) clear: bool,
    pub(crate) tombstones: Vec<(Place, RemovalCause)>,
    pub(crate) entries: Vec<RemovedEntry<E>>,
    pub(crate) capacity: Option<Capacity>,
}

impl<E> Deferred<E> {
    pub(crate) const fn new() -> Self {
        Self {
            any: Cell::new(false),
            clear: Cell::new(false),
            tombstones: RefCell::new(Vec::new()),
            hidden: Places::new(),
            entries: RefCell::new(Vec::new()),
            capacity: Cell::new(None),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.get()
    }

    /// Returns whether the entry at `place` is hidden, although it is still in the store.
    #[inline]
    pub(crate) fn hides(&self, place: Place) -> bool {
        self.any.get() && self.lists(place)
    }

    /// Like [`hides`](Self::hides), but calls `place` only if needed, because finding the place takes a
    /// search.
    #[inline]
    pub(crate) fn hides_at(&self, place: impl FnOnce() -> Option<Place>) -> bool {
        self.any.get() && place().is_none_or(|place| self.lists(place))
    }

    #[cold]
    fn lists(&self, place: Place) -> bool {
        self.clear.get() || self.hidden.contains(place)
    }

    /// Returns whether any entry in the store is hidden.
    pub(crate) fn hides_any(&self) -> bool {
        self.clear.get() || !self.tombstones.borrow().is_empty()
    }

    /// Returns `weight`, the weight of all entries, without that of the hidden entries.
    pub(crate) fn remaining(&self, weight: usize, weight_of: impl Fn(Place) -> usize) -> usize {
        if self.clear.get() {
            return 0;
        }
        let tombstones = self.tombstones.borrow();
        weight - tombstones.iter().map(|&(place, _)| weight_of(place)).sum::<usize>()
    }

    pub(crate) fn remove(&self, place: Place, cause: RemovalCause) {
        debug_assert!(!self.hides(place), "an entry is hidden once");
        self.tombstones.borrow_mut().push((place, cause));
        self.hidden.add(place);
        self.any.set(true);
    }

    pub(crate) fn clear(&self) {
        self.clear.set(true);
        self.any.set(true);
    }

    /// Sets the capacity when the read is over.
    pub(crate) fn resize(&self, capacity: Option<usize>) {
        self.capacity.set(Some(Capacity(capacity)));
        self.any.set(true);
    }

    /// Defers an entry, to be reported (if it has a cause) and dropped later, even if the code in between
    /// panics.
    pub(crate) fn defer_entry(&self, entry: E, cause: Option<RemovalCause>) {
        self.entries.borrow_mut().push(RemovedEntry { entry, cause });
        self.any.set(true);
    }

    /// Takes the deferred work.
    pub(crate) fn take(&self) -> Work<E> {
        self.any.set(false);
        self.hidden.clear();
        Work {
            clear: self.clear.take(),
            tombstones: self.tombstones.take(),
            entries: self.entries.take(),
            capacity: self.capacity.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::types::Types;
    use crate::store::{EntryOf, Lru, Store};

    /// Returns two places in a store.
    fn places() -> [Place; 2] {
        let mut store = Store::<Types<u8, u8, Lru, ()>>::new(None);
        for key in [1, 2] {
            let entry = EntryOf { hash: KeyHash::of(&key), key, value: 0, meta: () };
            assert!(store.insert_fast(entry).is_ok_and(|evicted| evicted.is_none()));
        }
        store.places().try_into().expect("there are two entries")
    }

    #[test]
    fn a_removed_entry_is_hidden_and_no_other() {
        let [one, other] = places();
        let deferred = Deferred::<()>::new();
        assert!(deferred.is_empty() && !deferred.hides_any() && !deferred.hides(one));
        deferred.remove(one, RemovalCause::Invalidated);
        assert!(!deferred.is_empty() && deferred.hides_any());
        assert!(deferred.hides(one) && !deferred.hides(other));
        assert!(deferred.hides_at(|| Some(one)) && !deferred.hides_at(|| Some(other)));
        assert_eq!(deferred.remaining(5, |_| 2), 3);
    }

    #[test]
    fn a_place_is_searched_for_only_where_something_is_deferred() {
        let deferred = Deferred::new();
        assert!(!deferred.hides_at(|| panic!("nothing is deferred")));
        deferred.defer_entry((), None);
        assert!(!deferred.hides_any(), "what waits to be dropped is not in the store");
        assert!(deferred.hides_at(|| None), "an entry without a place is gone");
        assert!(!deferred.hides_at(|| Some(places()[0])));
    }

    #[test]
    fn a_clear_hides_all_until_it_is_carried_out() {
        let [one, other] = places();
        let deferred = Deferred::<()>::new();
        deferred.clear();
        assert!(deferred.hides_any() && deferred.hides(one) && deferred.hides_at(|| Some(other)));
        assert_eq!(deferred.remaining(5, |_| 0), 0);
        assert!(deferred.take().clear);
        assert!(deferred.is_empty() && !deferred.hides_any() && !deferred.hides(one));
        assert!(!deferred.take().clear);
    }
}

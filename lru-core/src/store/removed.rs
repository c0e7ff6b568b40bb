//! Removed entries: reported to the eviction listener and dropped after the lock is released.

use std::boxed::Box;
use std::vec::Vec;

use crate::panics::FirstPanic;
use crate::store::entry::Entry;
use crate::store::removal_cause::RemovalCause;
use crate::store::types::CacheTypes;

/// A store that was cleared as a whole.
pub(crate) trait ClearedStore<C: CacheTypes> {
    /// Passes each entry to `report`, from the least to the most recently used where an order is kept.
    fn for_each(&self, report: impl FnMut(&C::Key, &C::Value));
}

/// The removed entries of a store, in the order of their removal.
pub(crate) struct RemovedEntries<C: CacheTypes, S> {
    entries: RemovedList<Entry<C>>,
    /// The store that was cleared, with all its entries.
    cleared: Option<Box<S>>,
}

/// Entries in the order of their removal. Usually there is one, for which nothing is allocated. The type does
/// not depend on the store, so that stores with different policies share its compiled code.
struct RemovedList<E> {
    first: Option<RemovedEntry<E>>,
    more: Vec<RemovedEntry<E>>,
    /// The number of the entry that the inserted one replaced.
    replaced: Option<usize>,
}

/// An entry with the cause of its removal: `None` if it was never stored.
pub(crate) struct RemovedEntry<E> {
    pub(crate) entry: E,
    pub(crate) cause: Option<RemovalCause>,
}

impl<E> RemovedList<E> {
    #[inline]
    fn add(&mut self, removed: RemovedEntry<E>) {
        if self.first.is_none() {
            self.first = Some(removed);
        } else {
            self.more.push(removed);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &RemovedEntry<E>> {
        self.first.iter().chain(&self.more)
    }

    fn into_iter(self) -> impl Iterator<Item = RemovedEntry<E>> {
        self.first.into_iter().chain(self.more)
    }

    #[inline(never)]
    fn extend(&mut self, removed: Vec<RemovedEntry<E>>) {
        for removed in removed {
            self.add(removed);
        }
    }

    #[inline(never)]
    fn count(&self, cause: RemovalCause) -> u64 {
        self.iter().filter(|removed| removed.cause == Some(cause)).map(|_| 1).sum()
    }
}

impl<C: CacheTypes, S: ClearedStore<C>> RemovedEntries<C, S> {
    #[inline]
    pub(crate) const fn none() -> Self {
        Self { entries: RemovedList { first: None, more: Vec::new(), replaced: None }, cleared: None }
    }

    /// Adds a removed entry that is reported.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry<C>, cause: RemovalCause) {
        self.entries.add(RemovedEntry { entry, cause: Some(cause) });
    }

    /// Makes room for `count` entries.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.entries.more.reserve(count);
    }

    /// Adds the entry that the inserted one replaced.
    pub(crate) fn push_replaced(&mut self, entry: Entry<C>) {
        self.entries.replaced = Some(usize::from(self.entries.first.is_some()) + self.entries.more.len());
        self.push(entry, RemovalCause::Replaced);
    }

    /// Adds a rejected entry, which is dropped and not reported.
    #[inline]
    pub(crate) fn push_rejected(&mut self, entry: Entry<C>) {
        self.entries.add(RemovedEntry { entry, cause: None });
    }

    /// Adds all entries of a cleared store.
    pub(crate) fn push_cleared(&mut self, store: S) {
        self.cleared = Some(Box::new(store));
    }

    /// Adds entries that were removed later.
    pub(crate) fn extend(&mut self, removed: Vec<RemovedEntry<Entry<C>>>) {
        self.entries.extend(removed);
    }

    /// Adds all that `others` has.
    pub(crate) fn append(&mut self, others: Self) {
        if let Some(first) = others.entries.first {
            self.entries.add(first);
        }
        self.extend(others.entries.more);
        // At most one of the two has a cleared store with entries: after a clear, the store is empty.
        if others.cleared.is_some() {
            self.cleared = others.cleared;
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.first.is_none() && self.cleared.is_none()
    }

    /// Returns the number of entries removed for this reason, without those of a cleared store.
    pub(crate) fn count(&self, reason: RemovalCause) -> u64 {
        self.entries.count(reason)
    }

    /// Calls `listener` for each removed entry, and then for one that was `taken` out. A panic of one call
    /// does not skip the others; the first one is returned.
    pub(crate) fn report(
        &self,
        taken: Option<(&C::Key, &C::Value, RemovalCause)>,
        listener: impl Fn(&C::Key, &C::Value, RemovalCause),
    ) -> FirstPanic {
        let mut panic = FirstPanic::none();
        let mut report = |key: &C::Key, value: &C::Value, cause| {
            panic.catch(|| listener(key, value, cause));
        };
        for RemovedEntry { entry, cause } in self.entries.iter() {
            if let Some(cause) = *cause {
                report(&entry.key, &entry.value, cause);
            }
        }
        if let Some(store) = &self.cleared {
            store.for_each(|key, value| report(key, value, RemovalCause::Cleared));
        }
        if let Some((key, value, cause)) = taken {
            report(key, value, cause);
        }
        panic
    }

    /// Passes each entry to `to`, except those of a cleared store.
    pub(crate) fn drain_into(self, mut to: impl FnMut(Entry<C>, Option<RemovalCause>)) {
        for RemovedEntry { entry, cause } in self.entries.into_iter() {
            to(entry, cause);
        }
    }

    /// Returns whether there is a cleared store.
    pub(crate) fn has_cleared_store(&self) -> bool {
        self.cleared.is_some()
    }

    /// Returns the entry that the inserted one replaced, if any, and drops the others.
    pub(crate) fn into_replaced(self) -> Option<(C::Key, C::Value)> {
        let number = self.entries.replaced?;
        let RemovedEntry { entry, .. } = self.entries.into_iter().nth(number)?;
        Some((entry.key, entry.value))
    }

    /// Returns the entries removed for this reason, and drops the others.
    pub(crate) fn into_entries_of(self, cause: RemovalCause) -> impl Iterator<Item = (C::Key, C::Value)> {
        let removed = self.entries.into_iter().filter(move |removed| removed.cause == Some(cause));
        removed.map(|removed| (removed.entry.key, removed.entry.value))
    }
}

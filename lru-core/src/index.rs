//! From hash to slot: a table of slots that knows hashes, and neither keys nor order.
//!
//! No user code runs in here, except the `matches` of [`Index::find`], and that only reads.

use hashbrown::HashTable;

use crate::arena::Slot;
use crate::key::KeyHash;

#[derive(Debug)]
pub(crate) struct Index {
    table: HashTable<Slot>,
}

impl Index {
    pub(crate) const fn new() -> Self {
        Self { table: HashTable::new() }
    }

    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, mut matches: impl FnMut(Slot) -> bool) -> Option<Slot> {
        self.table.find(hash.get(), |&slot| matches(slot)).copied()
    }

    /// Adds a slot. `hash_of` tells the hash of any slot listed, for when the table grows.
    #[inline]
    pub(crate) fn insert(&mut self, hash: KeyHash, slot: Slot, hash_of: impl Fn(Slot) -> KeyHash) {
        self.table.insert_unique(hash.get(), slot, |&slot| hash_of(slot).get());
    }

    /// Removes a slot that is listed under `hash`.
    #[inline]
    pub(crate) fn remove(&mut self, hash: KeyHash, slot: Slot) {
        let listed = self.table.find_entry(hash.get(), |&listed| listed == slot);
        debug_assert!(listed.is_ok(), "every occupied slot is listed");
        if let Ok(entry) = listed {
            entry.remove();
        }
    }

    /// Takes the memory for `len` entries that come and go.
    ///
    /// A removed entry can leave a mark that takes up room until the table is rebuilt. With half
    /// as much room again as there are entries, [`Index::sweep`] is rare enough to cost each
    /// replacement less than two insertions, and no replacement allocates.
    pub(crate) fn reserve_for_churn(&mut self, len: usize, hash_of: impl Fn(Slot) -> KeyHash) {
        let wanted = len.saturating_add(len / 2).saturating_add(1);
        self.table.reserve(wanted.saturating_sub(self.table.len()), |&slot| hash_of(slot).get());
    }

    /// Whether the next insertion may have to rebuild the table.
    #[inline]
    pub(crate) fn is_worn(&self) -> bool {
        self.table.capacity() == self.table.len()
    }

    /// Rebuilds the table where it lies, free of marks.
    #[cold]
    pub(crate) fn sweep(&mut self, slots: impl Iterator<Item = Slot>, hash_of: impl Fn(Slot) -> KeyHash) {
        self.table.clear();
        for slot in slots {
            self.insert(hash_of(slot), slot, &hash_of);
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.table.num_buckets()
    }
}

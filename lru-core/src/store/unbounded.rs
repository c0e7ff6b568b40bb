//! Keeps everything, in no order: a hash table of entries and nothing beside it.

use hashbrown::HashTable;

use super::Place;
use crate::entry::Entry;
use crate::key::KeyHash;

/// For about how many bytes of entries there is room at first.
const FIRST: usize = 512;

/// Up to how many bytes of entries a table is small.
const SMALL: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Unbounded<K, V, T> {
    table: HashTable<Entry<K, V, T>>,
}

/// Entry by entry: should a destructor panic, the others run all the same, which the table's own
/// does not see to.
impl<K, V, T> Drop for Unbounded<K, V, T> {
    fn drop(&mut self) {
        core::mem::take(&mut self.table).into_iter().for_each(drop);
    }
}

impl<K, V, T> Unbounded<K, V, T> {
    pub(super) const fn new() -> Self {
        Self { table: HashTable::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn find(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&K) -> bool,
    ) -> Option<(Place, &Entry<K, V, T>)> {
        let place = self.table.find_bucket_index(hash.get(), |entry| matches(&entry.key))?;
        Some((Place(place), self.table.get_bucket(place)?))
    }

    /// The same, where the place is hardly ever asked for.
    #[inline]
    pub(super) fn find_entry(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&K) -> bool,
    ) -> Option<&Entry<K, V, T>> {
        self.table.find(hash.get(), |entry| matches(&entry.key))
    }

    /// Where an entry lies that is in here.
    #[cold]
    pub(super) fn place_of(&self, entry: &Entry<K, V, T>) -> Option<Place> {
        self.table.find_bucket_index(entry.hash.get(), |stored| core::ptr::eq(stored, entry)).map(Place)
    }

    pub(super) fn get(&self, place: Place) -> &Entry<K, V, T> {
        self.table.get_bucket(place.0).expect("the place is occupied")
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.table.num_buckets()).filter(|&place| self.table.get_bucket(place).is_some()).map(Place)
    }

    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<K, V, T>) {
        if self.table.len() == self.table.capacity() {
            self.grow();
        }
        self.table.insert_unique(entry.hash.get(), entry, |entry| entry.hash.get());
    }

    /// Takes memory for more entries: four times as many while the table is small, which spares a
    /// recursion that starts from nothing most of the rebuilding, and twice as many later.
    #[cold]
    fn grow(&mut self) {
        let (len, size) = (self.table.len(), size_of::<Entry<K, V, T>>());
        let more = if len * size < SMALL { (3 * len).max(FIRST / size) } else { len };
        self.table.reserve(more.max(1), |entry| entry.hash.get());
    }

    /// Puts another value under a key that is there, and returns the new key with the old value.
    pub(super) fn replace(&mut self, place: Place, mut entry: Entry<K, V, T>) -> Entry<K, V, T> {
        let stored = self.table.get_bucket_mut(place.0).expect("the place is occupied");
        core::mem::swap(&mut stored.value, &mut entry.value);
        entry
    }

    pub(super) fn remove(&mut self, place: Place) -> Entry<K, V, T> {
        match self.table.get_bucket_entry(place.0) {
            Ok(entry) => entry.remove().0,
            Err(_) => unreachable!("the place is occupied"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_grows_fourfold_and_a_large_one_doubles() {
        let mut store = Unbounded::new();
        let mut capacities = Vec::new();
        for n in 0..5000_u64 {
            store.insert(Entry { hash: KeyHash::of(&n), key: n, value: n, term: () });
            capacities.push(store.table.capacity());
        }
        capacities.dedup();
        let size = size_of::<Entry<u64, u64>>();
        assert!(capacities[0] * size <= 2 * FIRST);
        for step in capacities.windows(2) {
            let times = if step[0] * size < SMALL { 4 } else { 2 };
            assert_eq!(step[1], times * step[0]);
        }
    }

    #[test]
    fn large_entries_take_no_memory_before_they_come() {
        let mut store = Unbounded::new();
        store.insert(Entry { hash: KeyHash::of(&1), key: 1, value: [0_u8; 1000], term: () });
        assert!(store.table.capacity() < 4);
    }
}

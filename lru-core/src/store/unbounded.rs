//! Keeps everything, in no order: a hash table of entries and nothing beside it.

use hashbrown::HashTable;

use super::Place;
use crate::entry::Entry;
use crate::key::KeyHash;

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

    pub(super) fn get(&self, place: Place) -> &Entry<K, V, T> {
        self.table.get_bucket(place.0).expect("the place is occupied")
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.table.num_buckets()).filter(|&place| self.table.get_bucket(place).is_some()).map(Place)
    }

    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<K, V, T>) {
        self.table.insert_unique(entry.hash.get(), entry, |entry| entry.hash.get());
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

//! Keeps everything, in no order: a hash table of entries and nothing beside it.

use hashbrown::HashTable;

use super::Place;
use crate::entry::Entry;
use crate::key::KeyHash;

#[derive(Debug)]
pub(crate) struct Unbounded<K, V> {
    table: HashTable<Entry<K, V>>,
}

/// Entry by entry: should a destructor panic, the others run all the same, which the table's own
/// does not see to.
impl<K, V> Drop for Unbounded<K, V> {
    fn drop(&mut self) {
        core::mem::take(&mut self.table).into_iter().for_each(drop);
    }
}

impl<K, V> Unbounded<K, V> {
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
    ) -> Option<(Place, &Entry<K, V>)> {
        let place = self.table.find_bucket_index(hash.get(), |entry| matches(&entry.key))?;
        Some((Place(place), self.table.get_bucket(place)?))
    }

    pub(super) fn get(&self, place: Place) -> &Entry<K, V> {
        self.table.get_bucket(place.0).expect("the place is occupied")
    }

    pub(super) fn get_mut(&mut self, place: Place) -> &mut Entry<K, V> {
        self.table.get_bucket_mut(place.0).expect("the place is occupied")
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.table.num_buckets()).filter(|&place| self.table.get_bucket(place).is_some()).map(Place)
    }

    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<K, V>) {
        self.table.insert_unique(entry.hash.get(), entry, |entry| entry.hash.get());
    }

    pub(super) fn remove(&mut self, place: Place) -> Entry<K, V> {
        match self.table.get_bucket_entry(place.0) {
            Ok(entry) => entry.remove().0,
            Err(_) => unreachable!("the place is occupied"),
        }
    }
}

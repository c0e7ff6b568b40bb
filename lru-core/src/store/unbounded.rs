//! The unbounded store: a hash table of entries, without an order.
//!
//! The table may be published to read stripes. It is changed only after it has been revoked.
//!
//! Invariant: before a value is replaced or removed, the [`Front`] is emptied.

use core::cell::Cell;
use core::mem;
use std::sync::Arc;

use hashbrown::{HashTable, hash_table};

use crate::key::KeyHash;
use crate::store::entry::EntryOf;
use crate::store::entry_meta::{EntryMeta, Queue};
use crate::store::lock_free::front::Front;
use crate::store::place::Place;
use crate::store::read_stripes::{MaybePublished, ReadStripes};

/// The approximate size in bytes of the entries that the first allocation has room for.
const FIRST: usize = 512;

/// The number of buckets that are looked at for an entry.
const BUCKETS_LOOKED_AT: usize = 4;

/// The maximum size in bytes of the entries of a small table.
const SMALL: usize = 16 * 1024;

pub(crate) struct Unbounded<K, V, M: EntryMeta> {
    entries: Entries<K, V, M>,
    /// Copies of entries for readers without the lock.
    front: Option<Arc<Front>>,
    /// Which entries are looked at next, where they may have been invalidated.
    queue: M::Queue,
}

enum Entries<K, V, M: EntryMeta> {
    Own(Table<K, V, M>),
    Published(M::Published<Table<K, V, M>>),
}

/// A hash table of entries.
pub struct Table<K, V, M>(HashTable<EntryOf<K, V, M>>);

/// Drops the entries one by one, so that a panic in one destructor does not skip the others, as it would in
/// the drop of `HashTable`.
impl<K, V, M> Drop for Table<K, V, M> {
    fn drop(&mut self) {
        mem::take(&mut self.0).into_iter().for_each(drop);
    }
}

impl<K, V, M> Table<K, V, M> {
    const fn new() -> Self {
        Self(HashTable::new())
    }

    #[inline]
    fn find(&self, hash: KeyHash, mut matches: impl FnMut(&K) -> bool) -> Option<(Place, &EntryOf<K, V, M>)> {
        let place =
            self.0.find_bucket_index(hash.get(), |entry| entry.hash == hash && matches(&entry.key))?;
        Some((Place(place), self.0.get_bucket(place)?))
    }

    /// Like [`find`](Self::find), but without the place, which is seldom needed.
    #[inline]
    fn find_entry(&self, hash: KeyHash, mut matches: impl FnMut(&K) -> bool) -> Option<&EntryOf<K, V, M>> {
        self.0.find(hash.get(), |entry| matches(&entry.key))
    }

    /// Reads the value of the key that has this hash and `matches`, if its entry `is_served`.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
        is_served: impl FnOnce(&M) -> bool,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let entry = self.find_entry(hash, matches)?;
        is_served(&entry.meta).then(|| read(&entry.value))
    }

    /// Returns whether the table takes little memory, and its entries have no destructor.
    fn is_small_and_plain(&self) -> bool {
        !mem::needs_drop::<EntryOf<K, V, M>>() && self.0.allocation_size() <= SMALL
    }

    #[inline]
    fn insert(&mut self, entry: EntryOf<K, V, M>) {
        if self.0.len() == self.0.capacity() {
            self.grow();
        }
        self.0.insert_unique(entry.hash.get(), entry, |entry| entry.hash.get());
    }

    /// Inserts an entry, unless its key is stored. The search ends at the place for it.
    ///
    /// # Errors
    ///
    /// Returns `entry` if its key is stored.
    #[inline]
    fn insert_if_missing(
        &mut self,
        entry: EntryOf<K, V, M>,
        same: impl Fn(&K, &K) -> bool,
    ) -> Result<(), EntryOf<K, V, M>> {
        if self.0.len() == self.0.capacity() {
            self.grow();
        }
        let is_same = |stored: &EntryOf<K, V, M>| same(&stored.key, &entry.key);
        match self.0.entry(entry.hash.get(), is_same, |entry| entry.hash.get()) {
            hash_table::Entry::Occupied(_) => Err(entry),
            hash_table::Entry::Vacant(place) => {
                place.insert(entry);
                Ok(())
            }
        }
    }

    /// Allocates memory for more entries: four times as many while the table is small, which saves a
    /// recursion that starts from nothing most of the rebuilding, and twice as many later.
    #[cold]
    fn grow(&mut self) {
        let (len, size) = (self.0.len(), size_of::<EntryOf<K, V, M>>());
        let more = if len * size < SMALL { (3 * len).max(FIRST / size) } else { len };
        self.0.reserve(more.max(1), |entry| entry.hash.get());
    }
}

impl<K, V, M: EntryMeta> Unbounded<K, V, M> {
    pub(super) const fn new() -> Self {
        Self { entries: Entries::Own(Table::new()), front: None, queue: Queue::EMPTY }
    }

    /// Adds entries to `front` from now on.
    pub(super) fn set_front(&mut self, front: Arc<Front>) {
        self.front = Some(front);
    }

    /// Empties the front, before a value is replaced or removed.
    #[inline]
    fn empty_front(&self) {
        if let Some(front) = &self.front {
            front.clear();
        }
    }

    /// Replaces the entries by none, and returns the old ones to be dropped. A small table of plain data
    /// keeps its memory, because a cache that is cleared often is filled again.
    pub(super) fn take(&mut self) -> Self {
        self.empty_front();
        match &mut self.entries {
            Entries::Own(table) if table.is_small_and_plain() => {
                table.0.clear();
                Self::new()
            }
            Entries::Own(_) | Entries::Published(_) => {
                let empty = Self { front: self.front.take(), ..Self::new() };
                mem::replace(self, empty)
            }
        }
    }

    /// Returns the table for reading.
    #[inline]
    fn table(&self) -> &Table<K, V, M> {
        match &self.entries {
            Entries::Own(table) => table,
            Entries::Published(published) => published.table(),
        }
    }

    /// Returns the table for changing.
    #[inline]
    fn table_mut(&mut self) -> &mut Table<K, V, M> {
        match &mut self.entries {
            Entries::Own(table) => table,
            Entries::Published(_) => unreachable!("the table was revoked"),
        }
    }

    #[inline]
    pub(super) fn is_published(&self) -> bool {
        matches!(self.entries, Entries::Published(_))
    }

    /// Collects the hits that were counted without the lock.
    pub(super) fn take_hits(&self) -> u64 {
        let of_stripes = match &self.entries {
            Entries::Own(_) => 0,
            Entries::Published(published) => published.take_hits(),
        };
        of_stripes + self.front.as_ref().map_or(0, |front| front.take_hits())
    }

    /// Revokes the table from the read stripes, and returns the hits that they have counted.
    pub(super) fn revoke(&mut self) -> u64 {
        let (table, hits) = match mem::replace(&mut self.entries, Entries::Own(Table::new())) {
            Entries::Own(table) => (table, 0),
            Entries::Published(published) => published.revoke(),
        };
        self.entries = Entries::Own(table);
        hits
    }

    pub(super) fn len(&self) -> usize {
        self.table().0.len()
    }

    #[inline]
    pub(super) fn find(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
    ) -> Option<(Place, &EntryOf<K, V, M>)> {
        self.table().find(hash, matches)
    }

    /// Like [`find`](Self::find), but without the place, which is seldom needed.
    #[inline]
    pub(super) fn find_entry(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&K) -> bool,
    ) -> Option<&EntryOf<K, V, M>> {
        self.table().find_entry(hash, matches)
    }

    /// Returns the place of an entry of this store.
    #[cold]
    pub(super) fn place_of(&self, entry: &EntryOf<K, V, M>) -> Option<Place> {
        self.table().0.find_bucket_index(entry.hash.get(), |stored| core::ptr::eq(stored, entry)).map(Place)
    }

    pub(super) fn get(&self, place: Place) -> &EntryOf<K, V, M> {
        self.table().0.get_bucket(place.0).expect("the place is occupied")
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let table = &self.table().0;
        (0..table.num_buckets()).filter(|&place| table.get_bucket(place).is_some()).map(Place)
    }

    #[inline]
    pub(super) fn insert(&mut self, mut entry: EntryOf<K, V, M>) {
        self.added(&mut entry.meta);
        self.table_mut().insert(entry);
    }

    /// Notes that an entry with this metadata is about to be added.
    #[inline]
    fn added(&mut self, meta: &mut M) {
        if M::MAY_END {
            let table = self.table();
            if table.0.len() == table.0.capacity() {
                // The table is about to grow.
                self.queue.moved();
            }
            self.queue.add(0, meta);
        }
    }

    /// Like [`insert`](Self::insert), but does not require that the table is revoked.
    ///
    /// # Errors
    ///
    /// Returns `entry` if the table is published to read stripes, or the entry may end.
    #[inline]
    pub(super) fn insert_fast(&mut self, entry: EntryOf<K, V, M>) -> Result<(), EntryOf<K, V, M>> {
        match &mut self.entries {
            Entries::Own(table) if !M::MAY_END => {
                table.insert(entry);
                Ok(())
            }
            Entries::Own(_) | Entries::Published(_) => Err(entry),
        }
    }

    /// Like [`insert_fast`](Self::insert_fast), if no stored key is the `same`.
    ///
    /// # Errors
    ///
    /// Returns `entry` if the table is published to read stripes, its key is stored, or the entry may end.
    #[inline]
    pub(super) fn insert_if_missing(
        &mut self,
        entry: EntryOf<K, V, M>,
        same: impl Fn(&K, &K) -> bool,
    ) -> Result<(), EntryOf<K, V, M>> {
        match &mut self.entries {
            Entries::Own(table) if !M::MAY_END => table.insert_if_missing(entry, same),
            Entries::Own(_) | Entries::Published(_) => Err(entry),
        }
    }

    /// Replaces the value of a stored key, and returns the new key with the old value.
    pub(super) fn replace(&mut self, place: Place, mut entry: EntryOf<K, V, M>) -> EntryOf<K, V, M> {
        self.empty_front();
        self.queue.add(place.0, &mut entry.meta);
        let stored = self.table_mut().0.get_bucket_mut(place.0).expect("the place is occupied");
        mem::swap(&mut stored.value, &mut entry.value);
        mem::swap(&mut stored.meta, &mut entry.meta);
        entry
    }

    pub(super) fn remove(&mut self, place: Place) -> EntryOf<K, V, M> {
        self.empty_front();
        match self.table_mut().0.get_bucket_entry(place.0) {
            Ok(entry) => entry.remove().0,
            Err(_) => unreachable!("the place is occupied"),
        }
    }

    /// Looks at one more entry, and removes it if it is not served any more. The table is revoked.
    pub(super) fn look(&mut self) -> Option<EntryOf<K, V, M>> {
        let Self { entries: Entries::Own(table), queue, .. } = self else { return None };
        let mut gone = None;
        for _ in 0..BUCKETS_LOOKED_AT {
            let is_occupied = Cell::new(false);
            let meta = |bucket| {
                let entry = table.0.get_bucket(bucket)?;
                is_occupied.set(true);
                Some(&entry.meta)
            };
            gone = queue.look(table.0.num_buckets(), meta);
            if is_occupied.get() {
                break;
            }
        }
        Some(self.remove(Place(gone?)))
    }

    /// Publishes the table to the current thread in `stripes`, if it can be read without the lock.
    pub(super) fn publish(&mut self, stripes: &ReadStripes<Table<K, V, M>>) {
        if let Entries::Own(table) = &mut self.entries {
            self.entries = match M::Published::new(mem::replace(table, Table::new()), stripes) {
                Ok(published) => Entries::Published(published),
                Err(table) => Entries::Own(table),
            };
        }
        if let Entries::Published(published) = &mut self.entries {
            published.publish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Plain<K, V> = Unbounded<K, V, ()>;

    #[test]
    fn a_small_table_grows_fourfold_and_a_large_one_doubles() {
        let mut store = Plain::new();
        let mut capacities = Vec::new();
        for n in 0..5000_u64 {
            store.insert(EntryOf { hash: KeyHash::of(&n), key: n, value: n, meta: () });
            capacities.push(store.table().0.capacity());
        }
        capacities.dedup();
        let size = size_of::<EntryOf<u64, u64, ()>>();
        assert!(capacities[0] * size <= 2 * FIRST);
        for step in capacities.windows(2) {
            let times = if step[0] * size < SMALL { 4 } else { 2 };
            assert_eq!(step[1], times * step[0]);
        }
    }

    #[test]
    fn a_small_table_of_plain_data_keeps_its_memory_and_no_other_does() {
        fn kept<V>(count: u64, value: impl Fn(u64) -> V) -> bool {
            let mut store = Plain::new();
            for n in 0..count {
                store.insert(EntryOf { hash: KeyHash::of(&n), key: n, value: value(n), meta: () });
            }
            let taken = store.take();
            assert_eq!(store.len(), 0);
            assert!(store.find(KeyHash::of(&1_u64), |_| true).is_none());
            drop(taken);
            store.table().0.capacity() > 0
        }
        assert!(kept(100, |n| n));
        assert!(!kept(10_000, |n| n));
        assert!(!kept(100, |n| n.to_string()));
    }

    #[test]
    fn large_entries_take_no_memory_before_they_come() {
        let mut store = Plain::new();
        store.insert(EntryOf { hash: KeyHash::of(&1), key: 1, value: [0_u8; 1000], meta: () });
        assert!(store.table().0.capacity() < 4);
    }
}

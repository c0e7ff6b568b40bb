//! Keeps at most `maxsize` entries: an arena threaded as a ring, an index into it, and a policy.
//!
//! Invariant: there are never more than `maxsize` entries. A full store reuses the victim's slot, so
//! a replacement allocates nothing.

use super::Place;
use crate::arena::{Arena, Slot};
use crate::entry::Entry;
use crate::index::Index;
use crate::key::KeyHash;
use crate::policy::Lru;

/// Invariant: the index lists the occupied slots of the arena, each once, under its entry's hash.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    maxsize: usize,
    arena: Arena<Entry<K, V>>,
    index: Index,
}

impl<K, V> Bounded<K, V> {
    pub(super) const fn new(maxsize: usize) -> Self {
        Self { maxsize, arena: Arena::new(), index: Index::new() }
    }

    pub(super) fn maxsize(&self) -> usize {
        self.maxsize
    }

    pub(super) fn len(&self) -> usize {
        self.arena.len()
    }

    #[inline]
    pub(super) fn find(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&K) -> bool,
    ) -> Option<(Place, &Entry<K, V>)> {
        let key_matches = |slot| self.arena.get(slot).is_some_and(|entry| matches(&entry.key));
        let slot = self.index.find(hash, key_matches)?;
        Some((Place::from(slot), self.arena.get(slot)?))
    }

    pub(super) fn get(&self, place: Place) -> &Entry<K, V> {
        self.arena.get(place.slot()).expect("the place is occupied")
    }

    pub(super) fn get_mut(&mut self, place: Place) -> &mut Entry<K, V> {
        self.arena.get_mut(place.slot())
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.arena.iter().map(Place::from)
    }

    #[inline]
    pub(super) fn touch(&self, place: Place) {
        Lru::used(&self.arena, place.slot());
    }

    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<K, V>) -> Option<Entry<K, V>> {
        // Slot numbers end before any memory that could hold so many entries does.
        if self.arena.len() < self.maxsize.min(Arena::<Entry<K, V>>::MOST) {
            self.add(entry);
            return None;
        }
        let victim = Lru::victim(&self.arena)?;
        Some(self.evict(victim, entry))
    }

    fn add(&mut self, entry: Entry<K, V>) {
        let hash = entry.hash;
        let slot = self.arena.insert(entry, self.maxsize);
        self.index.insert(hash, slot, |slot| hash_in(&self.arena, slot));
        if self.arena.len() == self.maxsize {
            self.index.reserve_for_churn(self.maxsize, |slot| hash_in(&self.arena, slot));
        }
    }

    fn evict(&mut self, victim: Slot, entry: Entry<K, V>) -> Entry<K, V> {
        if self.index.is_worn() {
            self.index.sweep(self.arena.iter(), |slot| hash_in(&self.arena, slot));
        }
        let hash = entry.hash;
        self.index.remove(hash_in(&self.arena, victim), victim);
        let evicted = self.arena.replace(victim, entry);
        self.index.insert(hash, victim, |slot| hash_in(&self.arena, slot));
        Lru::used(&self.arena, victim);
        evicted
    }

    pub(super) fn remove(&mut self, place: Place) -> Entry<K, V> {
        let slot = place.slot();
        self.index.remove(hash_in(&self.arena, slot), slot);
        self.arena.remove(slot)
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn validate(&self) {
        self.arena.validate();
        assert!(self.arena.len() <= self.maxsize);
        assert_eq!(self.index.len(), self.arena.len());
        for slot in self.arena.iter() {
            let hash = hash_in(&self.arena, slot);
            assert_eq!(self.index.find(hash, |listed| listed == slot), Some(slot));
        }
    }
}

/// The hash under which an occupied slot is listed.
fn hash_in<K, V>(arena: &Arena<Entry<K, V>>, slot: Slot) -> KeyHash {
    arena.get(slot).expect("the slot is occupied").hash
}

impl From<Slot> for Place {
    #[inline]
    fn from(slot: Slot) -> Self {
        Self(slot.index())
    }
}

impl Place {
    #[inline]
    fn slot(self) -> Slot {
        Slot::from_index(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_never_rebuilds_into_more_memory() {
        for maxsize in [1, 2, 3, 7, 56, 100, 112, 128, 1000] {
            let mut store = Bounded::new(maxsize);
            let entry = |n: u64| Entry { hash: KeyHash::of(&n), key: n, value: () };
            let mut next = (0..).map(entry);
            for _ in 0..maxsize {
                assert!(store.insert(next.next().unwrap()).is_none());
            }
            let capacity = store.index.capacity();
            for old in 0..20 * maxsize as u64 {
                let evicted = store.insert(next.next().unwrap()).expect("a full store evicts");
                assert_eq!(evicted.key, old, "the least recently used one leaves");
            }
            store.validate();
            assert_eq!(store.index.capacity(), capacity, "maxsize {maxsize}");
        }
    }

    #[test]
    fn removed_entries_make_room() {
        let mut store = Bounded::new(2);
        let hash = KeyHash::of(&1);
        assert!(store.insert(Entry { hash, key: 1, value: 'a' }).is_none());
        let (place, _) = store.find(hash, |key| *key == 1).unwrap();
        assert_eq!(store.remove(place).value, 'a');
        assert!(store.find(hash, |key| *key == 1).is_none());
        store.validate();
    }
}

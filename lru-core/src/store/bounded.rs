//! The bounded store: an arena linked as a ring, an index into it, and an eviction policy.
//!
//! Invariant: the weight of all entries is at most `maxsize`; without weights each entry weighs one. A full
//! store inserts an entry by turning the ring, or in the slot of the victim: nothing is allocated, and
//! nothing degrades.

pub(super) mod memory;
mod publish;

use crate::key::KeyHash;
use crate::store::candidates::{Candidates, KeyList};
use crate::store::entry::{Entry, EntryOf};
use crate::store::entry_meta::{EntryMeta, Queue};
use crate::store::index::Index;
use crate::store::linked_arena::{Arena, Rotated, Slot};
use crate::store::lock_free::words::Words;
use crate::store::place::{FastInsert, Place};
use crate::store::policy::Policy;
use crate::store::removal_cause::RemovalCause;
use crate::store::removed::{ClearedStore, RemovedEntries};
use crate::store::types::{CacheTypes, UnlockedOf};

/// Invariant: the index has each occupied slot of the arena once, with the hash of its entry.
pub(crate) struct Bounded<C: CacheTypes> {
    /// The capacity; `None` if only the weights of entries are limited, by what a `usize` can count.
    maxsize: Option<usize>,
    /// The weight of all entries; unused if each weighs one.
    weight: usize,
    arena: Arena<Entry<C>>,
    index: Index,
    pub(super) policy: C::Policy,
    queue: <C::Meta as EntryMeta>::Queue,
}

impl<C: CacheTypes> Bounded<C> {
    pub(super) const fn new(maxsize: Option<usize>, policy: C::Policy) -> Self {
        Self { maxsize, weight: 0, arena: Arena::new(), index: Index::new(), policy, queue: Queue::EMPTY }
    }

    /// Creates an empty store of the same settings.
    pub(super) fn new_like(&mut self) -> Self {
        // The old store is read once more if there is an eviction listener.
        self.policy.settle(&self.arena);
        Self::new(self.maxsize, self.policy.emptied())
    }

    pub(super) fn maxsize(&self) -> Option<usize> {
        self.maxsize
    }

    #[inline]
    fn limit(&self) -> usize {
        self.maxsize.unwrap_or(usize::MAX)
    }

    pub(super) fn len(&self) -> usize {
        self.arena.len()
    }

    /// Returns the weight of all entries.
    pub(super) fn weight(&self) -> usize {
        if C::Meta::HAS_WEIGHT { self.weight } else { self.arena.len() }
    }

    /// Returns whether an entry with this metadata can be stored at all.
    #[inline]
    pub(super) fn has_room_for(&self, meta: &C::Meta) -> bool {
        C::Meta::IS_BARE || (self.limit() > 0 && meta.weight() <= self.limit())
    }

    #[inline]
    pub(super) fn find(
        &self,
        hash: KeyHash,
        mut matches: impl FnMut(&C::Key) -> bool,
    ) -> Option<(Place, &Entry<C>)> {
        let key_matches =
            |slot| self.arena.get(slot).is_some_and(|entry| entry.hash == hash && matches(&entry.key));
        let slot = self.index.find(hash, key_matches)?;
        Some((Place::from(slot), self.arena.get(slot)?))
    }

    pub(super) fn get(&self, place: Place) -> &Entry<C> {
        self.arena.get(place.slot()).expect("the place is occupied")
    }

    /// Returns the hits and misses that were counted without the lock since the last time.
    pub(super) fn take_counts(&self) -> (u64, u64) {
        self.policy.take_counts()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.policy.settle(&self.arena);
        self.arena.iter().map(Place::from)
    }

    #[inline]
    pub(super) fn touch(&self, place: Place) {
        self.policy.used(&self.arena, place.slot());
    }

    /// Records a hit on an entry with this metadata.
    #[inline]
    pub(super) fn hit(&self, place: Place, hash: KeyHash, meta: &C::Meta) {
        self.touch(place);
        if UnlockedOf::<C>::WORDS > 0 {
            self.policy.publish_meta(place.slot(), || meta.unlocked());
        }
        super::sampling::hit(self.policy.sampler(), hash, meta);
    }

    /// Inserts an entry whose key is not stored, and for which there is room.
    #[inline]
    pub(super) fn insert<S: ClearedStore<C>>(&mut self, entry: Entry<C>, removed: &mut RemovedEntries<C, S>) {
        if C::Meta::HAS_WEIGHT {
            self.make_room(&entry, None, removed);
            self.add(entry);
            return;
        }
        match self.insert_fast(entry) {
            Ok(Some(evicted)) => removed.push(evicted, RemovalCause::Evicted),
            Ok(None) => {}
            Err(entry) => removed.push_rejected(entry),
        }
    }

    /// Returns whether there is no room for another entry, where each weighs one.
    #[inline]
    fn is_full(&self) -> bool {
        // The slot numbers are exhausted before any memory that could hold as many entries.
        self.arena.len() >= self.limit().min(Arena::<Entry<C>>::MAX_LEN)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn insert_fast(&mut self, entry: Entry<C>) -> FastInsert<C> {
        if C::Meta::HAS_WEIGHT {
            return Err(entry);
        }
        if !self.is_full() {
            self.add(entry);
            return Ok(None);
        }
        let hash = entry.hash;
        let Some(victim) = self.policy.victim(&self.arena, hash) else { return Err(entry) };
        if self.arena.first() == Some(victim) {
            let Rotated { taken, vacated, evicted } = self.arena.rotate(entry)?;
            self.index.remove(vacated);
            self.policy.removed(vacated);
            self.index.insert(hash, taken);
            self.policy.admitted(&self.arena, taken, hash);
            self.schedule_expiry(taken);
            Ok(Some(evicted))
        } else {
            self.index.remove(victim);
            self.policy.removed(victim);
            let evicted = self.arena.replace(victim, entry);
            self.index.insert(hash, victim);
            self.arena.touch(victim);
            self.policy.admitted(&self.arena, victim, hash);
            self.schedule_expiry(victim);
            Ok(Some(evicted))
        }
    }

    /// Evicts until there is room for `entry`, which replaces the entry in the slot `replaced`. Returns
    /// whether that entry is still stored.
    fn make_room<S: ClearedStore<C>>(
        &mut self,
        entry: &Entry<C>,
        mut replaced: Option<Slot>,
        removed: &mut RemovedEntries<C, S>,
    ) -> bool {
        loop {
            let old = replaced.and_then(|slot| self.arena.get(slot)).map_or(0, |old| old.meta.weight());
            let fits =
                (self.weight - old).checked_add(entry.meta.weight()).is_some_and(|sum| sum <= self.limit());
            if fits && (replaced.is_some() || self.arena.len() < Arena::<Entry<C>>::MAX_LEN) {
                return replaced.is_some();
            }
            let Some(victim) = self.policy.victim(&self.arena, entry.hash) else { return false };
            if replaced == Some(victim) {
                replaced = None;
            }
            removed.push(self.remove(Place::from(victim)), RemovalCause::Evicted);
        }
    }

    /// Adds an entry to a store that has room.
    #[inline(never)]
    fn add(&mut self, entry: Entry<C>) {
        let (hash, weight) = (entry.hash, entry.meta.weight());
        self.policy.announce_maxsize(self.limit());
        let slot = self.arena.insert(entry, self.most_entries());
        if self.index.has_room(slot) {
            self.index.insert(hash, slot);
        } else {
            // The index has memory for as many slots as the arena, and grows with it.
            let slots = self.arena.iter().map(|slot| (slot, hash_in(&self.arena, slot)));
            self.index.rebuild(self.arena.capacity(), slots);
        }
        if C::Meta::HAS_WEIGHT {
            self.weight += weight;
        }
        if C::Policy::IS_WEIGHED {
            self.policy.announce_weight(weight);
        }
        self.policy.admitted(&self.arena, slot, hash);
        // Last, because times of a user's type are compared.
        self.schedule_expiry(slot);
    }

    /// Records the deadline of the entry in a slot, where entries have deadlines.
    #[inline]
    fn schedule_expiry(&mut self, slot: Slot) {
        if C::Meta::IS_BARE {
            return;
        }
        self.queue.add(slot.index(), &mut self.arena.get_mut(slot).meta);
        let meta = |slot| self.arena.get(Slot::from_index(slot)).map(|entry| &entry.meta);
        self.queue.compact(self.arena.len(), meta);
    }

    /// Replaces the value of a stored key. The old key stays; the new key is removed with the old value. If
    /// the old entry was evicted to make room, the new one is inserted like any other.
    pub(super) fn replace<S: ClearedStore<C>>(
        &mut self,
        place: Place,
        mut entry: Entry<C>,
        removed: &mut RemovedEntries<C, S>,
    ) {
        let slot = place.slot();
        if C::Meta::HAS_WEIGHT && !self.make_room(&entry, Some(slot), removed) {
            return self.add(entry);
        }
        let stored = self.arena.get_mut(slot);
        core::mem::swap(&mut stored.value, &mut entry.value);
        core::mem::swap(&mut stored.meta, &mut entry.meta);
        if C::Meta::HAS_WEIGHT {
            self.weight = self.weight - entry.meta.weight() + stored.meta.weight();
        }
        if C::Policy::IS_WEIGHED {
            self.policy.announce_weight(stored.meta.weight());
        }
        self.policy.replaced(&self.arena, slot);
        removed.push_replaced(entry);
        self.schedule_expiry(slot);
    }

    pub(super) fn remove(&mut self, place: Place) -> Entry<C> {
        let slot = place.slot();
        self.index.remove(slot);
        let entry = self.arena.remove(slot);
        self.policy.removed(slot);
        if C::Meta::HAS_WEIGHT {
            self.weight -= entry.meta.weight();
        }
        entry
    }

    /// Removes entries that have expired by `now`, the first ones first, while there are `steps` left: one for each
    /// entry.
    pub(super) fn expire<S: ClearedStore<C>>(
        &mut self,
        now: u64,
        steps: &mut usize,
        removed: &mut RemovedEntries<C, S>,
    ) {
        loop {
            let meta = |slot| self.arena.get(Slot::from_index(slot)).map(|entry| &entry.meta);
            let Some(slot) = self.queue.next(now, steps, meta) else { return };
            let expired = self.remove(Place::from(Slot::from_index(slot)));
            removed.push(super::sampling::gone(self.policy.sampler(), expired), RemovalCause::Expired);
        }
    }

    /// Looks at one more entry, and removes it if it is not served any more.
    pub(super) fn look(&mut self) -> Option<Entry<C>> {
        let meta = |slot| self.arena.get(Slot::from_index(slot)).map(|entry| &entry.meta);
        let slot = self.queue.look(self.arena.slots(), meta)?;
        Some(self.remove(Place::from(Slot::from_index(slot))))
    }

    /// Removes the next victim.
    pub(super) fn pop_victim(&mut self) -> Option<(Place, Entry<C>)> {
        // The policy expects the hash of a new entry; there is none, so any hash will do.
        let victim = Place::from(self.policy.victim(&self.arena, KeyHash::of(&()))?);
        Some((victim, self.remove(victim)))
    }

    /// Returns whether an entry must be evicted to insert one with this metadata in place of `replaced`.
    pub(super) fn lacks_room(&self, meta: &C::Meta, replaced: Option<Place>) -> bool {
        let old = replaced.map_or(0, |place| self.get(place).meta.weight());
        (self.weight() - old).checked_add(meta.weight()).is_none_or(|sum| sum > self.limit())
    }

    /// Returns whether the entries exceed this capacity.
    pub(super) fn exceeds(&self, maxsize: usize) -> bool {
        // At capacity zero even an entry of weight zero is not stored.
        self.weight() > maxsize || (maxsize == 0 && self.arena.len() > 0)
    }

    /// Returns the place of the entry that the user chose among the candidates of the policy.
    pub(super) fn chosen(
        &self,
        choose: impl FnOnce(&Candidates<'_, C::Key>) -> Option<usize>,
    ) -> Option<Place> {
        let candidates = self.policy.candidates();
        if candidates.is_empty() {
            return None;
        }
        let number = choose(&Candidates(self))?;
        candidates.get(number).copied().map(Place::from)
    }

    /// Tells the policy how long the computation of the next entry took; zero if that is not known.
    pub(super) fn announce_cost(&mut self, nanoseconds: u64) {
        self.policy.announce_cost(nanoseconds);
    }

    /// Sets the eviction policy of an empty store.
    pub(super) fn set_policy(&mut self, policy: C::Policy) {
        self.policy = policy;
    }

    /// Makes the entry at `place` the next victim.
    pub(super) fn choose(&mut self, place: Place) {
        self.policy.choose(place.slot());
    }

    /// Sets the capacity, and evicts the entries that exceed it.
    pub(super) fn resize<S: ClearedStore<C>>(
        &mut self,
        maxsize: Option<usize>,
        removed: &mut RemovedEntries<C, S>,
    ) {
        self.maxsize = maxsize;
        self.policy.resized(&self.arena, self.limit());
        while self.exceeds(self.limit()) {
            match self.pop_victim() {
                Some((_, entry)) => removed.push(entry, RemovalCause::Evicted),
                None => return,
            }
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn validate(&self) {
        self.arena.validate();
        self.index.validate(self.arena.len());
        assert!(self.weight() <= self.limit());
        if C::Meta::HAS_WEIGHT {
            let weights = self.arena.iter().map(|slot| self.get(Place::from(slot)).meta.weight());
            assert_eq!(weights.sum::<usize>(), self.weight);
        }
        for slot in self.arena.iter() {
            let hash = hash_in(&self.arena, slot);
            assert_eq!(self.index.find(hash, |listed| listed == slot), Some(slot));
        }
        self.policy.validate(&self.arena);
    }
}

impl<C: CacheTypes> KeyList<C::Key> for Bounded<C> {
    fn len(&self) -> usize {
        self.policy.candidates().len()
    }

    fn get(&self, number: usize) -> Option<&C::Key> {
        let slot = *self.policy.candidates().get(number)?;
        self.arena.get(slot).map(|entry| &entry.key)
    }
}

/// Returns the hash of the entry in an occupied slot.
fn hash_in<K, V, M>(arena: &Arena<EntryOf<K, V, M>>, slot: Slot) -> KeyHash {
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
    use crate::store::Removed;
    use crate::store::policy::{Lru, Policy};
    use crate::store::types::Types;
    use core::cell::Cell;
    use std::collections::{BTreeSet, VecDeque};

    type Plain<K, V, P = Lru> = Bounded<Types<K, V, P, ()>>;

    fn entry<K: core::hash::Hash, V>(key: K, value: V) -> EntryOf<K, V, ()> {
        EntryOf { hash: KeyHash::of(&key), key, value, meta: () }
    }

    #[test]
    fn a_full_store_takes_no_more_memory() {
        for maxsize in [1, 2, 3, 7, 56, 100, 112, 128, 1000] {
            let mut store = Plain::new(Some(maxsize), Lru);
            let mut next = (0_u64..).map(|n| entry(n, ()));
            let mut insert = |store: &mut Plain<_, _>| {
                let mut removed = Removed::none();
                store.insert(next.next().unwrap(), &mut removed);
                removed.into_entries_of(RemovalCause::Evicted).next().map(|(key, ())| key)
            };
            for _ in 0..maxsize {
                assert!(insert(&mut store).is_none());
            }
            let room = (store.arena.capacity(), store.index.room());
            for old in 0..20 * maxsize as u64 {
                assert_eq!(insert(&mut store), Some(old), "the least recently used one leaves");
            }
            store.validate();
            assert_eq!((store.arena.capacity(), store.index.room()), room, "maxsize {maxsize}");
        }
    }

    #[test]
    fn entries_are_found_wherever_touches_and_evictions_have_moved_them() {
        let mut store = Plain::new(Some(5), Lru);
        let mut removed = Removed::none();
        let hash = |n: u64| KeyHash::of(&n);
        for n in 0..200 {
            store.insert(entry(n, n), &mut removed);
            // Of two entries, one is kept by touching it.
            if let Some((place, _)) = store.find(hash(n / 2), |key| *key == n / 2) {
                store.touch(place);
            }
            if n % 7 == 0 {
                let (place, _) = store.find(hash(n), |key| *key == n).unwrap();
                assert_eq!(store.remove(place).value, n);
            }
            store.validate();
            for place in store.places() {
                let entry = store.get(place);
                let (found, _) = store.find(entry.hash, |key| *key == entry.key).unwrap();
                assert_eq!(found, place);
            }
        }
        assert_eq!(store.len(), 5);
    }

    #[test]
    fn only_keys_of_the_same_hash_are_compared() {
        let mut store = Plain::new(Some(1000), Lru);
        let mut removed = Removed::none();
        for n in 0..1000_u64 {
            store.insert(entry(n, ()), &mut removed);
        }
        let mut compared = Vec::new();
        store.find(KeyHash::of(&7_u64), |key| {
            compared.push(*key);
            false
        });
        assert_eq!(compared, [7]);
    }

    /// Evicts the least recently used entry every third time, and otherwise the most recently used one.
    #[derive(Debug)]
    struct Fickle {
        slots: BTreeSet<usize>,
        victims: Cell<u32>,
    }

    impl crate::store::policy::sealed::Sealed for Fickle {}

    impl Policy for Fickle {
        type Stopwatch = ();
        const NEW: Self = Self { slots: BTreeSet::new(), victims: Cell::new(0) };

        fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
            ring.touch(slot);
        }

        fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, _: KeyHash) {
            assert_eq!(ring.iter().last(), Some(slot));
            assert!(self.slots.insert(slot.index()));
        }

        fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
            self.victims.set(self.victims.get() + 1);
            if self.victims.get() % 3 == 0 { ring.first() } else { ring.iter().last() }
        }

        fn removed(&mut self, slot: Slot) {
            assert!(self.slots.remove(&slot.index()));
        }

        fn validate<T>(&self, ring: &Arena<T>) {
            assert_eq!(self.slots, ring.iter().map(Slot::index).collect());
        }
    }

    #[test]
    fn any_victim_makes_room_and_is_chosen_once() {
        let mut store = Plain::<_, _, Fickle>::new(Some(4), Fickle::NEW);
        let mut model = VecDeque::new();
        for n in 0..100_u32 {
            let mut removed = Removed::none();
            let expected = match n {
                0..4 => None,
                _ if (n - 3) % 3 == 0 => model.pop_front(),
                _ => model.pop_back(),
            };
            store.insert(entry(n, ()), &mut removed);
            model.push_back(n);
            assert_eq!(removed.into_entries_of(RemovalCause::Evicted).next().map(|(key, ())| key), expected);
            store.validate();
            assert!(store.places().map(|place| store.get(place).key).eq(model.iter().copied()));
            assert_eq!(store.policy.victims.get(), n.saturating_sub(3));
        }
    }

    #[test]
    fn removed_entries_make_room() {
        let mut store = Plain::new(Some(2), Lru);
        let mut removed = Removed::none();
        store.insert(entry(1, 'a'), &mut removed);
        assert!(removed.is_empty());
        let hash = KeyHash::of(&1);
        let (place, _) = store.find(hash, |key| *key == 1).unwrap();
        assert_eq!(store.remove(place).value, 'a');
        assert!(store.find(hash, |key| *key == 1).is_none());
        store.validate();
    }
}

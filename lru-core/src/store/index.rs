//! A hash table from hashes to slots, with doubly linked chains. It has neither keys, values nor an order.
//!
//! All hashes with the same low bits share a chain. In the index, slots are numbered from 1. The vector
//! `links` has the successor of each slot in its chain, at the number of the slot; behind these, it has the
//! first slot of each chain. `back` has the position in `links` at which a slot is stored. A slot is
//! therefore inserted by four writes and removed by two, without a search and without a branch: number 0,
//! which belongs to no slot, ends each chain, and its entry in `back` is written but never read.
//!
//! There are no tombstones, so insertions and removals do not degrade the table. Only [`Index::rebuild`] allocates
//! memory. No user code runs, except the `matches` of [`Index::find`], which only reads the index.

use crate::key::KeyHash;
use crate::store::linked_arena::Slot;

/// The number that belongs to no slot and ends a chain.
const NONE: u32 = 0;

/// The maximum number of chains, so that `u32` can number all positions in `links`.
const MAX_CHAINS: usize = 1 << 31;

/// The largest number of slots of a small index.
const SMALL: usize = 4096;

/// The largest number of slots of a tiny index, whose chains take a few kilobytes.
const TINY: usize = 512;

pub(crate) struct Index {
    links: Vec<u32>,
    /// Invariant: `links[back[number]] == number` for the number of each slot in the index.
    back: Vec<u32>,
    /// The number of chains, a power of two, minus one.
    mask: usize,
}

impl Index {
    /// The bytes of a slot in a large index: two numbers, and from one to two chains.
    pub(crate) const SLOT_BYTES: usize = 7 * size_of::<u32>() / 2;

    pub(crate) const fn new() -> Self {
        Self { links: Vec::new(), back: Vec::new(), mask: 0 }
    }

    /// Returns the position in `links` at which the chain of a hash begins; out of range before the first rebuild.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits select the chain")]
    fn start(&self, hash: KeyHash) -> usize {
        self.back.len() + (hash.get() as usize & self.mask)
    }

    /// Returns the first slot in the chain of `hash` for which `matches` is true.
    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, mut matches: impl FnMut(Slot) -> bool) -> Option<Slot> {
        let mut at = self.start(hash);
        loop {
            at = *self.links.get(at)? as usize;
            // Number 0 has no slot: the chain ends.
            let slot = Slot::from_index(at.checked_sub(1)?);
            if matches(slot) {
                return Some(slot);
            }
        }
    }

    /// Returns whether there is memory for `slot`.
    #[inline]
    pub(crate) fn has_room(&self, slot: Slot) -> bool {
        number(slot) < self.back.len()
    }

    /// Inserts a slot as the first of its chain.
    ///
    /// Invariant: there is memory for the slot, and the slot is not in the index.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[expect(clippy::cast_possible_truncation, reason = "`u32` can number all positions in `links`")]
    pub(crate) fn insert(&mut self, hash: KeyHash, slot: Slot) {
        let (start, number) = (self.start(hash), number(slot));
        let next = core::mem::replace(&mut self.links[start], number as u32);
        self.back[number] = start as u32;
        self.links[number] = next;
        self.back[next as usize] = number as u32;
    }

    /// Removes a slot that is in the index.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn remove(&mut self, slot: Slot) {
        let (at, next) = (self.back[number(slot)], self.links[number(slot)]);
        self.links[at as usize] = next;
        self.back[next as usize] = at;
    }

    /// Allocates memory for `room` slots, and inserts the given slots into the empty index.
    ///
    /// A tiny index has six to twelve chains per slot and a small one three to six, because two slots in one
    /// chain cause a mispredicted branch. A large index has one or two, because cache misses dominate there.
    #[cold]
    pub(crate) fn rebuild(&mut self, room: usize, slots: impl Iterator<Item = (Slot, KeyHash)>) {
        let wanted = match room {
            ..=TINY => 6 * room,
            _ if room > SMALL => room - 1,
            _ => 3 * room,
        };
        let chains = wanted.next_power_of_two().min(MAX_CHAINS);
        // Drop the old vectors first, so that both are not in memory at once.
        (self.links, self.back) = (Vec::new(), Vec::new());
        self.links = vec![NONE; room + 1 + chains];
        self.back = vec![NONE; room + 1];
        self.mask = chains - 1;
        for (slot, hash) in slots {
            self.insert(hash, slot);
        }
    }

    /// Walks all chains. Panics if `back` is inconsistent or the index does not have `len` slots.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self, len: usize) {
        let mut listed = 0;
        for start in self.back.len()..self.links.len() {
            let mut at = start;
            while self.links[at] != NONE {
                let number = self.links[at] as usize;
                assert_eq!(self.back[number] as usize, at, "`back` has the position of each slot");
                at = number;
                listed += 1;
                assert!(listed <= len, "chains end, and each slot is in one of them");
            }
        }
        assert_eq!(listed, len);
    }

    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.links.capacity() + self.back.capacity()
    }
}

#[inline]
fn number(slot: Slot) -> usize {
    slot.index() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an index with one chain of all these slots, the last one first.
    fn chained(slots: &[usize]) -> (Index, KeyHash) {
        let (mut index, hash) = (Index::new(), KeyHash::of(&1));
        index.rebuild(8, core::iter::empty());
        for &slot in slots {
            index.insert(hash, Slot::from_index(slot));
        }
        index.validate(slots.len());
        (index, hash)
    }

    fn found(index: &Index, hash: KeyHash) -> Vec<usize> {
        let mut found = Vec::new();
        index.find(hash, |slot| {
            found.push(slot.index());
            false
        });
        found
    }

    #[test]
    fn slots_of_one_hash_are_found_latest_first() {
        let (index, hash) = chained(&[0, 5, 7, 2]);
        assert_eq!(found(&index, hash), [2, 7, 5, 0]);
        let slot = Slot::from_index(5);
        assert_eq!(index.find(hash, |listed| listed == slot), Some(slot));
    }

    #[test]
    fn a_slot_is_taken_out_wherever_it_stands() {
        for out in [0, 5, 7, 2] {
            let (mut index, hash) = chained(&[0, 5, 7, 2]);
            index.remove(Slot::from_index(out));
            index.validate(3);
            let left: Vec<_> = [2, 7, 5, 0].into_iter().filter(|slot| *slot != out).collect();
            assert_eq!(found(&index, hash), left);
            index.insert(hash, Slot::from_index(out));
            index.validate(4);
        }
    }

    #[test]
    fn an_index_without_memory_finds_nothing_and_has_no_room() {
        let index = Index::new();
        assert!(found(&index, KeyHash::of(&1)).is_empty());
        assert!(!index.has_room(Slot::from_index(0)));
        index.validate(0);
    }

    #[test]
    fn a_large_index_takes_at_most_sixteen_bytes_for_a_slot() {
        for room in [SMALL + 1, 2 * SMALL, 2 * SMALL + 1, 100_001, 1_000_001, 1 << 20, (1 << 20) + 1] {
            let mut index = Index::new();
            index.rebuild(room, core::iter::empty());
            assert!(index.mask + 1 >= room - 1);
            // Number 0 takes eight bytes more.
            assert!(index.room() * size_of::<u32>() <= 16 * room + 8, "room {room}");
        }
    }

    #[test]
    fn a_small_index_has_three_to_twelve_chains_for_a_slot() {
        for (room, chains) in [(1, 8), (3, 32), (5, 32), (TINY, 4096), (TINY + 1, 2048), (SMALL, 16_384)] {
            let mut index = Index::new();
            index.rebuild(room, core::iter::empty());
            assert_eq!(index.mask + 1, chains, "room {room}");
        }
    }

    #[test]
    fn a_rebuilt_index_has_the_given_slots_only() {
        let (mut index, hash) = chained(&[0, 5, 7]);
        index.rebuild(16, [(Slot::from_index(5), hash), (Slot::from_index(15), hash)].into_iter());
        index.validate(2);
        assert_eq!(found(&index, hash), [15, 5]);
    }

    #[test]
    fn there_is_room_for_as_many_slots_as_asked_for() {
        let mut index = Index::new();
        index.rebuild(3, core::iter::empty());
        let has_room = |slot| index.has_room(Slot::from_index(slot));
        assert_eq!([0, 2, 3].map(has_room), [true, true, false]);
    }
}

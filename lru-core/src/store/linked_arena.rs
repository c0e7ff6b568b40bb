//! An arena of slots with a circular doubly linked list through them.
//!
//! The nodes are in one `Vec`. One of them is the root of the ring, which has no item: `root.next` is the
//! least recently used slot, `root.prev` the most recently used. Vacant slots form a free list through
//! `next`. The arena manages slots and their order, and does not depend on the items.
//!
//! The root changes. When an item replaces the least recently used one, it is stored in the node of the root, and the
//! node of the evicted item becomes the root: the ring turns by one, and no link is written. The ring of `CPython`
//! does the same.
//!
//! Links are cells, so that a hit can move a slot through a shared reference. User code that runs during a lookup
//! may move other slots, and never observes a half-linked ring.
//!
//! Slot numbers are always in range. A hit nevertheless uses `get`: without a possible panic, the compiler emits no
//! landing pad to release the lock, which saves a fifth of the instructions of a hit.

use core::cell::Cell;

/// The number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The end of the free list.
    const NONE: Self = Self(u32::MAX);

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns the slot with this [`Slot::index`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "indices of slots come from `u32`")]
    pub(crate) fn from_index(index: usize) -> Self {
        debug_assert!(u32::try_from(index).is_ok());
        Self(index as u32)
    }
}

struct Node<T> {
    prev: Cell<Slot>,
    next: Cell<Slot>,
    /// Invariant: `Some` for the slots in the ring except the root, `None` for the others.
    item: Option<T>,
}

/// Slots for items, linked in a ring.
pub struct Arena<T> {
    nodes: Vec<Node<T>>,
    /// Invariant: in range unless there are no nodes.
    root: Slot,
    /// The first vacant slot, or [`Slot::NONE`].
    free: Slot,
    len: usize,
}

/// The result of [`Arena::rotate`].
pub(crate) struct Rotated<T> {
    /// The slot of the new item.
    pub(crate) taken: Slot,
    /// The former slot of the evicted item.
    pub(crate) vacated: Slot,
    pub(crate) evicted: T,
}

impl<T> Arena<T> {
    /// The maximum number of items, so that the index can number all slots and as many chains by `u32`.
    pub(crate) const MAX_LEN: usize = (1 << 31) - 2;

    /// The bytes of a slot with its links.
    pub(crate) const SLOT_BYTES: usize = size_of::<Node<T>>();

    pub(crate) const fn new() -> Self {
        Self { nodes: Vec::new(), root: Slot(0), free: Slot::NONE, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns a number above those of all slots, occupied or vacant.
    pub(crate) fn slots(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the item in a slot; `None` if the slot is vacant.
    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.nodes.get(slot.index())?.item.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> &mut T {
        self.nodes[slot.index()].item.as_mut().expect("the slot is occupied")
    }

    /// Returns the least recently used slot; `None` if there are no items.
    #[inline]
    pub(crate) fn first(&self) -> Option<Slot> {
        let first = self.nodes.get(self.root.index())?.next.get();
        (first != self.root).then_some(first)
    }

    /// Returns the occupied slots from least to most recently used.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> {
        core::iter::successors(self.first(), |&slot| {
            let next = self.nodes[slot.index()].next.get();
            (next != self.root).then_some(next)
        })
    }

    /// Stores `item` in a vacant slot and links the slot as the most recently used.
    ///
    /// The capacity doubles when it is exhausted. It stops at `most` items (but at least three), and doubles on if
    /// there are more.
    pub(crate) fn insert(&mut self, item: T, most: usize) -> Slot {
        if self.nodes.is_empty() {
            self.grow(most);
            self.nodes.push(Node { prev: Cell::new(self.root), next: Cell::new(self.root), item: None });
        }
        let slot = self.free;
        let slot = if slot == Slot::NONE {
            if self.nodes.len() == self.nodes.capacity() {
                self.grow(most);
            }
            let slot = Slot::from_index(self.nodes.len());
            self.nodes.push(Node { prev: Cell::new(slot), next: Cell::new(slot), item: Some(item) });
            slot
        } else {
            let node = &mut self.nodes[slot.index()];
            self.free = node.next.get();
            node.item = Some(item);
            slot
        };
        self.len += 1;
        self.link_last(slot);
        slot
    }

    /// Replaces the item in an occupied slot and returns the old one. The order does not change.
    #[inline]
    pub(crate) fn replace(&mut self, slot: Slot, item: T) -> T {
        core::mem::replace(self.get_mut(slot), item)
    }

    /// Stores `item` as the most recently used, in place of the least recently used one.
    ///
    /// # Errors
    ///
    /// Returns `item` if the arena is empty.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn rotate(&mut self, item: T) -> Result<Rotated<T>, T> {
        let (taken, Some(vacated)) = (self.root, self.first()) else { return Err(item) };
        let Some(evicted) = self.nodes.get_mut(vacated.index()).and_then(|node| node.item.take()) else {
            return Err(item);
        };
        if let Some(node) = self.nodes.get_mut(taken.index()) {
            node.item = Some(item);
        }
        self.root = vacated;
        Ok(Rotated { taken, vacated, evicted })
    }

    /// Removes the item in a slot and unlinks the slot.
    pub(crate) fn remove(&mut self, slot: Slot) -> T {
        self.unlink(slot);
        let node = &mut self.nodes[slot.index()];
        let item = node.item.take().expect("the slot is occupied");
        node.next.set(self.free);
        self.free = slot;
        self.len -= 1;
        item
    }

    /// Makes an occupied slot the most recently used.
    ///
    /// Invariant: the ring holds the same slots before and after.
    #[inline]
    pub(crate) fn touch(&self, slot: Slot) {
        // The most recently used slot stays in its place.
        if self.nodes.get(slot.index()).is_some_and(|node| node.next.get() != self.root) {
            self.unlink(slot);
            self.link_last(slot);
        }
    }

    #[inline]
    fn unlink(&self, slot: Slot) {
        let Some(node) = self.nodes.get(slot.index()) else { return };
        let (prev, next) = (node.prev.get(), node.next.get());
        self.join(prev, next);
    }

    #[inline]
    fn link_last(&self, slot: Slot) {
        let Some(root) = self.nodes.get(self.root.index()) else { return };
        self.join(root.prev.get(), slot);
        self.join(slot, self.root);
    }

    #[inline]
    fn join(&self, before: Slot, after: Slot) {
        if let (Some(one), Some(other)) = (self.nodes.get(before.index()), self.nodes.get(after.index())) {
            one.next.set(after);
            other.prev.set(before);
        }
    }

    /// Returns whether there is no memory for another item.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.free == Slot::NONE && self.nodes.len() == self.nodes.capacity()
    }

    /// Returns the number of slots that memory is allocated for, including the root.
    pub(crate) fn capacity(&self) -> usize {
        self.nodes.capacity()
    }

    fn grow(&mut self, most: usize) {
        let (len, nodes) = (self.nodes.len(), most.min(Self::MAX_LEN) + 1);
        let doubled = len.saturating_mul(2).max(4);
        // Entries without weight may be more than the bound.
        let wanted = if len < nodes { doubled.min(nodes.max(4)) } else { doubled };
        self.nodes.reserve_exact(wanted - len);
    }

    /// Walks the ring in both directions and the free list. Panics if they are inconsistent.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn validate(&self) {
        if self.nodes.is_empty() {
            assert_eq!(self.len, 0);
            return;
        }
        let node = |slot: Slot| &self.nodes[slot.index()];
        let forward: Vec<_> = self.iter().take(self.nodes.len()).collect();
        let mut backward: Vec<_> = core::iter::successors(Some(node(self.root).prev.get()), |&slot| {
            (slot != self.root).then(|| node(slot).prev.get())
        })
        .take_while(|&slot| slot != self.root)
        .take(self.nodes.len())
        .collect();
        backward.reverse();
        assert_eq!(forward, backward, "the ring is the same in both directions");
        assert_eq!(forward.len(), self.len);
        assert!(forward.iter().all(|&slot| node(slot).item.is_some()));
        assert!(node(self.root).item.is_none(), "the root has no item");
        let vacant = |slot: Slot| (slot != Slot::NONE).then_some(slot);
        let free: Vec<_> = core::iter::successors(vacant(self.free), |&slot| vacant(node(slot).next.get()))
            .take(self.nodes.len())
            .collect();
        assert!(free.iter().all(|&slot| node(slot).item.is_none()));
        assert_eq!(free.len() + self.len + 1, self.nodes.len(), "every slot is occupied, free or the root");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(arena: &Arena<char>) -> String {
        arena.validate();
        arena.iter().map(|slot| *arena.get(slot).unwrap()).collect()
    }

    #[test]
    fn touch_makes_most_recent() {
        let mut arena = Arena::new();
        let slots: Vec<_> = "abc".chars().map(|item| arena.insert(item, 3)).collect();
        assert_eq!(items(&arena), "abc");
        arena.touch(slots[0]);
        assert_eq!(items(&arena), "bca");
        arena.touch(slots[0]);
        assert_eq!(items(&arena), "bca");
        arena.touch(slots[2]);
        assert_eq!(items(&arena), "bac");
    }

    #[test]
    fn vacated_slots_are_taken_again() {
        let mut arena = Arena::new();
        let slots: Vec<_> = "abcd".chars().map(|item| arena.insert(item, 4)).collect();
        assert_eq!(arena.remove(slots[1]), 'b');
        assert_eq!(arena.remove(slots[3]), 'd');
        assert_eq!(items(&arena), "ac");
        arena.insert('e', 4);
        arena.insert('f', 4);
        assert_eq!(items(&arena), "acef");
        assert_eq!(arena.nodes.len(), 5);
    }

    #[test]
    fn one_slot_is_its_own_ring() {
        let mut arena = Arena::new();
        let slot = arena.insert('a', 1);
        arena.touch(slot);
        let rotated = arena.rotate('b').unwrap();
        assert_eq!((rotated.vacated, rotated.evicted), (slot, 'a'));
        assert_eq!(items(&arena), "b");
        assert_eq!(arena.first(), Some(rotated.taken));
        arena.touch(rotated.taken);
        assert_eq!(arena.remove(rotated.taken), 'b');
        assert_eq!(items(&arena), "");
        assert_eq!(arena.rotate('c').err(), Some('c'));
        arena.insert('d', 1);
        assert_eq!(items(&arena), "d");
    }

    #[test]
    fn a_rotation_puts_the_new_item_last_and_keeps_the_order_of_the_others() {
        let mut arena = Arena::new();
        let slots: Vec<_> = "abc".chars().map(|item| arena.insert(item, 4)).collect();
        let rotated = arena.rotate('d').unwrap();
        assert_eq!((rotated.vacated, rotated.evicted), (slots[0], 'a'));
        assert_eq!(items(&arena), "bcd");
        arena.touch(slots[1]);
        assert_eq!(items(&arena), "cdb");
        arena.touch(slots[1]);
        assert_eq!(arena.remove(rotated.taken), 'd');
        assert_eq!(items(&arena), "cb");
        arena.insert('e', 4);
        arena.insert('f', 4);
        assert_eq!(items(&arena), "cbef");
        assert_eq!(arena.rotate('g').unwrap().evicted, 'c');
        assert_eq!(items(&arena), "befg");
        assert_eq!(arena.nodes.len(), 5);
    }

    /// Returns the capacities that an arena has in turn while items are inserted.
    fn capacities(items: u64, most: usize) -> Vec<usize> {
        let mut arena = Arena::new();
        let mut capacities: Vec<_> = (0..items)
            .map(|item| {
                arena.insert(item, most);
                arena.capacity()
            })
            .collect();
        capacities.dedup();
        capacities
    }

    #[test]
    fn memory_doubles_as_items_come_up_to_the_bound() {
        assert_eq!(capacities(1000, 1000), [4, 8, 16, 32, 64, 128, 256, 512, 1001]);
        assert_eq!(capacities(40, usize::MAX), [4, 8, 16, 32, 64]);
    }

    #[test]
    fn memory_doubles_beyond_the_bound_as_well() {
        assert_eq!(capacities(3, 1), [4]);
        assert_eq!(capacities(5, 1), [4, 8]);
        assert_eq!(capacities(100, 10), [4, 8, 11, 22, 44, 88, 176]);
    }

    #[test]
    fn a_vacant_slot_is_taken_before_memory() {
        let mut arena = Arena::new();
        for item in "abc".chars() {
            arena.insert(item, 100);
        }
        for item in "defghi".chars() {
            arena.remove(arena.first().unwrap());
            arena.insert(item, 100);
        }
        assert_eq!((items(&arena).as_str(), arena.capacity()), ("ghi", 4));
    }
}

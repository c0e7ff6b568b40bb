//! Doubly linked lists of slots, for policies that need another order than that of the ring.
//!
//! A slot is in one list or in none. Links are cells, so that a hit, which borrows the store shared, can move a slot.
//! No method panics: an operation on a slot without memory has no effect.

use core::cell::Cell;

#[cfg(any(test, fuzzing))]
use crate::store::linked_arena::Arena;
use crate::store::linked_arena::Slot;

/// Returns `percent` of `len` entries, but at least one.
#[inline]
pub(super) fn share(len: usize, percent: usize) -> usize {
    // In two parts, because `len * percent` may overflow 32 bits.
    (len / 100 * percent + len % 100 * percent / 100).max(1)
}

/// The number of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List(pub(super) u8);

/// An optional slot in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link(u32);

impl Link {
    /// No slot of the arena has this number.
    const NONE: Self = Self(u32::MAX);

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "indices of slots come from `u32`")]
    fn to(slot: Slot) -> Self {
        Self(slot.index() as u32)
    }

    #[inline]
    fn slot(self) -> Option<Slot> {
        (self != Self::NONE).then(|| Slot::from_index(self.0 as usize))
    }
}

#[derive(Debug)]
struct Node {
    older: Cell<Link>,
    younger: Cell<Link>,
    list: Cell<Option<List>>,
    /// Set by a use, for policies that move a slot later.
    used: Cell<bool>,
}

impl Node {
    const fn unlisted() -> Self {
        Self {
            older: Cell::new(Link::NONE),
            younger: Cell::new(Link::NONE),
            list: Cell::new(None),
            used: Cell::new(false),
        }
    }
}

#[derive(Debug)]
struct Ends {
    oldest: Cell<Link>,
    youngest: Cell<Link>,
    len: Cell<usize>,
}

impl Ends {
    const fn empty() -> Self {
        Self { oldest: Cell::new(Link::NONE), youngest: Cell::new(Link::NONE), len: Cell::new(0) }
    }
}

/// `N` lists, each from its oldest slot to its youngest.
///
/// Invariant: each list is the same in both directions, and each of its slots is marked with the list.
#[derive(Debug)]
pub(super) struct Lists<const N: usize> {
    /// Indexed by [`Slot::index`].
    nodes: Vec<Node>,
    ends: [Ends; N],
}

impl<const N: usize> Lists<N> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), ends: [const { Ends::empty() }; N] }
    }

    /// Allocates the memory for the links of `slot`. A slot without it cannot be in a list.
    pub(super) fn reserve(&mut self, slot: Slot) {
        if self.nodes.len() <= slot.index() {
            self.nodes.resize_with(slot.index() + 1, Node::unlisted);
        }
    }

    #[inline]
    pub(super) fn len(&self, list: List) -> usize {
        self.ends(list).map_or(0, |ends| ends.len.get())
    }

    #[inline]
    pub(super) fn oldest(&self, list: List) -> Option<Slot> {
        self.ends(list)?.oldest.get().slot()
    }

    /// Returns the next older slot in the list of `slot`.
    #[inline]
    pub(super) fn older(&self, slot: Slot) -> Option<Slot> {
        self.node(Link::to(slot))?.older.get().slot()
    }

    /// Returns the next younger slot in the list of `slot`.
    #[inline]
    pub(super) fn younger(&self, slot: Slot) -> Option<Slot> {
        self.node(Link::to(slot))?.younger.get().slot()
    }

    /// Returns the list that `slot` is in.
    #[inline]
    pub(super) fn list_of(&self, slot: Slot) -> Option<List> {
        self.node(Link::to(slot))?.list.get()
    }

    /// Marks `slot` as used.
    #[inline]
    pub(super) fn mark(&self, slot: Slot) {
        if let Some(node) = self.node(Link::to(slot)) {
            node.used.set(true);
        }
    }

    /// Clears the mark of `slot`, and returns whether it was set.
    #[inline]
    pub(super) fn unmark(&self, slot: Slot) -> bool {
        self.node(Link::to(slot)).is_some_and(|node| node.used.take())
    }

    /// Moves `slot` to the young end of `list`, from any list or none.
    #[inline]
    pub(super) fn push(&self, list: List, slot: Slot) {
        self.remove(slot);
        let youngest = self.ends(list).map_or(Link::NONE, |ends| ends.youngest.get());
        self.link(list, youngest, slot);
    }

    /// Moves the oldest slot of `list` to its young end.
    #[inline]
    pub(super) fn pass_oldest(&self, list: List) {
        let Some(ends) = self.ends(list) else { return };
        let (passed, last) = (ends.oldest.get(), ends.youngest.get());
        let (Some(node), Some(before)) = (self.node(passed), self.node(last)) else { return };
        let first = node.younger.get();
        // Of a single slot there is no other one to be the first.
        let Some(after) = self.node(first) else { return };
        after.older.set(Link::NONE);
        node.older.set(last);
        node.younger.set(Link::NONE);
        before.younger.set(passed);
        ends.oldest.set(first);
        ends.youngest.set(passed);
    }

    /// Moves `slot` behind `older`, another slot of `list`, or to the old end.
    #[inline]
    pub(super) fn push_behind(&self, list: List, older: Option<Slot>, slot: Slot) {
        self.remove(slot);
        self.link(list, older.map_or(Link::NONE, Link::to), slot);
    }

    /// Removes `slot` from its list.
    #[inline]
    pub(super) fn remove(&self, slot: Slot) {
        let Some(node) = self.node(Link::to(slot)) else { return };
        let Some(ends) = node.list.take().and_then(|list| self.ends(list)) else { return };
        ends.len.set(ends.len.get().saturating_sub(1));
        let (older, younger) = (node.older.replace(Link::NONE), node.younger.replace(Link::NONE));
        self.join(ends, older, younger);
    }

    #[inline]
    fn link(&self, list: List, older: Link, slot: Slot) {
        let link = Link::to(slot);
        let (Some(ends), Some(node)) = (self.ends(list), self.node(link)) else { return };
        let younger = self.node(older).map_or(&ends.oldest, |older| &older.younger).get();
        self.join(ends, older, link);
        self.join(ends, link, younger);
        node.list.set(Some(list));
        ends.len.set(ends.len.get() + 1);
    }

    /// Links two slots as neighbours. If one of them is missing, the other is at an end of the list.
    #[inline]
    fn join(&self, ends: &Ends, older: Link, younger: Link) {
        self.node(older).map_or(&ends.oldest, |older| &older.younger).set(younger);
        self.node(younger).map_or(&ends.youngest, |younger| &younger.older).set(older);
    }

    #[inline]
    fn node(&self, link: Link) -> Option<&Node> {
        self.nodes.get(link.0 as usize)
    }

    #[inline]
    fn ends(&self, list: List) -> Option<&Ends> {
        self.ends.get(usize::from(list.0))
    }

    /// Returns the slots of a list from oldest to youngest.
    #[cfg(any(test, fuzzing))]
    pub(super) fn iter(&self, list: List) -> impl Iterator<Item = Slot> {
        core::iter::successors(self.oldest(list), |&slot| self.younger(slot))
    }

    /// Walks each list in both directions. Panics if these differ, or if the slots differ from those of the ring.
    #[cfg(any(test, fuzzing))]
    pub(super) fn validate<T>(&self, ring: &Arena<T>) {
        let mut listed = 0;
        for (ends, list) in self.ends.iter().zip((0..).map(List)) {
            let forward: Vec<_> = self.iter(list).take(self.nodes.len() + 1).collect();
            let mut backward: Vec<_> =
                core::iter::successors(ends.youngest.get().slot(), |&slot| self.older(slot))
                    .take(self.nodes.len() + 1)
                    .collect();
            backward.reverse();
            assert_eq!(forward, backward, "a list is the same in both directions");
            assert_eq!(forward.len(), ends.len.get());
            assert!(forward.iter().all(|&slot| self.list_of(slot) == Some(list)));
            listed += forward.len();
        }
        assert_eq!(listed, ring.len());
        assert!(ring.iter().all(|slot| self.list_of(slot).is_some()), "the lists have the slots of the ring");
        let marked = self.nodes.iter().filter(|node| node.list.get().is_some()).count();
        assert_eq!(marked, listed, "slots in no list are not marked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: List = List(0);
    const OTHER: List = List(1);

    fn slots(lists: &Lists<2>, list: List) -> Vec<usize> {
        lists.iter(list).map(Slot::index).collect()
    }

    #[test]
    fn slots_move_between_lists() {
        let mut lists = Lists::new();
        for index in [3, 0, 2] {
            lists.reserve(Slot::from_index(index));
            lists.push(ONE, Slot::from_index(index));
        }
        lists.push(OTHER, Slot::from_index(0));
        lists.push_behind(OTHER, None, Slot::from_index(2));
        assert_eq!((slots(&lists, ONE), slots(&lists, OTHER)), (vec![3], vec![2, 0]));
        lists.push_behind(OTHER, Some(Slot::from_index(2)), Slot::from_index(3));
        lists.remove(Slot::from_index(2));
        assert_eq!((slots(&lists, ONE), slots(&lists, OTHER)), (vec![], vec![3, 0]));
        assert_eq!((lists.len(ONE), lists.len(OTHER)), (0, 2));
    }

    #[test]
    fn the_oldest_slot_passes_to_the_young_end() {
        let mut lists = Lists::new();
        for index in 0..3 {
            lists.pass_oldest(ONE);
            lists.reserve(Slot::from_index(index));
            lists.push(ONE, Slot::from_index(index));
        }
        // Of two slots, 0 was passed once.
        assert_eq!(slots(&lists, ONE), [1, 0, 2]);
        lists.pass_oldest(ONE);
        assert_eq!((slots(&lists, ONE), lists.len(ONE)), (vec![0, 2, 1], 3));
        let backward: Vec<_> = core::iter::successors(Some(Slot::from_index(1)), |&slot| lists.older(slot))
            .map(Slot::index)
            .collect();
        assert_eq!(backward, [1, 2, 0]);
    }

    #[test]
    fn a_slot_without_memory_is_in_no_list() {
        let lists: Lists<2> = Lists::new();
        lists.push(ONE, Slot::from_index(7));
        lists.remove(Slot::from_index(7));
        assert_eq!((lists.len(ONE), lists.oldest(ONE)), (0, None));
    }

    #[test]
    fn a_share_is_at_least_one() {
        assert_eq!((share(0, 10), share(19, 10), share(20, 10)), (1, 1, 2));
        assert_eq!((share(100_000, 1), share(199, 80)), (1000, 159));
    }
}

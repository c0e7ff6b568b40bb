//! LFU: evicts the least frequently used entry.
//!
//! One list links all slots in the order of eviction. Slots with the same number of uses are adjacent, in the order
//! of their last use, and form a group that stores the number and its youngest slot. A hit moves a slot behind the
//! youngest slot of the next group, so each operation takes constant time.
//!
//! The order of eviction is that of `LFUCache` in cachetools since 7.3.

use core::cell::Cell;

use super::Policy;
use super::sealed::Sealed;
use super::slot_lists::{List, Lists};
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

const ORDER: List = List(0);

/// LFU (least frequently used): evicts the entry with the fewest uses; of several, the least recently used one.
///
/// Good if the same keys stay popular for the whole run of the program. Counts do not decay: an entry that was
/// popular once stays until other entries have been used as often. The count of an evicted entry is lost. If
/// popularity changes, use [`WTinyLfu`](super::WTinyLfu).
///
/// Replacing the value of an entry counts as a use. Each operation takes constant time; the policy needs 36 bytes
/// per entry. It is `LFUCache` of Python's cachetools.
///
/// Source: Shah, Mitra and Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010.
#[derive(Debug)]
pub struct Lfu {
    order: Lists<1>,
    /// Indexed by [`Slot::index`].
    group_of: Vec<Cell<GroupId>>,
    /// One for each slot, because a hit cannot allocate. There are never more groups than slots.
    groups: Vec<Cell<Group>>,
    /// The first `vacancies` items are the groups without slots.
    vacant: Vec<Cell<GroupId>>,
    vacancies: Cell<usize>,
}

/// Indexes `groups`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GroupId(u32);

/// The slots with the same number of uses.
#[derive(Clone, Copy, Debug)]
struct Group {
    count: u64,
    youngest: Slot,
}

impl Sealed for Lfu {}

impl Policy for Lfu {
    type Stopwatch = ();
    const SLOT_BYTES: usize = 36;
    const NEW: Self = Self {
        order: Lists::new(),
        group_of: Vec::new(),
        groups: Vec::new(),
        vacant: Vec::new(),
        vacancies: Cell::new(0),
    };

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        self.count_use(slot);
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        self.removed(slot);
        self.reserve(slot);
        let first = self.order.oldest(ORDER).and_then(|oldest| self.group_of(oldest));
        match first.filter(|(_, group)| group.count == 1) {
            Some((id, group)) => self.join(slot, id, group),
            None => self.found(slot, 1, None),
        }
    }

    #[inline]
    fn victim<T>(&mut self, _: &Arena<T>, _: KeyHash) -> Option<Slot> {
        self.order.oldest(ORDER)
    }

    fn removed(&mut self, slot: Slot) {
        if let Some((id, group)) = self.group_of(slot) {
            self.leave_group(slot, id, group);
            self.order.remove(slot);
        }
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.order.validate(ring);
        let slots: Vec<_> = self.order.iter(ORDER).collect();
        let groups: Vec<_> =
            slots.iter().map(|&slot| self.group_of(slot).expect("listed slots have a group")).collect();
        let mut runs = 0;
        for (at, (id, group)) in groups.iter().enumerate() {
            let next = groups.get(at + 1);
            if next.is_none_or(|(next, _)| next != id) {
                runs += 1;
                assert_eq!(group.youngest, slots[at]);
                assert!(next.is_none_or(|(_, next)| next.count > group.count), "counts rise");
            }
        }
        let mut vacant = vec![true; self.groups.len()];
        for (id, _) in &groups {
            vacant[id.0 as usize] = false;
        }
        let listed = &self.vacant[..self.vacancies.get()];
        assert!(
            listed.iter().all(|id| core::mem::take(&mut vacant[id.get().0 as usize])),
            "vacant groups are listed once"
        );
        assert_eq!(runs + listed.len(), self.groups.len(), "each group has slots or is vacant");
    }
}

impl Lfu {
    /// Moves `slot` to the young end of the group with one more use.
    fn count_use(&self, slot: Slot) {
        let Some((id, group)) = self.group_of(slot) else { return };
        let count = group.count + 1;
        let next = self.order.younger(group.youngest).and_then(|younger| self.group_of(younger));
        if let Some((next_id, next)) = next.filter(|(_, next)| next.count == count) {
            self.leave_group(slot, id, group);
            self.join(slot, next_id, next);
        } else if group.youngest == slot && !self.is_in(id, self.order.older(slot)) {
            // The only slot of its group: the count of the group changes, and the slot stays in its place.
            self.set(id, Group { count, youngest: slot });
        } else if let Some(youngest) = self.leave_group(slot, id, group) {
            self.found(slot, count, Some(youngest));
        }
    }

    /// Removes `slot` from its group, but not from the order. Returns the youngest slot left in the group.
    fn leave_group(&self, slot: Slot, id: GroupId, group: Group) -> Option<Slot> {
        if group.youngest != slot {
            return Some(group.youngest);
        }
        let older = self.order.older(slot).filter(|&older| self.is_in(id, Some(older)));
        match older {
            Some(youngest) => self.set(id, Group { youngest, ..group }),
            None => self.vacate(id),
        }
        older
    }

    /// Adds `slot` to the young end of a group that it is not in.
    fn join(&self, slot: Slot, id: GroupId, group: Group) {
        self.order.push_behind(ORDER, Some(group.youngest), slot);
        self.set(id, Group { youngest: slot, ..group });
        self.mark(slot, id);
    }

    /// Makes a group with `slot` only, behind the slot `older` or at the old end of the order.
    fn found(&self, slot: Slot, count: u64, older: Option<Slot>) {
        if let Some(id) = self.take_vacant() {
            self.order.push_behind(ORDER, older, slot);
            self.set(id, Group { count, youngest: slot });
            self.mark(slot, id);
        }
    }

    /// Returns the group of a slot that is in the order.
    #[inline]
    fn group_of(&self, slot: Slot) -> Option<(GroupId, Group)> {
        self.order.list_of(slot)?;
        let id = self.group_of.get(slot.index())?.get();
        Some((id, self.groups.get(id.0 as usize)?.get()))
    }

    #[inline]
    fn is_in(&self, id: GroupId, slot: Option<Slot>) -> bool {
        slot.and_then(|slot| self.group_of.get(slot.index())).is_some_and(|of| of.get() == id)
    }

    #[inline]
    fn set(&self, id: GroupId, group: Group) {
        if let Some(cell) = self.groups.get(id.0 as usize) {
            cell.set(group);
        }
    }

    #[inline]
    fn mark(&self, slot: Slot, id: GroupId) {
        if let Some(cell) = self.group_of.get(slot.index()) {
            cell.set(id);
        }
    }

    #[inline]
    fn take_vacant(&self) -> Option<GroupId> {
        let last = self.vacancies.get().checked_sub(1)?;
        self.vacancies.set(last);
        Some(self.vacant.get(last)?.get())
    }

    #[inline]
    fn vacate(&self, id: GroupId) {
        let vacancies = self.vacancies.get();
        if let Some(cell) = self.vacant.get(vacancies) {
            cell.set(id);
            self.vacancies.set(vacancies + 1);
        }
    }

    fn reserve(&mut self, slot: Slot) {
        self.order.reserve(slot);
        for index in self.groups.len()..=slot.index() {
            let id = Self::numbered(index);
            self.group_of.push(Cell::new(id));
            self.groups.push(Cell::new(Group { count: 0, youngest: slot }));
            self.vacant.push(Cell::new(id));
            self.vacate(id);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are as many groups as slots")]
    fn numbered(index: usize) -> GroupId {
        GroupId(index as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Model, agree};
    use super::*;

    /// Keys with their numbers of uses, the least recently used key first.
    #[derive(Default)]
    struct Naive(Vec<(u64, u64)>);

    impl Model for Naive {
        fn used(&mut self, key: u64) {
            let at = self.0.iter().position(|&(listed, _)| listed == key).unwrap();
            let (_, count) = self.0.remove(at);
            self.0.push((key, count + 1));
        }

        fn admitted(&mut self, key: u64) {
            self.0.push((key, 1));
        }

        fn approves(&mut self, victim: u64) -> bool {
            // `min_by_key` returns the first of equal elements.
            self.0.iter().min_by_key(|&&(_, count)| count).is_some_and(|&(key, _)| key == victim)
        }

        fn removed(&mut self, key: u64) {
            self.0.retain(|&(listed, _)| listed != key);
        }
    }

    #[test]
    fn agrees_with_a_naive_model() {
        agree::<Lfu, Naive>();
    }
}

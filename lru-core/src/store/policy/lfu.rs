//! The least frequently used entry leaves; of those used equally often, the one untouched longest.
//!
//! All slots lie in one list, from the next to leave to the last. Those with the same count lie side
//! by side, in the order of their last use, as a group that knows its count and its youngest slot. A
//! hit moves a slot behind the youngest of the next group, so no operation depends on how many
//! entries there are.
//!
//! The order of departure is that of `LFUCache` in cachetools since 7.3.

use core::cell::Cell;

use super::Policy;
use super::slot_lists::{List, Lists};
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

const ORDER: List = List(0);

/// The least frequently used entry leaves; among equals, the one that was not used for longest.
///
/// Good where the same few keys stay popular for as long as the program runs. Counts don't fade:
/// what was popular once stays until something else has been used as often, and when an entry
/// leaves its count is forgotten. Where popularity changes, [`WTinyLfu`](super::WTinyLfu) does
/// better. This is what `cachetools` calls `LFUCache`.
///
/// Storing a new value under a key that is there counts as a use. Each operation takes constant
/// time; the policy takes 36 bytes an entry.
#[derive(Debug)]
pub struct Lfu {
    order: Lists<1>,
    /// Indexed by [`Slot::index`].
    group_of: Vec<Cell<GroupId>>,
    /// As many as there are slots: hits can't take memory, and never need more.
    groups: Vec<Cell<Group>>,
    /// The first `vacancies` of them are the groups that hold no slot.
    vacant: Vec<Cell<GroupId>>,
    vacancies: Cell<usize>,
}

/// Indexes `groups`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct GroupId(u32);

/// The slots that were used equally often.
#[derive(Clone, Copy, Debug)]
struct Group {
    count: u64,
    youngest: Slot,
}

impl Policy for Lfu {
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
        self.make_room_for(slot);
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
            self.leave(slot, id, group);
            self.order.remove(slot);
        }
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.order.validate(ring);
        let slots: Vec<_> = self.order.iter(ORDER).collect();
        let groups: Vec<_> = slots.iter().map(|&slot| self.group_of(slot).expect("it is listed")).collect();
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
            "vacant, and once"
        );
        assert_eq!(runs + listed.len(), self.groups.len(), "every group has slots or is vacant");
    }
}

impl Lfu {
    /// Moves `slot` to the young end of the group with the next count.
    fn count_use(&self, slot: Slot) {
        let Some((id, group)) = self.group_of(slot) else { return };
        let count = group.count + 1;
        let next = self.order.younger(group.youngest).and_then(|younger| self.group_of(younger));
        if let Some((next_id, next)) = next.filter(|(_, next)| next.count == count) {
            self.leave(slot, id, group);
            self.join(slot, next_id, next);
        } else if group.youngest == slot && !self.is_in(id, self.order.older(slot)) {
            // Alone in its group: the group moves on, the slot stays where it is.
            self.set(id, Group { count, youngest: slot });
        } else if let Some(youngest) = self.leave(slot, id, group) {
            self.found(slot, count, Some(youngest));
        }
    }

    /// Takes `slot` out of its group, not out of the order. The group's youngest, where one is left.
    fn leave(&self, slot: Slot, id: GroupId, group: Group) -> Option<Slot> {
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

    /// Puts `slot` at the young end of a group it is not in.
    fn join(&self, slot: Slot, id: GroupId, group: Group) {
        self.order.push_behind(ORDER, Some(group.youngest), slot);
        self.set(id, Group { youngest: slot, ..group });
        self.mark(slot, id);
    }

    /// Makes a group of `slot` alone, behind the slot `older` or first of all.
    fn found(&self, slot: Slot, count: u64, older: Option<Slot>) {
        if let Some(id) = self.take_vacant() {
            self.order.push_behind(ORDER, older, slot);
            self.set(id, Group { count, youngest: slot });
            self.mark(slot, id);
        }
    }

    /// The group of a slot that is in the order.
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

    fn make_room_for(&mut self, slot: Slot) {
        self.order.make_room_for(slot);
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

    /// Keys with their counts, the one untouched longest first.
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
            // `min_by_key` takes the first of equals.
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

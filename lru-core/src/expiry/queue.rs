//! Who expires when: a heap of deadlines, the earliest on top.
//!
//! An entry that leaves, or is renewed, leaves its note here until that comes up or the heap is
//! tidied. A note is true of the entry in its slot if the serial numbers agree. Where an entry is
//! live for longer than its note says, since it was used meanwhile, the note goes back with the
//! later time. So a hit never touches the heap.

use core::cmp::Ordering;
use core::fmt;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::vec::Vec;

use crate::expiry::entry_info::{EntryInfo, Queue};

/// A deadline that was noted for the entry in a slot.
struct Note<T> {
    deadline: T,
    serial: u64,
    slot: usize,
}

/// The earliest deadline is the greatest, and of equal ones that which was noted first.
impl<T: PartialOrd> Ord for Note<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.deadline.partial_cmp(&self.deadline).unwrap_or(Ordering::Equal);
        by_time.then(other.serial.cmp(&self.serial))
    }
}

impl<T: PartialOrd> PartialOrd for Note<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: PartialOrd> PartialEq for Note<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: PartialOrd> Eq for Note<T> {}

/// Who expires when.
pub struct Deadlines<T> {
    /// A heap once there is a note; `BinaryHeap` has no constant that is empty.
    heap: Option<BinaryHeap<Note<T>>>,
    serial: u64,
}

impl<T> fmt::Debug for Deadlines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// How many notes of entries that are gone are no matter.
const SLACK: usize = 64;

impl<T: Clone + PartialOrd, G> Queue<EntryInfo<T, G>> for Deadlines<T> {
    const EMPTY: Self = Self { heap: None, serial: 0 };

    fn add(&mut self, slot: usize, term: &mut EntryInfo<T, G>) {
        self.serial += 1;
        term.serial = self.serial;
        if let Some(deadline) = term.deadline() {
            let note = Note { deadline, serial: self.serial, slot };
            self.heap.get_or_insert_default().push(note);
        }
    }

    fn next<'t>(&mut self, now: &T, term: impl Fn(usize) -> Option<&'t EntryInfo<T, G>>) -> Option<usize>
    where
        EntryInfo<T, G>: 't,
    {
        let heap = self.heap.as_mut()?;
        loop {
            // On top until all is compared: no note is lost where a comparison panics.
            let mut note = heap.peek_mut()?;
            if *now < note.deadline {
                return None;
            }
            let deadline = match term(note.slot).filter(|term| term.serial == note.serial) {
                Some(term) => term.deadline(),
                None => None,
            };
            match deadline {
                // It was used since, and its turn is later: also where that has come, that who expired
                // first leaves first.
                Some(deadline) if note.deadline < deadline || *now < deadline => note.deadline = deadline,
                // A time that can't be compared with now is not ahead of it either.
                Some(_) => return Some(PeekMut::pop(note).slot),
                None => _ = PeekMut::pop(note),
            }
        }
    }

    fn tidy<'t>(&mut self, len: usize, term: impl Fn(usize) -> Option<&'t EntryInfo<T, G>>)
    where
        EntryInfo<T, G>: 't,
    {
        let Some(heap) = self.heap.as_mut().filter(|heap| heap.len() > 2 * len + SLACK) else { return };
        let notes: Vec<_> = core::mem::take(heap).into_vec();
        let is_true = |note: &Note<T>| term(note.slot).is_some_and(|term| term.serial == note.serial);
        *heap = notes.into_iter().filter(is_true).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Deadlines<u64> = <Deadlines<_> as Queue<EntryInfo<_>>>::EMPTY;

    fn lease(expires: u64) -> EntryInfo<u64> {
        EntryInfo::new(1, Some(expires), None)
    }

    #[test]
    fn the_earliest_comes_first_and_of_equal_ones_the_first_noted() {
        let mut leases = [lease(5), lease(3), lease(5), lease(9)];
        let mut deadlines = EMPTY;
        for (slot, lease) in leases.iter_mut().enumerate() {
            deadlines.add(slot, lease);
        }
        let mut next = |now| deadlines.next(&now, |slot| leases.get(slot));
        assert_eq!(next(2), None);
        assert_eq!((next(8), next(8), next(8), next(8)), (Some(1), Some(0), Some(2), None));
        assert_eq!(next(9), Some(3));
    }

    #[test]
    fn notes_of_what_is_gone_or_was_used_say_nothing() {
        let mut leases = [lease(5), EntryInfo::new(1, None, Some(5))];
        let mut deadlines = EMPTY;
        deadlines.add(0, &mut leases[0]);
        deadlines.add(1, &mut leases[1]);
        leases[0] = lease(7);
        deadlines.add(0, &mut leases[0]);
        leases[1].used(Some(8));
        let mut next = |now| deadlines.next(&now, |slot| leases.get(slot));
        assert_eq!(next(6), None);
        assert_eq!((next(7), next(7), next(8)), (Some(0), None, Some(1)));
    }

    #[test]
    fn who_was_used_expires_in_its_turn_however_late_that_is_asked_for() {
        let mut leases = [EntryInfo::new(1, None, Some(5)), lease(7)];
        let mut deadlines = EMPTY;
        for (slot, lease) in leases.iter_mut().enumerate() {
            deadlines.add(slot, lease);
        }
        leases[0].used(Some(9));
        let mut next = |now| deadlines.next(&now, |slot| leases.get(slot));
        assert_eq!((next(10), next(10), next(10)), (Some(1), Some(0), None));
    }

    #[test]
    fn the_heap_holds_no_more_than_it_must() {
        let mut term = lease(0);
        let mut deadlines = EMPTY;
        for time in 0..10_000 {
            term = lease(time + 1_000_000);
            deadlines.add(0, &mut term);
            deadlines.tidy(1, |_| Some(&term));
            assert!(deadlines.heap.as_ref().is_some_and(|heap| heap.len() <= SLACK + 3));
        }
        assert_eq!(deadlines.next(&2_000_000, |_| Some(&term)), Some(0));
    }
}

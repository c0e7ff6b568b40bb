//! The expiry queue: a heap of deadlines, the earliest on top.
//!
//! When an entry is removed or gets other metadata, its note remains in the heap until it reaches the top or
//! the heap is compacted. A note applies to the entry in its slot if the serial numbers agree. If a use has
//! postponed the deadline, the note is moved to the later time when it reaches the top, so a hit never
//! touches the heap.

use core::cmp::Reverse;
use core::convert::Infallible;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::stale_window::{StaleWindow, Staleness};
use crate::expiry::ticks::Ticks;
use crate::store::EntryMeta;
use crate::store::entry_meta::Queue;

/// The noted deadline of the entry in a slot. Of equal deadlines, the one noted first sorts first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    deadline: Ticks,
    serial: u64,
    slot: usize,
}

/// The bytes of the note of an entry in the heap, which has room for up to twice as many.
const NOTE_BYTES: usize = size_of::<Note>() / 2 * 3;

impl<W: Staleness> EntryInfo<W> {
    /// Returns the bytes that the metadata needs outside of the entry.
    pub(crate) fn owned_bytes(&self) -> usize {
        let note = if self.deadline() == Ticks::NEVER { 0 } else { NOTE_BYTES };
        note + self.beside().boxed_bytes()
    }
}

/// The deadlines of the entries in a store.
pub struct ExpiryQueue {
    /// `None` until the first note: an empty `BinaryHeap` is not a constant.
    heap: Option<BinaryHeap<Reverse<Note>>>,
    serial: u64,
}

/// The number of notes of removed entries that the heap may contain without being compacted.
const SLACK: usize = 64;

/// A stale window, and the queue of stores whose entries have it.
pub trait Queued: Staleness {
    /// The queue.
    type Queue: Queue<EntryInfo<Self>>;
}

impl Queued for () {
    type Queue = ExpiryQueue;
}

impl Queued for StaleWindow {
    type Queue = ExpiryQueue;
}

impl<W: Queued> EntryMeta for EntryInfo<W> {
    type Queue = W::Queue;
    type Published<X> = Infallible;

    type Unlocked = ();

    const HAS_WEIGHT: bool = true;
    const MAY_EXPIRE: bool = true;
    const MAY_END: bool = true;

    fn unlocked(&self) {}

    fn weight(&self) -> usize {
        self.weight
    }

    fn add_weight(&mut self, bytes: usize) {
        self.weight = self.weight.saturating_add(bytes);
    }
}

impl<W: Queued> Queue<EntryInfo<W>> for ExpiryQueue {
    const EMPTY: Self = Self { heap: None, serial: 0 };

    fn add(&mut self, slot: usize, info: &mut EntryInfo<W>) {
        self.serial += 1;
        info.serial = self.serial;
        if info.deadline() != Ticks::NEVER {
            let note = Note { deadline: info.deadline(), serial: self.serial, slot };
            self.heap.get_or_insert_default().push(Reverse(note));
        }
    }

    fn next<'t>(
        &mut self,
        now: u64,
        steps: &mut usize,
        info: impl Fn(usize) -> Option<&'t EntryInfo<W>>,
    ) -> Option<usize>
    where
        EntryInfo<W>: 't,
    {
        let heap = self.heap.as_mut()?;
        loop {
            let mut top = heap.peek_mut()?;
            let Reverse(note) = &mut *top;
            if now < note.deadline.get() {
                return None;
            }
            *steps = steps.checked_sub(1)?;
            match info(note.slot).filter(|info| info.serial == note.serial).map(EntryInfo::deadline) {
                None => _ = PeekMut::pop(top),
                // A use has postponed the deadline. Even if it has passed since, other deadlines may be
                // earlier.
                Some(deadline) if note.deadline < deadline => note.deadline = deadline,
                Some(_) => return Some(PeekMut::pop(top).0.slot),
            }
        }
    }

    fn compact<'t>(&mut self, len: usize, info: impl Fn(usize) -> Option<&'t EntryInfo<W>>)
    where
        EntryInfo<W>: 't,
    {
        let Some(heap) = self.heap.as_mut().filter(|heap| heap.len() > 2 * len + SLACK) else { return };
        heap.retain(|Reverse(note)| info(note.slot).is_some_and(|info| info.serial == note.serial));
    }
}

#[cfg(test)]
mod tests;

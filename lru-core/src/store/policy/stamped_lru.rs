//! LRU by stamps: the order of use of a cache whose hits take no lock.

use core::cell::RefCell;
use core::fmt;
use std::sync::Arc;

use super::Policy;
use super::sealed::Sealed;
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};
use crate::store::lock_free::mirror::Mirror;
use crate::store::lock_free::stripe::Stamp;
use crate::store::lock_free::words::Words;

/// LRU whose hits are stamps in a [`Mirror`] instead of moves in the ring.
///
/// The ring is a queue for eviction: first the slots in the order of their last use when it was last settled, then
/// the slots that have been admitted or passed since, in any order. A queued slot that was used since then is passed to
/// the end. When no queued slot is left, all are sorted by their stamps.
pub struct StampedLru {
    /// `None` until there are entries enough, or hits: until then the ring is in the order of use.
    mirror: Option<Arc<Mirror>>,
    /// The slots whose entries readers do not find yet.
    unpublished: Vec<Slot>,
    /// A mirror that has too few slots for the store. It has counts that are not yet taken.
    outgrown: Option<Arc<Mirror>>,
    /// Memory for sorting, so that a full cache allocates nothing.
    sorted: RefCell<Vec<(Stamp, Slot)>>,
}

impl StampedLru {
    /// Returns the mirror, if there is one.
    pub(crate) fn mirror(&self) -> Option<&Arc<Mirror>> {
        self.mirror.as_ref()
    }

    /// Returns whether the store has more entries than its mirror had slots for.
    pub(crate) fn has_outgrown_mirror(&self) -> bool {
        self.outgrown.is_some()
    }

    /// Begins to use a new mirror with so many slots. The entries in the ring, which is in the order of use, are to be
    /// published.
    pub(crate) fn set_mirror<T>(&mut self, mirror: Arc<Mirror>, slots: usize, ring: &Arena<T>) {
        self.unpublished = Vec::with_capacity(slots);
        self.sorted = RefCell::new(Vec::with_capacity(slots));
        for slot in ring.iter() {
            mirror.admitted(slot.index());
            self.unpublished.push(slot);
        }
        self.mirror = Some(mirror);
    }

    /// Calls `publish` for each slot whose entry readers do not find yet, and returns the mirror.
    #[inline]
    pub(crate) fn publish(&mut self, publish: impl Fn(&Mirror, Slot)) -> Option<&Arc<Mirror>> {
        let Self { mirror: Some(mirror), unpublished, .. } = self else { return None };
        while let Some(slot) = unpublished.pop() {
            publish(mirror, slot);
        }
        Some(mirror)
    }

    /// Sorts all slots of the ring by the stamps of their last use, and queues them in this order.
    #[cold]
    #[inline(never)]
    fn sort<T>(&self, mirror: &Mirror, ring: &Arena<T>) {
        let active = mirror.settle();
        let mut sorted = self.sorted.borrow_mut();
        sorted.clear();
        sorted.extend(ring.iter().map(|slot| (mirror.settled(slot.index(), active), slot)));
        if sort(&mut sorted) {
            sorted.iter().for_each(|&(_, slot)| ring.touch(slot));
        }
    }
}

/// Sorts slots by their stamps, and returns whether they were in another order.
// Independent of the types of the cache, so that it is compiled once, in this crate.
fn sort(slots: &mut [(Stamp, Slot)]) -> bool {
    let is_sorted = slots.is_sorted_by_key(|&(stamp, _)| stamp);
    if !is_sorted {
        slots.sort_unstable_by_key(|&(stamp, _)| stamp);
    }
    !is_sorted
}

impl fmt::Debug for StampedLru {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StampedLru").finish_non_exhaustive()
    }
}

impl Sealed for StampedLru {}

impl Policy for StampedLru {
    type Stopwatch = ();
    const NEW: Self =
        Self { mirror: None, unpublished: Vec::new(), outgrown: None, sorted: RefCell::new(Vec::new()) };

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        match &self.mirror {
            Some(mirror) => mirror.used(slot.index()),
            None => ring.touch(slot),
        }
    }

    #[inline]
    fn publish_meta<U: Words>(&self, slot: Slot, meta: impl FnOnce() -> U) {
        if let Some(mirror) = &self.mirror {
            mirror.renew_meta(slot.index(), meta());
        }
    }

    #[inline]
    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        if let Some(mirror) = &self.mirror {
            mirror.admitted(slot.index());
            self.unpublished.push(slot);
        }
    }

    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        match &self.mirror {
            Some(mirror) => {
                mirror.replaced(slot.index());
                self.unpublished.push(slot);
            }
            None => ring.touch(slot),
        }
    }

    /// A mirror cannot grow, because readers use it without the lock: the hits of a larger store take the lock.
    fn resized<T>(&mut self, ring: &Arena<T>, maxsize: usize) {
        // There is one slot more than there are entries.
        if self.mirror.as_ref().is_none_or(|mirror| maxsize < mirror.slots()) {
            return;
        }
        if let Some(mirror) = self.mirror.take() {
            mirror.retire();
            // From now on the ring is in the order of use.
            self.sort(&mirror, ring);
            self.unpublished = Vec::new();
            self.sorted = RefCell::new(Vec::new());
            self.outgrown = Some(mirror);
        }
    }

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        let Some(mirror) = &self.mirror else { return ring.first() };
        let active = mirror.active();
        loop {
            let slot = ring.first()?;
            match mirror.queued(slot.index(), active) {
                Some(true) => return Some(slot),
                Some(false) => {
                    mirror.pass(slot.index());
                    ring.touch(slot);
                }
                None => {
                    self.sort(mirror, ring);
                    return ring.first();
                }
            }
        }
    }

    fn settle<T>(&self, ring: &Arena<T>) {
        if let Some(mirror) = &self.mirror {
            self.sort(mirror, ring);
        }
    }

    fn emptied(&mut self) -> Self {
        let mirror = self.mirror.take();
        if let Some(mirror) = &mirror {
            mirror.clear();
        }
        Self {
            mirror,
            unpublished: core::mem::take(&mut self.unpublished),
            outgrown: self.outgrown.take(),
            sorted: core::mem::take(&mut self.sorted),
        }
    }

    #[inline]
    fn removed(&mut self, slot: Slot) {
        if let Some(mirror) = &self.mirror {
            mirror.removed(slot.index());
        }
    }

    fn take_counts(&self) -> (u64, u64) {
        self.mirror.as_ref().or(self.outgrown.as_ref()).map_or((0, 0), |mirror| mirror.take_counts())
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, _: &Arena<T>) {
        assert!(self.mirror.is_none() || self.unpublished.is_empty(), "all entries are published");
    }
}

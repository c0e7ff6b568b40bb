//! FIFO: evicts the oldest entry.

use super::Policy;
use super::sealed::Sealed;
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

/// FIFO (first in, first out): evicts the entry that was stored first, however often it was used.
///
/// Good for entries that lose their value with age. A hit does no bookkeeping, which makes it cheaper than with
/// [`Lru`](super::Lru); the hit ratio is usually lower. Replacing the value of an entry makes it the newest.
///
/// The policy needs no memory of its own. It is `FIFOCache` of Python's cachetools.
#[derive(Clone, Copy, Debug)]
pub struct Fifo;

impl Sealed for Fifo {}

impl Policy for Fifo {
    type Stopwatch = ();
    const NEW: Self = Self;

    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        ring.touch(slot);
    }

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        ring.first()
    }
}

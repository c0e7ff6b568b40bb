//! The least recently used entry leaves: the order of the ring is the order of use.

use crate::arena::{Arena, Slot};

#[derive(Debug)]
pub(crate) struct Lru;

impl Lru {
    /// `slot` was read or written.
    #[inline]
    pub(crate) fn used<T>(arena: &Arena<T>, slot: Slot) {
        arena.touch(slot);
    }

    /// The next to be evicted.
    #[inline]
    pub(crate) fn victim<T>(arena: &Arena<T>) -> Option<Slot> {
        arena.first()
    }
}

//! The least recently used entry leaves: the order of the ring is the order of use.

use super::Policy;
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

/// The least recently used entry leaves.
#[derive(Clone, Copy, Debug)]
pub struct Lru;

impl Policy for Lru {
    const NEW: Self = Self;

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        ring.touch(slot);
    }

    #[inline]
    fn admitted<T>(&mut self, _: &Arena<T>, _: Slot, _: KeyHash) {}

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        ring.first()
    }

    #[inline]
    fn removed(&mut self, _: Slot) {}
}

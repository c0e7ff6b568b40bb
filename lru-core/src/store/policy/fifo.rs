//! The oldest entry leaves, however often it was used. A value that is replaced makes it new.

use super::Policy;
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

/// The oldest entry leaves.
#[derive(Clone, Copy, Debug)]
pub struct Fifo;

impl Policy for Fifo {
    const NEW: Self = Self;

    #[inline]
    fn used<T>(&self, _: &Arena<T>, _: Slot) {}

    #[inline]
    fn admitted<T>(&mut self, _: &Arena<T>, _: Slot, _: KeyHash) {}

    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        ring.touch(slot);
    }

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        ring.first()
    }

    #[inline]
    fn removed(&mut self, _: Slot) {}
}

//! LRU: evicts the least recently used entry. The order of the arena's ring is the order of use.

use super::Policy;
use super::sealed::Sealed;
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

/// LRU (least recently used): evicts the entry that was not used for the longest time. The default.
///
/// Good if recently used entries are likely to be used again, as in most programs. A scan over many keys that are
/// used once evicts all other entries: see [`Sieve`](super::Sieve), [`S3Fifo`](super::S3Fifo) and
/// [`WTinyLfu`](super::WTinyLfu) for that.
///
/// A hit moves the entry in a linked list; the policy needs no memory of its own. It is `functools.lru_cache` and
/// `LRUCache` of Python's cachetools.
#[derive(Clone, Copy, Debug)]
pub struct Lru;

impl Sealed for Lru {}

impl Policy for Lru {
    type Stopwatch = ();
    const NEW: Self = Self;
    const IS_LRU: bool = true;

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        ring.touch(slot);
    }

    #[inline]
    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        ring.first()
    }
}

//! Who leaves when there is no room: one file per policy.
//!
//! A policy knows slots, their order, and hashes where it has to recognise what it saw before.
//! Keys, values and the lock are none of its business.

mod fifo;
mod lfu;
mod lru;
mod rr;
mod s3_fifo;
mod sieve;
mod slot_lists;
#[cfg(test)]
mod tests;
mod w_tinylfu;

pub use fifo::Fifo;
pub use lfu::Lfu;
pub use lru::Lru;
pub use rr::Rr;
pub use s3_fifo::S3Fifo;
pub use sieve::Sieve;
pub use w_tinylfu::WTinyLfu;

use core::fmt;

use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

/// The choice of a victim.
///
/// A policy may keep the order of use in the ring of the arena, which has every occupied slot and
/// puts new ones last, or in lists of its own. A newcomer need not lie where the victim lay, and any
/// slot may be vacant: there is one more than there are entries. What changes at a hit lies in cells: hits only read
/// the store.
pub trait Policy: fmt::Debug + Sized {
    /// A policy that has seen nothing.
    const NEW: Self;

    /// The entry in `slot` was read.
    fn used<T>(&self, ring: &Arena<T>, slot: Slot);

    /// A new entry lies in `slot`, which is last in the ring.
    fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash);

    /// The value of the entry in `slot` was replaced.
    fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
        self.used(ring, slot);
    }

    /// The next to be evicted, to make room for an entry with the hash `newcomer`. `None` where there
    /// is no entry. It is still in the ring, and [`Policy::removed`] will be told when it is gone.
    fn victim<T>(&mut self, ring: &Arena<T>, newcomer: KeyHash) -> Option<Slot>;

    /// The slots among which a user may choose the victim, where the policy asks.
    fn candidates(&self) -> &[Slot] {
        &[]
    }

    /// Makes one of the candidates the next victim.
    fn choose(&mut self, _slot: Slot) {}

    /// A policy of the same settings that has seen nothing.
    #[must_use]
    fn emptied(&self) -> Self {
        Self::NEW
    }

    /// The entry in `slot` is gone, by eviction or otherwise.
    fn removed(&mut self, slot: Slot);

    /// Panics unless its own lists are whole, and have the slots that the ring has.
    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, _ring: &Arena<T>) {}
}

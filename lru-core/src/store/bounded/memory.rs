//! The memory of a bounded store: what an entry takes, and for how many there is room.

use crate::store::bounded::Bounded;
use crate::store::entry::Entry;
use crate::store::entry_meta::EntryMeta;
use crate::store::index::Index;
use crate::store::linked_arena::Arena;
use crate::store::policy::Policy;
use crate::store::types::CacheTypes;

/// Returns the bytes of an entry of a cache that bounds the weight of its entries: key, value and metadata themselves, and
/// what the tables of the store need for the entry. These have room for an eighth more entries than there are.
pub(crate) const fn entry_bytes<C: CacheTypes>() -> usize {
    let exact = Arena::<Entry<C>>::SLOT_BYTES + Index::SLOT_BYTES + C::Policy::SLOT_BYTES;
    exact + exact / 8
}

impl<C: CacheTypes> Bounded<C> {
    /// Returns for how many entries there should be memory at most, when the arena grows.
    ///
    /// With weights, these are an eighth more than the capacity holds of entries that weigh as much as those there are, and
    /// an eighth more than there are at least.
    pub(super) fn most_entries(&self) -> usize {
        if !C::Meta::HAS_WEIGHT || !self.arena.is_exhausted() {
            return self.limit();
        }
        let len = self.arena.len();
        let mean = (self.weight / len.max(1)).max(1);
        let expected = self.limit() / mean;
        expected.saturating_add(expected / 8).max(len + len / 8 + 4)
    }
}

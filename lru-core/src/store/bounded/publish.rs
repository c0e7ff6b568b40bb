//! The entries of a bounded store as readers without the lock see them.

use std::sync::Arc;

use crate::store::bounded::Bounded;
use crate::store::entry_meta::EntryMeta;
use crate::store::lock_free::MAX_MIRRORED;
use crate::store::lock_free::mirror::Mirror;
use crate::store::lock_free::words::Words;
use crate::store::policy::StampedLru;
use crate::store::types::{CacheTypes, UnlockedOf};

impl<C: CacheTypes<Policy = StampedLru>> Bounded<C>
where
    C::Key: Words,
    C::Value: Words,
{
    /// Publishes new and replaced entries to readers without the lock, and returns the mirror that they read.
    ///
    /// The mirror has memory for all entries, and is made when there are an eighth of them, or if the cache `is_used`: until
    /// then returns `None`. So it does for a store that has outgrown its mirror, or is too large for one.
    #[inline]
    pub(in crate::store) fn publish(&mut self, is_used: bool) -> Option<&Arc<Mirror>> {
        if self.policy.mirror().is_none() {
            let is_worth_it = is_used || self.arena.len() >= self.limit().div_ceil(8).max(1);
            if !is_worth_it || self.limit() > MAX_MIRRORED || self.policy.has_outgrown_mirror() {
                return None;
            }
            // The arena has one node for the root, and four nodes at least.
            let slots = self.limit().saturating_add(1).max(4);
            let mirror = Arc::new(Mirror::new::<C::Key, (C::Value, UnlockedOf<C>)>(slots));
            self.policy.set_mirror(mirror, slots, &self.arena);
        }
        let arena = &self.arena;
        self.policy.publish(|mirror, slot| {
            // A slot may have been vacated since.
            if let Some(entry) = arena.get(slot) {
                mirror.write(slot.index(), entry.hash, entry.key, (entry.value, entry.meta.unlocked()));
            }
        })
    }
}

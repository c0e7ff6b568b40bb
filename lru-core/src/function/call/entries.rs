//! Copies of the entries of a memoized function.

use std::vec::Vec;

use crate::engine::placement::Change;
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::call::handle::CacheHandle;
use crate::observe::cache_entry::{CacheEntry, Copies};
use crate::store::Entry;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns copies of all entries that may be served, from least to most recently used if the cache keeps an
    /// order, and shard by shard. `arguments` returns the arguments in a key. Counts nothing.
    pub fn entries<A: Clone>(
        self,
        arguments: impl Fn(&StoredKey<E>) -> &A,
    ) -> Vec<CacheEntry<A, StoredValue<E>>>
    where
        StoredValue<E>: Clone,
    {
        // Outlives the locks, so that copies made before a panic are dropped after they are released.
        let mut copies = Copies::NONE;
        self.engines.apply_all_deferred(&self.lifecycle);
        self.engines.each(Change::None, |engine| {
            let copy = |entry: &Entry<E::Types>| {
                copies.add(arguments(&entry.key), &entry.value, self.lifecycle.age(&entry.meta));
            };
            engine.for_each_live(copy, &self.lifecycle);
        });
        copies.into_entries()
    }
}

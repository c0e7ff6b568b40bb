//! Copies of the entries of a memoized function.

use std::vec::Vec;

use crate::engine::placement::Change;
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::call::handle::CacheHandle;
use crate::key::erased::Viewed;
use crate::observe::cache_entry::{CacheEntry, Copies};
use crate::store::Entry;

/// The type of a result, as a function pointer has it: there, lifetimes that are not written are that of the parameter.
pub trait Returned {
    /// The type of the result.
    type Type;
}

impl<R> Returned for fn(&'static ()) -> R {
    type Type = R;
}

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
        self.entries_viewed(|key| Some(arguments(key).clone()), |value| Some(Viewed::Stored(value)))
    }

    /// Like [`CacheHandle::entries`], for the entries of which `arguments` and `result` return something.
    /// `arguments` returns copies.
    pub fn entries_viewed<A, R: Clone>(
        self,
        arguments: impl Fn(&StoredKey<E>) -> Option<A>,
        result: impl Fn(&StoredValue<E>) -> Option<Viewed<'_, R>>,
    ) -> Vec<CacheEntry<A, R>> {
        // Outlives the locks, so that copies made before a panic are dropped after they are released.
        let mut copies = Copies::NONE;
        self.engines.apply_all_deferred(&self.lifecycle);
        self.engines.each(Change::None, |engine| {
            let copy = |entry: &Entry<E::Types>| {
                // The arguments are copied last: nothing can fail between the copy and its place in `copies`.
                let Some(value) = result(&entry.value) else { return };
                let Some(arguments) = arguments(&entry.key) else { return };
                copies.add(arguments, &*value, self.lifecycle.age(&entry.meta));
            };
            engine.for_each_live(copy, &self.lifecycle);
        });
        copies.into_entries()
    }
}

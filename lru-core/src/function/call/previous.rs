//! The value that a result replaces, for a body that takes it: `#[previous]`.
//!
//! It is whatever the cache still holds for the key when the computation begins, whether it is fresh, stale, expired or
//! invalidated. Reading it counts nothing, and the body decides what it is good for.

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::call::handle::CacheHandle;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::Entry;

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns a copy of the value that the cache holds for the key, whether or not it may be served. A call that bypasses
    /// the cache has none.
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    pub fn previous<R, Q, O>(self, key: Q, policy: O) -> Option<O::Value>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if self.is_bypassed() {
            return None;
        }
        let hash = KeyHash::of_part(&key);
        let read = |entry: &Entry<E::Types>| policy.copied_value(&entry.value);
        self.at(hash, |engine, lifecycle| {
            engine.find_with(hash, |stored| key.eq_stored(stored), read, lifecycle)
        })
    }
}

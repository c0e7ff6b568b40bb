//! Backend invalidation of an in-process cache (L1): asks whether it has entries with a hash, and removes
//! them.

use crate::engine::placement::{Change, Placement};
use crate::key::KeyHash;

/// An in-process cache in front of a backend, addressed by the hashes of its keys.
///
/// With `defer_listener`, the eviction listener is notified by the next call of the function, because only
/// calls know its type.
pub trait InProcessCache: Sync {
    /// Returns whether there is an entry with this hash; `true` if that cannot be determined without
    /// blocking.
    fn contains_hash(&self, hash: KeyHash) -> bool;

    /// Removes all entries with this hash.
    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool);

    /// Removes all entries.
    fn invalidate_all(&self, defer_listener: bool);
}

impl<E: Placement + Sync> InProcessCache for E {
    fn contains_hash(&self, hash: KeyHash) -> bool {
        // A call from an `Eq` or a `Clone` under a lock must not block on another lock.
        self.is_held() || self.at(hash, |engine| engine.contains_hash(hash))
    }

    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool) {
        self.change(hash, |engine| engine.remove_hash(hash, defer_listener));
    }

    fn invalidate_all(&self, defer_listener: bool) {
        self.each(Change::Retain, |engine| engine.remove_all(defer_listener));
    }
}

/// The cache of a function in its `static`.
pub trait HasInProcessCache {
    /// Returns the state that all threads share; `None` if nothing is stored.
    fn in_process(&'static self) -> Option<&'static dyn InProcessCache>;
}

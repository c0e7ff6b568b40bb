//! What backend invalidation asks of an in-process cache (L1): whether it holds entries of a hash, and to remove
//! them.

use crate::engine::placement::{Change, Placement};
use crate::key::KeyHash;

/// An in-process cache in front of a backend, addressed by the hashes of its keys.
///
/// With `defer_listener`, the next call of the function calls the eviction listener, which only calls know.
pub trait InProcessCache: Sync {
    /// Whether there is an entry of this hash; `true` if that cannot be known now.
    fn holds(&self, hash: KeyHash) -> bool;

    /// Removes all entries of this hash.
    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool);

    /// Removes all entries.
    fn invalidate_all(&self, defer_listener: bool);
}

impl<E: Placement + Sync> InProcessCache for E {
    fn holds(&self, hash: KeyHash) -> bool {
        // A call from inside an `Eq` or a `Clone`, under a lock, must not wait for another.
        self.is_held() || self.at(hash, |engine| engine.holds(hash))
    }

    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool) {
        self.change(hash, |engine| engine.drop_changed(hash, defer_listener));
    }

    fn invalidate_all(&self, defer_listener: bool) {
        self.each(Change::Retain, |engine| engine.drop_all_changed(defer_listener));
    }
}

/// The cache of a function in its `static`.
pub trait HasInProcessCache {
    /// What all threads share of it; `None` if nothing is stored.
    fn in_process(&'static self) -> Option<&'static dyn InProcessCache>;
}

//! Backend invalidation of an in-process cache (L1): asks whether it has entries with a hash, and removes
//! them.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::placement::{Change, Placement};
use crate::engine::reported::ReportedChanges;
use crate::key::KeyHash;
use crate::observe::Counters;

/// An in-process cache in front of a backend, addressed by the hashes of its keys.
///
/// With `defer_listener`, the eviction listener is notified by the next call of the function, because only
/// calls know its type.
pub trait InProcessCache: Sync {
    /// Removes all entries with this hash.
    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool);

    /// Removes all entries.
    fn invalidate_all(&self, defer_listener: bool);
}

impl<E: Placement + Sync> InProcessCache for E {
    fn invalidate_hash(&self, hash: KeyHash, defer_listener: bool) {
        self.change(hash, |engine| engine.remove_hash(hash, defer_listener));
    }

    fn invalidate_all(&self, defer_listener: bool) {
        self.each(Change::Retain, |engine| engine.remove_all(defer_listener));
    }
}

/// Where a function keeps copies of the entries in its backend.
pub enum Copies {
    /// In its `static`: any thread can remove them.
    Shared(&'static dyn InProcessCache),
    /// In an object, or in the cache of a thread: its next call removes them.
    Apart(Arc<ReportedChanges>),
}

/// The cache in which a call keeps copies of the entries in a backend.
pub trait HoldsCopies {
    /// Returns where they are; `None` if nothing is stored.
    fn copies(&self) -> Option<Copies>;

    /// Returns whether there is an entry with this hash; `true` if that cannot be determined without
    /// blocking.
    fn contains_hash(&self, hash: KeyHash) -> bool;

    /// Returns where the errors of a backend are counted, apart from calls.
    fn errors(&self) -> ErrorCount;
}

/// Where the errors of a backend are counted, apart from calls.
pub struct ErrorCount(pub(crate) Arc<Counters>);

impl ErrorCount {
    /// Returns that of a cache.
    pub(crate) fn of(engines: &impl Placement) -> Self {
        Self(engines.first(Engine::shared_counters))
    }
}

/// Returns whether there is an entry with this hash, as [`HoldsCopies::contains_hash`] does.
pub(crate) fn contains_hash(engines: &impl Placement, hash: KeyHash) -> bool {
    // A call from an `Eq` or a `Clone` under a lock must not block on another lock.
    engines.is_held() || engines.at(hash, |engine| engine.contains_hash(hash))
}

/// Returns where the copies are in engines which other threads cannot reach.
pub(crate) fn copies_apart(engines: &impl Placement) -> Option<Copies> {
    let stores = engines.maxsize() != Some(0);
    stores.then(|| Copies::Apart(engines.first(|engine| Arc::clone(engine.reported()))))
}

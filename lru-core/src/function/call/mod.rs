//! Calls of a memoized function, as they reach its cache: with borrowed arguments.
//!
//! Calls go through a [`CacheHandle`], whether the cache is in a `static` or in an object. The handle makes
//! the keys and selects the part of a result that is stored; the engine does everything else.

pub(crate) mod accessors;
#[cfg(feature = "backend")]
pub(crate) mod backend_accessors;
#[cfg(feature = "backend")]
pub(crate) mod backend_call;
#[cfg(feature = "backend")]
mod backend_coding;
#[cfg(feature = "backend")]
pub(crate) mod backend_entry;
#[cfg(feature = "backend")]
pub(crate) mod backend_errors;
#[cfg(feature = "backend")]
pub(crate) mod backend_handle;
#[cfg(feature = "backend")]
mod backend_stale;
pub(crate) mod begin;
pub(crate) mod body;
pub(crate) mod cache_holder;
#[cfg(feature = "backend")]
pub(crate) mod claim;
pub(crate) mod coalesced;
pub(super) mod computation;
pub(crate) mod detached;
pub(crate) mod entries;
#[cfg(feature = "backend")]
pub(crate) mod found_stale;
pub(crate) mod handle;
#[cfg(feature = "backend")]
pub(crate) mod held_lease;
pub(crate) mod later;
#[cfg(feature = "backend")]
pub(crate) mod later_in_backend;
pub(crate) mod miss;
pub(crate) mod observed;
#[cfg(feature = "backend")]
mod outside_tags;
pub(crate) mod pending_call;
mod previous;
pub(crate) mod refresh_arguments;
pub(crate) mod remote;
#[cfg(feature = "backend")]
pub(crate) mod serializable;
mod stale_if_error;
pub(crate) mod stale_if_slow;
pub(crate) mod stale_while_revalidate;
#[cfg(feature = "backend")]
pub(crate) mod strictness;
pub(in crate::function) mod unfinished_refresh;
mod wait;

pub use handle::CacheHandle;
pub use miss::Miss;

use crate::engine::{Engine, InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::call::miss::Pending;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::policy::Stopwatch;

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Looks up the result of a call, and counts a hit or a miss.
    ///
    /// # Errors
    ///
    /// Returns a [`Miss`] if the result must be computed: the token with which it is stored.
    // Each memoized function calls this in one place, so inlining costs nothing. In debug builds an inlined
    // copy would cost stack.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn lookup<Q, R, O>(self, key: Q, policy: O) -> Result<R, Miss<E, S, O>>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if !self.stores {
            return Err(self.uncached_miss(policy));
        }
        if self.is_bypassed() {
            return Err(self.bypassing_miss(policy));
        }
        // Taken apart: only `lifecycle` is borrowed, so the other fields need not be in memory.
        let Self { engines, stores, may_bypass, lifecycle } = self;
        let hash = KeyHash::of_part(&key);
        engines.apply_deferred(hash, &lifecycle);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let read = |stored: &StoredValue<E>| policy.restore(stored);
        match engines.lookup(hash, matches, read, &lifecycle) {
            Ok(result) => Ok(result),
            Err(began) => {
                let handle = Self { engines, stores, may_bypass, lifecycle };
                Err(handle.miss(hash, &key, InsertKind::Computed(began), policy))
            }
        }
    }

    /// Begins a computation that replaces the stored result, and counts a miss.
    pub fn refresh<Q: Part<Stored = StoredKey<E>>, O>(self, key: Q, policy: O) -> Miss<E, S, O> {
        if self.is_bypassed() {
            return self.bypassing_miss(policy);
        }
        let hash = KeyHash::of_part(&key);
        // Before the body runs: the new result is valid from then on.
        self.invalidate_dependents(hash);
        if !self.stores {
            // Later calls must not join a computation that began earlier.
            self.change(hash, |engine, _| engine.record_change(hash));
            return self.uncached_miss(policy);
        }
        let kind = InsertKind::Refreshed(self.change(hash, |engine, _| engine.begin_refresh(hash)));
        self.miss(hash, &key, kind, policy)
    }

    /// Returns a miss of a cache that stores nothing, and counts it unless the call bypasses the cache.
    #[inline]
    fn uncached_miss<O>(self, policy: O) -> Miss<E, S, O> {
        if !self.is_bypassed() {
            self.engines.first(Engine::count_uncached_miss);
        }
        Miss { handle: self, pending: None, policy }
    }

    /// Returns a miss of a call that bypasses the cache.
    // Not inlined: a hit need not have the handle in memory.
    #[cold]
    #[inline(never)]
    fn bypassing_miss<O>(self, policy: O) -> Miss<E, S, O> {
        Miss { handle: self, pending: None, policy }
    }

    #[inline]
    fn miss<Q: Part<Stored = StoredKey<E>>, O>(
        self,
        hash: KeyHash,
        key: &Q,
        kind: InsertKind,
        policy: O,
    ) -> Miss<E, S, O> {
        let pending = Pending {
            hash,
            key: key.to_stored(),
            kind,
            same: Q::stored_eq,
            max_age: None,
            stopwatch: Stopwatch::start(),
        };
        Miss { handle: self, pending: Some(pending), policy }
    }
}

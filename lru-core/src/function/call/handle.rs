//! The handle of a function's cache, through which each call, accessor and refresh reaches it.

#[cfg(feature = "backend")]
use std::vec::Vec;

use crate::engine::insert::Comparison;
use crate::engine::notify::notify;
use crate::engine::placement::EngineOf;
#[cfg(feature = "backend")]
use crate::engine::placement::invalidate::{Copies, ErrorCount, HoldsCopies, contains_hash, copies_apart};
#[cfg(feature = "backend")]
use crate::engine::{Engine, Hooks};
use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::Freshness;
use crate::function::bypass::is_bypassed;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::{Entry, Epoch};
use crate::tags::validity::Validity;

/// The handle of a function's cache. The keys of the cache are the owned form of the arguments, its values
/// the stored part of the results.
///
/// The arguments are one borrowed tuple, hashed and compared in place, and owned on a miss only.
pub struct CacheHandle<E, S> {
    pub(crate) engines: E,
    /// Whether results are stored: not if `maxsize` is zero.
    pub(crate) stores: bool,
    /// Whether calls may [bypass](crate::bypassed) the cache: those of memoized functions.
    pub(crate) may_bypass: bool,
    pub(crate) lifecycle: S,
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    #[inline]
    pub(crate) fn new(engines: E, stores: bool, lifecycle: S) -> Self {
        Self { engines, stores, may_bypass: false, lifecycle }
    }

    /// Returns the handle of a call of a memoized function, which may [bypass](crate::bypassed) the cache.
    #[inline]
    pub(crate) fn of_function(engines: E, stores: bool, lifecycle: S) -> Self {
        Self { engines, stores, may_bypass: true, lifecycle }
    }

    /// Returns whether the call bypasses the cache.
    #[inline]
    pub(crate) fn is_bypassed(&self) -> bool {
        self.may_bypass && is_bypassed()
    }

    /// Removes the entries that a backend has reported as changed: it cannot reach the cache of an object or a thread.
    #[cfg(feature = "backend")]
    #[inline]
    #[must_use]
    pub fn current(self) -> Self {
        if let Some(hashes) = self.engines.first(Engine::take_reported) {
            self.remove_reported(hashes);
        }
        self
    }

    #[cfg(feature = "backend")]
    #[cold]
    fn remove_reported(&self, hashes: Vec<KeyHash>) {
        let listens = self.lifecycle.hooks().listens();
        for hash in hashes {
            self.change(hash, |engine, _| engine.remove_hash(hash, listens));
        }
    }

    /// Runs an operation on the engine that serves the keys of this hash.
    #[inline]
    pub(crate) fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.apply_deferred(hash, &self.lifecycle);
        self.engines.at(hash, |engine| f(engine, &self.lifecycle))
    }

    /// Like [`CacheHandle::at`], but for an operation that changes the entry of a key.
    pub(crate) fn change<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.apply_deferred(hash, &self.lifecycle);
        self.engines.change(hash, |engine| f(engine, &self.lifecycle))
    }

    /// Like [`CacheHandle::lookup`], but counts no miss yet: the call may not need a computation of its own.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<Q, R, O>(
        &self,
        hash: KeyHash,
        key: &Q,
        policy: O,
    ) -> Result<(R, Freshness), Epoch>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { engines, lifecycle, .. } = self;
        engines.apply_deferred(hash, lifecycle);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        engines.lookup_uncounted(hash, matches, |stored| policy.restore(stored), lifecycle)
    }

    /// Returns a number that distinguishes the cache from others.
    pub(in crate::function) fn number(&self) -> u64 {
        let address = || self.engines.first(|engine| core::ptr::from_ref(engine).addr() as u64);
        self.lifecycle.number().unwrap_or_else(address)
    }

    /// Returns the number of the cache if results in it have tags: those of this function, or of others that share an object.
    #[inline]
    pub(in crate::function) fn number_in_use(&self) -> Option<u64> {
        match self.lifecycle.validity() {
            Some(_) => Some(self.number()),
            None => self.lifecycle.number_in_use(),
        }
    }

    /// Invalidates what was computed from the result for a key, where that has tags.
    #[inline]
    pub(in crate::function) fn invalidate_dependents(&self, hash: KeyHash) {
        if let Some(number) = self.number_in_use() {
            Validity::changed(hash, number);
        }
    }

    /// Counts an error.
    #[cold]
    pub(crate) fn count_error(&self) {
        self.engines.first(|engine| engine.counters().errors.add(1));
    }

    /// Counts a result that is not stored because of its options.
    #[cold]
    pub(in crate::function) fn count_not_kept(&self) {
        self.engines.first(|engine| engine.counters().not_kept.add(1));
    }

    /// Removes the entry that a result was to replace which is not stored, because its policy does not keep it.
    #[cold]
    pub(in crate::function) fn remove_replaced(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&StoredKey<E>) -> bool,
        kind: InsertKind,
    ) {
        if !matches!(kind, InsertKind::Computed(_)) {
            self.change(hash, |engine, lifecycle| engine.remove_replaced(hash, matches, kind, lifecycle));
            self.replaced(kind);
        } else if self.lifecycle.may_be_stale() {
            self.change(hash, |engine, lifecycle| engine.remove_stale(hash, matches, lifecycle));
        }
    }

    #[inline]
    pub(crate) fn insert(
        &self,
        entry: Entry<E::Types>,
        kind: InsertKind,
        compare: impl Comparison<E::Types>,
    ) {
        self.change(entry.hash, |engine, lifecycle| {
            drop(notify(engine.insert(entry, kind, compare, lifecycle), lifecycle));
        });
        self.replaced(kind);
    }

    /// Invalidates what was computed from an entry that a caller has replaced: in an object it may have had no tags, so that it is
    /// unknown what that is.
    #[inline]
    fn replaced(&self, kind: InsertKind) {
        if self.lifecycle.number_in_use().is_some() && kind.is_requested() {
            Validity::replaced();
        }
    }
}

#[cfg(feature = "backend")]
impl<E: Placement, S> HoldsCopies for CacheHandle<E, S> {
    fn copies(&self) -> Option<Copies> {
        copies_apart(&self.engines)
    }

    fn contains_hash(&self, hash: KeyHash) -> bool {
        contains_hash(&self.engines, hash)
    }

    fn errors(&self) -> ErrorCount {
        ErrorCount::of(&self.engines)
    }
}

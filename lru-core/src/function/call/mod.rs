//! Calls of a memoized function, as they reach its cache: with borrowed arguments.
//!
//! Calls go through a [`CacheHandle`], whether the cache is in a `static` or in an object. The handle makes
//! the keys and selects the part of a result that is stored; the engine does everything else.

pub(crate) mod accessors;
#[cfg(feature = "backend")]
pub(crate) mod backend_call;
#[cfg(feature = "backend")]
pub(crate) mod backend_handle;
pub(crate) mod begin;
pub(crate) mod coalesced;
mod computation;
pub(crate) mod copies;
#[cfg(feature = "backend")]
mod cross_process;
pub(crate) mod pending_call;
pub(crate) mod refresh;
pub(crate) mod remote;
#[cfg(feature = "backend")]
pub(crate) mod strictness;
mod wait;

use core::time::Duration;

use crate::engine::Engine;
use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::notify::told;
use crate::engine::placement::{EngineOf, Placement, StoredKey, StoredValue};
use crate::expiry::entry_info::Freshness;
use crate::expiry::settings::EntryOptions;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::stats::add;
use crate::store::entry::{Entry, EntryOf};

/// The handle of a function's cache. The keys of the cache are the owned form of the arguments, its values
/// the stored part of the results.
///
/// The arguments are one borrowed tuple, hashed and compared in place, and owned on a miss only.
pub struct CacheHandle<E, S> {
    pub(crate) engines: E,
    pub(crate) stores: bool,
    pub(crate) plan: S,
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    #[inline]
    pub(crate) fn new(engines: E, stores: bool, plan: S) -> Self {
        Self { engines, stores, plan }
    }

    /// Runs an operation on the engine that serves the keys of this hash.
    #[inline]
    pub(crate) fn at<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.catch_up(hash, &self.plan);
        self.engines.at(hash, |engine| ask(engine, &self.plan))
    }

    /// Like [`CacheHandle::at`], but for an operation that changes the entry of a key.
    pub(crate) fn change<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.catch_up(hash, &self.plan);
        self.engines.change(hash, |engine| ask(engine, &self.plan))
    }

    /// Looks up the result of a call, and counts a hit or a miss.
    ///
    /// # Errors
    ///
    /// Returns a [`Miss`] if the result must be computed: the token with which it is stored.
    // Each memoized function calls this in one place, so inlining costs nothing. In debug builds an inlined
    // copy would cost stack.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn look<Q, R, O>(self, key: Q, outcome: O) -> Result<R, Miss<E, S, O>>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        if !self.stores {
            return Err(self.uncached(outcome));
        }
        // Taken apart: only `plan` is borrowed, so the other fields need not be in memory.
        let Self { engines, stores, plan } = self;
        let hash = KeyHash::of_part(&key);
        engines.catch_up(hash, &plan);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let read = |stored: &StoredValue<E>| outcome.answer(stored);
        match engines.lookup(hash, matches, read, &plan) {
            Ok(result) => Ok(result),
            Err(began) => {
                let calls = Self { engines, stores, plan };
                Err(calls.miss(hash, &key, InsertKind::Computed(began), outcome))
            }
        }
    }

    /// Like [`CacheHandle::look`], but counts no miss yet: the call may not need a computation of its own.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<Q, R, O>(
        &self,
        hash: KeyHash,
        key: &Q,
        outcome: O,
    ) -> Option<(R, Freshness)>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let Self { engines, plan, .. } = self;
        engines.catch_up(hash, plan);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        engines.lookup_uncounted(hash, matches, |stored| outcome.answer(stored), plan)
    }

    /// Begins a computation that replaces the stored result, and counts a miss.
    pub fn refresh<Q: Part<Stored = StoredKey<E>>, O>(self, key: Q, outcome: O) -> Miss<E, S, O> {
        if !self.stores {
            return self.uncached(outcome);
        }
        let hash = KeyHash::of_part(&key);
        let origin = InsertKind::Refreshed(self.change(hash, |engine, _| engine.begin()));
        self.miss(hash, &key, origin, outcome)
    }

    /// Counts and returns a miss of a cache that stores nothing.
    #[inline]
    fn uncached<O>(self, outcome: O) -> Miss<E, S, O> {
        self.engines.first(Engine::miss_uncached);
        Miss { calls: self, pending: None, outcome }
    }

    #[inline]
    fn miss<Q: Part<Stored = StoredKey<E>>, O>(
        self,
        hash: KeyHash,
        key: &Q,
        origin: InsertKind,
        outcome: O,
    ) -> Miss<E, S, O> {
        let pending = Pending { hash, key: key.to_stored(), origin, same: Q::stored_eq, left: None };
        Miss { calls: self, pending: Some(pending), outcome }
    }

    /// Inserts the result of a computation, if the result policy stores it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn remember<R, O: ResultPolicy<R, Kept = StoredValue<E>>>(
        self,
        pending: Pending<StoredKey<E>>,
        result: &R,
        outcome: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) {
        let is_error = outcome.is_error(result);
        if is_error && self.failed(&pending, outcome) {
            return;
        }
        let Pending { hash, key, origin, same, left } = pending;
        // Cloned before the lock is taken.
        let value = outcome.kept(result);
        if let (Some(value), Some(options)) =
            (value, outcome.value(result).map(|value| options(&self.plan, value)))
        {
            let Self { engines, stores, plan } = self;
            let term = plan.meta(&key, &value, EntryOptions { is_error, max_age: left, ..options });
            match origin {
                InsertKind::Computed(began) => {
                    engines.insert_computed(EntryOf { hash, key, value, term }, began, same, &plan);
                }
                InsertKind::Revalidated(_)
                | InsertKind::Refreshed(_)
                | InsertKind::Put
                | InsertKind::Inserted => {
                    let calls = Self { engines, stores, plan };
                    calls.keep(EntryOf { hash, key, value, term }, origin, same);
                }
            }
        }
    }

    /// Counts an error.
    #[cold]
    fn count_error(&self) {
        self.engines.first(|engine| add(&engine.tallies().errors, 1));
    }

    /// Counts an error. Returns whether the cached value stays in its place (stale-if-error).
    #[cold]
    fn failed<R, O: ResultPolicy<R, Kept = StoredValue<E>>>(
        &self,
        pending: &Pending<StoredKey<E>>,
        outcome: O,
    ) -> bool {
        self.count_error();
        let Pending { hash, key, same, .. } = pending;
        let is_spare = |entry: &Entry<E::Types>| {
            let is_good = self.plan.check(&entry.term, self.plan.now()) != Freshness::Expired
                && !outcome.is_error(&outcome.answer(&entry.value));
            is_good.then_some(())
        };
        self.plan.serves_on_error()
            && self
                .at(*hash, |engine, plan| engine.find_with(*hash, |stored| same(stored, key), is_spare, plan))
                .is_some()
    }

    pub(super) fn keep(
        &self,
        entry: Entry<E::Types>,
        origin: InsertKind,
        same: fn(&StoredKey<E>, &StoredKey<E>) -> bool,
    ) {
        self.change(entry.hash, |engine, plan| {
            drop(told(engine.keep(entry, origin, same, plan), plan));
        });
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<E: Placement, S, O> {
    pub(crate) calls: CacheHandle<E, S>,
    /// `None` if the cache stores nothing.
    pub(crate) pending: Option<Pending<StoredKey<E>>>,
    pub(crate) outcome: O,
}

pub(crate) struct Pending<K> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) origin: InsertKind,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long the in-process cache may keep the result at most, if a backend has it too.
    pub(crate) left: Option<Duration>,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Stores the part of `result` that the result policy selects, and returns `result`.
    // Inlined like `CacheHandle::look`: the fields of the miss then stay in registers.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn keep<R>(self, result: R) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        self.keep_on(result, |_, _| EntryOptions::NONE)
    }

    /// Like [`Miss::keep`], but with options computed from the value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn keep_on<R>(self, result: R, options: impl FnOnce(&S, &O::Value) -> EntryOptions) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let Self { calls, pending, outcome } = self;
        if let Some(pending) = pending {
            calls.remember(pending, &result, outcome, options);
        } else if outcome.is_error(&result) {
            calls.count_error();
        }
        result
    }
}

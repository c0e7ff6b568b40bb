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

use core::marker::PhantomData;
use core::time::Duration;

use crate::engine::insert::Comparison;
use crate::engine::notify::notify;
use crate::engine::placement::EngineOf;
use crate::engine::{Engine, InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::{EntryOptions, Freshness};
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::stats::add;
use crate::store::{CacheTypes, Entry, EntryOf};

/// The handle of a function's cache. The keys of the cache are the owned form of the arguments, its values
/// the stored part of the results.
///
/// The arguments are one borrowed tuple, hashed and compared in place, and owned on a miss only.
pub struct CacheHandle<E, S> {
    pub(crate) engines: E,
    pub(crate) stores: bool,
    pub(crate) lifecycle: S,
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    #[inline]
    pub(crate) fn new(engines: E, stores: bool, lifecycle: S) -> Self {
        Self { engines, stores, lifecycle }
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
        // Taken apart: only `lifecycle` is borrowed, so the other fields need not be in memory.
        let Self { engines, stores, lifecycle } = self;
        let hash = KeyHash::of_part(&key);
        engines.apply_deferred(hash, &lifecycle);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let read = |stored: &StoredValue<E>| policy.restore(stored);
        match engines.lookup(hash, matches, read, &lifecycle) {
            Ok(result) => Ok(result),
            Err(began) => {
                let handle = Self { engines, stores, lifecycle };
                Err(handle.miss(hash, &key, InsertKind::Computed(began), policy))
            }
        }
    }

    /// Like [`CacheHandle::lookup`], but counts no miss yet: the call may not need a computation of its own.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lookup_uncounted<Q, R, O>(
        &self,
        hash: KeyHash,
        key: &Q,
        policy: O,
    ) -> Option<(R, Freshness)>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { engines, lifecycle, .. } = self;
        engines.apply_deferred(hash, lifecycle);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        engines.lookup_uncounted(hash, matches, |stored| policy.restore(stored), lifecycle)
    }

    /// Begins a computation that replaces the stored result, and counts a miss.
    pub fn refresh<Q: Part<Stored = StoredKey<E>>, O>(self, key: Q, policy: O) -> Miss<E, S, O> {
        if !self.stores {
            return self.uncached_miss(policy);
        }
        let hash = KeyHash::of_part(&key);
        let kind = InsertKind::Refreshed(self.change(hash, |engine, _| engine.begin_refresh()));
        self.miss(hash, &key, kind, policy)
    }

    /// Counts and returns a miss of a cache that stores nothing.
    #[inline]
    fn uncached_miss<O>(self, policy: O) -> Miss<E, S, O> {
        self.engines.first(Engine::count_uncached_miss);
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
        let pending = Pending { hash, key: key.to_stored(), kind, same: Q::stored_eq, max_age: None };
        Miss { handle: self, pending: Some(pending), policy }
    }

    /// Inserts the result of a computation, if the result policy stores it.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_result<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        self,
        pending: Pending<StoredKey<E>>,
        result: &R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) {
        let is_error = policy.is_error(result);
        if is_error && self.failed(&pending, policy) {
            return;
        }
        let Pending { hash, key, kind, same, max_age } = pending;
        // Cloned before the lock is taken.
        let value = policy.stored(result);
        if let (Some(value), Some(options)) =
            (value, policy.value(result).map(|value| options(&self.lifecycle, value)))
        {
            let Self { engines, stores, lifecycle } = self;
            let meta = lifecycle.meta(&key, &value, EntryOptions { is_error, max_age, ..options });
            let entry = EntryOf { hash, key, value, meta };
            let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R> };
            if let InsertKind::Computed(began) = kind {
                engines.insert_computed(entry, began, compare, &lifecycle);
            } else {
                Self { engines, stores, lifecycle }.insert(entry, kind, compare);
            }
        } else if !is_error && !matches!(kind, InsertKind::Computed(_)) {
            self.remove_replaced(hash, |stored| same(stored, &key), kind);
        }
    }

    /// Counts an error.
    #[cold]
    fn count_error(&self) {
        self.engines.first(|engine| add(&engine.counters().errors, 1));
    }

    /// Counts an error. Returns whether the cached value stays in its place (stale-if-error).
    #[cold]
    fn failed<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        pending: &Pending<StoredKey<E>>,
        policy: O,
    ) -> bool {
        self.count_error();
        let Pending { hash, key, same, .. } = pending;
        let may_serve = |entry: &Entry<E::Types>| {
            let is_usable = self.lifecycle.check(&entry.meta, self.lifecycle.now()) != Freshness::Expired
                && !policy.is_error(&policy.restore(&entry.value));
            is_usable.then_some(())
        };
        self.lifecycle.serves_on_error()
            && self
                .at(*hash, |engine, lifecycle| {
                    engine.find_with(*hash, |stored| same(stored, key), may_serve, lifecycle)
                })
                .is_some()
    }

    /// Removes the entry that a result was to replace which is not stored, because its policy does not keep it.
    #[cold]
    pub(super) fn remove_replaced(
        &self,
        hash: KeyHash,
        matches: impl FnMut(&StoredKey<E>) -> bool,
        kind: InsertKind,
    ) {
        self.change(hash, |engine, lifecycle| engine.remove_replaced(hash, matches, kind, lifecycle));
    }

    pub(super) fn insert(
        &self,
        entry: Entry<E::Types>,
        kind: InsertKind,
        compare: impl Comparison<E::Types>,
    ) {
        self.change(entry.hash, |engine, lifecycle| {
            drop(notify(engine.insert(entry, kind, compare, lifecycle), lifecycle));
        });
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is stored by `insert`"]
pub struct Miss<E: Placement, S, O> {
    pub(crate) handle: CacheHandle<E, S>,
    /// `None` if the cache stores nothing.
    pub(crate) pending: Option<Pending<StoredKey<E>>>,
    pub(crate) policy: O,
}

pub(crate) struct Pending<K> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) kind: InsertKind,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long the in-process cache may keep the result at most, if a backend has it too.
    pub(crate) max_age: Option<Duration>,
}

/// Compares keys by a function, and recognizes errors by the result policy `O` of results `R`.
pub(super) struct PolicyComparison<K, O, R> {
    pub(super) same: fn(&K, &K) -> bool,
    pub(super) policy: PhantomData<fn(O) -> R>,
}

impl<C: CacheTypes, O, R> Comparison<C> for PolicyComparison<C::Key, O, R>
where
    O: ResultPolicy<R, Stored = C::Value>,
{
    #[inline]
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool {
        (self.same)(stored, key)
    }

    fn is_error(&self, value: &C::Value) -> bool {
        O::is_stored_error(value)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Stores the part of `result` that the result policy selects, and returns `result`.
    // Inlined like `CacheHandle::lookup`: the fields of the miss then stay in registers.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn insert<R>(self, result: R) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.insert_with(result, |_, _| EntryOptions::NONE)
    }

    /// Like [`Miss::insert`], but with options computed from the value.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn insert_with<R>(self, result: R, options: impl FnOnce(&S, &O::Value) -> EntryOptions) -> R
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, pending, policy } = self;
        if let Some(pending) = pending {
            handle.insert_result(pending, &result, policy, options);
        } else if policy.is_error(&result) {
            handle.count_error();
        }
        result
    }
}

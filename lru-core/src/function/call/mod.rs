//! Calls of a memoized function, as they reach its cache: with arguments where they lie.
//!
//! Wherever the cache is, in a `static` or in an object, calls go through [`CacheHandle`]. It knows how
//! to make keys and what of a result is kept; how a call goes on inside, the engine knows.

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

use core::fmt;
use core::time::Duration;

use crate::engine::Engine;
use crate::engine::insert::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::notify::told;
use crate::engine::placement::{EngineOf, Placement, StoredKey, StoredValue};
use crate::expiry::entry_info::Freshness;
use crate::expiry::settings::EntryOptions;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::stats::add;
use crate::store::entry::Entry;

/// The cache of a function, to be called: its keys are the owned form of the arguments, its values what of
/// the result is kept.
///
/// The arguments come as one tuple that borrows them; they are hashed and compared where they lie,
/// and owned on a miss only.
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

    /// Asks the engine that has the keys of this hash.
    #[inline]
    pub(crate) fn at<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.catch_up(hash, &self.plan);
        self.engines.at(hash, |engine| ask(engine, &self.plan))
    }

    /// The same, to change what is under a key.
    pub(crate) fn change<R>(&self, hash: KeyHash, ask: impl FnOnce(&EngineOf<E>, &S) -> R) -> R {
        self.engines.catch_up(hash, &self.plan);
        self.engines.change(hash, |engine| ask(engine, &self.plan))
    }

    /// A call: returns what is remembered and counts a hit, or counts a miss and returns what
    /// is needed to remember the result.
    ///
    /// # Errors
    ///
    /// A [`Miss`] says that the result must be computed.
    // Each memoized function calls this in one place, so a copy there costs nothing. Not in debug
    // builds, where a copy costs stack.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn look<Q, R, O>(self, key: Q, outcome: O) -> Result<R, Miss<E, S, O>>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        if !self.stores {
            return Err(self.uncached(outcome));
        }
        // Apart: of the plan there is a reference, and the others need not be in memory for it.
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

    /// As [`CacheHandle::look`], where a call may be answered without a computation of its own: no miss is counted yet.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `CacheHandle::look`"))]
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

    /// A computation that is to replace what is remembered: counts a miss.
    pub fn refresh<Q: Part<Stored = StoredKey<E>>, O>(self, key: Q, outcome: O) -> Miss<E, S, O> {
        if !self.stores {
            return self.uncached(outcome);
        }
        let hash = KeyHash::of_part(&key);
        let origin = InsertKind::Refreshed(self.change(hash, |engine, _| engine.begin()));
        self.miss(hash, &key, origin, outcome)
    }

    /// A miss in a cache that stores nothing.
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

    /// Brings in what a computation came to, where it is to be remembered.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Miss::keep`"))]
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
                    engines.insert_computed(Entry { hash, key, value, term }, began, same, &plan);
                }
                InsertKind::Revalidated(_)
                | InsertKind::Refreshed(_)
                | InsertKind::Put
                | InsertKind::Inserted => {
                    let calls = Self { engines, stores, plan };
                    calls.keep(Entry { hash, key, value, term }, origin, same);
                }
            }
        }
    }

    /// Counts an error.
    #[cold]
    fn count_error(&self) {
        self.engines.first(|engine| add(&engine.tallies().errors, 1));
    }

    /// The same, and says whether what is there is to stay in its place.
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

impl<E, S> fmt::Debug for CacheHandle<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheHandle").finish_non_exhaustive()
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<E: Placement, S, O> {
    pub(crate) calls: CacheHandle<E, S>,
    /// `None` where nothing is stored anyway.
    pub(crate) pending: Option<Pending<StoredKey<E>>>,
    pub(crate) outcome: O,
}

pub(crate) struct Pending<K> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) origin: InsertKind,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long what was found elsewhere is good yet.
    pub(crate) left: Option<Duration>,
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Remembers `result`, where it is one to be remembered, and returns it.
    // As `CacheHandle::look`: what a miss consists of then stays in registers.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn keep<R>(self, result: R) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        self.keep_on(result, |_, _| EntryOptions::NONE)
    }

    /// Like [`Miss::keep`], with options that are made of the value.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Miss::keep`"))]
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

impl<E: Placement, S, O> fmt::Debug for Miss<E, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").finish_non_exhaustive()
    }
}

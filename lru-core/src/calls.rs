//! Calls of a memoized function, as they reach its cache: with arguments where they lie.
//!
//! Wherever the cache is, in a `static` or in an object, calls go through [`Calls`]. It knows how
//! to make keys and what of a result is kept; how a call goes on inside, the engine knows.

use core::fmt;
use core::time::Duration;

use crate::engine::Origin;
use crate::entry::Entry;
use crate::fit::Test;
use crate::info::{CacheInfo, CacheParameters};
use crate::key::{KeyHash, Part};
use crate::options::Terms;
use crate::outcome::Outcome;
use crate::plan::{Plan, told};
use crate::policy::Policy;
use crate::stats::{CacheStats, add};
use crate::term::Term;

/// The cache of a function, as the current thread sees it.
#[cfg(not(feature = "testing"))]
pub(crate) type EngineRef<'m, K, V, P, T> = &'m crate::engine::Engine<K, V, P, T>;
#[cfg(feature = "testing")]
pub(crate) use crate::isolation::EngineRef;

/// The cache of a function, to be called: `K` is the owned form of its arguments, `V` what of its
/// result is kept.
///
/// The arguments come as one tuple that borrows them; they are hashed and compared where they lie,
/// and owned on a miss only.
pub struct Calls<'m, K, V, P, T: Term, S> {
    pub(crate) engine: EngineRef<'m, K, V, P, T>,
    pub(crate) stores: bool,
    pub(crate) plan: S,
}

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<'m, K, V, P: Policy, T: Term, S: Plan<K, V, T>> Calls<'m, K, V, P, T, S> {
    #[inline]
    pub(crate) fn new(engine: EngineRef<'m, K, V, P, T>, stores: bool, plan: S) -> Self {
        Self { engine, stores, plan }
    }

    /// The cache once more.
    pub(crate) fn engine_again(&self) -> EngineRef<'m, K, V, P, T> {
        #[cfg(feature = "testing")]
        return self.engine.again();
        #[cfg(not(feature = "testing"))]
        self.engine
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
    pub fn look<Q, R, O>(self, key: Q, outcome: O) -> Result<R, Miss<'m, K, V, P, T, S, O>>
    where
        Q: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        if !self.stores {
            return Err(self.uncached(outcome));
        }
        // Apart: of the plan there is a reference, and the others need not be in memory for it.
        let Self { engine, stores, plan } = self;
        let hash = KeyHash::of_part(&key);
        let matches = |stored: &K| key.eq_stored(stored);
        match engine.look(hash, matches, |kept| outcome.answer(kept), &plan) {
            Ok(result) => Ok(result),
            Err(began) => {
                let calls = Self { engine, stores, plan };
                Err(calls.miss(hash, &key, Origin::Computed(began), outcome))
            }
        }
    }

    /// A computation that is to replace what is remembered: counts a miss.
    pub fn refresh<Q: Part<Stored = K>, O>(self, key: Q, outcome: O) -> Miss<'m, K, V, P, T, S, O> {
        if !self.stores {
            return self.uncached(outcome);
        }
        let hash = KeyHash::of_part(&key);
        let origin = Origin::Refreshed(self.engine.begin());
        self.miss(hash, &key, origin, outcome)
    }

    /// A miss in a cache that stores nothing.
    #[inline]
    fn uncached<O>(self, outcome: O) -> Miss<'m, K, V, P, T, S, O> {
        self.engine.miss_uncached();
        Miss { calls: self, pending: None, outcome }
    }

    #[inline]
    fn miss<Q: Part<Stored = K>, O>(
        self,
        hash: KeyHash,
        key: &Q,
        origin: Origin,
        outcome: O,
    ) -> Miss<'m, K, V, P, T, S, O> {
        let pending = Pending { hash, key: key.to_stored(), origin, same: Q::stored_eq, left: None };
        Miss { calls: self, pending: Some(pending), outcome }
    }

    /// Whether a result is remembered. Counts nothing, moves nothing.
    pub fn contains<Q: Part<Stored = K>>(self, key: Q) -> bool {
        self.engine.contains(KeyHash::of_part(&key), |stored| key.eq_stored(stored), &self.plan)
    }

    /// What is remembered, as the function would return it. Counts nothing, moves nothing.
    pub fn peek<Q, R, O>(self, key: Q, outcome: O) -> Option<R>
    where
        Q: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        let hash = KeyHash::of_part(&key);
        let read = |kept: &V| outcome.answer(kept);
        self.engine.peek_with(hash, |stored| key.eq_stored(stored), read, &self.plan)
    }

    /// Remembers `result` as if it had been computed. Counts nothing.
    pub fn put<Q, R, O>(self, key: Q, result: R, outcome: O)
    where
        Q: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
    {
        let is_error = outcome.is_error(&result);
        if let Some(value) = outcome.into_kept(result) {
            let (hash, key) = (KeyHash::of_part(&key), key.to_stored());
            let term =
                if is_error { self.plan.term_of_error(&key, &value) } else { self.plan.term(&key, &value) };
            self.keep(Entry { hash, key, value, term }, Origin::Put, Q::stored_eq);
        }
    }

    /// The same, on terms that are made of the value. What weighs more than all entries may is not
    /// stored, and what was there does not stay either.
    pub fn put_on<Q, R, O>(
        self,
        key: Q,
        result: R,
        outcome: O,
        terms: impl FnOnce(&S, &O::Value) -> (usize, Option<S::Raw>),
    ) where
        Q: Part<Stored = K>,
        O: Outcome<R, Kept = V>,
        S: Terms<K, V, T>,
    {
        let is_error = outcome.is_error(&result);
        let Some((weight, until)) = outcome.value(&result).map(|value| terms(&self.plan, value)) else {
            return;
        };
        if let Some(value) = outcome.into_kept(result) {
            let (hash, key) = (KeyHash::of_part(&key), key.to_stored());
            let term = self.plan.own(&key, &value, weight, until, is_error);
            self.keep(Entry { hash, key, value, term }, Origin::Put, Q::stored_eq);
        }
    }

    /// The same, on terms that are made of the value.
    fn remember_on<R, O: Outcome<R, Kept = V>>(
        &self,
        pending: Pending<K>,
        result: &R,
        outcome: O,
        terms: impl FnOnce(&S, &O::Value) -> (usize, Option<S::Raw>),
    ) where
        S: Terms<K, V, T>,
    {
        let is_error = outcome.is_error(result);
        if is_error && self.failed(&pending, outcome) {
            return;
        }
        let Pending { hash, key, origin, same, left } = pending;
        let Some(value) = outcome.kept(result) else { return };
        if let Some((weight, until)) = outcome.value(result).map(|value| terms(&self.plan, value)) {
            let term = self.plan.shortened(self.plan.own(&key, &value, weight, until, is_error), left);
            self.keep(Entry { hash, key, value, term }, origin, same);
        }
    }

    /// Brings in what a computation came to, where it is to be remembered.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see `Miss::keep`"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn remember<R, O: Outcome<R, Kept = V>>(self, pending: Pending<K>, result: &R, outcome: O) {
        let is_error = outcome.is_error(result);
        if is_error && self.failed(&pending, outcome) {
            return;
        }
        let Pending { hash, key, origin, same, left } = pending;
        // Cloned before the lock is taken.
        if let Some(value) = outcome.kept(result) {
            let Self { engine, stores, plan } = self;
            let term = if is_error { plan.term_of_error(&key, &value) } else { plan.term(&key, &value) };
            let term = plan.shortened(term, left);
            match origin {
                Origin::Computed(began) => {
                    engine.keep_computed(hash, key, value, term, began, same, &plan);
                }
                Origin::Renewed(_) | Origin::Refreshed(_) | Origin::Put | Origin::Inserted => {
                    let calls = Self { engine, stores, plan };
                    calls.keep(Entry { hash, key, value, term }, origin, same);
                }
            }
        }
    }

    /// Counts an error.
    #[cold]
    fn count_error(&self) {
        add(&self.engine.tallies().errors, 1);
    }

    /// The same, and says whether what is there is to stay in its place.
    #[cold]
    fn failed<R, O: Outcome<R, Kept = V>>(&self, pending: &Pending<K>, outcome: O) -> bool {
        self.count_error();
        let Pending { hash, key, same, .. } = pending;
        let is_spare = |entry: &Entry<K, V, T>| {
            let is_good = self.plan.is_kept(&entry.term) && !outcome.is_error(&outcome.answer(&entry.value));
            is_good.then_some(())
        };
        self.plan.spares()
            && self.engine.find_with(*hash, |stored| same(stored, key), is_spare, &self.plan).is_some()
    }

    fn keep(&self, entry: Entry<K, V, T>, origin: Origin, same: fn(&K, &K) -> bool) {
        drop(told(self.engine.keep(entry, origin, same, &self.plan), &self.plan));
    }

    /// Removes one result, and says whether there was one. Counts nothing.
    pub fn invalidate<Q: Part<Stored = K>>(self, key: Q) -> bool {
        let hash = KeyHash::of_part(&key);
        self.engine.forget(hash, |stored| key.eq_stored(stored), &self.plan)
    }

    /// Removes all results for which `holds` is false. Counts nothing.
    pub fn retain(self, holds: impl FnMut(&K, &V) -> bool) {
        self.engine.retain(holds, &self.plan);
    }

    /// The same, by a test that may know more of the keys.
    pub fn retain_tested(self, mut test: impl Test<K, V>) {
        self.retain(|key, value| test.holds(key, value));
    }

    /// Forgets everything and sets the counters to zero.
    pub fn clear(self) {
        self.engine.clear(&self.plan);
    }

    /// Hits, misses, bound and size, read together.
    #[must_use]
    pub fn info(self) -> CacheInfo {
        self.engine.info(&self.plan)
    }

    /// What happened beside hits and misses.
    #[must_use]
    pub fn stats(self) -> CacheStats {
        self.engine.stats()
    }

    /// The options the function was memoized with.
    #[must_use]
    pub fn parameters(self, typed: bool) -> CacheParameters {
        CacheParameters { maxsize: self.engine.maxsize(), typed }
    }
}

impl<K, V, P, T: Term, S> fmt::Debug for Calls<'_, K, V, P, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// A call that was not answered from the cache. Owns the key, and borrows no argument.
#[must_use = "the result is remembered by `keep`"]
pub struct Miss<'m, K, V, P, T: Term, S, O> {
    pub(crate) calls: Calls<'m, K, V, P, T, S>,
    /// `None` where nothing is stored anyway.
    pub(crate) pending: Option<Pending<K>>,
    pub(crate) outcome: O,
}

pub(crate) struct Pending<K> {
    pub(crate) hash: KeyHash,
    pub(crate) key: K,
    pub(crate) origin: Origin,
    pub(crate) same: fn(&K, &K) -> bool,
    /// How long what was found elsewhere is good yet.
    pub(crate) left: Option<Duration>,
}

impl<K, V, P: Policy, T: Term, S: Plan<K, V, T>, O> Miss<'_, K, V, P, T, S, O> {
    /// Remembers `result`, where it is one to be remembered, and returns it.
    // As `Calls::look`: what a miss consists of then stays in registers.
    #[cfg_attr(not(debug_assertions), expect(clippy::inline_always, reason = "see above"))]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn keep<R>(self, result: R) -> R
    where
        O: Outcome<R, Kept = V>,
    {
        let Self { calls, pending, outcome } = self;
        if let Some(pending) = pending {
            calls.remember(pending, &result, outcome);
        } else if outcome.is_error(&result) {
            calls.count_error();
        }
        result
    }

    /// The same, on terms that are made of the value.
    #[inline]
    pub fn keep_on<R>(self, result: R, terms: impl FnOnce(&S, &O::Value) -> (usize, Option<S::Raw>)) -> R
    where
        O: Outcome<R, Kept = V>,
        S: Terms<K, V, T>,
    {
        let Self { calls, pending, outcome } = self;
        if let Some(pending) = pending {
            calls.remember_on(pending, &result, outcome, terms);
        } else if outcome.is_error(&result) {
            calls.count_error();
        }
        result
    }
}

impl<K, V, P, T: Term, S, O> fmt::Debug for Miss<'_, K, V, P, T, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Miss").finish_non_exhaustive()
    }
}

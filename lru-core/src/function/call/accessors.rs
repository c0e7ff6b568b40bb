//! The accessors of a memoized function: reads and writes of its cache that are no calls.

use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::vec::Vec;

use crate::engine::insert_kind::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::notify::told;
use crate::engine::placement::{Change, Placement, StoredKey, StoredValue};
use crate::expiry::settings::EntryOptions;
use crate::function::call::CacheHandle;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::info::{CacheInfo, CacheParameters};
use crate::observe::stats::CacheStats;
use crate::store::entry::EntryOf;

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns whether a fresh result is cached for the key. Counts nothing and does not mark the entry as used.
    pub fn contains<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> bool {
        let hash = KeyHash::of_part(&key);
        self.at(hash, |engine, plan| engine.contains(hash, |stored| key.eq_stored(stored), plan))
    }

    /// Returns the cached result, as the function would return it. Counts nothing and does not mark the entry as used.
    pub fn peek<Q, R, O>(self, key: Q, outcome: O) -> Option<R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(&key);
        let read = |kept: &StoredValue<E>| outcome.answer(kept);
        self.at(hash, |engine, plan| engine.peek_with(hash, |stored| key.eq_stored(stored), read, plan))
    }

    /// Stores `result` as if it had been computed. Counts nothing.
    pub fn put<Q, R, O>(self, key: Q, result: R, outcome: O)
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        self.put_on(key, result, outcome, |_, _| EntryOptions::NONE);
    }

    /// Like [`CacheHandle::put`], with options made of the value. A value that weighs more than `maxsize`
    /// is not stored, and the old entry of its key is removed.
    pub fn put_on<Q, R, O>(
        self,
        key: Q,
        result: R,
        outcome: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Kept = StoredValue<E>>,
    {
        let is_error = outcome.is_error(&result);
        let Some(options) = outcome.value(&result).map(|value| options(&self.plan, value)) else { return };
        if let Some(value) = outcome.into_kept(result) {
            let (hash, key) = (KeyHash::of_part(&key), key.to_stored());
            let term = self.plan.meta(&key, &value, EntryOptions { is_error, ..options });
            self.keep(EntryOf { hash, key, value, term }, InsertKind::Put, Q::stored_eq);
        }
    }

    /// Removes the entry for the key, and returns whether there was one. Counts nothing.
    pub fn invalidate<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> bool {
        let hash = KeyHash::of_part(&key);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        self.change(hash, |engine, plan| engine.forget(hash, matches, plan))
    }

    /// Removes all entries for which `holds` is false. Counts nothing.
    pub fn retain(self, mut holds: impl FnMut(&StoredKey<E>, &StoredValue<E>) -> bool) {
        self.engines.catch_up_all(&self.plan);
        self.engines.each(Change::Retain, |engine| engine.retain(&mut holds, &self.plan));
    }

    /// Like [`CacheHandle::retain`], with a test that may know more about the keys.
    pub fn retain_tested(self, mut test: impl EntryTest<StoredKey<E>, StoredValue<E>>) {
        self.retain(|key, value| test.holds(key, value));
    }

    /// Removes all entries and sets the counters to zero.
    // By value, like all methods that generated code calls: they take precedence over methods of the same name of
    // a user's traits.
    pub fn clear(self) {
        self.clear_all();
    }

    pub(crate) fn clear_all(&self) {
        let mut removed = Vec::new();
        self.engines.each(Change::Clear, |engine| removed.extend(engine.empty(&self.plan)));
        // All engines are empty before the first listener runs or the first entry is dropped. A panic in one of them
        // does not keep the others from being reported.
        let mut thrown = None;
        for removed in removed {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(told(removed, &self.plan)))) {
                thrown.get_or_insert(panic);
            }
        }
        if let Some(panic) = thrown {
            resume_unwind(panic);
        }
    }

    /// Returns hits, misses, `maxsize` and the number of entries, read together.
    #[must_use]
    pub fn info(self) -> CacheInfo {
        self.engines.info(&self.plan)
    }

    /// Returns the counters beside hits and misses.
    #[must_use]
    pub fn stats(self) -> CacheStats {
        self.counted()
    }

    pub(crate) fn counted(&self) -> CacheStats {
        let mut stats = CacheStats::default();
        self.engines.catch_up_all(&self.plan);
        self.engines.each(Change::None, |engine| stats += engine.stats());
        stats
    }

    /// Returns the options that the function was memoized with.
    #[must_use]
    pub fn parameters(self, typed: bool) -> CacheParameters {
        CacheParameters::new(self.engines.maxsize(), typed)
    }
}

/// A test of the entries to be retained.
pub trait EntryTest<K, V> {
    /// Returns whether an entry is retained.
    fn holds(&mut self, key: &K, value: &V) -> bool;
}

impl<K, V, H: FnMut(&K, &V) -> bool> EntryTest<K, V> for H {
    fn holds(&mut self, key: &K, value: &V) -> bool {
        self(key, value)
    }
}

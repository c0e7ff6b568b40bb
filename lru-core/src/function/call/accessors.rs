//! The accessors of a memoized function: reads and writes of its cache that are no calls.

use core::marker::PhantomData;
use std::vec::Vec;

use crate::budget::program::PROGRAM;
use crate::budget::signal::Attention;
use crate::engine::Engine;
use crate::engine::notify::notify;
use crate::engine::placement::Change;
use crate::engine::{InsertKind, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::ResultPolicy;
use crate::insight::Insight;
use crate::key::{KeyHash, Part};
use crate::observe::CacheInfo;
use crate::observe::info::CacheParameters;
use crate::observe::stats::CacheStats;
use crate::panics::FirstPanic;
use crate::store::{EntryOf, Removed};
use crate::tags::tag::Tag;
use crate::tags::validity::Validity;

#[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Returns whether a fresh result is cached for the key. Counts nothing and does not mark the entry as used.
    pub fn contains<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> bool {
        let hash = KeyHash::of_part(&key);
        self.at(hash, |engine, lifecycle| engine.contains(hash, |stored| key.eq_stored(stored), lifecycle))
    }

    /// Returns the cached result, as the function would return it. Counts nothing and does not mark the entry as used.
    pub fn peek<Q, R, O>(self, key: Q, policy: O) -> Option<R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.peek_at(&key, policy)
    }

    /// Like [`CacheHandle::peek`], for one key of several.
    pub(in crate::function) fn peek_at<Q, R, O>(&self, key: &Q, policy: O) -> Option<R>
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(key);
        let read = |stored: &StoredValue<E>| policy.restore(stored);
        self.at(hash, |engine, lifecycle| {
            engine.peek_with(hash, |stored| key.eq_stored(stored), read, lifecycle)
        })
    }

    /// Stores `result` as if it had been computed. Counts nothing.
    pub fn put<Q, R, O>(self, key: Q, result: R, policy: O)
    where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        self.put_with(key, result, policy, |_, _| EntryOptions::NONE);
    }

    /// Like [`CacheHandle::put`], with options made of the value. A value that weighs more than `maxsize`
    /// is not stored, and the old entry of its key is removed.
    pub fn put_with<Q, R, O>(
        self,
        key: Q,
        result: R,
        policy: O,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let is_error = policy.is_error(&result);
        let hash = KeyHash::of_part(&key);
        // Before the options are made: the new result is valid from then on.
        self.invalidate_dependents(hash);
        let options = self.judge_for(hash, &result, policy, options);
        if let Some(options) = options {
            return self.put_judged((hash, key), result, policy, options);
        }
        if !is_error {
            self.remove_replaced(hash, |stored| key.eq_stored(stored), InsertKind::Put);
        }
    }

    /// Stores `result` with these options.
    pub(super) fn put_judged<Q, R, O>(
        self,
        (hash, key): (KeyHash, Q),
        result: R,
        policy: O,
        options: EntryOptions,
    ) where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let is_error = policy.is_error(&result);
        let options = Some(options).filter(EntryOptions::stores);
        let value = options.and_then(|_| policy.into_stored(result));
        if let (Some(options), Some(value)) = (options, value) {
            let key = key.to_stored();
            let meta = self.lifecycle.meta(&key, &value, EntryOptions { is_error, ..options });
            let compare =
                PolicyComparison { same: Q::stored_eq, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
            self.insert(EntryOf { hash, key, value, meta }, InsertKind::Put, compare);
        } else if !is_error {
            self.remove_replaced(hash, |stored| key.eq_stored(stored), InsertKind::Put);
        }
    }

    /// Removes the entry for the key, and returns whether there was one. Counts nothing.
    pub fn invalidate<Q: Part<Stored = StoredKey<E>>>(self, key: Q) -> bool {
        let hash = KeyHash::of_part(&key);
        let matches = |stored: &StoredKey<E>| key.eq_stored(stored);
        let removed = self.change(hash, |engine, lifecycle| engine.invalidate(hash, matches, lifecycle));
        self.invalidate_dependents(hash);
        removed
    }

    /// Invalidates the results that have a tag, and what was computed from them.
    pub fn invalidate_tag(self, tag: Tag) {
        Validity::tag_changed(tag, self.number());
    }

    /// Removes all entries for which `predicate` is false. Counts nothing.
    pub fn retain(self, mut predicate: impl FnMut(&StoredKey<E>, &StoredValue<E>) -> bool) {
        self.engines.apply_all_deferred(&self.lifecycle);
        let mut panic = FirstPanic::none();
        panic.catch(|| {
            self.engines.each(Change::Retain, |engine| engine.retain(&mut predicate, &self.lifecycle));
        });
        match (self.lifecycle.validity(), self.lifecycle.number_in_use()) {
            (Some(validity), _) => validity.invalidate_removed(self.number()),
            // A function without tags does not note what it removes.
            (None, Some(number)) => Validity::cleared(number),
            (None, None) => {}
        }
        panic.resume();
    }

    /// Like [`CacheHandle::retain`], with a test that may examine more of the keys.
    pub fn retain_tested(self, mut test: impl EntryTest<StoredKey<E>, StoredValue<E>>) {
        self.retain(|key, value| test.accepts(key, value));
    }

    /// Removes all entries and sets the counters to zero.
    // By value, like all methods that generated code calls: they take precedence over methods of the same name of
    // a user's traits.
    pub fn clear(self) {
        self.clear_all();
    }

    pub(crate) fn clear_all(&self) {
        let mut removed = Vec::new();
        self.engines.each(Change::Clear, |engine| removed.extend(engine.clear_unreported(&self.lifecycle)));
        self.invalidate_all_dependents();
        self.report_removed(removed);
    }

    /// Invalidates what was computed from any result, where these have tags.
    fn invalidate_all_dependents(&self) {
        if let Some(number) = self.number_in_use() {
            Validity::cleared(number);
        }
    }

    /// Reports and drops the entries that were removed from all engines.
    fn report_removed(&self, removed: Vec<Removed<E::Types>>) {
        // All engines are empty before the first listener runs or the first entry is dropped. A panic in one of them
        // does not keep the others from being reported.
        let mut panic = FirstPanic::none();
        for removed in removed {
            panic.catch(|| drop(notify(removed, &self.lifecycle)));
        }
        panic.resume();
    }

    /// Changes the capacity of a bounded cache, and evicts the entries that exceed it. Does nothing to a cache that was
    /// created unbounded or disabled.
    pub fn resize(self, maxsize: impl Into<Option<usize>>) {
        self.resize_to(maxsize.into());
    }

    /// Like [`resize`](Self::resize); returns whether the capacity can be changed.
    ///
    /// While the cache shares a budget, this is its bound beside the budget.
    pub(crate) fn resize_to(&self, maxsize: Option<usize>) -> bool {
        match self.attention() {
            Some(attention) => {
                PROGRAM.set_bound(attention, maxsize);
                true
            }
            None => self.resize_within(maxsize),
        }
    }

    /// Returns the attention of the function, if it shares a budget.
    pub(crate) fn attention(&self) -> Option<&'static Attention> {
        self.engines.first(Engine::attention)
    }

    /// Changes the capacity, whether or not the cache shares a budget.
    pub(crate) fn resize_within(&self, maxsize: Option<usize>) -> bool {
        let is_bounded = self.stores && self.engines.first(Engine::is_bounded);
        if is_bounded {
            self.engines.apply_all_deferred(&self.lifecycle);
            let mut panic = FirstPanic::none();
            self.engines.resize(maxsize, |engine, part| {
                panic.catch(|| engine.resize(part, &self.lifecycle));
            });
            panic.resume();
        }
        is_bounded
    }

    /// Returns hits, misses, `maxsize` and the number of entries, read together.
    #[must_use]
    pub fn info(self) -> CacheInfo {
        self.engines.info(&self.lifecycle)
    }

    /// Returns the counters other than hits and misses.
    #[must_use]
    pub fn stats(self) -> CacheStats {
        self.counted()
    }

    pub(crate) fn counted(&self) -> CacheStats {
        let mut stats = CacheStats::default();
        self.engines.apply_all_deferred(&self.lifecycle);
        self.engines.each(Change::None, |engine| stats += engine.stats());
        stats
    }

    /// Returns the expected hit ratio with other capacities.
    #[must_use]
    pub fn insight(self) -> Insight {
        self.sampled().unwrap_or_else(|| Insight::none(self.engines.maxsize(), true))
    }

    /// Returns the expected hit ratio with other capacities, if the cache has a sampler.
    pub(crate) fn sampled(&self) -> Option<Insight> {
        let mut parts = Vec::new();
        self.engines.each(Change::None, |engine| parts.extend(engine.insight()));
        match &*parts {
            [] => None,
            [_] => parts.pop(),
            _ => Some(Insight::merged(&parts, self.engines.maxsize())),
        }
    }

    /// Returns the options that the function was memoized with.
    #[must_use]
    pub fn parameters(self, typed: bool) -> CacheParameters {
        CacheParameters::new(self.engines.maxsize(), typed)
    }
}

/// What the registry does with a cache, and no accessor.
#[cfg(feature = "registry")]
impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Removes all entries, and leaves the counters.
    pub(crate) fn remove_all(&self) {
        let mut removed = Vec::new();
        self.engines.each(Change::Retain, |engine| {
            removed.extend(engine.remove_entries_unreported(&self.lifecycle));
        });
        self.invalidate_all_dependents();
        self.report_removed(removed);
    }

    /// Resets the counters, and leaves the entries.
    pub(crate) fn reset_all_counters(&self) {
        self.engines.each(Change::Reset, Engine::reset_all_counters);
    }
}

/// A test of the entries to be retained.
pub trait EntryTest<K, V> {
    /// Returns whether an entry is retained.
    fn accepts(&mut self, key: &K, value: &V) -> bool;
}

impl<K, V, H: FnMut(&K, &V) -> bool> EntryTest<K, V> for H {
    fn accepts(&mut self, key: &K, value: &V) -> bool {
        self(key, value)
    }
}

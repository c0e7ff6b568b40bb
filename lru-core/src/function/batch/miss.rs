//! The miss token of a batch: what a call that lacks some elements keeps until their results are inserted.

use core::marker::PhantomData;
use std::vec::Vec;

use crate::engine::batch::Computed;
use crate::engine::placement::rounds::{Missing, Twin, count_twins};
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::function::batch::argument::{Asked, Batch, Elements, Place};
use crate::function::batch::wrong_length::WrongLength;
use crate::function::call::handle::CacheHandle;
use crate::function::call::miss::PolicyComparison;
use crate::function::result_policy::ResultPolicy;
use crate::key::KeyHash;
use crate::store::{Entry, EntryOf};
use crate::tags::batch::unrecorded;

/// Compares two keys of a cache.
pub(super) type Same<E> = fn(&StoredKey<E>, &StoredKey<E>) -> bool;

/// A batch of which some elements are not cached. Borrows no argument.
#[must_use = "the results are stored by `insert`"]
pub struct BatchMiss<E: Placement, S, O, R> {
    pub(super) handle: CacheHandle<E, S>,
    pub(super) policy: O,
    /// The results of the other elements, in their order.
    pub(super) hits: Vec<R>,
    /// The missing elements, each once.
    pub(super) missing: Vec<Missing>,
    /// The elements that are equal to missing ones.
    pub(super) twins: Vec<Twin>,
    /// The keys of the missing elements; `None` if the cache stores nothing.
    pub(super) keys: Option<Vec<StoredKey<E>>>,
    pub(super) same: Same<E>,
}

/// Returns the options of the entries of a function that has none.
pub fn no_element_options<S, V>(_: usize, _: &S, _: &V) -> EntryOptions {
    EntryOptions::NONE
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R> BatchMiss<E, S, O, R> {
    /// Returns the argument of the body, and with `keeps` the elements that were found.
    pub fn split<B: Batch>(&self, batch: B, keeps: bool) -> (Asked<B>, Vec<B::Element>) {
        if self.hits.is_empty() && self.twins.is_empty() {
            return (Asked::new(batch.whole()), Vec::new());
        }
        let (asked, kept) = batch.select(self.places(keeps));
        (Asked::of(asked), kept)
    }

    /// Like [`split`](Self::split), for several calls of the body.
    pub fn parts<B: Batch>(&self, batch: B, keeps: bool) -> (Elements<B>, Vec<B::Element>) {
        let (asked, kept) = batch.select(self.places(keeps));
        (Elements::new(asked), kept)
    }

    /// Returns where the element at each position goes.
    fn places(&self, keeps: bool) -> impl FnMut(usize) -> Place {
        let (mut missing, mut twins) = (self.missing.iter().peekable(), self.twins.iter().peekable());
        move |position| {
            if missing.next_if(|missing| missing.position == position).is_some() {
                Place::Asked
            } else if twins.next_if(|twin| twin.position == position).is_some() || !keeps {
                Place::Dropped
            } else {
                Place::Kept
            }
        }
    }

    /// Returns copies of the missing elements, for the options of their entries.
    pub fn copies<B: Batch<Element: Clone>>(&self, batch: &B) -> Vec<B::Element> {
        self.missing.iter().map(|missing| batch.element(missing.position).clone()).collect()
    }

    /// Counts an error of the whole batch.
    pub fn fail(self) {
        self.count_error();
    }

    fn count_error(&self) {
        if !self.handle.is_bypassed() {
            self.handle.count_error();
        }
    }

    /// Returns what a wrong number of results becomes, which `returned` makes, and counts an error if that does not panic.
    pub(super) fn wrong_length<T>(&self, wrong: WrongLength, returned: impl FnOnce(WrongLength) -> T) -> T {
        let returned = returned(wrong);
        self.count_error();
        returned
    }

    /// Stores the results of the missing elements, one for each, as far as the result policy stores them.
    pub(super) fn store<'r>(
        &mut self,
        results: impl Iterator<Item = &'r R>,
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) where
        R: 'r,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let Self { handle, policy, missing, twins, keys, same, .. } = self;
        let keys = keys.take();
        let stores = keys.is_some();
        let keys = keys.into_iter().flatten().map(Some).chain(core::iter::repeat_with(|| None));
        let results = missing.iter().enumerate().zip(keys).zip(results);
        let results = results.map(|(((number, missing), key), result)| (number, *missing, key, result));
        handle.store_batch(results, (*policy, *same), options);
        if stores {
            count_twins(&handle.engines, twins, true);
        }
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Counts a result with these options if they do not keep it.
    pub(super) fn count_unless_kept(&self, options: Option<&EntryOptions>) {
        if options.is_some_and(|options| !options.stores()) {
            self.count_not_kept();
        }
    }

    /// Makes the entry of a result that was judged, with its options. Counts the result if they do not keep it.
    ///
    /// # Errors
    ///
    /// Returns the key if the result is not stored.
    pub(super) fn entry_of<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        (hash, key): (KeyHash, StoredKey<E>),
        result: &R,
        policy: O,
        options: Option<EntryOptions>,
    ) -> Result<Entry<E::Types>, StoredKey<E>> {
        self.count_unless_kept(options.as_ref());
        let options = options.filter(EntryOptions::stores);
        // Cloned before the lock is taken.
        let Some((options, value)) = options.and_then(|options| Some((options, policy.stored(result)?)))
        else {
            return Err(key);
        };
        let is_error = policy.is_error(result);
        let meta = self.lifecycle.meta(&key, &value, EntryOptions { is_error, ..options });
        Ok(EntryOf { hash, key, value, meta })
    }

    /// Stores results of elements, as far as the result policy stores them: each with its number, and its key if it is to be
    /// stored.
    pub(super) fn store_batch<'r, R: 'r, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        results: impl Iterator<Item = (usize, Missing, Option<StoredKey<E>>, &'r R)>,
        (policy, same): (O, Same<E>),
        options: impl Fn(usize, &S, &O::Value) -> EntryOptions,
    ) {
        let is_bypassed = self.is_bypassed();
        let mut entries = Vec::with_capacity(results.size_hint().0);
        let mut are_of_call = true;
        for (number, missing, key, result) in results {
            let is_error = policy.is_error(result);
            if is_error && !is_bypassed {
                self.count_error();
            }
            if key.is_none() && self.lifecycle.validity().is_none() {
                continue;
            }
            let judged = self.judge_element((number, missing), result, policy, &options);
            let Some(key) = key else { continue };
            are_of_call &= !missing.is_of_other_call();
            match self.entry_of((missing.hash, key), result, policy, judged) {
                Ok(entry) if missing.is_forced => self.replace::<R, O>(entry, missing, same, policy),
                Ok(entry) => entries.push(Computed { entry, began: missing.began }),
                // The former result is not kept either, for errors that may follow.
                Err(key) if !is_error => {
                    self.remove_replaced(missing.hash, |stored| same(stored, &key), missing.insert_kind());
                }
                Err(_) => {}
            }
        }
        if !entries.is_empty() {
            let compare = PolicyComparison { same, policy: PhantomData::<fn(O) -> R>, stopwatch: () };
            let insert = || self.engines.insert_many(entries, &compare, &self.lifecycle);
            if are_of_call { insert() } else { unrecorded(insert) }
        }
    }
}

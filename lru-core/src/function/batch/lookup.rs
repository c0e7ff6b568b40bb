//! The lookup of a batch.

use core::marker::PhantomData;
use std::boxed::Box;
use std::vec::Vec;

use crate::engine::batch::CountMisses;
use crate::engine::placement::rounds::{BatchKeys, BatchLookup, Missing, lookup_many, split_twins};
use crate::engine::{Engine, Lifecycle, Placement, StoredKey, StoredValue};
use crate::function::batch::argument::Batch;
use crate::function::batch::miss::BatchMiss;
use crate::function::batch::shared::{BoxedCall, SharedBatch};
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::store::Epoch;

/// The keys of the elements of a batch.
pub(super) struct ElementKeys<'b, B, F, Q> {
    batch: &'b B,
    key: F,
    part: PhantomData<fn() -> Q>,
}

impl<'b, B, F, Q> ElementKeys<'b, B, F, Q> {
    pub(super) fn new(batch: &'b B, key: F) -> Self {
        Self { batch, key, part: PhantomData }
    }
}

impl<'b, B: Batch, F: Fn(&'b B::Element) -> Q, Q: Part> BatchKeys<Q::Stored> for ElementKeys<'b, B, F, Q> {
    fn count(&self) -> usize {
        self.batch.elements().len()
    }

    #[inline]
    fn hash(&self, position: usize) -> KeyHash {
        KeyHash::of_part(&(self.key)(self.batch.element(position)))
    }

    #[inline(always)]
    fn key(&self, position: usize) -> (KeyHash, impl Fn(&Q::Stored) -> bool) {
        let key = (self.key)(self.batch.element(position));
        (KeyHash::of_part(&key), move |stored| key.eq_stored(stored))
    }

    #[inline]
    fn matching(&self, position: usize) -> impl Fn(&Q::Stored) -> bool {
        let key = (self.key)(self.batch.element(position));
        move |stored| key.eq_stored(stored)
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Looks up the results of all elements, and counts a hit or a miss for each. `key` makes the key of an element.
    ///
    /// # Errors
    ///
    /// Returns what is missing, if anything is.
    pub fn lookup_batch<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
    ) -> Result<Vec<R>, BatchMiss<E, S, O, R>>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let keys = ElementKeys::new(batch, key);
        let is_bypassed = self.is_bypassed();
        let uses_cache = self.stores && !is_bypassed;
        let BatchLookup { hits, mut missing } = self.look_up(&keys, policy, uses_cache, CountMisses::Now);
        if missing.is_empty() {
            return Ok(hits);
        }
        let key_at = |position| (keys.key)(batch.element(position));
        let twins = split_twins(&mut missing, |one, other| key_at(one).eq_part(&key_at(other)));
        if !uses_cache && !is_bypassed {
            for _ in 0..missing.len() + twins.len() {
                self.engines.first(Engine::count_uncached_miss);
            }
        }
        let keys =
            uses_cache.then(|| missing.iter().map(|missing| key_at(missing.position).to_stored()).collect());
        Err(BatchMiss { handle: self, policy, hits, missing, twins, keys, same: Q::stored_eq })
    }

    /// Like [`CacheHandle::lookup_batch`], of a call that shares computations with others. Counts no misses yet.
    ///
    /// # Errors
    ///
    /// Returns the call, if anything is missing.
    pub fn lookup_shared_batch<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
        options: FlightOptions,
    ) -> Result<Vec<R>, BoxedCall<E, S, O, R>>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let keys = ElementKeys::new(batch, key);
        let uses_cache = self.stores && !self.is_bypassed();
        let BatchLookup { hits, missing } = self.look_up(&keys, policy, uses_cache, CountMisses::Later);
        if missing.is_empty() {
            return Ok(hits);
        }
        Err(self.shared_call(&keys, policy, options, BatchLookup { hits, missing }))
    }

    /// Returns the call of a batch of which something is missing.
    pub(super) fn shared_call<'b, B, Q, R, O>(
        self,
        keys: &ElementKeys<'b, B, impl Fn(&'b B::Element) -> Q, Q>,
        policy: O,
        options: FlightOptions,
        BatchLookup { hits, mut missing }: BatchLookup<R>,
    ) -> BoxedCall<E, S, O, R>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let key_at = |position| (keys.key)(keys.batch.element(position));
        let twins = split_twins(&mut missing, |one, other| key_at(one).eq_part(&key_at(other)));
        let stored = || missing.iter().map(|missing| Some(key_at(missing.position).to_stored())).collect();
        let stored_keys = [stored(), stored()];
        let miss = BatchMiss { handle: self, policy, hits, missing, twins, keys: None, same: Q::stored_eq };
        Box::new(SharedBatch::new(miss, stored_keys, options))
    }

    /// Looks up all keys if the call `uses_cache`; otherwise all are missing.
    fn look_up<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        keys: &impl BatchKeys<StoredKey<E>>,
        policy: O,
        uses_cache: bool,
        count: CountMisses,
    ) -> BatchLookup<R> {
        if !uses_cache {
            return BatchLookup { hits: Vec::new(), missing: all_missing(keys) };
        }
        lookup_many(&self.engines, keys, |stored| policy.restore(stored), (count, &self.lifecycle))
    }

    /// Returns the cached results of all elements. Counts nothing and does not mark entries as used.
    pub fn peek_batch<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
    ) -> Vec<Option<R>>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let peek = |element| {
            let key = key(element);
            let hash = KeyHash::of_part(&key);
            let read = |stored: &StoredValue<E>| policy.restore(stored);
            self.at(hash, |engine, lifecycle| {
                engine.peek_with(hash, |stored| key.eq_stored(stored), read, lifecycle)
            })
        };
        batch.elements().map(peek).collect()
    }
}

/// Returns all keys as missing, of a cache that is not looked at.
fn all_missing<K>(keys: &impl BatchKeys<K>) -> Vec<Missing> {
    let missing = |position| Missing { position, hash: keys.hash(position), began: Epoch::UNKNOWN };
    (0..keys.count()).map(missing).collect()
}

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

/// Some keys of a batch, by their positions: those that are not computed anew.
struct Unforced<'k, X> {
    keys: &'k X,
    positions: &'k [usize],
}

impl<K, X: BatchKeys<K>> BatchKeys<K> for Unforced<'_, X> {
    fn count(&self) -> usize {
        self.positions.len()
    }

    fn hash(&self, position: usize) -> KeyHash {
        self.keys.hash(self.positions[position])
    }

    fn matching(&self, position: usize) -> impl Fn(&K) -> bool {
        self.keys.matching(self.positions[position])
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
        let uses_cache = self.stores && !self.is_bypassed();
        let looked = self.look_up(&keys, policy, uses_cache, CountMisses::Now);
        self.looked_up(&keys, looked, policy)
    }

    /// Like [`CacheHandle::lookup_batch`], but the elements for which `forces` returns `true` are computed anew.
    ///
    /// # Errors
    ///
    /// Returns what is missing, if anything is.
    pub fn lookup_batch_forced<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
        forces: impl Fn(&'b B::Element) -> bool,
    ) -> Result<Vec<R>, BatchMiss<E, S, O, R>>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let keys = ElementKeys::new(batch, key);
        let mut looked =
            self.look_up_unforced(&keys, policy, CountMisses::Now, |at| forces(batch.element(at)));
        // Each is counted, and of those that are equal all but one will be hits.
        self.begin_forced(&mut looked.missing);
        self.looked_up(&keys, looked, policy)
    }

    /// Returns the results that a lookup has found, or what is missing.
    fn looked_up<'b, B, F, Q, R, O>(
        self,
        keys: &ElementKeys<'b, B, F, Q>,
        BatchLookup { hits, mut missing }: BatchLookup<R>,
        policy: O,
    ) -> Result<Vec<R>, BatchMiss<E, S, O, R>>
    where
        B: Batch,
        F: Fn(&'b B::Element) -> Q,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if missing.is_empty() {
            return Ok(hits);
        }
        let batch = keys.batch;
        let is_bypassed = self.is_bypassed();
        let uses_cache = self.stores && !is_bypassed;
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
        let looked = self.look_up(&keys, policy, uses_cache, CountMisses::Later);
        self.looked_up_shared(&keys, looked, policy, options)
    }

    /// Like [`CacheHandle::lookup_shared_batch`], but the elements for which `forces` returns `true` are computed anew by this
    /// call.
    ///
    /// # Errors
    ///
    /// Returns the call, if anything is missing.
    pub fn lookup_shared_batch_forced<'b, B, Q, R, O>(
        self,
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
        options: FlightOptions,
        forces: impl Fn(&'b B::Element) -> bool,
    ) -> Result<Vec<R>, BoxedCall<E, S, O, R>>
    where
        B: Batch,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let keys = ElementKeys::new(batch, key);
        let looked = self.look_up_unforced(&keys, policy, CountMisses::Later, |at| forces(batch.element(at)));
        self.looked_up_shared(&keys, looked, policy, options)
    }

    /// Returns the results that a lookup has found, or the call.
    fn looked_up_shared<'b, B, F, Q, R, O>(
        self,
        keys: &ElementKeys<'b, B, F, Q>,
        looked: BatchLookup<R>,
        policy: O,
        options: FlightOptions,
    ) -> Result<Vec<R>, BoxedCall<E, S, O, R>>
    where
        B: Batch,
        F: Fn(&'b B::Element) -> Q,
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        if looked.missing.is_empty() {
            Ok(looked.hits)
        } else {
            Err(self.shared_call(keys, policy, options, looked))
        }
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
        self.begin_forced(&mut missing);
        let stored = || missing.iter().map(|missing| Some(key_at(missing.position).to_stored())).collect();
        let stored_keys = [stored(), stored()];
        let miss = BatchMiss { handle: self, policy, hits, missing, twins, keys: None, same: Q::stored_eq };
        Box::new(SharedBatch::new(miss, stored_keys, options))
    }

    /// Looks up the keys that are not forced, by their positions; the others are missing.
    fn look_up_unforced<R, O: ResultPolicy<R, Stored = StoredValue<E>>>(
        &self,
        keys: &impl BatchKeys<StoredKey<E>>,
        policy: O,
        count: CountMisses,
        is_forced: impl Fn(usize) -> bool,
    ) -> BatchLookup<R> {
        // User code runs before anything is looked up.
        let (forced, others): (Vec<_>, Vec<_>) = (0..keys.count()).partition(|position| is_forced(*position));
        let uses_cache = self.stores && !self.is_bypassed();
        let unforced = Unforced { keys, positions: &others };
        let BatchLookup { hits, mut missing } = self.look_up(&unforced, policy, uses_cache, count);
        for missing in &mut missing {
            missing.position = others[missing.position];
        }
        let forced = forced.into_iter();
        missing.extend(forced.map(|at| Missing { is_forced: true, ..Missing::unknown(at, keys.hash(at)) }));
        missing.sort_unstable_by_key(|missing| missing.position);
        BatchLookup { hits, missing }
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
        batch.elements().map(|element| self.peek_at(&key(element), policy)).collect()
    }
}

/// Returns all keys as missing, of a cache that is not looked at.
fn all_missing<K>(keys: &impl BatchKeys<K>) -> Vec<Missing> {
    let missing = |position| Missing::unknown(position, keys.hash(position));
    (0..keys.count()).map(missing).collect()
}

//! Methods for several keys at once: lookups, and computations of all missing values together.
//!
//! Invariant: no lock is held while values are computed.

use core::borrow::Borrow;
use core::convert::Infallible;
use core::future::Future;
use core::hash::Hash;
use core::marker::PhantomData;
use std::vec::Vec;

use crate::engine::batch::{Computed, CountMisses};
use crate::engine::placement::rounds::{
    BatchKeys, BatchLookup, Missing, Twin, count_twins, lookup_many, merged, split_twins,
};
use crate::engine::{Expiry, Placement};
use crate::expiry::Clock;
use crate::function::batch::argument::owned;
use crate::function::batch::miss::no_element_options;
use crate::function::batch::wrong_length::WrongLength;
use crate::function::result_policy::{Plain, Recompute};
use crate::key::KeyHash;
use crate::object::Cache;
use crate::object::get_or_insert::ClonedKey;
use crate::store::Policy;

/// Keys in a borrowed form.
struct Keys<'k, Q: ?Sized, T>(&'k [T], PhantomData<fn(&Q)>);

impl<'k, Q: ?Sized, T> Keys<'k, Q, T> {
    fn new(keys: &'k [T]) -> Self {
        Self(keys, PhantomData)
    }
}

impl<K: Borrow<Q>, Q: Hash + Eq + ?Sized, T: Borrow<Q>> BatchKeys<K> for Keys<'_, Q, T> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn hash(&self, position: usize) -> KeyHash {
        KeyHash::of(self.0[position].borrow())
    }

    fn matching(&self, position: usize) -> impl Fn(&K) -> bool {
        let key = self.0[position].borrow();
        move |stored| stored.borrow() == key
    }
}

/// The values of a batch that were found, and the keys that were missing.
struct Batch<K, V> {
    hits: Vec<V>,
    /// Each missing key once.
    keys: Vec<K>,
    missing: Vec<Missing>,
    twins: Vec<Twin>,
}

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns clones of the values for `keys`, in their order; `None` for each key without an entry.
    ///
    /// Counts a hit or a miss for each key. Hits mark their entries as used, in the order of the keys. The lock is taken once for
    /// each 64 keys.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let capitals = LruCache::new(Some(100));
    /// capitals.insert("France".to_string(), "Paris");
    /// let keys = ["France".to_string(), "Italy".to_string()];
    /// assert_eq!(capitals.get_many(&keys), [Some("Paris"), None]);
    /// assert_eq!(capitals.get_many(["France"]), [Some("Paris")]);
    /// ```
    pub fn get_many<'k, Q>(&self, keys: impl IntoIterator<Item = &'k Q>) -> Vec<Option<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'k,
    {
        let keys: Vec<&Q> = keys.into_iter().collect();
        let batch = Keys::<Q, _>::new(&keys);
        let read = |value: &V| Some(value.clone());
        let settings = (CountMisses::Now, &self.lifecycle());
        let BatchLookup { hits, missing } = lookup_many(&self.engine, &batch, read, settings);
        let absent = missing.iter().map(|_| None).collect();
        merged(hits, absent, (&missing, &[]), Option::clone)
    }

    /// Returns clones of the values for `keys`, in their order. Computes all that are missing by one call of
    /// `compute`, and stores them.
    ///
    /// `compute` takes the missing keys, each once, in their order, and returns a value for each of them in this
    /// order. It is not called if none is missing. Counts a hit or a miss for each key; a key that is
    /// equal to an earlier one which is missing counts as a hit. The lock is taken once for each 64 keys that are
    /// looked up, and once for each 64 that are stored. With more missing keys than `maxsize`, the last ones stay.
    ///
    /// The lock is not held while `compute` runs. Concurrent calls that lack the same key each compute it; what is stored
    /// of them is as for [`get_or_insert_with`](Self::get_or_insert_with). With
    /// [`single_flight`](crate::CacheBuilder::single_flight), a key is computed by one call at a time, and `compute` runs
    /// again for keys that another call was to compute and has not.
    ///
    /// # Panics
    ///
    /// If `compute` returns another number of values than there are keys, or if it or a method of a key or a value
    /// panics. Nothing is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let squares = LruCache::new(Some(100));
    /// let square = |missing: &[u32]| missing.iter().map(|n| n * n).collect();
    /// assert_eq!(squares.get_or_insert_many_with([1, 2], square), [1, 4]);
    /// let values = squares.get_or_insert_many_with([3, 1, 3], |missing: &[u32]| {
    ///     assert_eq!(missing, [3]);
    ///     square(missing)
    /// });
    /// assert_eq!(values, [9, 1, 9]);
    /// assert_eq!((squares.info().hits, squares.info().misses), (2, 3));
    /// ```
    pub fn get_or_insert_many_with(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut compute: impl FnMut(&[K]) -> Vec<V>,
    ) -> Vec<V> {
        match self.get_or_try_insert_many_with::<Infallible>(keys, |missing| Ok(compute(missing))) {
            Ok(values) => values,
            Err(never) => match never {},
        }
    }

    /// Like [`get_or_insert_many_with`](Self::get_or_insert_many_with), but stores nothing if `compute` fails.
    ///
    /// # Errors
    ///
    /// Returns the error of `compute`, unless there is a [stale](crate::CacheBuilder::stale_if_error) value for each
    /// missing key.
    ///
    /// # Panics
    ///
    /// As [`get_or_insert_many_with`](Self::get_or_insert_many_with) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::num::ParseIntError;
    ///
    /// use functools::LruCache;
    ///
    /// let numbers: LruCache<&str, u32> = LruCache::new(Some(100));
    /// let parse = |texts: &[&str]| texts.iter().map(|text| text.parse()).collect::<Result<_, ParseIntError>>();
    /// assert_eq!(numbers.get_or_try_insert_many_with(["1", "2"], parse), Ok(vec![1, 2]));
    /// assert!(numbers.get_or_try_insert_many_with(["3", "three"], parse).is_err());
    /// assert_eq!(numbers.len(), 2);
    /// ```
    pub fn get_or_try_insert_many_with<E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut compute: impl FnMut(&[K]) -> Result<Vec<V>, E>,
    ) -> Result<Vec<V>, E> {
        if let Some(clone) = self.settings.flight_key.filter(|_| !self.serves_stale_on_error()) {
            return self.shared_batch(keys, clone, compute);
        }
        let batch = self.look_up_batch(keys);
        if batch.missing.is_empty() {
            return Ok(batch.hits);
        }
        let computed = compute(&batch.keys);
        self.complete(batch, computed)
    }

    /// Returns whether a stale value may be served in place of an error. Such calls do not share computations.
    fn serves_stale_on_error(&self) -> bool {
        self.lifecycle().serves_on_error()
    }

    /// Looks up the values of a batch, and computes those that no other call computes. `clone` clones keys for flights.
    fn shared_batch<E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        clone: fn(&K) -> K,
        mut compute: impl FnMut(&[K]) -> Result<Vec<V>, E>,
    ) -> Result<Vec<V>, E> {
        let batch = owned::<Vec<K>, K>(keys.into_iter().collect());
        let key = |key| ClonedKey { key, clone };
        let found = self.__handle().lookup_shared_batch(&batch, key, Plain, self.settings.flight);
        let call = match found {
            Ok(values) => return Ok(values),
            Err(call) => call,
        };
        let (mut elements, _) = call.parts(batch, false);
        // Dropped before the elements.
        let mut call = call;
        while call.next(Recompute) {
            let keys = call.take(&mut elements).argument();
            match call.compute(|| compute(&keys)) {
                Ok(values) => match call.land_sequence(values, Recompute, no_element_options, wrong_length) {
                    Ok(()) => {}
                    Err(never) => match never {},
                },
                Err(error) => {
                    call.fail();
                    return Err(error);
                }
            }
        }
        Ok(call.into_sequence())
    }

    /// Looks up the values of a batch.
    fn look_up_batch(&self, keys: impl IntoIterator<Item = K>) -> Batch<K, V> {
        let keys: Vec<K> = keys.into_iter().collect();
        let settings = (CountMisses::Now, &self.lifecycle());
        let BatchLookup { hits, mut missing } =
            lookup_many(&self.engine, &Keys::<K, K>::new(&keys), V::clone, settings);
        let twins = split_twins(&mut missing, |one, other| keys[one] == keys[other]);
        let keys = if missing.len() == keys.len() {
            keys
        } else {
            let mut left = missing.iter().peekable();
            let mut is_missing = |position| left.next_if(|missing| missing.position == position).is_some();
            let numbered = keys.into_iter().enumerate();
            numbered.filter(|(position, _)| is_missing(*position)).map(|(_, key)| key).collect()
        };
        Batch { hits, keys, missing, twins }
    }

    /// Stores what was computed for the missing keys of a batch, and returns the values of all.
    fn complete<E>(&self, batch: Batch<K, V>, computed: Result<Vec<V>, E>) -> Result<Vec<V>, E> {
        let Batch { hits, keys, missing, twins } = batch;
        let computed = match computed {
            Ok(computed) => {
                let (expected, returned) = (keys.len(), computed.len());
                if expected != returned {
                    wrong_length(WrongLength { expected, returned });
                }
                let entry = |((key, value), missing): ((K, &V), &Missing)| Computed {
                    entry: self.entry(missing.hash, key, value.clone()),
                    began: missing.began,
                };
                let results = keys.into_iter().zip(&computed).zip(&missing).map(entry).collect();
                self.engine.insert_many(results, &K::eq, &self.lifecycle());
                computed
            }
            Err(error) => {
                let stale = |(key, missing): (&K, &Missing)| self.stale_value(missing.hash, key);
                match keys.iter().zip(&missing).map(stale).collect() {
                    Some(stale) => stale,
                    None => return Err(error),
                }
            }
        };
        count_twins(&self.engine, &twins, true);
        Ok(merged(hits, computed, (&missing, &twins), V::clone))
    }
}

/// Panics: `compute` has returned another number of values than it was given keys.
#[track_caller]
fn wrong_length(WrongLength { expected, returned }: WrongLength) -> Infallible {
    panic!("`compute` returned {returned} values for {expected} keys");
}

impl<K: Hash + Eq + Clone, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Like [`get_or_insert_many_with`](Self::get_or_insert_many_with), but awaits the future of `compute`, which
    /// takes the missing keys by value. Concurrent calls share the computation of each key (single-flight).
    ///
    /// A key that another call computes is awaited after the others are computed, so calls with overlapping keys may be made in
    /// any order. `compute` is called again for keys that another call was to compute and has not.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, nothing is stored, and calls that wait for its keys compute them.
    ///
    /// # Panics
    ///
    /// As [`get_or_insert_many_with`](Self::get_or_insert_many_with) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// async fn load(ids: Vec<u32>) -> Vec<String> {
    ///     ids.iter().map(|id| format!("user {id}")).collect()
    /// }
    ///
    /// let users = LruCache::new(Some(100));
    /// # lru_core::__private::block_on(async {
    /// assert_eq!(users.get_or_insert_many_with_async([7, 8], load).await, ["user 7", "user 8"]);
    /// # });
    /// assert!(users.contains(&7));
    /// ```
    pub async fn get_or_insert_many_with_async<F>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut compute: impl FnMut(Vec<K>) -> F,
    ) -> Vec<V>
    where
        F: Future<Output = Vec<V>>,
    {
        let compute = |missing| {
            let computed = compute(missing);
            async { Ok::<_, Infallible>(computed.await) }
        };
        match self.get_or_try_insert_many_with_async(keys, compute).await {
            Ok(values) => values,
            Err(never) => match never {},
        }
    }

    /// Like [`get_or_try_insert_many_with`](Self::get_or_try_insert_many_with), but awaits the future of `compute`, which
    /// takes the missing keys by value.
    ///
    /// # Errors
    ///
    /// Returns the error of `compute`, unless there is a [stale](crate::CacheBuilder::stale_if_error) value for each
    /// missing key.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, nothing is stored, and calls that wait for its keys compute them.
    ///
    /// # Panics
    ///
    /// As [`get_or_insert_many_with`](Self::get_or_insert_many_with) does.
    pub async fn get_or_try_insert_many_with_async<F, E>(
        &self,
        keys: impl IntoIterator<Item = K>,
        mut compute: impl FnMut(Vec<K>) -> F,
    ) -> Result<Vec<V>, E>
    where
        F: Future<Output = Result<Vec<V>, E>>,
    {
        if self.serves_stale_on_error() {
            let batch = self.look_up_batch(keys);
            if batch.missing.is_empty() {
                return Ok(batch.hits);
            }
            let computed = compute(batch.keys.clone()).await;
            return self.complete(batch, computed);
        }
        let batch = owned::<Vec<K>, K>(keys.into_iter().collect());
        let call = {
            let key = |key| ClonedKey { key, clone: K::clone };
            let found = self.__handle().lookup_shared_batch(&batch, key, Plain, self.settings.flight);
            match found {
                Ok(values) => return Ok(values),
                Err(call) => call,
            }
        };
        let (mut elements, _) = call.parts(batch, false);
        // Dropped before the elements.
        let mut call = call;
        while call.next_async(Recompute).await {
            let keys = call.take(&mut elements).argument();
            // Called within the computation, as its future is polled.
            let compute = &mut compute;
            match call.within(async move { compute(keys).await }).await {
                Ok(values) => match call.land_sequence(values, Recompute, no_element_options, wrong_length) {
                    Ok(()) => {}
                    Err(never) => match never {},
                },
                Err(error) => {
                    call.fail();
                    return Err(error);
                }
            }
        }
        Ok(call.into_sequence())
    }
}

#[cfg(test)]
mod tests;

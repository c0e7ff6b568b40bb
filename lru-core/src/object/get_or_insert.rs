//! Methods that compute and store a missing value: plain ones, and async ones, which share a computation.
//!
//! Invariant: no lock is held while a value is computed.

use core::convert::Infallible;
use core::future::Future;
use core::hash::{Hash, Hasher};
use core::time::Duration;

use crate::engine::insert::Comparison;
use crate::engine::{Expiry, InsertKind};
use crate::expiry::Clock;
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::{OkOnly, Plain, ResultPolicy};
use crate::key::by_eq::WithEq;
use crate::key::{KeyHash, Part};
use crate::object::Cache;
use crate::object::revalidate::{answer, answer_async};
use crate::object::settings::ObjectTypes;
use crate::store::policy::Gdsf;
use crate::store::policy::stopwatch::{Measured, Stopwatch};
use crate::store::{CacheTypes, Entry, Policy};

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns a clone of the value for `key`, or computes and stores the value.
    ///
    /// Counts a hit or a miss.
    ///
    /// The lock is not held while `compute` runs: it may call the cache, and two threads may compute the
    /// value of one key, unless the cache has [`single_flight`](crate::CacheBuilder::single_flight). Each call
    /// returns the value that it computed; a bounded cache stores the first result, an unbounded one the last. A
    /// panic in `compute` counts as a miss, and nothing is stored.
    pub fn get_or_insert_with(&self, key: K, compute: impl FnOnce() -> V) -> V {
        match self.get_or_try_insert_with::<Infallible>(key, || Ok(compute())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// Like [`get_or_insert_with`](Self::get_or_insert_with), but stores nothing if `compute` fails.
    ///
    /// A call that fails counts as a miss. What is stored stays as it is.
    ///
    /// # Errors
    ///
    /// Returns the error of `compute`, unless there is a [stale](crate::CacheBuilder::stale_if_error) value.
    ///
    /// # Panics
    ///
    /// Only if `compute` or a method of the key or the value does. Nothing is stored.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::num::ParseIntError;
    ///
    /// use functools::LruCache;
    ///
    /// static NUMBERS: LruCache<String, u32> = LruCache::new(Some(100));
    ///
    /// fn number(text: &str) -> Result<u32, ParseIntError> {
    ///     NUMBERS.get_or_try_insert_with(text.to_owned(), || text.parse())
    /// }
    ///
    /// assert_eq!(number("12"), Ok(12));
    /// assert!(number("twelve").is_err());
    /// assert_eq!((NUMBERS.len(), NUMBERS.info().misses), (1, 2));
    /// ```
    pub fn get_or_try_insert_with<E>(&self, key: K, compute: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        if let Some(clone) = self.settings.flight_key {
            return self.call(ClonedKey { key: &key, clone }, OkOnly, self.settings.flight, compute);
        }
        let hash = KeyHash::of(&key);
        match self.engine.lookup(hash, |stored| *stored == key, V::clone, &self.lifecycle()) {
            Ok(value) => {
                drop(key);
                Ok(value)
            }
            Err(began) => {
                let stopwatch = P::Stopwatch::start();
                let value = match compute() {
                    Ok(value) => value,
                    Err(error) => return self.stale_value(hash, &key).ok_or(error),
                };
                let compare = ByEq { stopwatch: stopwatch.stop() };
                let entry = self.entry(hash, key, value.clone());
                self.insert_compared(entry, InsertKind::Computed(began), compare);
                Ok(value)
            }
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns a clone of the value for `key`, or computes, awaits and stores the value. Concurrent calls for one key
    /// share a computation (single-flight).
    ///
    /// One call awaits the future of its `compute`, and the others await the value of this call, on any
    /// runtime. They may be made by several threads. Counts a hit or a miss; a call that receives the value of
    /// another counts as a hit. Calls of [`get_or_insert_with`](Self::get_or_insert_with) take part only with
    /// [`single_flight`](crate::CacheBuilder::single_flight).
    ///
    /// The lock is not held while the value is computed: `compute` may call the cache. If it awaits a value that
    /// awaits this one, directly or through other calls, it computes for itself instead of waiting for ever. A
    /// call that has waited for 30 seconds computes as well.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, one of the calls that wait computes in its place.
    ///
    /// # Panics
    ///
    /// Only if `compute`, its future or a method of the key or the value does. Nothing is stored, and the calls
    /// that wait compute for themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// async fn load(name: &str) -> String {
    ///     format!("contents of {name}")
    /// }
    ///
    /// async fn page(pages: &LruCache<String, String>, name: &str) -> String {
    ///     pages.get_or_insert_with_async(name.to_owned(), || load(name)).await
    /// }
    ///
    /// let pages = LruCache::new(Some(100));
    /// # lru_core::__private::block_on(async {
    /// assert_eq!(page(&pages, "a.html").await, "contents of a.html");
    /// assert_eq!(page(&pages, "a.html").await, "contents of a.html");
    /// # });
    /// assert_eq!(pages.info().hits, 1);
    /// ```
    pub async fn get_or_insert_with_async<F>(&self, key: K, compute: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V>,
    {
        self.coalesced(WithEq::new(&key), Plain, async || compute().await).await
    }

    /// Like [`get_or_insert_with_async`](Self::get_or_insert_with_async), but stores nothing if `compute`
    /// fails.
    ///
    /// An error is returned to the call that computed. The calls that wait for it then compute in turn, until
    /// one succeeds.
    ///
    /// # Errors
    ///
    /// Returns the error of `compute`.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, one of the calls that wait computes in its place.
    ///
    /// # Panics
    ///
    /// As [`get_or_insert_with_async`](Self::get_or_insert_with_async) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// async fn fetch(id: u32) -> Result<String, &'static str> {
    ///     if id == 0 { Err("no such user") } else { Ok(format!("user {id}")) }
    /// }
    ///
    /// let users = LruCache::new(Some(100));
    /// # lru_core::__private::block_on(async {
    /// assert_eq!(users.get_or_try_insert_with_async(7, || fetch(7)).await.as_deref(), Ok("user 7"));
    /// assert_eq!(users.get_or_try_insert_with_async(0, || fetch(0)).await, Err("no such user"));
    /// # });
    /// assert!(users.contains(&7) && !users.contains(&0));
    /// ```
    pub async fn get_or_try_insert_with_async<F, E>(
        &self,
        key: K,
        compute: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        self.coalesced(WithEq::new(&key), OkOnly, async || compute().await).await
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Looks up a result, or computes it by the future of `compute`, which concurrent calls for one key share.
    pub(super) async fn coalesced<Q, R, O>(&self, key: Q, policy: O, compute: impl AsyncFnOnce() -> R) -> R
    where
        Q: Part<Stored = K>,
        O: ResultPolicy<R, Stored = V>,
    {
        let (flight, compute) = (self.settings.flight, async move { compute().await });
        match self.revalidating() {
            None => answer_async(self.__handle().begin(key, policy, flight), policy, compute).await,
            Some(handle) => answer_async(handle.begin(key, policy, flight), policy, compute).await,
        }
    }
}
impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Looks up a result, or computes it by `compute`, which concurrent calls for one key may share.
    pub(super) fn call<Q, R, O>(
        &self,
        key: Q,
        policy: O,
        options: FlightOptions,
        compute: impl FnOnce() -> R,
    ) -> R
    where
        Q: Part<Stored = K>,
        O: ResultPolicy<R, Stored = V>,
    {
        match self.revalidating() {
            None => answer(self.__handle().begin(key, policy, options), policy, compute),
            Some(handle) => answer(handle.begin(key, policy, options), policy, compute),
        }
    }
}

impl<K: Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns the value that stands in for an error, if there is one.
    #[cold]
    pub(super) fn stale_value(&self, hash: KeyHash, key: &K) -> Option<V> {
        let lifecycle = self.lifecycle();
        if !lifecycle.serves_on_error() {
            return None;
        }
        let now = lifecycle.now();
        let value = |entry: &Entry<ObjectTypes<K, V, P>>| {
            (!lifecycle.check(&entry.meta, now).is_gone()).then(|| entry.value.clone())
        };
        self.engine.find_with(hash, |stored| stored == key, value, &lifecycle)
    }
}

impl<K: Hash + Eq, V: Clone, C: Clock> Cache<K, V, Gdsf, C> {
    /// Like [`insert`](Self::insert), for a value that was computed elsewhere: the policy is told how long that took. With
    /// `insert` it counts as the mean of what was computed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::Cache;
    /// use functools::policy::Gdsf;
    ///
    /// let routes = Cache::<&str, u32, Gdsf>::new(Some(2));
    /// routes.insert_with_cost("Rome", 1200, Duration::from_millis(80));
    /// routes.insert_with_cost("Oslo", 1100, Duration::from_millis(3));
    /// routes.insert_with_cost("Cork", 1500, Duration::from_millis(5));
    /// assert!(routes.contains(&"Rome") && !routes.contains(&"Oslo"));
    /// ```
    pub fn insert_with_cost(&self, key: K, value: V, cost: Duration) -> Option<V> {
        let compare = ByEq { stopwatch: Measured::of(cost) };
        self.insert_by_caller(key, value, compare)
    }
}

/// Compares keys by their `Eq`, with the time of the computation.
struct ByEq<W> {
    stopwatch: W,
}

impl<C: CacheTypes<Key: Eq>, W: Stopwatch> Comparison<C> for ByEq<W> {
    fn is_same(&self, stored: &C::Key, key: &C::Key) -> bool {
        stored == key
    }

    fn cost(&self) -> u64 {
        self.stopwatch.nanoseconds()
    }
}

/// A key that is cloned by a function, where the method that takes the key does not require `Clone`.
pub(super) struct ClonedKey<'a, K> {
    pub(super) key: &'a K,
    pub(super) clone: fn(&K) -> K,
}

impl<K: Hash + Eq> Part for ClonedKey<'_, K> {
    type Stored = K;

    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }

    fn eq_stored(&self, stored: &K) -> bool {
        self.key == stored
    }

    fn to_stored(&self) -> K {
        (self.clone)(self.key)
    }

    fn stored_eq(one: &K, other: &K) -> bool {
        one == other
    }

    fn eq_part(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

#[cfg(test)]
mod tests;

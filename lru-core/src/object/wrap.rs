//! Functions and closures that are memoized at run time: [`Cache::wrap`] and its variants.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;

use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::Clock;
use crate::function::call::begin::CoalescedLookup;
use crate::function::call::miss::no_options;
use crate::function::call::pending_call::FlightOptions;
use crate::function::call::remote::NoRemote;
use crate::function::result_policy::{OkOnly, Plain, Recompute, ResultPolicy};
use crate::key::Argument;
use crate::object::Cache;
use crate::object::revalidate::{Lookup, answer, refreshed};
use crate::store::Policy;

impl<K: Argument<Stored = K>, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Memoizes a function or a closure: returns a closure that calls `function` on a miss only.
    ///
    /// Python's `ttl_cache(ttl=5)(math.sin)` is `cache.wrap(f64::sin)`, where `cache` is a
    /// [`TtlCache`](crate::TtlCache).
    ///
    /// Several arguments are passed as one tuple, each in its owned form: `String` for `&str`. A type of your
    /// own needs `#[derive(Argument)]`. The result is cached as it is, even an `Err`;
    /// [`try_wrap`](Self::try_wrap) caches the `Ok` value only, as `#[lru_cache(cache = …)]` on a function does. Functions that are wrapped by the
    /// same cache share its entries: if they take the same arguments, one returns the result of the other.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// let sin = cache.wrap(f64::sin);
    /// assert_eq!(sin(1.0), 1.0_f64.sin());
    /// assert_eq!(sin(1.0), 1.0_f64.sin());
    /// assert_eq!(cache.info().hits, 1);
    /// ```
    pub fn wrap<'c>(&'c self, function: impl Fn(K) -> V + 'c) -> impl Fn(K) -> V + 'c {
        move |argument| self.call_plain(argument, Plain, &function)
    }

    /// Like [`wrap`](Self::wrap), for a function that may fail: stores the `Ok` value, and no error.
    ///
    /// An error counts as a miss, and needs no trait.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// let parse = cache.try_wrap(|text: String| text.parse::<u32>());
    /// assert_eq!(parse("12".to_owned()), Ok(12));
    /// assert!(parse("twelve".to_owned()).is_err());
    /// assert_eq!(cache.keys(), ["12"]);
    /// ```
    pub fn try_wrap<'c, E>(
        &'c self,
        function: impl Fn(K) -> Result<V, E> + 'c,
    ) -> impl Fn(K) -> Result<V, E> + 'c {
        move |argument| self.call_plain(argument, OkOnly, &function)
    }

    fn call_plain<R, O>(&self, argument: K, policy: O, function: impl FnOnce(K) -> R) -> R
    where
        O: ResultPolicy<R, Stored = V>,
    {
        let is_single = self.settings.flight_key.is_some();
        let options = if is_single { self.settings.flight } else { FlightOptions::UNSHARED };
        match self.revalidating() {
            None => {
                let lookup = self.__handle().begin(&argument, policy, options);
                answer(lookup, policy, || function(argument))
            }
            Some(handle) => {
                let lookup = handle.begin(&argument, policy, options);
                answer(lookup, policy, || function(argument))
            }
        }
    }
}

impl<K, V, P, C> Cache<K, V, P, C>
where
    K: Argument<Stored = K> + Send + Sync,
    V: Clone + Send + Sync,
    P: Policy + Send,
    C: Clock + Send + Sync,
{
    /// Memoizes an async function: returns a closure whose future awaits that of `function` on a miss only. Concurrent
    /// calls with one argument share a computation (single-flight).
    ///
    /// The arguments are those of [`wrap`](Self::wrap), and calls share a computation as those of
    /// [`get_or_insert_with_async`](Self::get_or_insert_with_async) do: if the future of the call that computes is
    /// dropped, another takes over. The value is looked up when the closure is called. On a miss, `function` is called
    /// at once, and its future is awaited if this call is the one that computes.
    ///
    /// The futures are `Send`. A hit allocates nothing.
    ///
    /// # Panics
    ///
    /// The closure and its futures panic only if `function` or a method of the argument or the result does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// async fn load(path: String) -> String {
    ///     format!("contents of {path}")
    /// }
    ///
    /// let cache = LruCache::new(Some(100));
    /// let load = cache.wrap_async(load);
    /// # lru_core::__private::block_on(async {
    /// assert_eq!(load("a.txt".to_owned()).await, "contents of a.txt");
    /// assert_eq!(load("a.txt".to_owned()).await, "contents of a.txt");
    /// # });
    /// assert_eq!(cache.info().hits, 1);
    /// ```
    pub fn wrap_async<'c, F>(
        &'c self,
        function: impl Fn(K) -> F + 'c,
    ) -> impl Fn(K) -> WrappedCall<'c, V> + 'c
    where
        F: Future<Output = V> + Send + 'c,
    {
        move |argument| self.call_wrapped(argument, Plain, &function)
    }

    /// Like [`wrap_async`](Self::wrap_async), for a function that may fail: stores the `Ok` value, and no error.
    ///
    /// An error is returned to the call that computed. The calls that wait for it then compute in turn, until one
    /// succeeds.
    ///
    /// # Panics
    ///
    /// As [`wrap_async`](Self::wrap_async) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// let fetch = cache.try_wrap_async(|id: u32| async move {
    ///     if id == 0 { Err("no such user") } else { Ok(format!("user {id}")) }
    /// });
    /// # lru_core::__private::block_on(async {
    /// assert_eq!(fetch(7).await.as_deref(), Ok("user 7"));
    /// assert_eq!(fetch(0).await, Err("no such user"));
    /// # });
    /// assert_eq!(cache.keys(), [7]);
    /// ```
    pub fn try_wrap_async<'c, F, E: 'c>(
        &'c self,
        function: impl Fn(K) -> F + 'c,
    ) -> impl Fn(K) -> WrappedCall<'c, Result<V, E>> + 'c
    where
        F: Future<Output = Result<V, E>> + Send + 'c,
    {
        move |argument| self.call_wrapped(argument, OkOnly, &function)
    }

    fn call_wrapped<'c, R, O, F>(
        &'c self,
        argument: K,
        policy: O,
        function: impl FnOnce(K) -> F,
    ) -> WrappedCall<'c, R>
    where
        R: 'c,
        O: ResultPolicy<R, Stored = V> + Send + 'c,
        F: Future<Output = R> + Send + 'c,
    {
        let flight = self.settings.flight;
        match self.revalidating() {
            None => {
                let lookup = self.__handle().begin(&argument, policy, flight);
                WrappedCall::new(lookup, policy, || function(argument))
            }
            Some(handle) => {
                let lookup = handle.begin(&argument, policy, flight);
                WrappedCall::new(lookup, policy, || function(argument))
            }
        }
    }
}

/// A call of an async function that was memoized by [`Cache::wrap_async`] or [`Cache::try_wrap_async`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct WrappedCall<'c, R>(State<'c, R>);

enum State<'c, R> {
    /// `None` after the result was returned.
    Hit(Option<R>),
    Miss(Pin<Box<dyn Future<Output = R> + Send + 'c>>),
}

impl<'c, R: 'c> WrappedCall<'c, R> {
    fn new<E, S, O, F>(lookup: Lookup<E, S, O, R>, policy: O, body: impl FnOnce() -> F) -> Self
    where
        E: Placement + Clone + Send + Sync + 'c,
        StoredKey<E>: Send + Sync,
        StoredValue<E>: Send + Sync,
        S: Lifecycle<E::Types> + Send + Sync + 'c,
        O: ResultPolicy<R, Stored = StoredValue<E>> + Send + 'c,
        F: Future<Output = R> + Send + 'c,
    {
        Self(match lookup {
            CoalescedLookup::Hit(result) | CoalescedLookup::Stale(result, None) => State::Hit(Some(result)),
            CoalescedLookup::Miss(call) => {
                State::Miss(Box::pin(call.run_async(Recompute, &NoRemote, body(), no_options)))
            }
            CoalescedLookup::Stale(result, Some(claim)) => {
                State::Miss(Box::pin(refreshed(claim, result, policy, body())))
            }
        })
    }
}

/// No result is pinned.
impl<R> Unpin for WrappedCall<'_, R> {}

impl<R> Future for WrappedCall<'_, R> {
    type Output = R;

    /// # Panics
    ///
    /// Panics if it is polled after it was ready, as other futures may.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        match &mut self.0 {
            State::Hit(result) => Poll::Ready(result.take().expect("polled after it was ready")),
            State::Miss(call) => call.as_mut().poll(context),
        }
    }
}

impl<R> fmt::Debug for WrappedCall<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedCall").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Calls of functions that store their results in a cache object.

use crate::engine::{Engine, Lifecycle};
use crate::expiry::{Clock, ExpirySettings};
use crate::function::call::CacheHandle;
use crate::function::result_policy::Plain;
use crate::key::Argument;
use crate::object::Cache;
use crate::object::function_settings::FunctionSettings;
use crate::object::settings::ObjectTypes;
use crate::store::Policy;

/// The engine of a cache object.
type ObjectEngine<'m, K, V, P> = &'m Engine<ObjectTypes<K, V, P>>;

/// Returns the cache object that the argument is or dereferences to: for generated code.
pub fn cache<K, V, P: Policy, C: Clock>(cache: &Cache<K, V, P, C>) -> &Cache<K, V, P, C> {
    cache
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns the handle for calls of a function that stores its results here: for generated code.
    #[doc(hidden)]
    pub fn __handle(&self) -> CacheHandle<ObjectEngine<'_, K, V, P>, impl Lifecycle<ObjectTypes<K, V, P>>> {
        CacheHandle::new(&self.engine, true, &self.settings)
    }

    /// Like [`Cache::__handle`], but for a function that sets when its entries expire.
    #[doc(hidden)]
    pub fn __handle_with(
        &self,
        set: impl FnOnce(ExpirySettings<C::Time>) -> ExpirySettings<C::Time>,
    ) -> CacheHandle<ObjectEngine<'_, K, V, P>, FunctionSettings<'_, K, V, C>> {
        let settings = &self.settings;
        let expiry = set(ExpirySettings::NONE).or(&settings.expiry);
        CacheHandle::new(&self.engine, true, FunctionSettings { settings, expiry })
    }
}

impl<K: Argument<Stored = K>, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Memoizes a function or a closure: returns a closure that calls `function` on a miss only.
    ///
    /// Python's `ttl_cache(ttl=5)(math.sin)` is `cache.wrap(f64::sin)`, where `cache` is a
    /// [`TtlCache`](crate::TtlCache).
    ///
    /// Several arguments are passed as one tuple, each in its owned form: `String` for `&str`. A type of your
    /// own needs `#[derive(Argument)]`. The result is cached as it is, even an `Err`;
    /// `#[lru_cache(cache = …)]` on a function caches the `Ok` value only. Functions that are wrapped by the
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
        move |argument| match self.__handle().lookup(&argument, Plain) {
            Ok(value) => value,
            Err(miss) => miss.insert(function(argument)),
        }
    }
}

//! Calls of functions that store their results in a cache object.

use crate::engine::{Engine, Lifecycle};
use crate::expiry::{Clock, ExpirySettings};
use crate::function::call::CacheHandle;
use crate::function::tagged::lifecycle::TaggedLifecycle;
use crate::object::Cache;
use crate::object::function_settings::FunctionSettings;
use crate::object::settings::ObjectTypes;
use crate::store::Policy;

/// The engine of a cache object.
type ObjectEngine<'m, K, V, P> = &'m Engine<ObjectTypes<K, V, P>>;

/// The handle of calls with expiry settings of their own.
type FunctionHandle<'m, K, V, P, C> = CacheHandle<ObjectEngine<'m, K, V, P>, FunctionSettings<'m, K, V, C>>;

/// The handle of calls of a function with tags or dependencies.
type TaggedHandle<'m, K, V, P, S> = CacheHandle<ObjectEngine<'m, K, V, P>, TaggedLifecycle<S>>;

/// Returns the cache object that the argument is or dereferences to: for generated code.
pub fn cache<K, V, P: Policy, C: Clock>(cache: &Cache<K, V, P, C>) -> &Cache<K, V, P, C> {
    cache
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns the handle for calls of a function that stores its results here: for generated code.
    #[doc(hidden)]
    pub fn __handle(&self) -> CacheHandle<ObjectEngine<'_, K, V, P>, impl Lifecycle<ObjectTypes<K, V, P>>> {
        CacheHandle::of_function(&self.engine, true, &self.settings)
    }

    /// Like [`Cache::__handle`], but for a function with tags or dependencies. The object has a number from then on.
    #[doc(hidden)]
    pub fn __handle_tagged(&self) -> TaggedHandle<'_, K, V, P, impl Lifecycle<ObjectTypes<K, V, P>>> {
        self.settings.number.get();
        CacheHandle::of_function(&self.engine, true, TaggedLifecycle::begin(&self.settings))
    }

    /// Like [`Cache::__handle_with`], but for a function with tags or dependencies.
    #[doc(hidden)]
    pub fn __handle_tagged_with(
        &self,
        set: impl FnOnce(ExpirySettings<C::Time>) -> ExpirySettings<C::Time>,
    ) -> TaggedHandle<'_, K, V, P, FunctionSettings<'_, K, V, C>> {
        self.settings.number.get();
        let CacheHandle { engines, stores, lifecycle, .. } = self.__handle_with(set);
        CacheHandle::of_function(engines, stores, TaggedLifecycle::begin(lifecycle))
    }

    /// Returns the handle for the methods that compute, if the object serves stale values while they do.
    pub(super) fn revalidating(&self) -> Option<FunctionHandle<'_, K, V, P, C>> {
        let settings = &self.settings;
        let expiry = settings.expiry;
        let revalidates = expiry.serves_stale() && settings.ttu.is_none();
        revalidates.then(|| CacheHandle::new(&self.engine, true, FunctionSettings { settings, expiry }))
    }

    /// Like [`Cache::__handle`], but for a function that sets when its entries expire.
    #[doc(hidden)]
    pub fn __handle_with(
        &self,
        set: impl FnOnce(ExpirySettings<C::Time>) -> ExpirySettings<C::Time>,
    ) -> FunctionHandle<'_, K, V, P, C> {
        let settings = &self.settings;
        let expiry = set(ExpirySettings::NONE).or(&settings.expiry);
        CacheHandle::of_function(&self.engine, true, FunctionSettings { settings, expiry })
    }
}

#[cfg(feature = "prices")]
/// Documented.
#[inline]
#[must_use]
#[allow(clippy::float_cmp)]
pub fn price(id: u32) -> u32 {
    let __looked = price::__memo()
        .handle()
        .lookup((&id,), memo::functools::__private::Plain);
    match __looked {
        ::core::result::Result::Ok(__hit) => __hit,
        ::core::result::Result::Err(__miss) => __miss.insert(price::wrapped(id)),
    }
}
#[cfg(feature = "prices")]
/// Accessors of the cache of the function `price`.
pub enum price {}
#[cfg(feature = "prices")]
impl price {
    #[doc(hidden)]
    fn __memo() -> &'static memo::functools::__private::UnboundedMemo<
        (u32,),
        u32,
        memo::functools::policy::Lru,
        { memo::functools::__private::unbounded_placement!((u32,), u32, u32) },
    > {
        static __MEMO: memo::functools::__private::UnboundedMemo<
            (u32,),
            u32,
            memo::functools::policy::Lru,
            { memo::functools::__private::unbounded_placement!((u32,), u32, u32) },
        > = memo::functools::__private::StaticCache::new();
        memo::functools::__private::register! {
            (& __MEMO).handle(), false, "price", "price::__memo"
        }
        &__MEMO
    }
    /// Calls the function itself, without the cache.
    #[must_use]
    #[allow(clippy::float_cmp)]
    pub fn wrapped(id: u32) -> u32 {
        Self::price(id)
    }
    #[must_use]
    #[allow(clippy::float_cmp)]
    #[cfg_attr(debug_assertions, tracing::instrument)]
    #[logtime("prices")]
    fn price(id: u32) -> u32 {
        id
    }
    /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
    pub fn cache_info() -> memo::functools::CacheInfo {
        Self::__memo().handle().info()
    }
    /// Returns further statistics, such as evictions, expiries and stale hits.
    pub fn cache_stats() -> memo::functools::CacheStats {
        Self::__memo().handle().stats()
    }
    /// Removes all entries and sets the statistics to zero.
    pub fn cache_clear() {
        Self::__memo().handle().clear();
    }
    /// Returns the parameters of the cache: `maxsize` and `typed`.
    pub fn cache_parameters() -> memo::functools::CacheParameters {
        Self::__memo().handle().parameters(false)
    }
    /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
    #[allow(clippy::float_cmp)]
    pub fn cache_contains(id: u32) -> ::core::primitive::bool {
        Self::__memo().handle().contains((&id,))
    }
    /// Returns the cached result for these arguments; this is neither a hit nor a miss.
    #[allow(clippy::float_cmp)]
    pub fn cache_peek(id: u32) -> ::core::option::Option<u32> {
        Self::__memo().handle().peek((&id,), memo::functools::__private::Plain)
    }
    /// Stores a result for these arguments, as if the function had returned it.
    #[allow(clippy::float_cmp)]
    pub fn cache_put(id: u32, new_result: u32) {
        Self::__memo()
            .handle()
            .put((&id,), new_result, memo::functools::__private::Plain);
    }
    /// Removes the cached result for these arguments, and returns whether there was one.
    #[allow(clippy::float_cmp)]
    pub fn cache_invalidate(id: u32) -> ::core::primitive::bool {
        Self::__memo().handle().invalidate((&id,))
    }
    /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
    #[must_use]
    #[allow(clippy::float_cmp)]
    pub fn cache_refresh(id: u32) -> u32 {
        let __miss = Self::__memo()
            .handle()
            .refresh((&id,), memo::functools::__private::Plain);
        __miss.insert(Self::wrapped(id))
    }
    /// Calls the function, and returns where the result comes from as well, and its age.
    #[must_use]
    #[allow(clippy::float_cmp)]
    pub fn cache_call(id: u32) -> memo::functools::Cached<u32> {
        #[allow(deprecated)]
        let _ = price;
        let __miss = match Self::__memo()
            .handle()
            .lookup_observed((&id,), memo::functools::__private::Plain)
        {
            ::core::result::Result::Ok(__hit) => return __hit,
            ::core::result::Result::Err(__miss) => __miss,
        };
        memo::functools::__private::computed(__miss.insert(Self::wrapped(id)))
    }
    /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
    #[allow(clippy::float_cmp)]
    pub fn cache_get_within<
        Age: memo::functools::__private::IntoSpan<::core::time::Duration>,
    >(age: Age, id: u32) -> ::core::option::Option<u32> {
        Self::__memo()
            .handle()
            .get_within((&id,), memo::functools::__private::Plain, age)
    }
    /// Removes the entries for which the test of arguments and result returns `false`.
    pub fn cache_retain<
        KeepIf: ::core::ops::FnMut(&u32, &u32) -> ::core::primitive::bool,
    >(mut keep_if: KeepIf) {
        Self::__memo().handle().retain(|__key, __value| keep_if(&__key.0, __value));
    }
    /// Returns copies of all entries: arguments, result and age. Counts nothing.
    pub fn cache_entries() -> ::std::vec::Vec<memo::functools::CacheEntry<u32, u32>> {
        Self::__memo().handle().entries(|__key| &__key.0)
    }
    #[doc(hidden)]
    #[allow(clippy::float_cmp)]
    pub fn __is_not_memoized_with_accessors(
        id: u32,
    ) -> memo::functools::__private::Later {
        Self::__memo()
            .handle()
            .later((&id,), |__key| Self::__memo().handle().invalidate_owned(&__key))
    }
}

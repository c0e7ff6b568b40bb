fn fibonacci(n: u64) -> u64 {
    let __looked = fibonacci::__memo()
        .handle()
        .lookup((&n,), ::functools::__private::Plain);
    match __looked {
        ::core::result::Result::Ok(__hit) => __hit,
        ::core::result::Result::Err(__miss) => __miss.insert(fibonacci::wrapped(n)),
    }
}
/// Accessors of the cache of the function `fibonacci`.
enum fibonacci {}
impl fibonacci {
    #[doc(hidden)]
    fn __memo() -> &'static ::functools::__private::UnboundedMemo<
        (u64,),
        u64,
        ::functools::policy::Lru,
        { ::functools::__private::unbounded_placement!((u64,), u64, u64) },
    > {
        static __MEMO: ::functools::__private::UnboundedMemo<
            (u64,),
            u64,
            ::functools::policy::Lru,
            { ::functools::__private::unbounded_placement!((u64,), u64, u64) },
        > = ::functools::__private::StaticCache::new();
        ::functools::__private::register! {
            (& __MEMO).handle(), false, "fibonacci", "fibonacci::__memo"
        }
        &__MEMO
    }
    /// Calls the function itself, without the cache.
    fn wrapped(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
    fn cache_info() -> ::functools::CacheInfo {
        Self::__memo().handle().info()
    }
    /// Returns further statistics, such as evictions, expiries and stale hits.
    fn cache_stats() -> ::functools::CacheStats {
        Self::__memo().handle().stats()
    }
    /// Removes all entries and sets the statistics to zero.
    fn cache_clear() {
        Self::__memo().handle().clear();
    }
    /// Returns the parameters of the cache: `maxsize` and `typed`.
    fn cache_parameters() -> ::functools::CacheParameters {
        Self::__memo().handle().parameters(false)
    }
    /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
    fn cache_contains(n: u64) -> ::core::primitive::bool {
        Self::__memo().handle().contains((&n,))
    }
    /// Returns the cached result for these arguments; this is neither a hit nor a miss.
    fn cache_peek(n: u64) -> ::core::option::Option<u64> {
        Self::__memo().handle().peek((&n,), ::functools::__private::Plain)
    }
    /// Stores a result for these arguments, as if the function had returned it.
    fn cache_put(n: u64, new_result: u64) {
        Self::__memo().handle().put((&n,), new_result, ::functools::__private::Plain);
    }
    /// Removes the cached result for these arguments, and returns whether there was one.
    fn cache_invalidate(n: u64) -> ::core::primitive::bool {
        Self::__memo().handle().invalidate((&n,))
    }
    /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
    fn cache_refresh(n: u64) -> u64 {
        let __miss = Self::__memo()
            .handle()
            .refresh((&n,), ::functools::__private::Plain);
        __miss.insert(Self::wrapped(n))
    }
    /// Calls the function, and returns where the result comes from as well, and its age.
    fn cache_call(n: u64) -> ::functools::Cached<u64> {
        #[allow(deprecated)]
        let _ = fibonacci;
        let __miss = match Self::__memo()
            .handle()
            .lookup_observed((&n,), ::functools::__private::Plain)
        {
            ::core::result::Result::Ok(__hit) => return __hit,
            ::core::result::Result::Err(__miss) => __miss,
        };
        ::functools::__private::computed(__miss.insert(Self::wrapped(n)))
    }
    /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
    fn cache_get_within<Age: ::functools::__private::IntoSpan<::core::time::Duration>>(
        age: Age,
        n: u64,
    ) -> ::core::option::Option<u64> {
        Self::__memo().handle().get_within((&n,), ::functools::__private::Plain, age)
    }
    /// Removes the entries for which the test of arguments and result returns `false`.
    fn cache_retain<KeepIf: ::core::ops::FnMut(&u64, &u64) -> ::core::primitive::bool>(
        mut keep_if: KeepIf,
    ) {
        Self::__memo().handle().retain(|__key, __value| keep_if(&__key.0, __value));
    }
    /// Returns copies of all entries: arguments, result and age. Counts nothing.
    fn cache_entries() -> ::std::vec::Vec<::functools::CacheEntry<u64, u64>> {
        Self::__memo().handle().entries(|__key| &__key.0)
    }
    #[doc(hidden)]
    fn __is_not_memoized_with_accessors(n: u64) -> ::functools::__private::Later {
        Self::__memo()
            .handle()
            .later((&n,), |__key| Self::__memo().handle().invalidate_owned(&__key))
    }
}

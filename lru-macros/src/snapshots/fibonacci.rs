fn fibonacci(n: u64) -> u64 {
    let __looked = fibonacci::__memo()
        .calls()
        .look((&n,), ::functools::__private::Plain);
    match __looked {
        ::core::result::Result::Ok(__hit) => __hit,
        ::core::result::Result::Err(__miss) => __miss.keep(fibonacci::wrapped(n)),
    }
}
/// What can be asked of the cache of the function `fibonacci`.
enum fibonacci {}
impl fibonacci {
    fn __memo() -> &'static ::functools::__private::OpenMemo<
        (u64,),
        u64,
        ::functools::policy::Lru,
        { ::functools::__private::callback_free!(u64, u64) },
    > {
        static __MEMO: ::functools::__private::OpenMemo<
            (u64,),
            u64,
            ::functools::policy::Lru,
            { ::functools::__private::callback_free!(u64, u64) },
        > = ::functools::__private::StaticCache::new();
        ::functools::__private::register! {
            __MEMO.calls(), false, "fibonacci", "fibonacci::__memo"
        }
        &__MEMO
    }
    /// Runs the function itself, past the cache: nothing is counted, nothing is stored.
    fn wrapped(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    /// Hits, misses, bound and number of entries, read together.
    fn cache_info() -> ::functools::CacheInfo {
        Self::__memo().calls().info()
    }
    /// What happened beside hits and misses.
    fn cache_stats() -> ::functools::CacheStats {
        Self::__memo().calls().stats()
    }
    /// Empties the cache and sets the counters to zero.
    fn cache_clear() {
        Self::__memo().calls().clear();
    }
    /// The options the function was memoized with.
    fn cache_parameters() -> ::functools::CacheParameters {
        Self::__memo().calls().parameters(false)
    }
    /// Whether a result is remembered for these arguments. Counts nothing, moves nothing.
    fn cache_contains(n: u64) -> ::core::primitive::bool {
        Self::__memo().calls().contains((&n,))
    }
    /// The result remembered for these arguments. Counts nothing, moves nothing.
    fn cache_peek(n: u64) -> ::core::option::Option<u64> {
        Self::__memo().calls().peek((&n,), ::functools::__private::Plain)
    }
    /// Stores a result for these arguments, as if it had been computed. Counts nothing.
    fn cache_put(n: u64, __value: u64) {
        Self::__memo().calls().put((&n,), __value, ::functools::__private::Plain);
    }
    /// Removes the result for these arguments, and says whether there was one.
    fn cache_invalidate(n: u64) -> ::core::primitive::bool {
        Self::__memo().calls().invalidate((&n,))
    }
    /// Computes the result anew, stores it in place of the old one, and returns it. Counts a miss.
    fn cache_refresh(n: u64) -> u64 {
        let __miss = Self::__memo()
            .calls()
            .refresh((&n,), ::functools::__private::Plain);
        __miss.keep(Self::wrapped(n))
    }
    /// Removes the results for which the test of arguments and value is false. Counts nothing.
    fn cache_retain(
        mut __holds: impl ::core::ops::FnMut(&u64, &u64) -> ::core::primitive::bool,
    ) {
        Self::__memo().calls().retain(|__key, __value| __holds(&__key.0, __value));
    }
}

fn fibonacci(n: u64) -> u64 {
    let __looked = fibonacci::__memo().look((&n,));
    match __looked {
        ::core::result::Result::Ok(__hit) => __hit,
        ::core::result::Result::Err(__miss) => __miss.keep(fibonacci::wrapped(n)),
    }
}
/// What can be asked of the cache of the function `fibonacci`.
enum fibonacci {}
impl fibonacci {
    fn __memo() -> &'static ::functools::__private::Memo<
        (u64,),
        ::functools::__private::Plain<u64>,
        { ::functools::__private::UNBOUNDED },
    > {
        static __MEMO: ::functools::__private::Memo<
            (u64,),
            ::functools::__private::Plain<u64>,
            { ::functools::__private::UNBOUNDED },
        > = ::functools::__private::Memo::new(false);
        &__MEMO
    }
    /// Runs the function itself, past the cache: nothing is counted, nothing is stored.
    fn wrapped(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    /// Hits, misses, bound and number of entries, read together.
    fn cache_info() -> ::functools::CacheInfo {
        Self::__memo().info()
    }
    /// Empties the cache and sets the counters to zero.
    fn cache_clear() {
        Self::__memo().clear();
    }
    /// The options the function was memoized with.
    fn cache_parameters() -> ::functools::CacheParameters {
        Self::__memo().parameters()
    }
    /// Whether a result is remembered for these arguments. Counts nothing, moves nothing.
    fn cache_contains(n: u64) -> ::core::primitive::bool {
        Self::__memo().contains((&n,))
    }
    /// The result remembered for these arguments. Counts nothing, moves nothing.
    fn cache_peek(n: u64) -> ::core::option::Option<u64> {
        Self::__memo().peek((&n,))
    }
    /// Stores a result for these arguments, as if it had been computed. Counts nothing.
    fn cache_put(n: u64, __value: u64) {
        Self::__memo().put((&n,), __value);
    }
    /// Removes the result for these arguments, and says whether there was one.
    fn cache_invalidate(n: u64) -> ::core::primitive::bool {
        Self::__memo().invalidate((&n,))
    }
    /// Computes the result anew, stores it in place of the old one, and returns it. Counts a miss.
    fn cache_refresh(n: u64) -> u64 {
        let __miss = Self::__memo().refresh((&n,));
        __miss.keep(Self::wrapped(n))
    }
}

#[logtime("prices")]
pub async fn price(id: u32, code: &str) -> Result<u32, Error> {
    request(id, code).await
}
/// Accessors of the cache of the function `price`.
pub enum price {}
impl price {
    /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
    pub fn cache_info() -> ::functools::CacheInfo {
        loop {}
    }
    /// Returns further statistics, such as evictions, expiries and stale hits.
    pub fn cache_stats() -> ::functools::CacheStats {
        loop {}
    }
    /// Removes all entries and sets the statistics to zero.
    pub fn cache_clear() {
        loop {}
    }
    /// Returns the parameters of the cache: `maxsize` and `typed`.
    pub fn cache_parameters() -> ::functools::CacheParameters {
        loop {}
    }
    /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
    pub fn cache_contains(id: u32, code: &str) -> ::core::primitive::bool {
        loop {}
    }
    /// Returns the cached result for these arguments; this is neither a hit nor a miss.
    pub fn cache_peek(
        id: u32,
        code: &str,
    ) -> ::core::option::Option<Result<u32, Error>> {
        loop {}
    }
    /// Stores a result for these arguments, as if the function had returned it.
    pub fn cache_put(id: u32, code: &str, new_result: Result<u32, Error>) {
        loop {}
    }
    /// Removes the cached result for these arguments, and returns whether there was one.
    pub fn cache_invalidate(id: u32, code: &str) -> ::core::primitive::bool {
        loop {}
    }
    /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
    pub async fn cache_refresh(id: u32, code: &str) -> Result<u32, Error> {
        loop {}
    }
    /// Calls the function, and returns where the result comes from as well, and its age.
    pub async fn cache_call(
        id: u32,
        code: &str,
    ) -> ::functools::Cached<Result<u32, Error>> {
        loop {}
    }
    /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
    pub fn cache_get_within<
        Age: ::functools::__private::IntoSpan<::core::time::Duration>,
    >(age: Age, id: u32, code: &str) -> ::core::option::Option<Result<u32, Error>> {
        loop {}
    }
    /// Changes the capacity, and evicts the entries that exceed it; `None` is unbounded, `0` stores nothing.
    pub fn cache_resize<
        Size: ::core::convert::Into<::core::option::Option<::core::primitive::usize>>,
    >(maxsize: Size) {
        loop {}
    }
    /// Removes the entries for which the test of arguments and result returns `false`.
    pub fn cache_retain<
        KeepIf: ::core::ops::FnMut(
                &(u32, ::functools::__private::String),
                &::functools::__private::stored_result!(Result < u32, Error >),
            ) -> ::core::primitive::bool,
    >(keep_if: KeepIf) {
        loop {}
    }
    /// Returns copies of all entries: arguments, result and age. Counts nothing.
    pub fn cache_entries() -> <fn(
        &'static (),
    ) -> ::std::vec::Vec<
        ::functools::CacheEntry<
            (u32, ::functools::__private::String),
            ::functools::__private::stored_result!(Result < u32, Error >),
        >,
    > as ::functools::__private::Returned>::Type
    where
        for<'__lazy> <fn(
            &'static (),
        ) -> (
            u32,
            ::functools::__private::String,
        ) as ::functools::__private::Returned>::Type: ::core::clone::Clone,
        for<'__lazy> <fn(
            &'static (),
        ) -> ::functools::__private::stored_result!(
            Result < u32, Error >
        ) as ::functools::__private::Returned>::Type: ::core::clone::Clone,
    {
        loop {}
    }
    /// Calls the function itself, without the cache.
    #[logtime("prices")]
    pub async fn wrapped(id: u32, code: &str) -> Result<u32, Error> {
        loop {}
    }
}

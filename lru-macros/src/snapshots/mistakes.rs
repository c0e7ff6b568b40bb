::core::compile_error! {
    "unknown option `maxsise`; did you mean `maxsize`?"
}
::core::compile_error! {
    "a cached function cannot take `&mut Vec<u8>`: a hit does not run the function and changes nothing; return the new value instead"
}
fn push(items: &mut Vec<u8>, name: &str) -> usize {
    items.len()
}
#[doc(hidden)]
enum push {}
#[doc(hidden)]
impl push {
    fn wrapped(items: &mut Vec<u8>, name: &str) -> usize {
        loop {}
    }
    /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
    fn cache_info() -> ::functools::CacheInfo {
        loop {}
    }
    /// Returns further statistics, such as evictions, expiries and stale hits.
    fn cache_stats() -> ::functools::CacheStats {
        loop {}
    }
    /// Removes all entries and sets the statistics to zero.
    fn cache_clear() {
        loop {}
    }
    /// Returns the parameters of the cache: `maxsize` and `typed`.
    fn cache_parameters() -> ::functools::CacheParameters {
        loop {}
    }
    /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
    fn cache_contains(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        use ::functools::__private::choices::*;
        let _ = name;
        let _ = ::functools::__private::Plain;
        loop {}
    }
    /// Returns the cached result for these arguments; this is neither a hit nor a miss.
    fn cache_peek(items: &mut Vec<u8>, name: &str) -> ::core::option::Option<usize> {
        loop {}
    }
    /// Stores a result for these arguments, as if the function had returned it.
    fn cache_put(items: &mut Vec<u8>, name: &str, new_result: usize) {
        loop {}
    }
    /// Removes the cached result for these arguments, and returns whether there was one.
    fn cache_invalidate(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        loop {}
    }
    /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
    fn cache_refresh(items: &mut Vec<u8>, name: &str) -> usize {
        loop {}
    }
    /// Calls the function, and returns where the result comes from as well, and its age.
    fn cache_call(items: &mut Vec<u8>, name: &str) -> ::functools::Cached<usize> {
        loop {}
    }
    /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
    fn cache_get_within<Age: ::functools::__private::IntoSpan<::core::time::Duration>>(
        age: Age,
        items: &mut Vec<u8>,
        name: &str,
    ) -> ::core::option::Option<usize> {
        loop {}
    }
    /// Changes the capacity, and evicts the entries that exceed it; `None` is unbounded, `0` stores nothing.
    fn cache_resize<
        Size: ::core::convert::Into<::core::option::Option<::core::primitive::usize>>,
    >(maxsize: Size) {
        loop {}
    }
    #[doc(hidden)]
    fn __is_not_memoized_with_accessors(
        items: &mut Vec<u8>,
        name: &str,
    ) -> ::functools::__private::Later {
        loop {}
    }
}

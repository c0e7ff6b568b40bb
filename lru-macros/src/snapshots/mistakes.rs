::core::compile_error! {
    "unknown option `maxsise`; did you mean `maxsize`? expected one of `maxsize`, `policy`, `choice`, `seed`, `weight`, `on_evict`, `ttl`, `tti`, `ttu`, `jitter`, `error_ttl`, `swr`, `stale_if_error`, `timer`, `scope`, `shards`, `cache`, `single_flight`, `flight_timeout`, `spawn`, `backend`, `front_ttl`, `version`, `format`, `strict`, `on_backend_error`, `typed`, `key`, `key_fn`, `cache_errors`, `cache_none`, `accessors`, `handle`, `crate`"
}
::core::compile_error! {
    "a cached function cannot take `&mut Vec<u8>`: a hit would not make the change; return the new value instead"
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
    /// Hits, misses, bound and number of entries, read together.
    fn cache_info() -> ::functools::CacheInfo {
        loop {}
    }
    /// What happened beside hits and misses.
    fn cache_stats() -> ::functools::CacheStats {
        loop {}
    }
    /// Empties the cache and sets the counters to zero.
    fn cache_clear() {
        loop {}
    }
    /// The options the function was memoized with.
    fn cache_parameters() -> ::functools::CacheParameters {
        loop {}
    }
    /// Whether a result is remembered for these arguments. Counts nothing, moves nothing.
    fn cache_contains(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        use ::functools::__private::choices::*;
        let _ = name;
        let _ = ::functools::__private::Plain;
        loop {}
    }
    /// The result remembered for these arguments. Counts nothing, moves nothing.
    fn cache_peek(items: &mut Vec<u8>, name: &str) -> ::core::option::Option<usize> {
        loop {}
    }
    /// Stores a result for these arguments, as if it had been computed. Counts nothing.
    fn cache_put(items: &mut Vec<u8>, name: &str, __value: usize) {
        loop {}
    }
    /// Removes the result for these arguments, and says whether there was one.
    fn cache_invalidate(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        loop {}
    }
    /// Computes the result anew, stores it in place of the old one, and returns it. Counts a miss.
    fn cache_refresh(items: &mut Vec<u8>, name: &str) -> usize {
        loop {}
    }
}

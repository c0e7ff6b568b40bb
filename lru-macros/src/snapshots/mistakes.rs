::core::compile_error! {
    "unknown option `maxsise`; did you mean `maxsize`? expected one of `maxsize`, `typed`, `handle`, `crate`"
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
    fn cache_info() -> ::functools::CacheInfo {
        loop {}
    }
    fn cache_clear() {}
    fn cache_parameters() -> ::functools::CacheParameters {
        loop {}
    }
    fn cache_contains(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        loop {}
    }
    fn cache_invalidate(items: &mut Vec<u8>, name: &str) -> ::core::primitive::bool {
        loop {}
    }
    fn wrapped(items: &mut Vec<u8>, name: &str) -> usize {
        loop {}
    }
    fn cache_refresh(items: &mut Vec<u8>, name: &str) -> usize {
        loop {}
    }
    fn cache_peek(items: &mut Vec<u8>, name: &str) -> ::core::option::Option<usize> {
        loop {}
    }
    fn cache_put(items: &mut Vec<u8>, name: &str, __value: usize) {}
}
const _: () = {
    fn __probe(name: &str) {
        use ::functools::__private::choices::*;
        let _ = name;
        ::functools::__private::remembered::<::functools::__private::kept!(usize)>();
    }
};

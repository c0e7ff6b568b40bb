//! The body of a function without accessors: a closure. Used by generated code.

/// Calls a body. A closure that is called once may return a part of a `&mut` that it takes along.
#[inline]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

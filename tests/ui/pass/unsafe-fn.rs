//! An `unsafe fn` stays one, and so do the accessors that run its body; the others are safe.
//! Stands here because the workspace forbids unsafe code.

use functools::lru_cache;

/// # Safety
///
/// `n` is even.
#[lru_cache]
unsafe fn half(n: u64) -> u64 {
    n / 2
}

#[lru_cache]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn functools_ui_third(n: u64) -> u64 {
    n / 3
}

fn main() {
    let function: unsafe fn(u64) -> u64 = half;
    let raw: unsafe fn(u64) -> u64 = half::wrapped;
    assert_eq!(unsafe { (function(8), raw(8), half::cache_refresh(6)) }, (4, 4, 3));
    assert!(half::cache_contains(8) && half::cache_peek(6) == Some(3));
    half::cache_put(10, 5);
    assert!(half::cache_invalidate(10));
    assert_eq!(half::cache_info().misses, 2);

    let function: unsafe extern "C" fn(u64) -> u64 = functools_ui_third;
    assert_eq!(unsafe { (function(9), function(9)) }, (3, 3));
    assert_eq!(functools_ui_third::cache_info().hits, 1);
}

//! Deep recursion: the stack space that each memoized level may use.
//!
//! Rust threads have 2 MiB of stack by default, and 5,000 levels must fit in optimized builds. Unoptimized
//! frames are about twice as large, so debug builds go half as deep.

use std::thread;

use functools::lru_cache;

const DEPTH: u64 = if cfg!(debug_assertions) { 2_500 } else { 5_000 };

#[lru_cache(maxsize = None)]
fn unbounded_sum(n: u64) -> u64 {
    if n == 0 { 0 } else { n + unbounded_sum(n - 1) }
}

#[lru_cache(maxsize = 128)]
fn bounded_sum(n: u64) -> u64 {
    if n == 0 { 0 } else { n + bounded_sum(n - 1) }
}

#[lru_cache(maxsize = 0)]
fn disabled_sum(n: u64) -> u64 {
    if n == 0 { 0 } else { n + disabled_sum(n - 1) }
}

#[lru_cache(maxsize = None)]
fn letters(text: &str) -> u64 {
    if text.is_empty() { 0 } else { 1 + letters(&text[1..]) }
}

/// Runs the call on a thread with a stack of 2 MiB.
fn on_a_default_stack<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(2 << 20).spawn(call).unwrap().join().unwrap()
}

#[test]
fn unbounded_recursion_fits_on_a_thread() {
    assert_eq!(on_a_default_stack(|| unbounded_sum(DEPTH)), DEPTH * (DEPTH + 1) / 2);
    assert_eq!(unbounded_sum::cache_info().misses, DEPTH + 1);
}

#[test]
fn bounded_recursion_fits_on_a_thread() {
    assert_eq!(on_a_default_stack(|| bounded_sum(DEPTH)), DEPTH * (DEPTH + 1) / 2);
    assert_eq!(bounded_sum::cache_info().currsize, 128);
}

#[test]
fn disabled_recursion_fits_on_a_thread() {
    assert_eq!(on_a_default_stack(|| disabled_sum(DEPTH)), DEPTH * (DEPTH + 1) / 2);
    assert_eq!(disabled_sum::cache_info().misses, DEPTH + 1);
}

#[test]
fn recursion_on_slices_fits_on_a_thread() {
    let length = usize::try_from(DEPTH).unwrap();
    assert_eq!(on_a_default_stack(move || letters(&"x".repeat(length))), DEPTH);
}

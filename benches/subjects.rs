//! The functions that are measured, floors included.
#![allow(dead_code, reason = "each bench uses a few of them")]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use functools::{cache, lru_cache};
use parking_lot::ReentrantMutex;

/// A body that costs next to nothing, so that the cache is what is measured.
fn body(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn bounded(n: u64) -> u64 {
    body(n)
}

#[cache]
pub(crate) fn unbounded(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn evicting(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 0)]
#[inline(never)] // as what it is compared with
pub(crate) fn disabled(n: u64) -> u64 {
    body(n)
}

#[lru_cache(maxsize = 128)]
pub(crate) fn borrowed(text: &str) -> usize {
    text.len()
}

#[lru_cache(maxsize = 128)]
pub(crate) fn borrowed_long(text: &str) -> usize {
    text.len()
}

/// What `disabled` is without the attribute.
#[inline(never)]
pub(crate) fn plain(n: u64) -> u64 {
    body(n)
}

/// The same after one uncontended atomic addition, which is what counting a miss may cost.
#[inline(never)]
pub(crate) fn plain_and_counted(n: u64) -> u64 {
    static MISSES: AtomicU64 = AtomicU64::new(0);
    MISSES.fetch_add(1, Ordering::Relaxed);
    body(n)
}

/// The floor of a hit: a function that takes and releases the kind of lock that guards a cache.
#[inline(never)]
pub(crate) fn locked(n: u64) -> u64 {
    static LOCK: ReentrantMutex<Cell<u64>> = ReentrantMutex::new(Cell::new(0));
    LOCK.lock().replace(n)
}

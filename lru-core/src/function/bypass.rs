//! Regions in which memoized functions are plain functions.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::region::{Region, RunIn};

/// How many regions threads are in: a call looks at its thread only if there is one.
static REGIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How many regions this thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Returns whether calls of this thread bypass the caches.
#[inline]
pub(crate) fn is_bypassed() -> bool {
    // A thread sees its own changes: no order with those of others is needed.
    REGIONS.load(Relaxed) != 0 && is_in_region()
}

#[cold]
#[inline(never)]
fn is_in_region() -> bool {
    DEPTH.get() != 0
}

/// Runs `code` without the caches: each memoized function that this thread calls meanwhile runs its body, counts
/// nothing, stores nothing, and asks no backend.
///
/// `code` is a closure, an async block, or an async closure: `bypassed` returns what the closure returns, or a future
/// to be awaited, during each poll of which the caches are bypassed, on whatever thread. The future is `Send` if the
/// block is. Threads and tasks that `code` starts use the caches. Accessors such as `cache_put` work as ever; a
/// `cache_refresh` only runs the body. The methods of cache objects are no memoized functions, and are not affected.
///
/// Outside, a call costs one load of a global number more than without this function.
///
/// # Panics
///
/// Resumes a panic of `code`, after the region has ended.
pub fn bypassed<T: RunIn<As, Bypass>, As>(code: T) -> T::Output {
    code.run_in(Bypass(()))
}

/// The region of [`bypassed`].
#[derive(Debug)]
pub struct Bypass(());

impl Region for Bypass {
    fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let _inside = Inside::new();
        run()
    }
}

/// A thread is in a region until this is dropped.
struct Inside(());

impl Inside {
    fn new() -> Self {
        REGIONS.fetch_add(1, Relaxed);
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        REGIONS.fetch_sub(1, Relaxed);
    }
}

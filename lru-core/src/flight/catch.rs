//! Where a panic stops: on a thread of ours, which others need as well.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what may panic, and goes on. The panic was told of where panics are.
pub(crate) fn contained(run: impl FnOnce()) {
    let Err(thrown) = catch_unwind(AssertUnwindSafe(run)) else { return };
    // What is thrown may have a destructor, which may throw as well. That is left alone.
    if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
        core::mem::forget(thrown);
    }
}

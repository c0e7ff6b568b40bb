//! Catches and discards panics on threads that the library owns, so that one caller's panic does not stop the
//! work of others.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `run` and discards its panic, which the panic hook has already reported.
pub(crate) fn catch_and_discard(run: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else { return };
    // The payload's destructor may panic as well. Then the payload of that panic is leaked.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(payload);
    }
}

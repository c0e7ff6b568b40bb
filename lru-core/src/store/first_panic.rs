//! Panics of several calls of user code, none of which skips the others.

use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The first panic of several calls, to be resumed when all of them have run.
pub(crate) struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Calls `f`, and catches its panic.
    pub(crate) fn catch(&mut self, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            self.0.get_or_insert(panic);
        }
    }

    /// Returns the payload of the first panic.
    pub(crate) fn into_payload(self) -> Option<Box<dyn Any + Send>> {
        self.0
    }

    /// Resumes the first panic, if there was any.
    pub(crate) fn resume(self) {
        if let Some(panic) = self.0 {
            resume_unwind(panic);
        }
    }
}

//! Panics of user code: those of which the first is resumed when all has run, and those that are discarded, so that one caller's
//! panic does not stop the work of others.

use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

type Payload = Box<dyn Any + Send>;

/// The first panic of several calls, none of which skips the others; to be resumed when all of them have run.
#[derive(Debug)]
pub(crate) struct FirstPanic(Option<Payload>);

impl FirstPanic {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Calls `f`, and catches its panic. If it is not the first one, it is discarded.
    pub(crate) fn catch(&mut self, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            match self.0 {
                None => self.0 = Some(panic),
                Some(_) => discard(panic),
            }
        }
    }

    /// Returns the payload of the first panic.
    pub(crate) fn into_payload(self) -> Option<Payload> {
        self.0
    }

    /// Resumes the first panic, if there was any.
    pub(crate) fn resume(self) {
        if let Some(panic) = self.0 {
            resume_unwind(panic);
        }
    }

    /// Discards the first panic, which the panic hook has already reported.
    pub(crate) fn discard(self) {
        if let Some(panic) = self.0 {
            discard(panic);
        }
    }
}

/// Calls `run` and discards its panic, which the panic hook has already reported.
pub(crate) fn catch_and_discard(run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        discard(panic);
    }
}

/// Drops a payload, whose destructor may panic as well. Then the payload of that panic is leaked.
fn discard(payload: Payload) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(payload);
    }
}

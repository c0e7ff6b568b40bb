//! Invalidations of a key in a backend (L2) that `#[invalidates(…)]` carries out, after a change.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::boxed::Box;

use crate::backend::BackendError;
use crate::function::call::backend_entry::BackendEntry;
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::held_lease::Held;
use crate::function::call::remote::block_on;
use crate::function::tagged::invalidated::Invalidated;
use crate::function::tagged::invalidation::{BehindAwait, Invalidate};

/// The removal of a result in a backend.
type Request = Pin<Box<dyn Future<Output = Result<bool, BackendError>> + Send>>;

impl<B: Held + Clone> BackendEntry<B> {
    /// Removes the result, and its copy in the process by `invalidate`. Blocks the thread. An error of the backend is counted and
    /// reported.
    #[expect(clippy::needless_pass_by_value, reason = "both are used up")]
    pub fn remove(self, errors: ErrorReporter, invalidate: impl Fn()) {
        invalidate();
        let deleted = block_on(self.delete());
        // Once more: another call may have fetched the result before it was removed.
        invalidate();
        if let Err(error) = deleted {
            errors.failed(&error);
        }
    }
}

impl<B: Held + Clone + Send + Sync + 'static> BackendEntry<B> {
    /// Returns the removal of the result, and of its copy in the process by `invalidate`, which is awaited.
    pub fn removal(self, errors: ErrorReporter, invalidate: impl Fn() + Send + 'static) -> LaterInBackend {
        let removal = Removal { invalidate: Box::new(invalidate), errors, has_ended: false };
        LaterInBackend { removal, request: Box::pin(async move { self.delete().await }) }
    }
}

/// An invalidation of a result in an async backend, after a change.
pub struct LaterInBackend {
    removal: Removal,
    request: Request,
}

/// A removal to be reported.
struct Removal {
    /// Invalidates the copy in the process.
    invalidate: Box<dyn Fn() + Send>,
    errors: ErrorReporter,
    has_ended: bool,
}

impl Removal {
    /// Ends the removal after the backend has answered.
    fn end(&mut self, deleted: Result<bool, BackendError>) {
        self.has_ended = true;
        (self.invalidate)();
        if let Err(error) = deleted {
            self.errors.failed(&error);
        }
    }
}

/// A removal that has begun. If it is dropped before the backend has answered, the result may still be there, which is
/// reported as an error.
struct Begun(Removal);

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.0.has_ended {
            let message =
                "a function with `#[invalidates(…)]` did not end: its result may still be in the backend";
            self.0.end(Err(BackendError::new(message)));
        }
    }
}

impl Invalidate for LaterInBackend {
    type Place = BehindAwait;

    fn carry_out(self) -> Invalidated {
        let Self { removal, request } = self;
        let mut begun = Begun(removal);
        (begun.0.invalidate)();
        Invalidated::awaiting(async move {
            let deleted = request.await;
            // Once more: another call may have fetched the result before it was removed.
            begun.0.end(deleted);
        })
    }
}

impl fmt::Debug for LaterInBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaterInBackend").finish_non_exhaustive()
    }
}

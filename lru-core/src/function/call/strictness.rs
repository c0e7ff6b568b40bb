//! The option `strict`: what a call does when its backend fails.

use crate::backend::BackendError;

/// Whether a call continues without a backend that fails.
pub trait Strictness<R>: Copy {
    /// Returns the result of the call; `None` if it continues without the backend.
    fn instead(self, error: BackendError) -> Option<R>;
}

/// The call continues without the backend.
#[derive(Clone, Copy, Debug)]
pub struct Lenient;

impl<R> Strictness<R> for Lenient {
    fn instead(self, _: BackendError) -> Option<R> {
        None
    }
}

/// The call returns the error.
#[derive(Clone, Copy, Debug)]
pub struct Strict;

impl<T, E: From<BackendError>> Strictness<Result<T, E>> for Strict {
    fn instead(self, error: BackendError) -> Option<Result<T, E>> {
        Some(Err(error.into()))
    }
}

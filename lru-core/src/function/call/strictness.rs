//! The option `strict`: what a call does when its backend fails.

use core::marker::PhantomData;

use crate::backend::BackendError;
use crate::function::call::serializable::Passed;

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

/// The result type of a strict function, for autoref selection.
pub struct StrictResult<R>(PhantomData<fn() -> R>);

impl<R> StrictResult<R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Selected first, if the result can be an error of the backend.
pub trait ReturnsErrors<R> {
    /// Returns the strictness.
    fn __passed(&self) -> Passed<R, Strict>;
    /// Returns the strictness, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> Strict;
}

impl<T, E: From<BackendError>> ReturnsErrors<Result<T, E>> for &StrictResult<Result<T, E>> {
    #[inline]
    fn __passed(&self) -> Passed<Result<T, E>, Strict> {
        Passed::new(Strict)
    }

    #[inline]
    fn __assumed_passed(&self) -> Strict {
        Strict
    }
}

/// Selected last.
pub trait ReturnsNoErrors<R> {
    /// Returns a stand-in.
    fn __passed<Open>(&self) -> Passed<R, Lenient, Open>;
    /// Returns a stand-in, in an item that leaves compile errors to another.
    fn __assumed_passed(&self) -> Lenient;
}

impl<R> ReturnsNoErrors<R> for StrictResult<R> {
    fn __passed<Open>(&self) -> Passed<R, Lenient, Open> {
        Passed::new(Lenient)
    }

    fn __assumed_passed(&self) -> Lenient {
        Lenient
    }
}

/// The bound that reports the result of a strict function, as
/// [`ResultInBackend`](crate::function::call::serializable::ResultInBackend) does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold an error of the backend",
    label = "with `strict = true` a result must be a `Result` whose error is `From<BackendError>`",
    note = "implement `From<functools::backend::BackendError>` for the type of the error, return a `Box<dyn std::error::Error>`, or remove `strict`"
)]
pub trait BackendErrorInResult<Open>: Sized {
    /// Returns the strictness.
    #[inline]
    fn __allow<A>(passed: Passed<Self, A, Open>) -> A {
        passed.passed()
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: From<BackendError>, Open> BackendErrorInResult<Open> for Result<T, E> {}

/// The traits of the selection, for import without names.
pub(crate) mod choices {
    pub use super::{ReturnsErrors as _, ReturnsNoErrors as _};
}

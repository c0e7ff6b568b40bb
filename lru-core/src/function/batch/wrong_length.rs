//! [`WrongLength`]: a body of a batch function that returns another number of results than it was asked for.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;

/// The body of a function with `each` returned another number of results than it was given elements.
///
/// A function that returns a `Result` whose error implements `From<WrongLength>` returns it; any other function
/// panics. Nothing is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WrongLength {
    /// The number of elements that the body was given.
    pub expected: usize,
    /// The number of results that it returned.
    pub returned: usize,
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, returned } = self;
        write!(f, "the function returned {returned} results for {expected} elements")
    }
}

impl Error for WrongLength {}

/// The return type of a function, for the autoref selection of what a wrong length becomes.
pub struct BatchResult<R>(PhantomData<fn() -> R>);

impl<R> BatchResult<R> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// The first choice: an error that can be made of it.
pub trait ByConversion<R> {
    /// Returns the error.
    fn __wrong_length(&self, wrong: WrongLength) -> R;
}

impl<T, E: From<WrongLength>> ByConversion<Result<T, E>> for &BatchResult<Result<T, E>> {
    fn __wrong_length(&self, wrong: WrongLength) -> Result<T, E> {
        Err(E::from(wrong))
    }
}

/// The second choice: a panic.
pub trait ByPanic<R> {
    /// Panics.
    fn __wrong_length(&self, wrong: WrongLength) -> R;
}

impl<R> ByPanic<R> for BatchResult<R> {
    #[track_caller]
    fn __wrong_length(&self, wrong: WrongLength) -> R {
        panic!("{wrong}")
    }
}

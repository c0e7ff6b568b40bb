//! The choice of a result policy by the type of the result.

use core::marker::PhantomData;

use super::adapters::{MaybeNone, Present, Refused};
use super::stored_type::Kept;
use super::{Fallible, Plain, WholeResult};
use crate::key::sharing::Keeps;

/// A result's type, whose [`ResultPolicy`] is to be chosen, for a cache that is `S`:
/// [`Shared`], [`Thread`](crate::key::Thread) or [`Local`](crate::key::Local).
#[derive(Debug)]
pub struct Returns<R, S>(PhantomData<fn() -> R>, PhantomData<S>);

impl<R, S> Returns<R, S> {
    /// The only one.
    pub const NEW: Self = Self(PhantomData, PhantomData);
}

/// The first choice: of a `Result`, its `Ok`.
pub trait ByOk {
    /// Makes it.
    fn __outcome(&self) -> Fallible;
}

impl<T: Clone, E, S: Keeps<T>> ByOk for &&&&Returns<Result<T, E>, S> {
    #[inline]
    fn __outcome(&self) -> Fallible {
        Fallible
    }
}

/// No choice: a `Result` whose `Ok` can't be kept. The bound of the method says so.
pub trait RefusedOk<T> {
    /// Asks for what the `Ok` is not.
    fn __outcome<Nobody>(&self) -> Refused
    where
        T: Clone + Kept<Nobody>;
}

impl<T, E, S> RefusedOk<T> for &&&Returns<Result<T, E>, S> {
    fn __outcome<Nobody>(&self) -> Refused
    where
        T: Clone + Kept<Nobody>,
    {
        Refused
    }
}

/// The second choice: the whole. One reference further down than it need be: what begins here must
/// not come upon [`RefusedOk`] by the one reference that the compiler adds.
pub trait ByWhole {
    /// Makes it.
    fn __outcome(&self) -> Plain;
}

impl<R: Clone, S: Keeps<R>> ByWhole for &Returns<R, S> {
    #[inline]
    fn __outcome(&self) -> Plain {
        Plain
    }
}

/// No choice: the bound of the method says so.
pub trait RefusedWhole<R> {
    /// Asks for what the result is not.
    fn __outcome<Nobody>(&self) -> Refused
    where
        R: Clone + Kept<Nobody>;
}

impl<R, S> RefusedWhole<R> for Returns<R, S> {
    fn __outcome<Nobody>(&self) -> Refused
    where
        R: Clone + Kept<Nobody>,
    {
        Refused
    }
}

/// Where errors are kept: of a `Result`, all of it.
pub trait ByResult {
    /// Makes it of what was chosen for the whole.
    fn __failing<O: Whole>(&self, whole: O) -> O::OfResult;
}

impl<T, E, S> ByResult for &Returns<Result<T, E>, S> {
    #[inline]
    fn __failing<O: Whole>(&self, whole: O) -> O::OfResult {
        whole.of_result()
    }
}

/// What may be chosen for the whole.
pub trait Whole {
    /// The same, for what is known to be a `Result`.
    type OfResult;

    /// Makes it.
    fn of_result(self) -> Self::OfResult;
}

impl Whole for Plain {
    type OfResult = WholeResult;

    fn of_result(self) -> WholeResult {
        WholeResult
    }
}

impl Whole for Refused {
    type OfResult = Self;

    fn of_result(self) -> Self {
        self
    }
}

/// Where what is kept can't be an error, or none that could be told.
pub trait WithoutResult {
    /// Leaves it as it is.
    fn __failing<O>(&self, whole: O) -> O;
}

impl<R, S> WithoutResult for Returns<R, S> {
    #[inline]
    fn __failing<O>(&self, whole: O) -> O {
        whole
    }
}

/// Where `None` may be left out: of an `Option`, also inside a `Result`.
pub trait ByPresence {
    /// Makes it.
    fn __present<O>(&self, outcome: O) -> Present<O>;
}

impl<R: MaybeNone, S> ByPresence for &Returns<R, S> {
    #[inline]
    fn __present<O>(&self, outcome: O) -> Present<O> {
        Present(outcome)
    }
}

/// Where there is no `None`.
pub trait WithoutPresence {
    /// Leaves it as it is.
    fn __present<O>(&self, outcome: O) -> O;
}

impl<R, S> WithoutPresence for Returns<R, S> {
    #[inline]
    fn __present<O>(&self, outcome: O) -> O {
        outcome
    }
}

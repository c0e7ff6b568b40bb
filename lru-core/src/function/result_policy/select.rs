//! The choice of a result policy by the type of the result.

use core::marker::PhantomData;

use super::adapters::{MaybeNone, Refused, SomeOnly};
use super::stored_type::Cacheable;
use super::{OkOnly, Plain, WholeResult};
use crate::key::sharing::Stores;

/// A result's type, whose [`ResultPolicy`] is to be chosen, for a cache that is `S`:
/// [`Shared`], [`Thread`](crate::key::Thread) or [`Local`](crate::key::Local).
#[derive(Debug)]
pub struct SelectPolicy<R, S>(PhantomData<fn() -> R>, PhantomData<S>);

impl<R, S> SelectPolicy<R, S> {
    /// The only one.
    pub const NEW: Self = Self(PhantomData, PhantomData);
}

/// The first choice: of a `Result`, its `Ok`.
pub trait ByOk {
    /// Makes it.
    fn __result_policy(&self) -> OkOnly;
}

impl<T: Clone, E, S: Stores<T>> ByOk for &&&&SelectPolicy<Result<T, E>, S> {
    #[inline]
    fn __result_policy(&self) -> OkOnly {
        OkOnly
    }
}

/// No choice: a `Result` whose `Ok` can't be kept. The bound of the method says so.
pub trait RefusedOk<T> {
    /// Asks for what the `Ok` is not.
    fn __result_policy<Open>(&self) -> Refused
    where
        T: Clone + Cacheable<Open>;
}

impl<T, E, S> RefusedOk<T> for &&&SelectPolicy<Result<T, E>, S> {
    fn __result_policy<Open>(&self) -> Refused
    where
        T: Clone + Cacheable<Open>,
    {
        Refused
    }
}

/// The second choice: the whole. One reference further down than it need be: what begins here must
/// not come upon [`RefusedOk`] by the one reference that the compiler adds.
pub trait ByWhole {
    /// Makes it.
    fn __result_policy(&self) -> Plain;
}

impl<R: Clone, S: Stores<R>> ByWhole for &SelectPolicy<R, S> {
    #[inline]
    fn __result_policy(&self) -> Plain {
        Plain
    }
}

/// No choice: the bound of the method says so.
pub trait RefusedWhole<R> {
    /// Asks for what the result is not.
    fn __result_policy<Open>(&self) -> Refused
    where
        R: Clone + Cacheable<Open>;
}

impl<R, S> RefusedWhole<R> for SelectPolicy<R, S> {
    fn __result_policy<Open>(&self) -> Refused
    where
        R: Clone + Cacheable<Open>,
    {
        Refused
    }
}

/// Where errors are kept: of a `Result`, all of it.
pub trait ByResult {
    /// Makes it of what was chosen for the whole.
    fn __with_errors<O: WholePolicy>(&self, whole: O) -> O::OfResult;
}

impl<T, E, S> ByResult for &SelectPolicy<Result<T, E>, S> {
    #[inline]
    fn __with_errors<O: WholePolicy>(&self, whole: O) -> O::OfResult {
        whole.of_result()
    }
}

/// What may be chosen for the whole.
pub trait WholePolicy {
    /// The same, for what is known to be a `Result`.
    type OfResult;

    /// Makes it.
    fn of_result(self) -> Self::OfResult;
}

impl WholePolicy for Plain {
    type OfResult = WholeResult;

    fn of_result(self) -> WholeResult {
        WholeResult
    }
}

impl WholePolicy for Refused {
    type OfResult = Self;

    fn of_result(self) -> Self {
        self
    }
}

/// Where what is kept can't be an error, or none that could be told.
pub trait WithoutResult {
    /// Leaves it as it is.
    fn __with_errors<O>(&self, whole: O) -> O;
}

impl<R, S> WithoutResult for SelectPolicy<R, S> {
    #[inline]
    fn __with_errors<O>(&self, whole: O) -> O {
        whole
    }
}

/// Where `None` may be left out: of an `Option`, also inside a `Result`.
pub trait ByPresence {
    /// Makes it.
    fn __without_none<O>(&self, outcome: O) -> SomeOnly<O>;
}

impl<R: MaybeNone, S> ByPresence for &SelectPolicy<R, S> {
    #[inline]
    fn __without_none<O>(&self, outcome: O) -> SomeOnly<O> {
        SomeOnly(outcome)
    }
}

/// Where there is no `None`.
pub trait WithoutPresence {
    /// Leaves it as it is.
    fn __without_none<O>(&self, outcome: O) -> O;
}

impl<R, S> WithoutPresence for SelectPolicy<R, S> {
    #[inline]
    fn __without_none<O>(&self, outcome: O) -> O {
        outcome
    }
}

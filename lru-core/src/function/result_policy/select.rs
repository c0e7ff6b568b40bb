//! Autoref selection: chooses a result policy by the type of the result. Used by generated code.

use core::marker::PhantomData;

use super::chosen::Chosen;
use super::none::{MaybeNone, SomeOnly};
use super::refused::Refused;
use super::stored_type::CachedOutput;
use super::{OkOnly, Plain, WholeResult};
use crate::key::sharing::{Local, Stores};

/// A result type for autoref selection, in a cache with the marker `S`: [`Shared`](crate::key::Shared),
/// [`Thread`](crate::key::Thread) or [`Local`](crate::key::Local).
pub struct SelectPolicy<R, S>(PhantomData<fn() -> R>, PhantomData<S>);

impl<R, S> Clone for SelectPolicy<R, S> {
    fn clone(&self) -> Self {
        *self
    }
}

/// A refused result is moved out of the references of the selection.
impl<R, S> Copy for SelectPolicy<R, S> {}

impl<R, S> SelectPolicy<R, S> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData, PhantomData);
}

/// The first choice: the `Ok` value of a `Result`.
pub trait ByOk<T, S> {
    /// Returns the policy.
    fn __result_policy(&self) -> Chosen<T, S, OkOnly>;
    /// Returns the policy, in an item that leaves compile errors to another.
    fn __assumed_policy(&self) -> OkOnly;
}

impl<T: Clone, E, S: Stores<T>> ByOk<T, S> for &&&&SelectPolicy<Result<T, E>, S> {
    #[inline]
    fn __result_policy(&self) -> Chosen<T, S, OkOnly> {
        Chosen::new(OkOnly)
    }

    #[inline]
    fn __assumed_policy(&self) -> OkOnly {
        OkOnly
    }
}

/// Refuses a `Result` whose `Ok` value cannot be stored.
pub trait RefusedOk<T, S> {
    /// Returns the stand-in.
    fn __result_policy<Open>(&self) -> Chosen<T, S, Refused, Open>;
    /// Returns the stand-in, in an item that leaves compile errors to another.
    fn __assumed_policy(&self) -> Refused;
}

impl<T, E, S> RefusedOk<T, S> for &&&SelectPolicy<Result<T, E>, S> {
    fn __result_policy<Open>(&self) -> Chosen<T, S, Refused, Open> {
        Chosen::new(Refused)
    }

    fn __assumed_policy(&self) -> Refused {
        Refused
    }
}

/// The second choice: the whole result.
///
/// There is one more reference between this choice and [`RefusedOk`], because the compiler may add a reference to a
/// selection that begins here.
pub trait ByWhole<R, S> {
    /// Returns the policy.
    fn __result_policy(&self) -> Chosen<R, S, Plain>;
    /// Returns the policy, in an item that leaves compile errors to another.
    fn __assumed_policy(&self) -> Plain;
}

impl<R: Clone, S: Stores<R>> ByWhole<R, S> for &SelectPolicy<R, S> {
    #[inline]
    fn __result_policy(&self) -> Chosen<R, S, Plain> {
        Chosen::new(Plain)
    }

    #[inline]
    fn __assumed_policy(&self) -> Plain {
        Plain
    }
}

/// Refuses a future. The compile error is the unmet bound, which no type meets.
pub trait RefusedFuture<R> {
    /// Requires the bound that is not met.
    #[rustfmt::skip] // on one line, which the error shows
    fn __result_policy<Open>(&self) -> Chosen<(), Local, Refused> where R: CachedOutput<Open>;
    /// Returns the stand-in, in an item that leaves compile errors to another.
    fn __assumed_policy(&self) -> Refused;
}

impl<R: Future, S> RefusedFuture<R> for SelectPolicy<R, S> {
    fn __result_policy<Open>(&self) -> Chosen<(), Local, Refused>
    where
        R: CachedOutput<Open>,
    {
        Chosen::new(Refused)
    }

    fn __assumed_policy(&self) -> Refused {
        Refused
    }
}

/// Refuses a result.
///
/// The methods take `self` by value, so that method resolution tries them after [`RefusedFuture`].
pub trait RefusedWhole<R, S> {
    /// Returns the stand-in.
    fn __result_policy<Open>(self) -> Chosen<R, S, Refused, Open>;
    /// Returns the stand-in, in an item that leaves compile errors to another.
    fn __assumed_policy(self) -> Refused;
}

impl<R, S> RefusedWhole<R, S> for SelectPolicy<R, S> {
    fn __result_policy<Open>(self) -> Chosen<R, S, Refused, Open> {
        Chosen::new(Refused)
    }

    fn __assumed_policy(self) -> Refused {
        Refused
    }
}

/// Selects the policy for a `Result` with `cache_errors = true`.
pub trait ByResult {
    /// Returns the policy that stores errors too.
    fn __with_errors<O: WholePolicy>(&self, whole: O) -> O::OfResult;
}

impl<T, E, S> ByResult for &SelectPolicy<Result<T, E>, S> {
    #[inline]
    fn __with_errors<O: WholePolicy>(&self, whole: O) -> O::OfResult {
        whole.of_result()
    }
}

/// A policy that was selected for a whole result.
pub trait WholePolicy {
    /// The policy if the result is a `Result`.
    type OfResult;

    /// Returns the policy for a `Result`.
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

/// Selects the policy with `cache_errors = true` if the result is not known to be a `Result`.
pub trait WithoutResult {
    /// Returns the policy unchanged.
    fn __with_errors<O>(&self, whole: O) -> O;
}

impl<R, S> WithoutResult for SelectPolicy<R, S> {
    #[inline]
    fn __with_errors<O>(&self, whole: O) -> O {
        whole
    }
}

/// Selects the policy with `cache_none = false` for an `Option`, also inside a `Result`.
pub trait ByPresence {
    /// Returns the policy that does not store `None`.
    fn __without_none<O>(&self, policy: O) -> SomeOnly<O>;
}

impl<R: MaybeNone, S> ByPresence for &SelectPolicy<R, S> {
    #[inline]
    fn __without_none<O>(&self, policy: O) -> SomeOnly<O> {
        SomeOnly(policy)
    }
}

/// Selects the policy with `cache_none = false` for any other result.
pub trait WithoutPresence {
    /// Returns the policy unchanged.
    fn __without_none<O>(&self, policy: O) -> O;
}

impl<R, S> WithoutPresence for SelectPolicy<R, S> {
    #[inline]
    fn __without_none<O>(&self, policy: O) -> O {
        policy
    }
}

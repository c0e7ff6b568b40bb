//! Result policies that wrap another one, and the one that stands in for refused results.

use core::fmt;
use std::boxed::Box;

use super::ResultPolicy;
use crate::key::sharing::{Erases, Erasure, Shared};

/// A type whose values may be `None`.
pub trait MaybeNone {
    /// Returns whether the value is `None`.
    fn is_none(&self) -> bool;
}

impl<T> MaybeNone for Option<T> {
    #[inline]
    fn is_none(&self) -> bool {
        self.is_none()
    }
}

impl<T, E> MaybeNone for Result<Option<T>, E> {
    #[inline]
    fn is_none(&self) -> bool {
        matches!(self, Ok(None))
    }
}

/// Stores what `O` stores, except `None`.
#[derive(Clone, Copy, Debug)]
pub struct SomeOnly<O>(pub(super) O);

impl<R: MaybeNone, O: ResultPolicy<R>> ResultPolicy<R> for SomeOnly<O> {
    type Kept = O::Kept;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn keeps(self, result: &R) -> bool {
        !result.is_none() && self.0.keeps(result)
    }

    fn of_value(self, value: O::Value) -> R {
        self.0.of_value(value)
    }

    #[inline]
    fn answer(self, kept: &O::Kept) -> R {
        self.0.answer(kept)
    }

    #[inline]
    fn kept(self, result: &R) -> Option<O::Kept> {
        if result.is_none() { None } else { self.0.kept(result) }
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<O::Kept> {
        if result.is_none() { None } else { self.0.into_kept(result) }
    }
}

/// A type-erased stored value, for results whose type depends on a generic parameter, which a `static` cannot name.
pub struct ErasedResult<S: Erasure = Shared>(Box<S::Any>);

impl<S: Erasure> fmt::Debug for ErasedResult<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// Stores what `O` stores as an [`ErasedResult`], in a cache with the marker `S`.
#[derive(Clone, Copy, Debug)]
pub struct EraseResult<O, S>(pub O, pub S);

impl<R, O: ResultPolicy<R, Kept: 'static>, S: Erases<O::Kept>> ResultPolicy<R> for EraseResult<O, S> {
    type Kept = ErasedResult<S>;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn keeps(self, result: &R) -> bool {
        self.0.keeps(result)
    }

    fn of_value(self, value: O::Value) -> R {
        self.0.of_value(value)
    }

    #[inline]
    fn answer(self, kept: &ErasedResult<S>) -> R {
        let kept = S::any(&kept.0).downcast_ref().expect("an entry is found by calls of the same types only");
        self.0.answer(kept)
    }

    #[inline]
    fn kept(self, result: &R) -> Option<ErasedResult<S>> {
        self.0.kept(result).map(|kept| ErasedResult(S::boxed(kept)))
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<ErasedResult<S>> {
        self.0.into_kept(result).map(|kept| ErasedResult(S::boxed(kept)))
    }
}

/// Stands in for the policy of a result that cannot be stored, so that there is one error about it.
#[derive(Clone, Copy, Debug)]
pub struct Refused;

impl<R> ResultPolicy<R> for Refused {
    type Kept = Self;
    type Value = Self;

    fn value(self, _: &R) -> Option<&Self> {
        None
    }

    fn of_value(self, _: Self) -> R {
        unreachable!("a refused result is never stored")
    }

    fn answer(self, _: &Self) -> R {
        unreachable!("a refused result is never stored")
    }

    fn kept(self, _: &R) -> Option<Self> {
        None
    }

    fn into_kept(self, _: R) -> Option<Self> {
        None
    }
}

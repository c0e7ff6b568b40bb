//! What of a function's result is remembered, decided by the result's type.
//!
//! A `Result` under any name keeps its `Ok` value alone, so that the error needs no trait and may
//! even borrow. Everything else is a plain value and kept whole. An option can have it otherwise:
//! errors are kept too when the first choice is passed over, and [`SomeOnly`] leaves `None` out.
//!
//! The choice is made twice, by the same bounds. For a value, [`SelectPolicy`] is called through as many
//! references as there are choices, which works in generic functions too. For the type of what a
//! `static` keeps, an inherent constant of [`Probe`] shadows the constant of the same name that the
//! trait [`ProbeDefaults`] gives to every type.

mod adapters;
mod followers;
mod select;
mod stored_type;

pub use adapters::{EraseResult, ErasedResult, Refused, SomeOnly};
pub use followers::{CloneResult, Recompute, Sharing};
pub use select::SelectPolicy;
pub use stored_type::{Cacheable, Probe, ProbeDefaults, StoredAs, kind};

/// The traits among which [`SelectPolicy`] chooses, to be imported nameless.
pub(crate) mod choices {
    pub use super::followers::{ByCopy as _, ByTurns as _};
    pub use super::select::{
        ByOk as _, ByPresence as _, ByResult as _, ByWhole as _, RefusedOk as _, RefusedWhole as _,
        WithoutPresence as _, WithoutResult as _,
    };
}

/// A way to remember results of type `R`.
pub trait ResultPolicy<R>: Copy {
    /// What lies in the cache.
    type Kept;
    /// The same, with its own type.
    type Value;

    /// The result that a hit returns: a copy of what is kept.
    fn answer(self, kept: &Self::Kept) -> R;

    /// A copy of what is to be kept; `None` where the result is not to be remembered.
    fn kept(self, result: &R) -> Option<Self::Kept>;

    /// What is to be kept; `None` where the result is not to be remembered.
    fn into_kept(self, result: R) -> Option<Self::Kept>;

    /// What of the result is the value, to be weighed and the like.
    fn value(self, result: &R) -> Option<&Self::Value>;

    /// Whether the result says that the function failed.
    fn is_error(self, result: &R) -> bool;

    /// Whether the result is to be remembered.
    fn keeps(self, _result: &R) -> bool {
        true
    }

    /// The result of which this is the value.
    fn of_value(self, value: Self::Value) -> R;
}

/// The whole result is kept.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<R: Clone> ResultPolicy<R> for Plain {
    type Kept = R;
    type Value = R;

    #[inline]
    fn value(self, result: &R) -> Option<&R> {
        Some(result)
    }

    #[inline]
    fn is_error(self, _: &R) -> bool {
        false
    }

    fn of_value(self, value: R) -> R {
        value
    }

    #[inline]
    fn answer(self, kept: &R) -> R {
        kept.clone()
    }

    #[inline]
    fn kept(self, result: &R) -> Option<R> {
        Some(result.clone())
    }

    #[inline]
    fn into_kept(self, result: R) -> Option<R> {
        Some(result)
    }
}

/// The whole of a `Result` is kept.
#[derive(Clone, Copy, Debug)]
pub struct WholeResult;

impl<T, E> ResultPolicy<Result<T, E>> for WholeResult
where
    Result<T, E>: Clone,
{
    type Kept = Result<T, E>;
    type Value = Result<T, E>;

    #[inline]
    fn value(self, result: &Result<T, E>) -> Option<&Result<T, E>> {
        Some(result)
    }

    #[inline]
    fn is_error(self, result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn of_value(self, value: Result<T, E>) -> Result<T, E> {
        value
    }

    #[inline]
    fn answer(self, kept: &Result<T, E>) -> Result<T, E> {
        kept.clone()
    }

    #[inline]
    fn kept(self, result: &Result<T, E>) -> Option<Result<T, E>> {
        Some(result.clone())
    }

    #[inline]
    fn into_kept(self, result: Result<T, E>) -> Option<Result<T, E>> {
        Some(result)
    }
}

/// Of a `Result`, the `Ok` value is kept; an `Err` is not remembered.
#[derive(Clone, Copy, Debug)]
pub struct OkOnly;

impl<T: Clone, E> ResultPolicy<Result<T, E>> for OkOnly {
    type Kept = T;
    type Value = T;

    #[inline]
    fn keeps(self, result: &Result<T, E>) -> bool {
        result.is_ok()
    }

    #[inline]
    fn value(self, result: &Result<T, E>) -> Option<&T> {
        result.as_ref().ok()
    }

    #[inline]
    fn is_error(self, result: &Result<T, E>) -> bool {
        result.is_err()
    }

    fn of_value(self, value: T) -> Result<T, E> {
        Ok(value)
    }

    #[inline]
    fn answer(self, kept: &T) -> Result<T, E> {
        Ok(kept.clone())
    }

    #[inline]
    fn kept(self, result: &Result<T, E>) -> Option<T> {
        result.as_ref().ok().cloned()
    }

    #[inline]
    fn into_kept(self, result: Result<T, E>) -> Option<T> {
        result.ok()
    }
}

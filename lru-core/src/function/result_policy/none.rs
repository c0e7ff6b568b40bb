//! Results of which `None` is not stored: `cache_none = false`.

use super::ResultPolicy;

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
    type Stored = O::Stored;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn is_stored_error(stored: &O::Stored) -> bool {
        O::is_stored_error(stored)
    }

    fn stores(self, result: &R) -> bool {
        !result.is_none() && self.0.stores(result)
    }

    fn result_of(self, value: O::Value) -> R {
        self.0.result_of(value)
    }

    fn copied_value(self, stored: &O::Stored) -> Option<O::Value> {
        self.0.copied_value(stored)
    }

    #[inline]
    fn restore(self, stored: &O::Stored) -> R {
        self.0.restore(stored)
    }

    #[inline]
    fn stored(self, result: &R) -> Option<O::Stored> {
        if result.is_none() { None } else { self.0.stored(result) }
    }

    #[inline]
    fn into_stored(self, result: R) -> Option<O::Stored> {
        if result.is_none() { None } else { self.0.into_stored(result) }
    }
}

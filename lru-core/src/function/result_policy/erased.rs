//! Type-erased results of generic functions.

use core::fmt;
use std::boxed::Box;

use super::ResultPolicy;
use crate::key::erased::Viewed;
use crate::key::sharing::{Erases, Erasure, Shared};

/// A type-erased stored value, for results whose type depends on a generic parameter, which a `static` cannot name.
pub struct ErasedResult<S: Erasure = Shared>(Box<S::Any>);

impl<S: Erasure> ErasedResult<S> {
    /// Returns the stored value, if its type is `T`.
    pub fn view<T: 'static>(&self) -> Option<Viewed<'_, T>> {
        S::any(&self.0).downcast_ref().map(Viewed::Stored)
    }

    #[inline]
    fn get<T: 'static>(&self) -> &T
    where
        S: Erases<T>,
    {
        S::any(&self.0).downcast_ref().expect("an entry is found by calls of the same types only")
    }
}

impl<S: Erasure> fmt::Debug for ErasedResult<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// Stores what `O` stores as an [`ErasedResult`], in a cache with the marker `S`.
#[derive(Clone, Copy, Debug)]
pub struct EraseResult<O, S>(pub O, pub S);

impl<R, O: ResultPolicy<R, Stored: 'static>, S: Erases<O::Stored>> ResultPolicy<R> for EraseResult<O, S> {
    type Stored = ErasedResult<S>;
    type Value = O::Value;

    #[inline]
    fn value(self, result: &R) -> Option<&O::Value> {
        self.0.value(result)
    }

    #[inline]
    fn is_error(self, result: &R) -> bool {
        self.0.is_error(result)
    }

    fn is_stored_error(stored: &ErasedResult<S>) -> bool {
        O::is_stored_error(stored.get())
    }

    fn stores(self, result: &R) -> bool {
        self.0.stores(result)
    }

    fn result_of(self, value: O::Value) -> R {
        self.0.result_of(value)
    }

    fn copied_value(self, stored: &ErasedResult<S>) -> Option<O::Value> {
        self.0.copied_value(stored.get())
    }

    #[inline]
    fn restore(self, stored: &ErasedResult<S>) -> R {
        self.0.restore(stored.get())
    }

    #[inline]
    fn stored(self, result: &R) -> Option<ErasedResult<S>> {
        self.0.stored(result).map(|stored| ErasedResult(S::boxed(stored)))
    }

    #[inline]
    fn into_stored(self, result: R) -> Option<ErasedResult<S>> {
        self.0.into_stored(result).map(|stored| ErasedResult(S::boxed(stored)))
    }
}

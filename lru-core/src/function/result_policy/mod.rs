//! Result policies: which part of a result is stored.
//!
//! By default, the `Ok` value of a `Result` is stored ([`OkOnly`]), so that the error type needs no trait and may
//! borrow; any other result is stored whole ([`Plain`]). With `cache_errors = true`, a `Result` is stored whole
//! ([`WholeResult`]); with `cache_none = false`, `None` is not stored ([`SomeOnly`]).
//!
//! The policy is chosen by the type of the result, under any name of the type: by autoref selection for a value
//! (`select`), which works in generic functions too, and by constants for a type in a `static` (`stored_type`).

mod chosen;
mod erased;
mod followers;
mod none;
mod refused;
mod select;
mod stored_type;

pub use erased::{EraseResult, ErasedResult};
pub use followers::{CloneResult, Recompute, Sharing};
pub use none::SomeOnly;
pub use refused::Refused;
pub use select::SelectPolicy;
pub use stored_type::{Cacheable, CachedOutput, Cloneable, Probe, ProbeDefaults, StoredAs, kind};

/// The traits of the autoref selection by [`SelectPolicy`], for import without names.
pub(crate) mod choices {
    pub use super::followers::{ByClone as _, ByRecompute as _};
    pub use super::select::{
        ByOk as _, ByPresence as _, ByResult as _, ByWhole as _, RefusedFuture as _, RefusedOk as _,
        RefusedWhole as _, WithoutPresence as _, WithoutResult as _,
    };
}

/// Which part of a result of type `R` is stored, and how a hit makes a result of it.
pub trait ResultPolicy<R>: Copy {
    /// The stored form of a result.
    type Stored;
    /// The value of a result, which weights and times are computed from. It is the stored form before type erasure.
    type Value;

    /// Returns the result of a hit: a clone of the stored value.
    fn restore(self, stored: &Self::Stored) -> R;

    /// Clones the part of a result to be stored; `None` if the result is not to be stored.
    fn stored(self, result: &R) -> Option<Self::Stored>;

    /// Like [`ResultPolicy::stored`], but takes the result by value.
    fn into_stored(self, result: R) -> Option<Self::Stored> {
        self.stored(&result)
    }

    /// Returns the value of a result; `None` for an error that is not stored.
    fn value(self, result: &R) -> Option<&Self::Value>;

    /// Returns whether the result is an error.
    fn is_error(self, _result: &R) -> bool {
        false
    }

    /// Like [`ResultPolicy::is_error`], for a stored form.
    fn is_stored_error(_kept: &Self::Stored) -> bool {
        false
    }

    /// Returns whether the result is to be stored.
    fn stores(self, _result: &R) -> bool {
        true
    }

    /// Makes a result of its value.
    fn result_of(self, value: Self::Value) -> R;

    /// Returns a copy of the value in a stored form; `None` if it cannot be copied.
    fn copied_value(self, stored: &Self::Stored) -> Option<Self::Value>;
}

macro_rules! whole {
    ($(#[$doc:meta])* $policy:ident, [$($generics:tt)*] $result:ty, $is_error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $policy;

        impl<$($generics)*> ResultPolicy<$result> for $policy
        where
            $result: Clone,
        {
            type Stored = $result;
            type Value = $result;

            #[inline]
            fn value(self, result: &$result) -> Option<&$result> {
                Some(result)
            }

            #[inline]
            fn is_error(self, result: &$result) -> bool {
                $is_error(result)
            }

            fn is_stored_error(stored: &$result) -> bool {
                $is_error(stored)
            }

            fn result_of(self, value: $result) -> $result {
                value
            }

            fn copied_value(self, stored: &$result) -> Option<$result> {
                Some(stored.clone())
            }

            #[inline]
            fn restore(self, stored: &$result) -> $result {
                stored.clone()
            }

            #[inline]
            fn stored(self, result: &$result) -> Option<$result> {
                Some(result.clone())
            }

            #[inline]
            fn into_stored(self, result: $result) -> Option<$result> {
                Some(result)
            }
        }
    };
}

whole! {
    /// Stores the whole result, which is not an error.
    Plain, [R] R, |_| false
}
whole! {
    /// Stores the whole of a `Result`, errors included.
    WholeResult, [T, E] Result<T, E>, Result::is_err
}

/// Stores the `Ok` value of a `Result`, and no error.
#[derive(Clone, Copy, Debug)]
pub struct OkOnly;

impl<T: Clone, E> ResultPolicy<Result<T, E>> for OkOnly {
    type Stored = T;
    type Value = T;

    #[inline]
    fn stores(self, result: &Result<T, E>) -> bool {
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

    fn result_of(self, value: T) -> Result<T, E> {
        Ok(value)
    }

    fn copied_value(self, stored: &T) -> Option<T> {
        Some(stored.clone())
    }

    #[inline]
    fn restore(self, stored: &T) -> Result<T, E> {
        Ok(stored.clone())
    }

    #[inline]
    fn stored(self, result: &Result<T, E>) -> Option<T> {
        result.as_ref().ok().cloned()
    }

    #[inline]
    fn into_stored(self, result: Result<T, E>) -> Option<T> {
        result.ok()
    }
}

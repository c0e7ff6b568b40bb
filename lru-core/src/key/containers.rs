//! [`Argument`] for pointers to arguments and containers of arguments.

use core::ffi::CStr;
use core::hash::{Hash, Hasher};
use std::borrow::{Cow, ToOwned};
use std::ffi::{CString, OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::argument::{Argument, Internal};
use super::cross_type_equality::Common;

/// Pointers, which are stored as the value they point to.
macro_rules! pointers {
    ($([$($generics:tt)*] $pointer:ty, $pointee:ty;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Argument for $pointer {
            type Stored = <$pointee as Argument>::Stored;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                (**self).hash_argument(state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                (**self).eq_argument(&**other)
            }

            #[inline]
            fn eq_stored(&self, stored: &Self::Stored) -> bool {
                (**self).eq_stored(stored)
            }

            #[inline]
            fn to_stored(&self) -> Self::Stored {
                (**self).to_stored()
            }

            #[inline]
            fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
                <$pointee as Argument>::stored_eq(one, other)
            }

            #[inline]
            fn as_common(&self, _: Internal) -> Option<Common<'_>> {
                (**self).as_common(Internal)
            }
        }
    )* };
}

pointers! {
    [A: Argument + ?Sized] &A, A;
    [A: Argument + ?Sized] Box<A>, A;
    [A: Argument + ?Sized] Arc<A>, A;
    [A: Argument + ToOwned + ?Sized] Cow<'_, A>, A;
    [A: Argument] Vec<A>, [A];
    [] String, str;
    [] CString, CStr;
    [] OsString, OsStr;
    [] PathBuf, Path;
}

/// A slice is hashed as its length and its elements.
#[diagnostic::do_not_recommend]
impl<A: Argument> Argument for [A] {
    type Stored = Vec<A::Stored>;

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        A::hash_slice(self, state, Internal);
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one.eq_argument(other))
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        self.len() == stored.len() && A::eq_slice(self, stored, Internal)
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        self.iter().map(A::to_stored).collect()
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| A::stored_eq(one, other))
    }
}

#[diagnostic::do_not_recommend]
impl<A: Argument, const N: usize> Argument for [A; N] {
    type Stored = [A::Stored; N];

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        A::hash_slice(self, state, Internal);
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        self.iter().zip(other).all(|(one, other)| one.eq_argument(other))
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        A::eq_slice(self, stored, Internal)
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        self.each_ref().map(A::to_stored)
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        one.iter().zip(other).all(|(one, other)| A::stored_eq(one, other))
    }
}

/// Compares two options by the comparison of their contents.
#[inline]
fn eq_options<A, B>(one: Option<&A>, other: Option<&B>, eq: impl FnOnce(&A, &B) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

#[diagnostic::do_not_recommend]
impl<A: Argument> Argument for Option<A> {
    type Stored = Option<A::Stored>;

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        self.is_some().hash(state);
        if let Some(argument) = self {
            argument.hash_argument(state);
        }
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        eq_options(self.as_ref(), other.as_ref(), A::eq_argument)
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        eq_options(self.as_ref(), stored.as_ref(), A::eq_stored)
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        self.as_ref().map(A::to_stored)
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        eq_options(one.as_ref(), other.as_ref(), A::stored_eq)
    }
}

#[diagnostic::do_not_recommend]
impl<A: Argument, B: Argument> Argument for Result<A, B> {
    type Stored = Result<A::Stored, B::Stored>;

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        self.is_ok().hash(state);
        match self {
            Ok(argument) => argument.hash_argument(state),
            Err(argument) => argument.hash_argument(state),
        }
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        match (self, other) {
            (Ok(one), Ok(other)) => one.eq_argument(other),
            (Err(one), Err(other)) => one.eq_argument(other),
            _ => false,
        }
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        match (self, stored) {
            (Ok(argument), Ok(stored)) => argument.eq_stored(stored),
            (Err(argument), Err(stored)) => argument.eq_stored(stored),
            _ => false,
        }
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        match self {
            Ok(argument) => Ok(argument.to_stored()),
            Err(argument) => Err(argument.to_stored()),
        }
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        match (one, other) {
            (Ok(one), Ok(other)) => A::stored_eq(one, other),
            (Err(one), Err(other)) => B::stored_eq(one, other),
            _ => false,
        }
    }
}

//! [`Part`]: a borrowed key or a part of one, as a lookup uses it.

use core::hash::Hasher;

use super::argument::{Argument, Internal};
use super::cross_type_equality::Common;

/// A key, or a part of one, borrowed from the arguments of a call. Used by generated code.
///
/// A reference to an [`Argument`] is a part. Other arguments are wrapped by the type that
/// `select` chose for them. A tuple of parts is a part.
pub trait Part {
    /// The owned form.
    type Stored;

    /// Feeds this part into `state`.
    fn hash_part<H: Hasher>(&self, state: &mut H);

    /// Returns whether this part is equal to a stored one.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Makes the owned form of this part.
    fn to_stored(&self) -> Self::Stored;

    /// Returns whether two stored parts are equal.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;

    /// Returns whether two parts are equal.
    fn eq_part(&self, other: &Self) -> bool;

    /// Returns the number or the text that this part is to parts of other types, if it is one.
    fn as_common(&self) -> Option<Common<'_>> {
        None
    }
}

impl<A: Argument + ?Sized> Part for &A {
    type Stored = A::Stored;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_argument(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &A::Stored) -> bool {
        (**self).eq_stored(stored)
    }

    #[inline]
    fn to_stored(&self) -> A::Stored {
        (**self).to_stored()
    }

    #[inline]
    fn stored_eq(one: &A::Stored, other: &A::Stored) -> bool {
        A::stored_eq(one, other)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        (**self).eq_argument(*other)
    }

    #[inline]
    fn as_common(&self) -> Option<Common<'_>> {
        (**self).as_common(Internal)
    }
}

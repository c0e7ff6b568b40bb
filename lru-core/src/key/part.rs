//! [`Part`]: a part of a key, borrowed from the arguments of a call.

use core::hash::Hasher;

use super::argument::Argument;
use super::cross_type::Common;

/// A part of a key, or all of it, borrowed from the arguments: for generated code.
///
/// What is an [`Argument`] is one by reference; others come wrapped in what [`select`] chose for
/// them. Tuples of parts are parts.
pub trait Part {
    /// The owned form.
    type Stored;

    /// Feeds the part to a hasher.
    fn hash_part<H: Hasher>(&self, state: &mut H);

    /// Whether it is the one that was stored.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Makes the owned form.
    fn to_stored(&self) -> Self::Stored;

    /// Whether two stored parts are the same.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;

    /// Whether two parts are the same.
    fn eq_part(&self, other: &Self) -> bool;

    /// What it is to parts of other types, where it is a number or text.
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
        (**self).as_common()
    }
}

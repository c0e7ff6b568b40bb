//! A part of a key together with the type that it was made of. Used by generated code.

use core::marker::PhantomData;

/// A part of a key, and the type that must be an [`Argument`](super::argument::Argument): `()` if the part can be used in any case.
pub struct MadeOf<T: ?Sized, K>(K, PhantomData<T>);

impl<K> MadeOf<(), K> {
    #[inline]
    pub(super) fn accepted(part: K) -> Self {
        Self(part, PhantomData)
    }
}

impl<T: ?Sized, K> MadeOf<T, K> {
    pub(super) fn refused(part: K) -> Self {
        Self(part, PhantomData)
    }

    #[inline]
    pub(super) fn into_part(self) -> K {
        self.0
    }

    /// Returns the part without asking about the type, which another item asks about.
    #[inline]
    pub fn __assumed(self) -> K {
        self.0
    }
}

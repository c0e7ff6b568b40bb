//! Wrappers that make an argument a [`Part`] of a key by its own `Hash` and `Eq`; one for each choice of
//! [`select`](super::select).

use core::any::Any;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::borrow::{Borrow, ToOwned};

use super::argument::{Argument, Internal};
use super::cross_type_equality::Common;
use super::part::Part;
use super::references::References;

/// An `Arc` or `Rc`, of which the pointer is stored.
pub struct WithPointer<'a, P>(pub(super) &'a P);

impl<P: Deref<Target: Argument> + Clone> Part for WithPointer<'_, P> {
    type Stored = P;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self.0).hash_argument(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &P) -> bool {
        core::ptr::eq(&raw const **self.0, &raw const **stored) || (**self.0).eq_argument(stored)
    }

    #[inline]
    fn to_stored(&self) -> P {
        self.0.clone()
    }

    #[inline]
    fn stored_eq(one: &P, other: &P) -> bool {
        WithPointer(one).eq_stored(other)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.eq_stored(other.0)
    }

    #[inline]
    fn as_common(&self) -> Option<Common<'_>> {
        (**self.0).as_common(Internal)
    }
}

/// Marks a [`WithEq`] whose type may contain a borrow, and so has no `TypeId`.
#[derive(Clone, Copy, Debug)]
pub struct Borrowed;

/// Marks a [`WithEq`] whose type is `'static`.
#[derive(Clone, Copy, Debug)]
pub struct Owned;

/// Recognises numbers and text among arguments whose type is a type parameter. Each instantiation is decided
/// at compile time.
pub trait Recognises<T: ?Sized> {
    /// Returns the number or the text that `argument` is, if it is one.
    fn common(argument: &T) -> Option<Common<'_>>;
}

impl<T: ?Sized> Recognises<T> for Borrowed {
    #[inline]
    fn common(_: &T) -> Option<Common<'_>> {
        None
    }
}

impl<T: Any> Recognises<T> for Owned {
    #[inline]
    fn common(argument: &T) -> Option<Common<'_>> {
        Common::recognise(argument)
    }
}

/// An argument with `Hash + Eq`, marked as [`Owned`] or [`Borrowed`].
pub struct WithEq<'a, T: ?Sized, B>(pub(super) &'a T, pub(super) B);

impl<'a, T: ?Sized> WithEq<'a, T, Borrowed> {
    /// Returns the part that a value of any type is by its own `Hash` and `Eq`.
    pub(crate) fn new(value: &'a T) -> Self {
        Self(value, Borrowed)
    }
}

impl<T: Hash + Eq + ToOwned + ?Sized, B: Recognises<T>> Part for WithEq<'_, T, B> {
    type Stored = T::Owned;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &T::Owned) -> bool {
        self.0 == stored.borrow()
    }

    #[inline]
    fn to_stored(&self) -> T::Owned {
        self.0.to_owned()
    }

    #[inline]
    fn stored_eq(one: &T::Owned, other: &T::Owned) -> bool {
        Borrow::<T>::borrow(one) == other.borrow()
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[inline]
    fn as_common(&self) -> Option<Common<'_>> {
        B::common(self.0)
    }
}

/// A container of [`References`] to values with `Hash + Eq`.
pub struct WithInnerEq<'a, C: ?Sized>(pub(super) &'a C);

impl<C: References + ?Sized> Part for WithInnerEq<'_, C> {
    type Stored = C::Stored;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &C::Stored) -> bool {
        self.0.eq_stored(stored)
    }

    #[inline]
    fn to_stored(&self) -> C::Stored {
        self.0.to_stored()
    }

    #[inline]
    fn stored_eq(one: &C::Stored, other: &C::Stored) -> bool {
        C::stored_eq(one, other)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Stands in for an argument that cannot be part of a key, so that there is one error about it.
#[derive(Clone)]
pub struct NoKey;

impl Part for NoKey {
    type Stored = Self;

    fn hash_part<H: Hasher>(&self, _: &mut H) {}

    fn eq_stored(&self, _: &Self) -> bool {
        false
    }

    fn to_stored(&self) -> Self {
        Self
    }

    fn stored_eq(_: &Self, _: &Self) -> bool {
        false
    }

    fn eq_part(&self, _: &Self) -> bool {
        false
    }
}

//! How an argument that [`select`](super::select) has chosen a way for is hashed, compared and stored.

use core::any::Any;
use core::hash::{Hash, Hasher};
use std::borrow::{Borrow, ToOwned};
use std::sync::Arc;

use super::argument::Argument;
use super::cross_type::Common;
use super::part::Part;
use super::references::References;

/// An `Arc` that is stored as it is.
#[derive(Debug)]
pub struct WithArc<'a, T: ?Sized>(pub(super) &'a Arc<T>);

impl<T: Argument + ?Sized> Part for WithArc<'_, T> {
    type Stored = Arc<T>;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self.0).hash_argument(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &Arc<T>) -> bool {
        Arc::ptr_eq(self.0, stored) || (**self.0).eq_argument(stored)
    }

    #[inline]
    fn to_stored(&self) -> Arc<T> {
        Arc::clone(self.0)
    }

    #[inline]
    fn stored_eq(one: &Arc<T>, other: &Arc<T>) -> bool {
        WithArc(one).eq_stored(other)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        self.eq_stored(other.0)
    }

    #[inline]
    fn as_common(&self) -> Option<Common<'_>> {
        (**self.0).as_common()
    }
}

/// What may borrow something, so that its type can't be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Borrowed;

/// What borrows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Owned;

/// What is known of an argument whose type was not written out. Where the type is known when
/// compiling, so is the answer.
pub trait Recognises<T: ?Sized> {
    /// Whether it is a number or text after all.
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

/// An argument by its own `Hash` and `Eq`. It is [`Owned`] or [`Borrowed`].
#[derive(Debug)]
pub struct WithEq<'a, T: ?Sized, B>(pub(super) &'a T, pub(super) B);

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

/// An argument by the `Hash` and `Eq` of what the references in it point to.
#[derive(Debug)]
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

/// Stands for a refused argument.
#[derive(Debug)]
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

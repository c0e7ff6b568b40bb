//! Autoref selection: chooses by the type of an argument how it becomes part of a key. Used by generated code.
//!
//! The first of these choices that applies is taken:
//! 1. an `Arc`, or where the cache is not shared by threads an `Rc`, whose contents are their own owned form;
//! 2. an [`Argument`];
//! 3. a reference to a value with `Hash + Eq`, by itself or in an `Option`, `Vec`, slice or array;
//! 4. a value with `Hash + Eq + Clone + 'static`;
//! 5. a value with `Hash + Eq + ToOwned`.
//!
//! The last two are left out for an argument whose type visibly borrows.
//!
//! Any other argument is refused with a compile error, which is that of [`refusal`](super::refusal). The choice is made by method resolution: generated code
//! calls `(&&&&&&SelectKey::shared(&argument)).__key()`, and the compiler removes one reference after the other
//! until a method applies. [`stored_type`](super::stored_type) makes the same choice for the type of the stored
//! key. That one is total: a refused argument is stored as [`NoKey`], so that there is only one error about it.

use core::hash::Hash;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::rc::Rc;
use std::sync::Arc;

use super::argument::Argument;
use super::by_eq::{Borrowed, NoKey, Owned, WithEq, WithInnerEq, WithPointer};
use super::made_of::MadeOf;
use super::references::References;
use super::sharing::{Accepts, Erasure, LentShared, LentThread, Local, Shared, Stores, StoresClones, Thread};

/// An argument for autoref selection. The marker `S` ([`Shared`], [`Thread`] or [`Local`]) says where the
/// cache is.
pub struct SelectKey<'a, T: ?Sized, S>(&'a T, S);

impl<T: ?Sized, S: Copy> Clone for SelectKey<'_, T, S> {
    fn clone(&self) -> Self {
        *self
    }
}

/// A refused argument is moved out of the references of the selection.
impl<T: ?Sized, S: Copy> Copy for SelectKey<'_, T, S> {}

impl<'a, T: ?Sized> SelectKey<'a, T, Shared> {
    /// Selects for a cache that all threads share.
    #[inline]
    pub fn shared(argument: &'a T) -> Self {
        Self(argument, Shared)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, Thread> {
    /// Selects for a per-thread cache.
    #[inline]
    pub fn thread(argument: &'a T) -> Self {
        Self(argument, Thread)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, LentShared> {
    /// Like `shared`, for an argument whose type visibly borrows.
    #[inline]
    pub fn lentshared(argument: &'a T) -> Self {
        Self(argument, LentShared)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, LentThread> {
    /// Like `thread`, for an argument whose type visibly borrows.
    #[inline]
    pub fn lentthread(argument: &'a T) -> Self {
        Self(argument, LentThread)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, Local> {
    /// Selects for a cache object.
    #[inline]
    pub fn local(argument: &'a T) -> Self {
        Self(argument, Local)
    }
}

macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident;)*) => { $(
        $(#[$doc])*
        pub trait $level<'a> {
            /// The part of the key.
            type Key;
            /// Makes the part of the key.
            fn __key(&self) -> MadeOf<(), Self::Key>;
        }
    )* };
}

levels! {
    /// The first choice: an `Arc` or `Rc`, of which a miss clones the pointer only. The contents must be their own owned
    /// form, as those of `Arc<[&str]>` are not.
    ByArc;
    /// The second choice: an [`Argument`].
    ByArgument;
    /// The third choice: a reference to a value with `Hash + Eq`, or a container of such references.
    ByInnerEq;
    /// The fourth choice: a value with `Hash + Eq + Clone + 'static`.
    ByOwnEq;
    /// The fifth choice: a value with `Hash + Eq + ToOwned`.
    ByEq;
}

impl<'a, T, S> ByArc<'a> for &&&&&SelectKey<'a, Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Stores<Arc<T>>,
{
    type Key = WithPointer<'a, Arc<T>>;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(WithPointer(self.0))
    }
}

/// For a cache that is not shared by threads.
impl<'a, T, S> ByArc<'a> for &&&&&SelectKey<'a, Rc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Stores<Rc<T>>,
{
    type Key = WithPointer<'a, Rc<T>>;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(WithPointer(self.0))
    }
}

impl<'a, T: Argument + ?Sized, S> ByArgument<'a> for &&&&SelectKey<'a, T, S> {
    type Key = &'a T;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(self.0)
    }
}

impl<'a, C: References + ?Sized, S: Stores<C::Owned>> ByInnerEq<'a> for &&&SelectKey<'a, C, S> {
    type Key = WithInnerEq<'a, C>;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(WithInnerEq(self.0))
    }
}

/// Not for a cache object: its keys need not be `'static`, and none of them is type-erased.
impl<'a, T, S> ByOwnEq<'a> for &&SelectKey<'a, T, S>
where
    T: Hash + Eq + Clone + 'static,
    S: Accepts<T> + Erasure,
{
    type Key = WithEq<'a, T, Owned>;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(WithEq(self.0, Owned))
    }
}

impl<'a, T, S> ByEq<'a> for &SelectKey<'a, T, S>
where
    T: Hash + Eq + ToOwned + ?Sized,
    S: Stores<T::Owned> + StoresClones,
{
    type Key = WithEq<'a, T, Borrowed>;

    #[inline]
    fn __key(&self) -> MadeOf<(), Self::Key> {
        MadeOf::accepted(WithEq(self.0, Borrowed))
    }
}

/// Refuses a container or pointer. The compile error is about the type of its contents.
pub trait RefusedInner<T: ?Sized> {
    /// Makes a part that can be used only if `T` is an [`Argument`], which it is not.
    fn __key(&self) -> MadeOf<T, NoKey>;
}

/// Refuses an argument. The compile error is about its type.
///
/// The method takes `self` by value, so that method resolution tries it after [`RefusedInner`].
pub trait Refused<T: ?Sized> {
    /// Makes a part that can be used only if `T` is an [`Argument`], which it is not.
    fn __key(self) -> MadeOf<T, NoKey>;
}

macro_rules! refused {
    ($trait:ident, $this:ty, [$($generics:tt)*] $container:ty, $asked:ident) => {
        impl<$($generics)*, S> $trait<$asked> for SelectKey<'_, $container, S> {
            fn __key(self: $this) -> MadeOf<$asked, NoKey> {
                MadeOf::refused(NoKey)
            }
        }
    };
}

refused!(RefusedInner, &Self, [T: ?Sized] &T, T);
refused!(RefusedInner, &Self, [T: ?Sized] Box<T>, T);
refused!(RefusedInner, &Self, [T: ?Sized] Arc<T>, T);
refused!(RefusedInner, &Self, [T] Option<T>, T);
refused!(RefusedInner, &Self, [T] Vec<T>, T);
refused!(RefusedInner, &Self, [T][T], T);
refused!(RefusedInner, &Self, [T, const N: usize] [T; N], T);
refused!(Refused, Self, [T: ?Sized] T, T);

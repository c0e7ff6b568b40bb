//! How an argument is made part of a key, chosen by its type: for generated code.
//!
//! In this order: an `Arc` whose contents are owned as they are; what is an [`Argument`]; references
//! to what is `Hash + Eq`, by themselves or inside an `Option`, a `Vec`, a slice or an array; what is
//! `Hash + Eq + Clone + 'static`; what is `Hash + Eq` and can be owned. Anything else is refused.
//!
//! The choice is made twice, by the same bounds. For a value, [`SelectKey`] is called through as many
//! references as there are choices, and the compiler takes the first method that applies. For the
//! type of what is stored, an inherent constant of [`Probe`] shadows the constant of the same name
//! that the trait [`ProbeDefaults`] gives to every type. The second choice is total: a refused argument
//! is stored as [`NoKey`], so that the error of the first is the only one.

use core::hash::Hash;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::sync::Arc;

use super::argument::Argument;
use super::by_eq::{Borrowed, NoKey, Owned, WithArc, WithEq, WithInnerEq};
use super::references::References;
use super::sharing::{Accepts, Local, Shared, Stores, Thread};

/// An argument whose way into the key is to be chosen, for a cache that is `S`: [`Shared`], [`Thread`] or
/// [`Local`].
#[derive(Debug)]
pub struct SelectKey<'a, T: ?Sized, S>(&'a T, S);

impl<'a, T: ?Sized> SelectKey<'a, T, Shared> {
    /// For a cache that all threads share.
    #[inline]
    pub fn shared(argument: &'a T) -> Self {
        Self(argument, Shared)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, Thread> {
    /// For a cache that one thread has.
    #[inline]
    pub fn thread(argument: &'a T) -> Self {
        Self(argument, Thread)
    }
}

impl<'a, T: ?Sized> SelectKey<'a, T, Local> {
    /// For a cache that lies in an object.
    #[inline]
    pub fn local(argument: &'a T) -> Self {
        Self(argument, Local)
    }
}

macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident;)*) => { $(
        $(#[$doc])*
        pub trait $level<'a> {
            /// What the tuple of parts takes.
            type Key;
            /// Makes it.
            fn __key(&self) -> Self::Key;
        }
    )* };
}

levels! {
    /// The first choice: an `Arc`, stored as an `Arc`, so that a miss copies the pointer alone. What it
    /// points to must be the same type when it is owned: not `Arc<[&str]>`, which is stored as a copy.
    ByArc;
    /// The second choice: an [`Argument`], as it is.
    ByArgument;
    /// The third choice: references to what is `Hash + Eq`, by themselves or inside something else.
    ByInnerEq;
    /// The fourth choice: what is `Hash + Eq + Clone` and borrows nothing.
    ByOwnEq;
    /// The fifth choice: what is `Hash + Eq` and can be owned.
    ByEq;
}

impl<'a, T, S> ByArc<'a> for &&&&&SelectKey<'a, Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Stores<Arc<T>>,
{
    type Key = WithArc<'a, T>;

    #[inline]
    fn __key(&self) -> WithArc<'a, T> {
        WithArc(self.0)
    }
}

impl<'a, T: Argument + ?Sized, S> ByArgument<'a> for &&&&SelectKey<'a, T, S> {
    type Key = &'a T;

    #[inline]
    fn __key(&self) -> &'a T {
        self.0
    }
}

impl<'a, C: References + ?Sized, S: Stores<C::Owned>> ByInnerEq<'a> for &&&SelectKey<'a, C, S> {
    type Key = WithInnerEq<'a, C>;

    #[inline]
    fn __key(&self) -> Self::Key {
        WithInnerEq(self.0)
    }
}

/// Not in an object: nothing in there need be `'static`, and nothing is erased.
impl<'a, T, S> ByOwnEq<'a> for &&SelectKey<'a, T, S>
where
    T: Hash + Eq + Clone + 'static,
    S: Accepts<T>,
{
    type Key = WithEq<'a, T, Owned>;

    #[inline]
    fn __key(&self) -> Self::Key {
        WithEq(self.0, Owned)
    }
}

impl<'a, T, S> ByEq<'a> for &SelectKey<'a, T, S>
where
    T: Hash + Eq + ToOwned + ?Sized,
    S: Stores<T::Owned>,
{
    type Key = WithEq<'a, T, Borrowed>;

    #[inline]
    fn __key(&self) -> Self::Key {
        WithEq(self.0, Borrowed)
    }
}

/// No choice: what holds something that can't be a key. The bound of the method says so of what it
/// holds.
pub trait RefusedInner<T: ?Sized> {
    /// Asks for what it is not.
    fn __key(&self) -> NoKey
    where
        T: Argument;
}

/// No choice: the bound of the method says so. It takes the value, so that its turn comes after
/// [`RefusedInner`]; nobody calls it.
pub trait Refused<T: ?Sized> {
    /// Asks for what the argument is not.
    fn __key(self) -> NoKey
    where
        T: Argument;
}

macro_rules! refused {
    ($trait:ident, $this:ty, [$($generics:tt)*] $container:ty, $asked:ident) => {
        impl<$($generics)*, S> $trait<$asked> for SelectKey<'_, $container, S> {
            fn __key(self: $this) -> NoKey
            where
                $asked: Argument,
            {
                NoKey
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

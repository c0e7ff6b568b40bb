//! How an argument is made part of a key, chosen by its type: for generated code.
//!
//! In this order: an `Arc` whose contents are owned as they are; what is an [`Argument`]; references
//! to what is `Hash + Eq`, by themselves or inside an `Option`, a `Vec`, a slice or an array; what is
//! `Hash + Eq + Clone + 'static`; what is `Hash + Eq` and can be owned. Anything else is refused.
//!
//! The choice is made twice, by the same bounds. For a value, [`Of`] is called through as many
//! references as there are choices, and the compiler takes the first method that applies. For the
//! type of what is stored, an inherent constant of [`Is`] shadows the constant of the same name
//! that the trait [`Otherwise`] gives to every type. The second choice is total: a refused argument
//! is stored as [`NoKey`], so that the error of the first is the only one.

use core::any::Any;
use core::hash::{Hash, Hasher};
use core::iter::once;
use core::marker::PhantomData;
use std::borrow::{Borrow, ToOwned};
use std::boxed::Box;
use std::sync::Arc;

use super::argument::Argument;
use super::cross_type::Common;
use super::part::Part;
use super::sharing::{Keeps, Local, Shared, Takes, Thread};

/// An argument whose way into the key is to be chosen, for a cache that is `S`: [`Shared`], [`Thread`] or
/// [`Local`].
#[derive(Debug)]
pub struct Of<'a, T: ?Sized, S>(&'a T, S);

impl<'a, T: ?Sized> Of<'a, T, Shared> {
    /// For a cache that all threads share.
    #[inline]
    pub fn shared(argument: &'a T) -> Self {
        Self(argument, Shared)
    }
}

impl<'a, T: ?Sized> Of<'a, T, Thread> {
    /// For a cache that one thread has.
    #[inline]
    pub fn thread(argument: &'a T) -> Self {
        Self(argument, Thread)
    }
}

impl<'a, T: ?Sized> Of<'a, T, Local> {
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

impl<'a, T, S> ByArc<'a> for &&&&&Of<'a, Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Keeps<Arc<T>>,
{
    type Key = WithArc<'a, T>;

    #[inline]
    fn __key(&self) -> WithArc<'a, T> {
        WithArc(self.0)
    }
}

impl<'a, T: Argument + ?Sized, S> ByArgument<'a> for &&&&Of<'a, T, S> {
    type Key = &'a T;

    #[inline]
    fn __key(&self) -> &'a T {
        self.0
    }
}

/// Not in an object: nothing in there need be `'static`, and nothing is erased.
impl<'a, T, S> ByOwnEq<'a> for &&Of<'a, T, S>
where
    T: Hash + Eq + Clone + 'static,
    S: Takes<T>,
{
    type Key = WithEq<'a, T, Owned>;

    #[inline]
    fn __key(&self) -> Self::Key {
        WithEq(self.0, Owned)
    }
}

impl<'a, T, S> ByEq<'a> for &Of<'a, T, S>
where
    T: Hash + Eq + ToOwned + ?Sized,
    S: Keeps<T::Owned>,
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
        impl<$($generics)*, S> $trait<$asked> for Of<'_, $container, S> {
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

/// An `Arc` that is stored as it is.
#[derive(Debug)]
pub struct WithArc<'a, T: ?Sized>(&'a Arc<T>);

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
pub struct WithEq<'a, T: ?Sized, B>(&'a T, B);

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
pub struct WithInnerEq<'a, C: ?Sized>(&'a C);

macro_rules! inner {
    ($(
        [$($generics:tt)*] $container:ty, $stored:ty,
        $this:ident => $refs:expr, $owned:expr, $make:expr;
    )*) => { $(
        impl<'a, 'b, T, S, $($generics)*> ByInnerEq<'a> for &&&Of<'a, $container, S>
        where
            T: Hash + Eq + ToOwned + ?Sized,
            S: Keeps<T::Owned>,
        {
            type Key = WithInnerEq<'a, $container>;

            #[inline]
            fn __key(&self) -> Self::Key {
                WithInnerEq(self.0)
            }
        }

        impl<'b, T, $($generics)*> Part for WithInnerEq<'_, $container>
        where
            T: Hash + Eq + ToOwned + ?Sized,
        {
            type Stored = $stored;

            #[inline]
            fn hash_part<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }

            #[inline]
            fn eq_stored(&self, stored: &$stored) -> bool {
                let $this = self.0;
                let refs = $refs;
                let $this = stored;
                refs.eq($owned.map(Borrow::<T>::borrow))
            }

            #[inline]
            fn to_stored(&self) -> $stored {
                let $this = self.0;
                $make
            }

            #[inline]
            fn stored_eq(one: &$stored, other: &$stored) -> bool {
                let $this = one;
                let one = $owned.map(Borrow::<T>::borrow);
                let $this = other;
                one.eq($owned.map(Borrow::<T>::borrow))
            }

            #[inline]
            fn eq_part(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl<'b, T, S, $($generics)*> Is<$container, S>
        where
            T: Hash + Eq + ToOwned<Owned: 'static> + ?Sized,
            S: Takes<T::Owned>,
        {
            /// It holds references to what is `Hash + Eq`.
            pub const __INNER_EQ: bool = true;
        }

        impl<'b, T, $($generics)*> Select<INNER_EQ> for $container
        where
            T: Hash + Eq + ToOwned + ?Sized,
        {
            type Stored = $stored;
        }
    )* };
}

inner! {
    [] &'b T, T::Owned,
        it => once(*it), once(it), (**it).to_owned();
    [] Option<&'b T>, Option<T::Owned>,
        it => it.iter().copied(), it.iter(), it.map(T::to_owned);
    [] Vec<&'b T>, Vec<T::Owned>,
        it => it.iter().copied(), it.iter(), it.iter().copied().map(T::to_owned).collect();
    [] [&'b T], Vec<T::Owned>,
        it => it.iter().copied(), it.iter(), it.iter().copied().map(T::to_owned).collect();
    [const N: usize] [&'b T; N], [T::Owned; N],
        it => it.iter().copied(), it.iter(), it.map(T::to_owned);
}

/// Asks about a type, for a cache that is `S`. Not for bounds: for constants that are decided where the type is
/// known.
#[derive(Debug)]
pub struct Is<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The answer of [`Is`] where its own constants do not apply.
pub trait Otherwise {
    /// Is it an `Arc` whose contents are owned as they are?
    const __ARC: bool = false;
    /// Is it an [`Argument`]?
    const __ARGUMENT: bool = false;
    /// Does it hold references to what is `Hash + Eq`?
    const __INNER_EQ: bool = false;
    /// Is it `Hash + Eq`, and can be owned?
    const __EQ: bool = false;
}

impl<T: ?Sized, S> Otherwise for Is<T, S> {}

impl<T, S> Is<Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Takes<T>,
{
    /// It is an `Arc` whose contents are owned as they are.
    pub const __ARC: bool = true;
}

impl<T: Argument + ?Sized, S> Is<T, S> {
    /// It is an [`Argument`].
    pub const __ARGUMENT: bool = true;
}

impl<T: Hash + Eq + ToOwned<Owned: 'static> + ?Sized, S: Takes<T::Owned>> Is<T, S> {
    /// It is `Hash + Eq`, and can be owned.
    pub const __EQ: bool = true;
}

const REFUSED: u8 = 0;
const ARC: u8 = 1;
const ARGUMENT: u8 = 2;
const INNER_EQ: u8 = 3;
const EQ: u8 = 4;

/// The choice for a type, from what [`Is`] says of it: of the four, in their order, the first.
#[must_use]
pub const fn choice(is: [bool; 4]) -> u8 {
    match is {
        [true, ..] => ARC,
        [_, true, ..] => ARGUMENT,
        [_, _, true, _] => INNER_EQ,
        [_, _, _, true] => EQ,
        _ => REFUSED,
    }
}

/// What is stored of a type for which this `CHOICE` was made.
pub trait Select<const CHOICE: u8> {
    /// The owned form.
    type Stored;
}

impl<T: ?Sized> Select<ARC> for Arc<T> {
    type Stored = Self;
}

impl<T: Argument + ?Sized> Select<ARGUMENT> for T {
    type Stored = T::Stored;
}

impl<T: Hash + Eq + ToOwned + ?Sized> Select<EQ> for T {
    type Stored = T::Owned;
}

impl<T: ?Sized> Select<REFUSED> for T {
    type Stored = NoKey;
}

/// The owned form of an argument's type; `NoKey` where the type is refused.
#[macro_export]
macro_rules! stored {
    ($type:ty) => {
        $crate::stored!($type, Shared)
    };
    ($type:ty, $scope:ident) => {
        <$type as $crate::__private::select::Select<
            {
                use $crate::__private::select::Otherwise as _;
                // Spelled out each time: an alias would need names for lifetimes left out in `$type`.
                $crate::__private::select::choice([
                    $crate::__private::select::Is::<$type, $crate::__private::$scope>::__ARC,
                    $crate::__private::select::Is::<$type, $crate::__private::$scope>::__ARGUMENT,
                    $crate::__private::select::Is::<$type, $crate::__private::$scope>::__INNER_EQ,
                    $crate::__private::select::Is::<$type, $crate::__private::$scope>::__EQ,
                ])
            },
        >>::Stored
    };
}

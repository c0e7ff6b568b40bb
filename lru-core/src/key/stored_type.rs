//! The type that an argument is stored as, chosen by the type of the argument as [`select`](super::select) does.

use core::hash::Hash;
use core::marker::PhantomData;
use std::borrow::ToOwned;
use std::sync::Arc;

use super::argument::Argument;
use super::by_eq::NoKey;
use super::references::References;
use super::sharing::Accepts;

/// Asks about a type, for a cache that is `S`. Not for bounds: for constants that are decided where the type is
/// known.
#[derive(Debug)]
pub struct Probe<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The answer of [`Probe`] where its own constants do not apply.
pub trait ProbeDefaults {
    /// Is it an `Arc` whose contents are owned as they are?
    const __ARC: bool = false;
    /// Is it an [`Argument`]?
    const __ARGUMENT: bool = false;
    /// Does it hold references to what is `Hash + Eq`?
    const __INNER_EQ: bool = false;
    /// Is it `Hash + Eq`, and can be owned?
    const __EQ: bool = false;
}

impl<T: ?Sized, S> ProbeDefaults for Probe<T, S> {}

impl<T, S> Probe<Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Accepts<T>,
{
    /// It is an `Arc` whose contents are owned as they are.
    pub const __ARC: bool = true;
}

impl<T: Argument + ?Sized, S> Probe<T, S> {
    /// It is an [`Argument`].
    pub const __ARGUMENT: bool = true;
}

impl<C: References<Owned: 'static> + ?Sized, S: Accepts<C::Owned>> Probe<C, S> {
    /// It holds references to what is `Hash + Eq`.
    pub const __INNER_EQ: bool = true;
}

impl<T: Hash + Eq + ToOwned<Owned: 'static> + ?Sized, S: Accepts<T::Owned>> Probe<T, S> {
    /// It is `Hash + Eq`, and can be owned.
    pub const __EQ: bool = true;
}

const REFUSED: u8 = 0;
const ARC: u8 = 1;
const ARGUMENT: u8 = 2;
const INNER_EQ: u8 = 3;
const EQ: u8 = 4;

/// The choice for a type, from what [`Probe`] says of it: of the four, in their order, the first.
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
pub trait StoredAs<const CHOICE: u8> {
    /// The owned form.
    type Stored;
}

impl<T: ?Sized> StoredAs<ARC> for Arc<T> {
    type Stored = Self;
}

impl<T: Argument + ?Sized> StoredAs<ARGUMENT> for T {
    type Stored = T::Stored;
}

impl<C: References + ?Sized> StoredAs<INNER_EQ> for C {
    type Stored = C::Stored;
}

impl<T: Hash + Eq + ToOwned + ?Sized> StoredAs<EQ> for T {
    type Stored = T::Owned;
}

impl<T: ?Sized> StoredAs<REFUSED> for T {
    type Stored = NoKey;
}

/// The owned form of an argument's type; `NoKey` where the type is refused.
#[macro_export]
macro_rules! stored_argument {
    ($type:ty) => {
        $crate::stored_argument!($type, Shared)
    };
    ($type:ty, $scope:ident) => {
        <$type as $crate::__private::stored_type::StoredAs<
            {
                use $crate::__private::stored_type::ProbeDefaults as _;
                // Spelled out each time: an alias would need names for lifetimes left out in `$type`.
                $crate::__private::stored_type::choice([
                    $crate::__private::stored_type::Probe::<$type, $crate::__private::$scope>::__ARC,
                    $crate::__private::stored_type::Probe::<$type, $crate::__private::$scope>::__ARGUMENT,
                    $crate::__private::stored_type::Probe::<$type, $crate::__private::$scope>::__INNER_EQ,
                    $crate::__private::stored_type::Probe::<$type, $crate::__private::$scope>::__EQ,
                ])
            },
        >>::Stored
    };
}

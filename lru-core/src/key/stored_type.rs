//! The type that an argument is stored as in a key. Used by generated code.
//!
//! Makes the same choice as `select`, in a type: an inherent constant of [`Probe`] exists where
//! its bounds are met, and shadows the constant of the same name that [`ProbeDefaults`] gives to every type.

use core::hash::Hash;
use core::marker::PhantomData;
use std::borrow::ToOwned;
use std::rc::Rc;
use std::sync::Arc;

use super::argument::Argument;
use super::by_eq::NoKey;
use super::references::References;
use super::sharing::{Accepts, StoresClones};

/// Tells by constants which bounds a concrete type meets, for a cache with the marker `S`.
pub struct Probe<T: ?Sized, S>(PhantomData<S>, PhantomData<T>);

/// The constants of [`Probe`] for types that do not meet the bounds.
pub trait ProbeDefaults {
    /// Whether the type is an `Arc` or `Rc` whose contents are their own owned form.
    const __ARC: bool = false;
    /// Whether the type is an [`Argument`].
    const __ARGUMENT: bool = false;
    /// Whether the type is one of `References`.
    const __INNER_EQ: bool = false;
    /// Whether the type is `Hash + Eq + ToOwned`.
    const __EQ: bool = false;
}

impl<T: ?Sized, S> ProbeDefaults for Probe<T, S> {}

impl<T, S> Probe<Arc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Accepts<T>,
{
    /// The type is an `Arc` whose contents are their own owned form.
    pub const __ARC: bool = true;
}

impl<T, S> Probe<Rc<T>, S>
where
    T: Argument + ToOwned<Owned = T::Stored> + ?Sized,
    S: Accepts<Rc<T>>,
{
    /// The type is an `Rc` whose contents are their own owned form.
    pub const __ARC: bool = true;
}

impl<T: Argument + ?Sized, S> Probe<T, S> {
    /// The type is an [`Argument`].
    pub const __ARGUMENT: bool = true;
}

impl<C: References<Owned: 'static> + ?Sized, S: Accepts<C::Owned>> Probe<C, S> {
    /// The type is one of [`References`].
    pub const __INNER_EQ: bool = true;
}

impl<T: Hash + Eq + ToOwned<Owned: 'static> + ?Sized, S: Accepts<T::Owned> + StoresClones> Probe<T, S> {
    /// The type is `Hash + Eq + ToOwned`.
    pub const __EQ: bool = true;
}

const REFUSED: u8 = 0;
const ARC: u8 = 1;
const ARGUMENT: u8 = 2;
const INNER_EQ: u8 = 3;
const EQ: u8 = 4;

/// Returns the first choice of the four, in the order of the constants of [`ProbeDefaults`], that applies.
pub const fn choice(is: [bool; 4]) -> u8 {
    match is {
        [true, ..] => ARC,
        [_, true, ..] => ARGUMENT,
        [_, _, true, _] => INNER_EQ,
        [_, _, _, true] => EQ,
        _ => REFUSED,
    }
}

/// Maps a type to its stored form, by the result of [`choice`].
pub trait StoredAs<const CHOICE: u8> {
    /// The owned form.
    type Stored;
}

impl<T: ?Sized> StoredAs<ARC> for Arc<T> {
    type Stored = Self;
}

impl<T: ?Sized> StoredAs<ARC> for Rc<T> {
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

/// The stored form of the type of an argument; `NoKey` if the type is refused.
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

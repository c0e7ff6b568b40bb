//! [`Argument`] for tuples of arguments, [`Part`] for tuples of parts.

use core::hash::Hasher;

use super::argument::Argument;
use super::part::Part;

macro_rules! tuple {
    ($($name:ident $index:tt)*) => {
        tuple! { @of Argument hash_argument eq_argument $($name $index)* }
        tuple! { @of Part hash_part eq_part $($name $index)* }
    };
    (@of $trait:ident $hash:ident $eq:ident $($name:ident $index:tt)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: $trait),*> $trait for ($($name,)*) {
            type Stored = ($($name::Stored,)*);

            #[inline]
            fn $hash<STATE: Hasher>(&self, state: &mut STATE) {
                $( self.$index.$hash(state); )*
            }

            #[inline]
            fn $eq(&self, other: &Self) -> bool {
                $( self.$index.$eq(&other.$index) )&&*
            }

            #[inline]
            fn eq_stored(&self, stored: &Self::Stored) -> bool {
                $( self.$index.eq_stored(&stored.$index) )&&*
            }

            #[inline]
            fn to_stored(&self) -> Self::Stored {
                ($( self.$index.to_stored(), )*)
            }

            #[inline]
            fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
                $( $name::stored_eq(&one.$index, &other.$index) )&&*
            }
        }
    };
}

/// Implements both traits for tuples of the first name, of the first two, … of all of them.
macro_rules! tuples {
    ([$($done:tt)*]) => {};
    ([$($done:tt)*] $name:ident $index:tt $($rest:tt)*) => {
        tuple! { $($done)* $name $index }
        tuples! { [$($done)* $name $index] $($rest)* }
    };
}

tuples! {
    [] A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15 Q 16 R 17 S 18 T 19
}

/// The key of a call without arguments.
impl Part for () {
    type Stored = ();

    #[inline]
    fn hash_part<STATE: Hasher>(&self, _: &mut STATE) {}

    #[inline]
    fn eq_stored(&self, (): &()) -> bool {
        true
    }

    #[inline]
    fn to_stored(&self) {}

    #[inline]
    fn stored_eq((): &(), (): &()) -> bool {
        true
    }

    #[inline]
    fn eq_part(&self, (): &()) -> bool {
        true
    }
}

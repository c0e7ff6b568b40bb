//! [`References`]: a reference, or a container of references, that is stored as owned values.

use core::hash::Hash;
use core::iter::once;
use std::borrow::{Borrow, ToOwned};

/// A reference to a value that is `Hash + Eq`, by itself or inside an `Option`, a `Vec`, a slice or an array.
pub trait References: Hash + Eq {
    /// The owned form of the value.
    type Owned;
    /// The container of owned values.
    type Stored;

    /// Returns whether the referenced values are equal to the stored ones.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Makes a container of owned values.
    fn to_stored(&self) -> Self::Stored;

    /// Returns whether two stored containers are equal.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;
}

macro_rules! references {
    ($(
        [$($generics:tt)*] $container:ty, $stored:ty,
        $this:ident => $refs:expr, $owned:expr, $make:expr;
    )*) => { $(
        impl<'b, T: Hash + Eq + ToOwned + ?Sized, $($generics)*> References for $container {
            type Owned = T::Owned;
            type Stored = $stored;

            #[inline]
            fn eq_stored(&self, stored: &$stored) -> bool {
                let $this = self;
                let refs = $refs;
                let $this = stored;
                refs.eq($owned.map(Borrow::<T>::borrow))
            }

            #[inline]
            fn to_stored(&self) -> $stored {
                let $this = self;
                $make
            }

            #[inline]
            fn stored_eq(one: &$stored, other: &$stored) -> bool {
                let $this = one;
                let one = $owned.map(Borrow::<T>::borrow);
                let $this = other;
                one.eq($owned.map(Borrow::<T>::borrow))
            }
        }
    )* };
}

references! {
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

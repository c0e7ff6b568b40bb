//! [`Argument`] for the standard library's collections and wrappers of arguments.

use core::cmp::Reverse;
use core::hash::{Hash, Hasher};
use core::num::{Saturating, Wrapping};
use core::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::collections::{BTreeMap, BTreeSet, LinkedList, VecDeque};

use super::argument::Argument;

/// Collections, which are hashed as their length and their items, in their order.
macro_rules! collections {
    ($([$($generics:tt)*] $collection:ty, $stored:ty;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Argument for $collection {
            type Stored = $stored;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                self.len().hash(state);
                for item in self {
                    item.hash_argument(state);
                }
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one.eq_argument(other))
            }

            #[inline]
            fn eq_stored(&self, stored: &Self::Stored) -> bool {
                self.len() == stored.len() && self.iter().zip(stored).all(|(one, stored)| one.eq_stored(stored))
            }

            #[inline]
            fn to_stored(&self) -> Self::Stored {
                self.iter().map(Argument::to_stored).collect()
            }

            #[inline]
            fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| A::stored_eq(one, other))
            }
        }
    )* };
}

collections! {
    [A: Argument] VecDeque<A>, VecDeque<A::Stored>;
    [A: Argument] LinkedList<A>, LinkedList<A::Stored>;
    [A: Argument<Stored: Ord>] BTreeSet<A>, BTreeSet<A::Stored>;
}

/// A map is hashed as its length, its keys and its values, in the order of the keys.
#[diagnostic::do_not_recommend]
impl<K: Argument<Stored: Ord>, V: Argument> Argument for BTreeMap<K, V> {
    type Stored = BTreeMap<K::Stored, V::Stored>;

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for (key, value) in self {
            key.hash_argument(state);
            value.hash_argument(state);
        }
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        let mut pairs = self.iter().zip(other);
        self.len() == other.len()
            && pairs.all(|((key, value), (other, item))| key.eq_argument(other) && value.eq_argument(item))
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        let mut pairs = self.iter().zip(stored);
        self.len() == stored.len()
            && pairs.all(|((key, value), (stored, item))| key.eq_stored(stored) && value.eq_stored(item))
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        self.iter().map(|(key, value)| (key.to_stored(), value.to_stored())).collect()
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        let mut pairs = one.iter().zip(other);
        one.len() == other.len()
            && pairs
                .all(|((key, value), (other, item))| K::stored_eq(key, other) && V::stored_eq(value, item))
    }
}

/// Wrappers and ranges, by their fields.
macro_rules! wrappers {
    ($($wrapper:ident { $($field:tt),* })*) => { $(
        #[diagnostic::do_not_recommend]
        impl<A: Argument> Argument for $wrapper<A> {
            type Stored = $wrapper<A::Stored>;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                $( self.$field.hash_argument(state); )*
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                true $( && self.$field.eq_argument(&other.$field) )*
            }

            #[inline]
            fn eq_stored(&self, stored: &Self::Stored) -> bool {
                true $( && self.$field.eq_stored(&stored.$field) )*
            }

            #[inline]
            fn to_stored(&self) -> Self::Stored {
                $wrapper { $( $field: self.$field.to_stored() ),* }
            }

            #[inline]
            fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
                true $( && A::stored_eq(&one.$field, &other.$field) )*
            }
        }
    )* };
}

wrappers! {
    Wrapping { 0 }
    Saturating { 0 }
    Reverse { 0 }
    Range { start, end }
    RangeFrom { start }
    RangeTo { end }
    RangeToInclusive { end }
}

/// The kind of a bound, and what it is at.
fn parts<A>(bound: &Bound<A>) -> (u8, Option<&A>) {
    match bound {
        Bound::Included(at) => (0, Some(at)),
        Bound::Excluded(at) => (1, Some(at)),
        Bound::Unbounded => (2, None),
    }
}

/// Compares two bounds by the comparison of what they are at.
fn eq_bounds<A, B>(one: &Bound<A>, other: &Bound<B>, eq: impl FnOnce(&A, &B) -> bool) -> bool {
    match (parts(one), parts(other)) {
        ((kind, Some(one)), (other_kind, Some(other))) => kind == other_kind && eq(one, other),
        ((kind, _), (other_kind, _)) => kind == other_kind,
    }
}

#[diagnostic::do_not_recommend]
impl<A: Argument> Argument for Bound<A> {
    type Stored = Bound<A::Stored>;

    #[inline]
    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        let (kind, at) = parts(self);
        kind.hash(state);
        if let Some(at) = at {
            at.hash_argument(state);
        }
    }

    #[inline]
    fn eq_argument(&self, other: &Self) -> bool {
        eq_bounds(self, other, A::eq_argument)
    }

    #[inline]
    fn eq_stored(&self, stored: &Self::Stored) -> bool {
        eq_bounds(self, stored, A::eq_stored)
    }

    #[inline]
    fn to_stored(&self) -> Self::Stored {
        self.as_ref().map(A::to_stored)
    }

    #[inline]
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool {
        eq_bounds(one, other, A::stored_eq)
    }
}

/// Inclusive ranges of floats. Those of other types are `Hash + Eq`, which tells an iterated range from a new one;
/// floats cannot be iterated.
macro_rules! inclusive_ranges_of_floats {
    ($($type:ident)*) => { $(
        #[diagnostic::do_not_recommend]
        impl Argument for RangeInclusive<$type> {
            type Stored = Self;

            #[inline]
            fn hash_argument<H: Hasher>(&self, state: &mut H) {
                self.start().hash_argument(state);
                self.end().hash_argument(state);
            }

            #[inline]
            fn eq_argument(&self, other: &Self) -> bool {
                self.start().eq_argument(other.start()) && self.end().eq_argument(other.end())
            }

            #[inline]
            fn eq_stored(&self, stored: &Self) -> bool {
                self.eq_argument(stored)
            }

            #[inline]
            fn to_stored(&self) -> Self {
                self.clone()
            }

            #[inline]
            fn stored_eq(one: &Self, other: &Self) -> bool {
                one.eq_argument(other)
            }
        }
    )* };
}

inclusive_ranges_of_floats! { f32 f64 }

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use super::super::hash::KeyHash;
    use super::*;

    /// Asserts that two arguments are equal, or not, by each comparison and by their hashes.
    fn check<A: Argument + Debug>(one: &A, other: &A, are_equal: bool) {
        let (stored, other_stored) = (one.to_stored(), other.to_stored());
        assert!(one.eq_argument(one) && one.eq_stored(&stored) && A::stored_eq(&stored, &one.to_stored()));
        assert_eq!(one.eq_argument(other), are_equal, "{one:?} {other:?}");
        assert_eq!(other.eq_stored(&stored), are_equal, "{one:?} {other:?}");
        assert_eq!(A::stored_eq(&stored, &other_stored), are_equal, "{one:?} {other:?}");
        if are_equal {
            assert_eq!(KeyHash::of_part(&one), KeyHash::of_part(&other));
        }
    }

    #[test]
    fn collections_are_compared_by_their_items() {
        let map = |pairs: &[(&'static str, f64)]| pairs.iter().copied().collect::<BTreeMap<_, _>>();
        check(&map(&[("a", f64::NAN), ("b", 1.0)]), &map(&[("b", 1.0), ("a", f64::NAN)]), true);
        check(&map(&[("a", 0.0)]), &map(&[("a", -0.0)]), false);
        check(&map(&[("a", 1.0)]), &map(&[("a", 1.0), ("b", 1.0)]), false);
        check(&BTreeSet::from(["a", "b"]), &BTreeSet::from(["b", "a"]), true);
        check(&VecDeque::from([1.0, 2.0]), &VecDeque::from([1.0, 2.0]), true);
        check(&VecDeque::from([1.0, 2.0]), &VecDeque::from([1.0]), false);
        check(&LinkedList::from([1.0]), &LinkedList::from([2.0]), false);
    }

    #[test]
    fn wrappers_are_compared_by_what_is_in_them() {
        check(&Wrapping(1.5), &Wrapping(1.5), true);
        check(&Reverse("a"), &Reverse("b"), false);
        check(&Saturating(1_u8), &Saturating(1), true);
        check(&(1.0..2.0), &(1.0..2.0), true);
        check(&(1.0..2.0), &(1.0..2.5), false);
        check(&(1.0..), &(2.0..), false);
        check(&(..1.0), &(..1.0), true);
        check(&(..=1.0), &(..=2.0), false);
        check(&(f64::NAN..=1.0), &(f64::NAN..=1.0), true);
        check(&(0.0_f32..=1.0), &(-0.0..=1.0), false);
        check(&Bound::Included(1.0), &Bound::Excluded(1.0), false);
        check(&Bound::Excluded("a"), &Bound::Excluded("a"), true);
        check(&Bound::<f64>::Unbounded, &Bound::Unbounded, true);
        check(&Bound::Unbounded, &Bound::Included(1.0), false);
    }
}

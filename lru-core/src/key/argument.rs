//! [`Argument`]: the trait of types that can be part of a cache key.

use core::hash::Hasher;

use super::cross_type_equality::Common;
use super::made_of::MadeOf;

/// A type that can be an argument of a memoized function, even if it is not `Hash + Eq + Clone`.
///
/// Types that are `Hash + Eq + Clone` need no implementation. A type that also implements `Argument` is
/// hashed and compared by this trait.
///
/// `Argument` is implemented for integers, floats, `bool`, `char`, strings, paths, times and network addresses,
/// and for references, `Option`s, `Result`s, tuples, arrays, slices, `Vec`s, `Box`es, `Arc`s, `Cow`s, `VecDeque`s,
/// `LinkedList`s, `BTreeMap`s, `BTreeSet`s, ranges, `Bound`s, `Wrapping`, `Saturating` and `Reverse` of arguments, to
/// any depth. It is not implemented for `Rc`, which cannot be shared between threads; with `scope = thread`, an `Rc`
/// of an argument can be part of a key.
///
/// With the features of these names it is also implemented for types of the crates `bytes`, `chrono`, `jiff`,
/// `ordered-float`, `rust_decimal`, `serde_json` and `uuid`. They are compared by their own `Eq`: a `DateTime` of `chrono`
/// by its instant, whatever its offset, and a `Decimal` by its value.
///
/// A lookup hashes and compares the borrowed argument. On a miss, [`Argument::to_stored`] makes the owned form
/// that is stored in the key: a `String` for a `&str`.
///
/// Two arguments are equal if no function can distinguish them. Floats are therefore compared by their bits, and
/// all NaNs are equal: `f(f64::NAN)` can hit, while `0.0` and `-0.0` have separate entries, because `1.0 / x`
/// differs. Paths are compared byte by byte.
///
/// # Implementing `Argument`
///
/// `#[derive(Argument)]` implements the trait for a type that contains floats. In an implementation by hand, the
/// three comparisons must agree with each other, and equal arguments must have equal hashes.
///
/// ```
/// # use lru_core as functools;
/// use std::hash::Hasher;
///
/// use functools::Argument;
///
/// #[derive(Clone)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
///
/// impl Argument for Point {
///     type Stored = Self;
///
///     fn hash_argument<H: Hasher>(&self, state: &mut H) {
///         (self.x, self.y).hash_argument(state);
///     }
///
///     fn eq_argument(&self, other: &Self) -> bool {
///         (self.x, self.y).eq_argument(&(other.x, other.y))
///     }
///
///     fn eq_stored(&self, stored: &Self) -> bool {
///         self.eq_argument(stored)
///     }
///
///     fn to_stored(&self) -> Self {
///         self.clone()
///     }
///
///     fn stored_eq(one: &Self, other: &Self) -> bool {
///         one.eq_argument(other)
///     }
/// }
///
/// let (one, other) = (Point { x: 0.0, y: f64::NAN }, Point { x: -0.0, y: f64::NAN });
/// assert!(one.eq_stored(&one.to_stored()));
/// assert!(!one.eq_argument(&other));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "an argument must be `Argument`, or `Hash + Eq + Clone` and in its owned form `Send + Sync + 'static`",
    note = "derive `Hash`, `PartialEq`, `Eq` and `Clone`, or with floats `Argument` and `Clone`; or leave the parameter out of the key: `#[key(skip)]`"
)]
pub trait Argument {
    /// The owned form of the argument, which is stored in the key.
    type Stored: Send + Sync + 'static;

    /// Feeds this argument into `state`. Equal arguments must feed the same bytes.
    fn hash_argument<H: Hasher>(&self, state: &mut H);

    /// Returns whether two arguments are equal.
    fn eq_argument(&self, other: &Self) -> bool;

    /// Returns whether this argument is equal to a stored one.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Returns the owned form of this argument. Called on a miss only.
    fn to_stored(&self) -> Self::Stored;

    /// Returns whether two stored arguments are equal.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;

    /// Returns the part of the key that was made of an argument of this type.
    #[doc(hidden)]
    #[inline]
    fn __allow<K>(made: MadeOf<Self, K>) -> K {
        made.into_part()
    }

    /// Returns the number or the text that this argument is to arguments of other types, if it is one.
    #[doc(hidden)]
    fn as_common(&self, _: Internal) -> Option<Common<'_>> {
        None
    }

    /// Feeds each of `items` into `state`; in one piece where they are plain bytes.
    #[doc(hidden)]
    fn hash_slice<H: Hasher>(items: &[Self], state: &mut H, _: Internal)
    where
        Self: Sized,
    {
        for item in items {
            item.hash_argument(state);
        }
    }

    /// Returns whether all `items` are equal to the items of `stored`, which has the same length.
    #[doc(hidden)]
    fn eq_slice(items: &[Self], stored: &[Self::Stored], _: Internal) -> bool
    where
        Self: Sized,
    {
        items.iter().zip(stored).all(|(item, stored)| item.eq_stored(stored))
    }
}

/// The last parameter of the hidden methods of [`Argument`].
///
/// Other crates cannot name this type, so they can neither override these methods nor call them.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

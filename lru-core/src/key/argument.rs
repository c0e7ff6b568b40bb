//! [`Argument`]: what may be an argument of a memoized function.

use core::hash::Hasher;

use super::cross_type::Common;

/// What can be an argument of a memoized function, beside everything that is `Hash + Eq + Clone`.
///
/// Implemented for numbers, floats, `bool`, `char`, strings, paths, times and network addresses,
/// and for references, `Option`s, `Result`s, tuples, arrays, slices, `Vec`s, `Box`es, `Arc`s and
/// `Cow`s of arguments, to any depth. Not for `Rc`, which cannot be shared between threads.
///
/// An argument is hashed and compared where it lies; [`Argument::to_stored`] makes the form that
/// is kept, `String` for `&str`. Two arguments are the same if a function can't tell them apart.
/// So floats compare by their bits, with one NaN: `f(f64::NAN)` can hit, and `0.0` and `-0.0` stay
/// apart, since `1.0 / x` tells them apart. Paths compare letter by letter.
///
/// A type that is an `Argument` and `Hash + Eq` as well is taken as an `Argument`.
///
/// # Implementing it
///
/// For a type that holds floats, and so can't be `Eq`, `#[derive(Argument)]` does it. By hand, the
/// three comparisons must agree with each other, and what they call the same must hash the same.
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
    label = "an argument must be `Hash + Eq + Clone` and, as it is kept, `Send + Sync + 'static`",
    note = "a type of your own: derive `Hash`, `PartialEq`, `Eq` and `Clone`, or `Argument` and `Clone` if it holds floats",
    note = "a `HashMap` or `HashSet` has no `Hash`: take a `BTreeMap`, a `BTreeSet` or a sorted slice",
    note = "an `Rc` cannot be shared between threads: take an `Arc`, a copy, or a cache for each thread, `scope = thread`",
    note = "what makes no difference to the result is left out by `#[key(skip)]`, be it `self`; `#[key(user.id)]` takes a part"
)]
pub trait Argument {
    /// The owned form, kept as a key.
    type Stored: Send + Sync + 'static;

    /// Feeds the argument to a hasher. Equal arguments feed the same.
    fn hash_argument<H: Hasher>(&self, state: &mut H);

    /// Whether two arguments are the same.
    fn eq_argument(&self, other: &Self) -> bool;

    /// Whether this argument is the one that was stored.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Makes the owned form.
    fn to_stored(&self) -> Self::Stored;

    /// Whether two stored arguments are the same.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;

    /// What it is to arguments of other types, where it is a number or text.
    #[doc(hidden)]
    fn as_common(&self) -> Option<Common<'_>> {
        None
    }

    /// [`Argument::hash_argument`] for each of `items`; faster where they lie as plain bytes.
    #[doc(hidden)]
    fn hash_slice<H: Hasher>(items: &[Self], state: &mut H)
    where
        Self: Sized,
    {
        for item in items {
            item.hash_argument(state);
        }
    }

    /// [`Argument::eq_stored`] for each of `items`, of which there are as many as `stored`.
    #[doc(hidden)]
    fn eq_slice(items: &[Self], stored: &[Self::Stored]) -> bool
    where
        Self: Sized,
    {
        items.iter().zip(stored).all(|(item, stored)| item.eq_stored(stored))
    }
}

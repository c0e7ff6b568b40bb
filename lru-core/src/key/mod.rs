//! What may be a key: arguments, hashed and compared where they lie, owned on a miss only.

pub(crate) mod closures;
mod containers;
mod cross_type;
mod erased;
pub(crate) mod random;
mod scalars;
pub mod select;
mod tagged;
mod tuples;

use core::hash::{BuildHasher, Hash, Hasher};
use core::num::NonZeroU64;
use std::sync::LazyLock;

use hashbrown::DefaultHashBuilder;

pub(crate) use cross_type::Common;
pub use erased::{Erase, Erased, identity};
pub use select::{Local, Of, Shared, Thread};
pub use tagged::Tagged;
pub(crate) use tagged::WithTag;

/// The traits among which [`select`] chooses, to be imported nameless.
pub(crate) mod choices {
    pub use super::select::{
        ByArc as _, ByArgument as _, ByEq as _, ByInnerEq as _, ByOwnEq as _, Refused as _, RefusedInner as _,
    };
}

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

/// A part of a key, or all of it, borrowed from the arguments: for generated code.
///
/// What is an [`Argument`] is one by reference; others come wrapped in what [`select`] chose for
/// them. Tuples of parts are parts.
pub trait Part {
    /// The owned form.
    type Stored;

    /// Feeds the part to a hasher.
    fn hash_part<H: Hasher>(&self, state: &mut H);

    /// Whether it is the one that was stored.
    fn eq_stored(&self, stored: &Self::Stored) -> bool;

    /// Makes the owned form.
    fn to_stored(&self) -> Self::Stored;

    /// Whether two stored parts are the same.
    fn stored_eq(one: &Self::Stored, other: &Self::Stored) -> bool;

    /// Whether two parts are the same.
    fn eq_part(&self, other: &Self) -> bool;

    /// What it is to parts of other types, where it is a number or text.
    fn as_common(&self) -> Option<Common<'_>> {
        None
    }
}

impl<A: Argument + ?Sized> Part for &A {
    type Stored = A::Stored;

    #[inline]
    fn hash_part<H: Hasher>(&self, state: &mut H) {
        (**self).hash_argument(state);
    }

    #[inline]
    fn eq_stored(&self, stored: &A::Stored) -> bool {
        (**self).eq_stored(stored)
    }

    #[inline]
    fn to_stored(&self) -> A::Stored {
        (**self).to_stored()
    }

    #[inline]
    fn stored_eq(one: &A::Stored, other: &A::Stored) -> bool {
        A::stored_eq(one, other)
    }

    #[inline]
    fn eq_part(&self, other: &Self) -> bool {
        (**self).eq_argument(*other)
    }

    #[inline]
    fn as_common(&self) -> Option<Common<'_>> {
        (**self).as_common()
    }
}

/// The hash of a key.
///
/// Invariant: it is made once per call, before the lock is taken, and never zero: an entry that holds one needs no flag to tell it from a vacant slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(NonZeroU64);

/// Seeded once per process: arguments may come from an attacker.
pub(crate) static SEED: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

impl KeyHash {
    /// A bit that hash tables use neither to choose a bucket (the low bits) nor as a tag (the top 7).
    const NEVER_ZERO: NonZeroU64 = NonZeroU64::new(1 << Self::SET).unwrap();

    /// Its number.
    pub(crate) const SET: u32 = 48;

    #[inline]
    pub(crate) fn of<Q: Hash + ?Sized>(key: &Q) -> Self {
        Self::finish(|state| key.hash(state))
    }

    #[inline]
    pub(crate) fn of_part<P: Part>(part: &P) -> Self {
        Self::finish(|state| part.hash_part(state))
    }

    #[inline]
    fn finish(feed: impl FnOnce(&mut <DefaultHashBuilder as BuildHasher>::Hasher)) -> Self {
        let mut state = SEED.build_hasher();
        feed(&mut state);
        Self(Self::NEVER_ZERO | state.finish())
    }

    #[inline]
    pub(crate) fn get(self) -> u64 {
        self.0.get()
    }
}

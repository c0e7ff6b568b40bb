//! [`MaxSize`]: the capacity of a cache.

use core::num::NonZeroUsize;

use crate::insight::Bounds;
use crate::store::entry_meta::EntryMeta;

/// The const argument for the capacity of an unbounded cache.
pub const UNBOUNDED: i128 = -1;

/// The three modes of a cache, selected by `maxsize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaxSize {
    /// Caching is off: nothing is stored, misses are counted.
    Disabled,
    /// The number of entries is unbounded, and no order of use is kept.
    Unbounded,
    /// The number of entries is bounded; when the cache is full, the eviction policy selects a victim.
    Bounded(NonZeroUsize),
}

/// The capacity of a bounded store that was requested; `None` is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity(pub(crate) Option<usize>);

/// The capacity of an empty cache, where it is known at run time only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialSize {
    /// It stays until a caller changes it; `None` is unbounded.
    Fixed(Option<usize>),
    /// The cache sets it itself, within these bounds.
    Within(Bounds),
}

impl MaxSize {
    /// Converts an integer. Zero and negative numbers disable the cache (as in Python 3.8 and later); numbers above
    /// `usize::MAX` are reduced to it.
    pub const fn of(maxsize: i128) -> Self {
        if maxsize <= 0 {
            Self::Disabled
        } else if maxsize > usize::MAX as i128 {
            Self::Bounded(NonZeroUsize::MAX)
        } else {
            #[expect(clippy::cast_sign_loss, reason = "checked above")]
            Self::from_option(Some(maxsize as usize))
        }
    }

    /// Converts a const argument: [`UNBOUNDED`], or a number as converted by [`bound`].
    pub const fn from_const(maxsize: i128) -> Self {
        if maxsize == UNBOUNDED { Self::Unbounded } else { Self::of(maxsize) }
    }

    /// Returns whether a cache stores anything. With entry metadata it may, because its capacity can change.
    pub(crate) const fn stores<M: EntryMeta>(self) -> bool {
        !(M::IS_BARE && matches!(self, Self::Disabled))
    }

    /// Converts an option: `None` is unbounded, `Some(0)` is disabled, `Some(n)` is bounded.
    pub const fn from_option(maxsize: Option<usize>) -> Self {
        match maxsize {
            None => Self::Unbounded,
            Some(maxsize) => match NonZeroUsize::new(maxsize) {
                None => Self::Disabled,
                Some(maxsize) => Self::Bounded(maxsize),
            },
        }
    }

    /// Returns the option that [`CacheInfo`](crate::CacheInfo) shows: `None`, `Some(0)` or `Some(n)`.
    pub const fn to_option(self) -> Option<usize> {
        match self {
            Self::Disabled => Some(0),
            Self::Unbounded => None,
            Self::Bounded(maxsize) => Some(maxsize.get()),
        }
    }
}

/// The types that `maxsize` may have: the integer types.
#[diagnostic::on_unimplemented(
    message = "`maxsize` takes an integer or `None`",
    label = "`{Self}` is not an integer type"
)]
pub trait Integer: Copy {
    /// The type itself. Other types have none, so that there is only one error about them.
    type Itself;
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl Integer for $type {
            type Itself = Self;
        }
    )* };
}
integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

/// Converts a `maxsize` of any integer type, given as `i128` and as `f64`. Negative numbers become 0, numbers above
/// `i128::MAX` are reduced to it.
pub const fn bound(number: i128, about: f64) -> i128 {
    if number >= 0 {
        number
    } else if about < 0.0 {
        0
    } else {
        i128::MAX
    }
}

/// Returns `value`. Compiles for integer types only.
pub const fn integer<T: Integer<Itself = T>>(value: T) -> T::Itself {
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_negative_numbers_disable_the_cache() {
        assert_eq!(MaxSize::of(-1), MaxSize::Disabled);
        assert_eq!(MaxSize::of(0), MaxSize::Disabled);
        assert_eq!(MaxSize::of(i128::MIN).to_option(), Some(0));
    }

    #[test]
    fn a_bound_is_the_number_within_the_limits() {
        assert_eq!(bound(-1, -1.0), 0);
        assert_eq!(bound(0, 0.0), 0);
        assert_eq!(bound(7, 7.0), 7);
        #[expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "the test is about it")]
        let beyond = bound(u128::MAX as i128, u128::MAX as f64);
        assert_eq!(beyond, i128::MAX);
    }

    #[test]
    fn a_bound_survives_conversion_there_and_back() {
        for maxsize in [None, Some(0), Some(1), Some(128), Some(usize::MAX)] {
            assert_eq!(MaxSize::from_option(maxsize).to_option(), maxsize);
        }
        assert_eq!([1, 2].map(|maxsize| MaxSize::of(maxsize).to_option()), [Some(1), Some(2)]);
        assert_eq!(MaxSize::of(i128::MAX).to_option(), Some(usize::MAX));
    }
}

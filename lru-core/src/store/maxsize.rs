//! How many entries a cache may hold: none, any number, or at most `n`.

use core::num::NonZeroUsize;

use crate::expiry::lease::EntryMeta;

/// The bound, as an argument of a type, of a cache that has none.
pub const UNBOUNDED: i128 = -1;

/// The three modes of a cache, as `maxsize` chooses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaxSize {
    /// Nothing is stored; misses are counted.
    Disabled,
    /// Everything is kept, in no order.
    Unbounded,
    /// At most so many entries; the least recently used one makes room.
    Bounded(NonZeroUsize),
}

impl MaxSize {
    /// What an integer says: zero and negative numbers store nothing (as in Python 3.8 and later),
    /// numbers beyond `usize` bound nothing that fits into memory.
    #[must_use]
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

    /// The mode that a bound in a type stands for: [`UNBOUNDED`], or what [`bound`] makes of a number.
    #[must_use]
    pub const fn from_const(maxsize: i128) -> Self {
        if maxsize == UNBOUNDED { Self::Unbounded } else { Self::of(maxsize) }
    }

    /// Whether a cache of such entries stores anything; with metadata it may, as its bound may change.
    pub(crate) const fn stores<M: EntryMeta>(self) -> bool {
        !(M::IS_BARE && matches!(self, Self::Disabled))
    }

    /// `None` is unbounded, `Some(0)` is disabled, `Some(n)` is bounded.
    #[must_use]
    pub const fn from_option(maxsize: Option<usize>) -> Self {
        match maxsize {
            None => Self::Unbounded,
            Some(maxsize) => match NonZeroUsize::new(maxsize) {
                None => Self::Disabled,
                Some(maxsize) => Self::Bounded(maxsize),
            },
        }
    }

    /// The bound as [`CacheInfo`](crate::CacheInfo) tells it: `None`, `Some(0)` or `Some(n)`.
    #[must_use]
    pub const fn to_option(self) -> Option<usize> {
        match self {
            Self::Disabled => Some(0),
            Self::Unbounded => None,
            Self::Bounded(maxsize) => Some(maxsize.get()),
        }
    }
}

/// The integer types: what `maxsize` may be given in.
#[diagnostic::on_unimplemented(
    message = "`maxsize` takes an integer or `None`",
    label = "`{Self}` is not an integer type"
)]
pub trait Integer: Copy {
    /// The type itself; nothing at all for what is no integer, so that one error says so.
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

/// A bound from an integer of any type, given as the same number in two other types: what is below
/// zero stores nothing, what is beyond `i128` is as good as its end.
#[must_use]
pub const fn bound(number: i128, about: f64) -> i128 {
    if number >= 0 {
        number
    } else if about < 0.0 {
        0
    } else {
        i128::MAX
    }
}

/// Returns `value`, having made sure that its type is an integer.
pub const fn integer<T: Integer<Itself = T>>(value: T) -> T::Itself {
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_and_zero_store_nothing() {
        assert_eq!(MaxSize::of(-1), MaxSize::Disabled);
        assert_eq!(MaxSize::of(0), MaxSize::Disabled);
        assert_eq!(MaxSize::of(i128::MIN).to_option(), Some(0));
    }

    #[test]
    fn a_bound_is_what_the_number_was() {
        assert_eq!(bound(-1, -1.0), 0);
        assert_eq!(bound(0, 0.0), 0);
        assert_eq!(bound(7, 7.0), 7);
        #[expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "that is the point")]
        let beyond = bound(u128::MAX as i128, u128::MAX as f64);
        assert_eq!(beyond, i128::MAX);
    }

    #[test]
    fn a_bound_survives_the_way_there_and_back() {
        for maxsize in [None, Some(0), Some(1), Some(128), Some(usize::MAX)] {
            assert_eq!(MaxSize::from_option(maxsize).to_option(), maxsize);
        }
        assert_eq!([1, 2].map(|maxsize| MaxSize::of(maxsize).to_option()), [Some(1), Some(2)]);
        assert_eq!(MaxSize::of(i128::MAX).to_option(), Some(usize::MAX));
    }
}

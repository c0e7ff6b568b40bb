//! [`Words`]: plain data as a sequence of atomic words.

use core::num::NonZero;
use core::slice::Iter;
use core::time::Duration;

use super::atomic::{AtomicU64, Ordering::Relaxed};

/// A type whose values are plain data of a fixed number of words.
///
/// A value that is read while another thread writes it may be a mixture of several values. Reading must not panic
/// then; the reader discards the value.
pub trait Words: Copy {
    /// The number of words.
    const WORDS: usize;

    /// Reads a value from the next words. Missing words are zero.
    #[doc(hidden)]
    fn load(words: &mut Iter<'_, AtomicU64>) -> Self;

    /// Writes the value to the next words.
    #[doc(hidden)]
    fn store(self, words: &mut Iter<'_, AtomicU64>);
}

#[inline(always)]
fn next(words: &mut Iter<'_, AtomicU64>) -> u64 {
    words.next().map_or(0, |word| word.load(Relaxed))
}

#[inline(always)]
fn put(words: &mut Iter<'_, AtomicU64>, word: u64) {
    if let Some(place) = words.next() {
        place.store(word, Relaxed);
    }
}

/// Implements [`Words`] for types of one word, with the conversions from and to a word.
macro_rules! one_word {
    ($($type:ty: $word:ident => $from:expr, $value:ident => $into:expr;)*) => { $(
        impl Words for $type {
            const WORDS: usize = 1;

            #[inline(always)]
            fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
                let $word = next(words);
                $from
            }

            #[inline(always)]
            fn store(self, words: &mut Iter<'_, AtomicU64>) {
                let $value = self;
                put(words, $into);
            }
        }
    )* };
}

#[expect(clippy::cast_possible_truncation, reason = "the word was made from the same type")]
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "a cast keeps all bits")]
#[expect(clippy::cast_lossless, reason = "all integers are converted in the same way")]
const _: () = {
    /// Implements [`Words`] for integers of at most 64 bits.
    macro_rules! integers {
        ($($type:ty)*) => {
            one_word! { $($type: word => word as Self, value => value as u64;)* }
        };
    }

    integers! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

    one_word! {
        bool: word => word != 0, value => u64::from(value);
        char: word => Self::from_u32(word as u32).unwrap_or_default(), value => u64::from(u32::from(value));
        f32: word => Self::from_bits(word as u32), value => u64::from(value.to_bits());
        f64: word => Self::from_bits(word), value => value.to_bits();
    }

    impl Words for u128 {
        const WORDS: usize = 2;

        #[inline(always)]
        fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
            let low = next(words);
            Self::from(low) | Self::from(next(words)) << 64
        }

        #[inline(always)]
        fn store(self, words: &mut Iter<'_, AtomicU64>) {
            put(words, self as u64);
            put(words, (self >> 64) as u64);
        }
    }

    impl Words for i128 {
        const WORDS: usize = 2;

        #[inline(always)]
        fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
            u128::load(words) as Self
        }

        #[inline(always)]
        fn store(self, words: &mut Iter<'_, AtomicU64>) {
            (self as u128).store(words);
        }
    }
};

macro_rules! nonzero {
    ($($integer:ty)*) => { $(
        impl Words for NonZero<$integer> {
            const WORDS: usize = <$integer>::WORDS;

            #[inline(always)]
            fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
                Self::new(<$integer>::load(words)).unwrap_or(Self::MIN)
            }

            #[inline(always)]
            fn store(self, words: &mut Iter<'_, AtomicU64>) {
                self.get().store(words);
            }
        }
    )* };
}

nonzero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl Words for Duration {
    const WORDS: usize = 2;

    #[inline(always)]
    fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
        let (seconds, nanoseconds) = <(u64, u32)>::load(words);
        Self::from_secs(seconds).saturating_add(Self::from_nanos(u64::from(nanoseconds)))
    }

    #[inline(always)]
    fn store(self, words: &mut Iter<'_, AtomicU64>) {
        (self.as_secs(), self.subsec_nanos()).store(words);
    }
}

impl<T: Words> Words for Option<T> {
    const WORDS: usize = 1 + T::WORDS;

    #[inline(always)]
    fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
        let is_some = bool::load(words);
        let value = T::load(words);
        is_some.then_some(value)
    }

    #[inline(always)]
    fn store(self, words: &mut Iter<'_, AtomicU64>) {
        self.is_some().store(words);
        if let Some(value) = self {
            value.store(words);
        }
    }
}

impl<T: Words, const N: usize> Words for [T; N] {
    const WORDS: usize = N * T::WORDS;

    #[inline(always)]
    fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
        core::array::from_fn(|_| T::load(words))
    }

    #[inline(always)]
    fn store(self, words: &mut Iter<'_, AtomicU64>) {
        for value in self {
            value.store(words);
        }
    }
}

impl Words for () {
    const WORDS: usize = 0;

    #[inline(always)]
    fn load(_: &mut Iter<'_, AtomicU64>) -> Self {}

    #[inline(always)]
    fn store(self, _: &mut Iter<'_, AtomicU64>) {}
}

macro_rules! tuples {
    ($first:ident $($other:ident)*) => {
        impl<$first: Words, $($other: Words,)*> Words for ($first, $($other,)*) {
            const WORDS: usize = $first::WORDS $(+ $other::WORDS)*;

            #[inline(always)]
            fn load(words: &mut Iter<'_, AtomicU64>) -> Self {
                ($first::load(words), $($other::load(words),)*)
            }

            #[inline(always)]
            #[expect(non_snake_case, reason = "the names of the types are those of the values")]
            fn store(self, words: &mut Iter<'_, AtomicU64>) {
                let ($first, $($other,)*) = self;
                $first.store(words);
                $($other.store(words);)*
            }
        }
        tuples! { $($other)* }
    };
    () => {};
}

// More are never few words.
tuples! { A B C D E F }

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a value after it was written to words and read from them.
    fn copied<T: Words>(value: T) -> T {
        let words: Vec<_> = (0..T::WORDS).map(|_| AtomicU64::new(u64::MAX)).collect();
        let mut writer = words.iter();
        value.store(&mut writer);
        let mut reader = words.iter();
        let read = T::load(&mut reader);
        assert_eq!(reader.len(), 0, "all words were read");
        read
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        macro_rules! check {
            ($($value:expr),* $(,)?) => { $( assert_eq!(copied($value), $value); )* };
        }
        check! {
            (), true, false, 'é', char::MAX, u8::MAX, i8::MIN, i16::MIN, u32::MAX, i32::MIN, i64::MIN, u64::MAX,
            usize::MAX, isize::MIN, u128::MAX - 1, i128::MIN,
            NonZero::<u8>::MAX, NonZero::<i128>::MIN, Duration::MAX, Duration::from_nanos(1),
            Some(7_u16), None::<u64>, Some(None::<bool>), [1_u8, 2, 3], [[(1_u8, -1_i8)]; 2],
            (1_u64, 'x', Some(true), (2_i8,)),
        }
        assert_eq!(copied(f32::MIN_POSITIVE).to_bits(), f32::MIN_POSITIVE.to_bits());
        assert_eq!(copied(-0.0_f64).to_bits(), (-0.0_f64).to_bits());
        assert_eq!(copied(f64::NAN).to_bits(), f64::NAN.to_bits());
    }

    #[test]
    fn a_mixture_of_words_is_read_without_a_panic() {
        let words: Vec<_> = (0..64).map(|_| AtomicU64::new(u64::MAX)).collect();
        let read = <(char, NonZero<u8>, Duration, Option<bool>)>::load(&mut words.iter());
        assert_eq!(read, (char::default(), NonZero::<u8>::MAX, read.2, Some(true)));
        assert_eq!(<(NonZero<i64>, char)>::load(&mut [].iter()), (NonZero::<i64>::MIN, '\0'));
    }
}

//! [`ValueHasher`]: the hash of a tag's value, the same for equal values of different types.

use core::hash::Hasher;

use crate::key::STEP;
use crate::key::hash::mixed;

/// A hasher without a seed, of 128 bits. An integer is hashed by its value, whatever its type.
///
/// The standard library feeds slices of integers as raw bytes, in which the width of the integers cannot be seen. Integers
/// of different widths differ in bytes 0 and 255 only, so these are left out: slices of equal integers have equal hashes,
/// whatever their types, and byte strings that differ only in bytes 0 and 255 have the same hash. Text in UTF-8 has no
/// byte 255.
///
/// Invariant: the hash of a value never changes between versions of the library, so that processes of different versions
/// agree. For slices of integers the machines must have the same byte order.
pub(super) struct ValueHasher {
    low: u64,
    high: u64,
}

impl ValueHasher {
    /// Precedes an integer that has more than 64 bits.
    const LONG: u64 = 0x6c6f_6e67_2069_6e74;

    pub(super) const fn new() -> Self {
        Self { low: 0x6675_6e63_746f_6f6c, high: 0x7461_6773_2c20_7631 }
    }

    /// Returns the whole hash; [`Hasher::finish`] returns its lower half.
    pub(super) fn finish_wide(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        // Each half is a bijection of its state and of the word.
        self.low = mixed((self.low ^ word).wrapping_add(STEP));
        self.high = mixed(self.high.rotate_left(29) ^ word.wrapping_mul(STEP));
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the bits of all words are hashed"
    )]
    fn absorb_integer(&mut self, value: i128) {
        if let Ok(short) = i64::try_from(value) {
            return self.absorb(short as u64);
        }
        self.absorb(Self::LONG);
        self.absorb(value as u64);
        self.absorb((value >> 64) as u64);
    }
}

/// Implements methods of [`Hasher`] for integers.
macro_rules! integers {
    ($($write:ident: $integer:ty,)*) => { $(
        #[inline]
        #[allow(clippy::cast_lossless, clippy::cast_possible_wrap, reason = "only above 2¹²⁷ does a value become another")]
        fn $write(&mut self, value: $integer) {
            self.absorb_integer(value as i128);
        }
    )* };
}

impl Hasher for ValueHasher {
    fn finish(&self) -> u64 {
        self.low
    }

    fn write(&mut self, bytes: &[u8]) {
        let (mut word, mut length) = (0, 0);
        for &byte in bytes {
            if matches!(byte, 0 | u8::MAX) {
                continue;
            }
            word = word << 8 | u64::from(byte);
            length += 1;
            if length == 8 {
                self.absorb(word);
                (word, length) = (0, 0);
            }
        }
        // The end: only a word with fewer than eight bytes begins with a zero.
        self.absorb(word);
    }

    integers! {
        write_u8: u8,
        write_u16: u16,
        write_u32: u32,
        write_u64: u64,
        write_u128: u128,
        write_usize: usize,
        write_i8: i8,
        write_i16: i16,
        write_i32: i32,
        write_i64: i64,
        write_i128: i128,
        write_isize: isize,
    }
}

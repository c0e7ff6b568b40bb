//! Where an encoding goes: to the bytes of a key, or into a digest.

use core::fmt;
use core::mem::replace;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::ser;

/// The first byte of each value.
pub(super) mod tag {
    pub(crate) const END: u8 = 0x00;
    pub(crate) const FALSE: u8 = 0x01;
    pub(crate) const TRUE: u8 = 0x02;
    pub(crate) const U8: u8 = 0x10;
    pub(crate) const U16: u8 = 0x11;
    pub(crate) const U32: u8 = 0x12;
    pub(crate) const U64: u8 = 0x13;
    pub(crate) const U128: u8 = 0x14;
    pub(crate) const I8: u8 = 0x18;
    pub(crate) const I16: u8 = 0x19;
    pub(crate) const I32: u8 = 0x1A;
    pub(crate) const I64: u8 = 0x1B;
    pub(crate) const I128: u8 = 0x1C;
    pub(crate) const F32: u8 = 0x20;
    pub(crate) const F64: u8 = 0x21;
    pub(crate) const CHAR: u8 = 0x28;
    pub(crate) const STR: u8 = 0x29;
    pub(crate) const BYTES: u8 = 0x2A;
    pub(crate) const NONE: u8 = 0x30;
    pub(crate) const SOME: u8 = 0x31;
    pub(crate) const UNIT: u8 = 0x38;
    pub(crate) const SEQ: u8 = 0x39;
    pub(crate) const TUPLE: u8 = 0x3A;
    pub(crate) const MAP: u8 = 0x3B;
    pub(crate) const UNIT_STRUCT: u8 = 0x40;
    pub(crate) const NEWTYPE_STRUCT: u8 = 0x41;
    pub(crate) const TUPLE_STRUCT: u8 = 0x42;
    pub(crate) const STRUCT: u8 = 0x43;
    pub(crate) const UNIT_VARIANT: u8 = 0x48;
    pub(crate) const NEWTYPE_VARIANT: u8 = 0x49;
    pub(crate) const TUPLE_VARIANT: u8 = 0x4A;
    pub(crate) const STRUCT_VARIANT: u8 = 0x4B;
    pub(crate) const FIELD: u8 = 0x50;
}

/// The error of a value that refuses to be serialized, with its reason.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ser::StdError for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// The destination of an encoding.
pub(super) trait Output {
    /// What is set aside while one element of a sequence or map is encoded.
    type Outer;

    /// Whether values are to serialize themselves as in a text format.
    fn is_human_readable(&self) -> bool;

    fn write(&mut self, bytes: &[u8]);

    /// Writes an integer in base 128, the low digits first; the high bit of a byte says that another one follows.
    fn number(&mut self, number: u128);

    /// Begins an element.
    fn open(&mut self) -> Self::Outer;

    /// Ends an element, and adds it to those before it.
    fn close(&mut self, outer: Self::Outer, elements: &mut u64);

    /// Ends the elements.
    fn end(&mut self, elements: u64);
}

impl Output for Vec<u8> {
    type Outer = ();

    fn is_human_readable(&self) -> bool {
        false
    }

    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn number(&mut self, mut number: u128) {
        let mut bytes = [0; 19];
        for (length, byte) in (1..).zip(&mut bytes) {
            let digit = u8::try_from(number & 0x7F).unwrap_or_default();
            number >>= 7;
            if number == 0 {
                *byte = digit;
                return self.extend_from_slice(bytes.get(..length).unwrap_or_default());
            }
            *byte = digit | 0x80;
        }
    }

    fn open(&mut self) -> Self::Outer {}

    fn close(&mut self, (): (), _: &mut u64) {}

    fn end(&mut self, _: u64) {
        self.push(tag::END);
    }
}

/// A digest of an encoding: 64 bits that are the same for the same encoding in this process.
///
/// It is on the path of each store, and so mixes words by a multiplication, like the hash of `rustc`.
pub(super) struct Digest {
    state: u64,
    is_human_readable: bool,
}

impl Digest {
    const BEGIN: u64 = 0x9e37_79b9_7f4a_7c15;

    pub(super) fn new(is_human_readable: bool) -> Self {
        Self { state: Self::BEGIN, is_human_readable }
    }

    fn mix(&mut self, word: u64) {
        let mixed = (self.state.rotate_left(5) ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.state = mixed ^ (mixed >> 32);
    }

    pub(super) fn finish(&self) -> u64 {
        self.state
    }
}

impl Output for Digest {
    /// The digest of what precedes the element.
    type Outer = u64;

    fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            self.mix(u64::from_le_bytes(bytes));
        }
        // The length precedes what has any.
        let rest = words.remainder().iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.mix(rest);
    }

    fn number(&mut self, number: u128) {
        let (low, high) = (number & u128::from(u64::MAX), number >> 64);
        for half in [low, high] {
            self.mix(u64::try_from(half).unwrap_or_default());
        }
    }

    fn open(&mut self) -> u64 {
        replace(&mut self.state, Self::BEGIN)
    }

    fn close(&mut self, outer: u64, elements: &mut u64) {
        let element = replace(&mut self.state, outer);
        *elements = elements.wrapping_add(element.wrapping_mul(element | 1));
    }

    fn end(&mut self, elements: u64) {
        self.mix(elements);
        self.mix(tag::END.into());
    }
}

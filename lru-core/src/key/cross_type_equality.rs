//! Equality of arguments across types, for generic functions with `typed = false`.
//!
//! As with Python's `typed=False`, numbers are equal by value and text by content: `f(3u8)`, `f(3i64)` and
//! `f(3.0)` share an entry, and so do `f("a")` and `f("a".to_string())`.

use core::any::Any;
use core::hash::{Hash, Hasher};
use std::borrow::Cow;
use std::boxed::Box;
use std::sync::Arc;

/// The normalized form of an argument that can be equal to arguments of other types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Common<'a> {
    /// A number of any type.
    Number(Number),
    /// Text of any type.
    Text(&'a str),
}

/// The value of a number, independent of its type.
///
/// Invariant: equal values have the same variant. A float with an integral value is an `Integer` or `Large`, except
/// -0.0, which a function can distinguish from 0.0. All NaNs are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// An integer in the range of `i128`.
    Integer(i128),
    /// An integer above `i128::MAX`.
    Large(u128),
    /// Any other float, as the bits of an `f64`.
    Float(u64),
}

impl Hash for Number {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Self::Integer(integer) => state.write_i128(integer),
            Self::Large(integer) => state.write_u128(integer),
            Self::Float(bits) => state.write_u64(bits),
        }
    }
}

impl From<u128> for Number {
    #[inline]
    fn from(integer: u128) -> Self {
        i128::try_from(integer).map_or(Self::Large(integer), Self::Integer)
    }
}

impl From<f64> for Number {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "powers of two are exact, and `trunc` is"
    )]
    fn from(float: f64) -> Self {
        /// 2¹²⁷, one more than `i128::MAX`.
        const END: f64 = (1_u128 << 127) as f64;
        let is_integer = float.trunc() == float && !(float == 0.0 && float.is_sign_negative());
        if is_integer && (-END..END).contains(&float) {
            Self::Integer(float as i128)
        } else if is_integer && (END..2.0 * END).contains(&float) {
            Self::Large(float as u128)
        } else if float.is_nan() {
            Self::Float(f64::NAN.to_bits())
        } else {
            Self::Float(float.to_bits())
        }
    }
}

impl<'a> Common<'a> {
    /// Returns the normalized form of a number or text. The type tests are resolved at compile time.
    #[inline]
    pub fn recognise<T: Any>(value: &'a T) -> Option<Self> {
        let value: &dyn Any = value;
        macro_rules! among {
            ($($type:ty => $it:ident $common:expr;)*) => { $(
                if let Some($it) = value.downcast_ref::<$type>() {
                    return Some($common);
                }
            )* };
        }
        among! {
            u8 => it Self::Number(Number::Integer(i128::from(*it)));
            u16 => it Self::Number(Number::Integer(i128::from(*it)));
            u32 => it Self::Number(Number::Integer(i128::from(*it)));
            u64 => it Self::Number(Number::Integer(i128::from(*it)));
            usize => it Self::Number(Number::from(*it as u128));
            u128 => it Self::Number(Number::from(*it));
            i8 => it Self::Number(Number::Integer(i128::from(*it)));
            i16 => it Self::Number(Number::Integer(i128::from(*it)));
            i32 => it Self::Number(Number::Integer(i128::from(*it)));
            i64 => it Self::Number(Number::Integer(i128::from(*it)));
            isize => it Self::Number(Number::Integer(*it as i128));
            i128 => it Self::Number(Number::Integer(*it));
            bool => it Self::Number(Number::Integer(i128::from(*it)));
            f32 => it Self::Number(Number::from(f64::from(*it)));
            f64 => it Self::Number(Number::from(*it));
            &'static str => it Self::Text(it);
            String => it Self::Text(it);
            Cow<'static, str> => it Self::Text(it);
            Box<str> => it Self::Text(it);
            Arc<str> => it Self::Text(it);
        }
        None
    }

    /// Returns the value of type `T` that is equal to this number or text; `None` if there is none, or `T` is neither a
    /// number nor an owned text.
    pub fn to<T: Any>(self) -> Option<T> {
        let mut value: Option<T> = None;
        let slot: &mut dyn Any = &mut value;
        macro_rules! among {
            ($($type:ty => $of:ident)*) => { $(
                if let Some(slot) = slot.downcast_mut::<Option<$type>>() {
                    *slot = self.$of().and_then(|value| <$type>::try_from(value).ok());
                }
            )* };
        }
        among! {
            u8 => integer
            u16 => integer
            u32 => integer
            u64 => integer
            usize => integer
            u128 => large
            i8 => integer
            i16 => integer
            i32 => integer
            i64 => integer
            isize => integer
            i128 => integer
            String => text
            Cow<'static, str> => text
            Box<str> => text
            Arc<str> => text
        }
        if let Some(slot) = slot.downcast_mut::<Option<bool>>() {
            *slot = [false, true].into_iter().find(|value| Common::recognise(value) == Some(self));
        }
        if let Some(slot) = slot.downcast_mut::<Option<f64>>() {
            *slot = self.float();
        }
        if let Some(slot) = slot.downcast_mut::<Option<f32>>() {
            #[expect(clippy::cast_possible_truncation, reason = "a value that is rounded is not equal")]
            let single = self.float().map(|value| value as f32);
            *slot = single.filter(|value| Common::recognise(value) == Some(self));
        }
        value
    }

    /// Returns the integer in the range of `i128`.
    fn integer(self) -> Option<i128> {
        match self {
            Self::Number(Number::Integer(integer)) => Some(integer),
            _ => None,
        }
    }

    /// Returns the integer in the range of `u128`.
    fn large(self) -> Option<u128> {
        match self {
            Self::Number(Number::Integer(integer)) => u128::try_from(integer).ok(),
            Self::Number(Number::Large(integer)) => Some(integer),
            _ => None,
        }
    }

    /// Returns the float.
    #[expect(clippy::cast_precision_loss, reason = "a value that is rounded is not equal")]
    fn float(self) -> Option<f64> {
        let value = match self {
            Self::Number(Number::Integer(integer)) => integer as f64,
            Self::Number(Number::Large(integer)) => integer as f64,
            Self::Number(Number::Float(bits)) => f64::from_bits(bits),
            Self::Text(_) => return None,
        };
        (Common::recognise(&value) == Some(self)).then_some(value)
    }

    /// Returns the text.
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Number(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number<T: Any>(value: &T) -> Number {
        match Common::recognise(value) {
            Some(Common::Number(number)) => number,
            other => panic!("{other:?} is no number"),
        }
    }

    #[test]
    fn equal_numbers_are_the_same_whatever_their_type() {
        let threes = [number(&3_u8), number(&3_usize), number(&3_i8), number(&3_i128), number(&3.0_f64)];
        assert_eq!(threes, [Number::Integer(3); 5]);
        assert_eq!(number(&3_u128), number(&3.0_f32));
        assert_eq!(number(&true), number(&1_u8));
        assert_eq!(number(&-2_i64), number(&-2.0_f64));
        assert_eq!(number(&0.5_f32), number(&0.5_f64));
        assert_eq!(number(&(1_u128 << 127)), number(&2.0_f64.powi(127)));
        assert_eq!(number(&i128::MIN), number(&-2.0_f64.powi(127)));
        assert_eq!(number(&f32::NAN), number(&-f64::NAN));
    }

    #[test]
    fn numbers_that_a_function_tells_apart_stay_apart() {
        assert_ne!(number(&0.0_f64), number(&-0.0_f64));
        assert_ne!(number(&0_u8), number(&-0.0_f32));
        assert_ne!(number(&0.1_f32), number(&0.1_f64));
        assert_ne!(number(&u128::MAX), number(&2.0_f64.powi(128)));
        assert_ne!(number(&f64::INFINITY), number(&f64::NEG_INFINITY));
        assert_ne!(number(&u64::MAX), number(&2.0_f64.powi(64)));
    }

    /// Returns whether a value is the same after its normalization.
    fn returns<T: Any + PartialEq>(value: &T) -> bool {
        Common::recognise(value).and_then(Common::to::<T>).as_ref() == Some(value)
    }

    #[test]
    fn a_normalized_value_returns_to_its_type() {
        assert!(returns(&3_u8) && returns(&3_u16) && returns(&3_u32) && returns(&u64::MAX));
        assert!(returns(&usize::MAX) && returns(&u128::MAX) && returns(&7_u128));
        assert!(returns(&-3_i8) && returns(&-3_i16) && returns(&i32::MIN) && returns(&i64::MIN));
        assert!(returns(&isize::MIN) && returns(&i128::MIN) && returns(&true) && returns(&false));
        assert!(returns(&0.5_f32) && returns(&f32::MAX) && returns(&0.1_f64) && returns(&-0.0_f64));
        assert!(returns(&3.0_f64) && returns(&2.0_f64.powi(127)));
        assert!(returns(&String::from("a")) && returns(&Box::<str>::from("a")));
        assert!(returns(&Arc::<str>::from("a")) && returns(&Cow::<'static, str>::Borrowed("a")));
        assert!(Common::recognise(&f64::NAN).unwrap().to::<f64>().unwrap().is_nan());
    }

    #[test]
    fn a_value_that_a_type_does_not_have_is_none_of_it() {
        let of = |number: i64| Common::recognise(&number).unwrap().to::<u8>();
        assert_eq!((of(255), of(256), of(-1)), (Some(255), None, None));
        let half = 0.5_f64;
        let half = Common::recognise(&half).unwrap();
        assert_eq!((half.to::<u8>(), half.to::<f32>(), half.to::<bool>()), (None, Some(0.5), None));
        let tenth = 0.1_f64;
        assert_eq!(Common::recognise(&tenth).unwrap().to::<f32>(), None);
        assert_eq!(Common::recognise(&((1_i64 << 53) + 1)).unwrap().to::<f64>(), None);
        assert_eq!(Common::Text("3").to::<u8>(), None);
        assert_eq!(Common::Text("a").to::<Option<u8>>(), None);
        assert_eq!(Common::recognise(&3_u8).unwrap().to::<String>(), None);
    }

    #[test]
    fn text_is_text_whatever_its_type() {
        let a = Some(Common::Text("a"));
        assert_eq!(Common::recognise(&"a"), a);
        assert_eq!(Common::recognise(&"a".to_string()), a);
        assert_eq!(Common::recognise(&Cow::Borrowed("a")), a);
        assert_eq!(Common::recognise(&Box::<str>::from("a")), a);
        assert_eq!(Common::recognise(&Arc::<str>::from("a")), a);
        assert_eq!(Common::recognise(&'a'), None);
        assert_eq!(Common::recognise(&Some(3_u8)), None);
    }
}

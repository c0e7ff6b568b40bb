//! What JSON can tell apart.
//!
//! For some values JSON has no word, and `null` stands for them: a float that is not finite, and `Some` of what is
//! `null` itself. Two arguments would be one key, and a result would come back as another one. Such values
//! are refused, as those are that cannot be JSON at all.

use core::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// Whether no other value of this type is the same JSON.
pub(super) fn tells_apart<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Probe).is_ok()
}

/// Writes nothing, and says whether `null` was to be written.
struct Probe;

type IsNull = Result<bool, Lossy>;

/// It would be taken for another value.
#[derive(Debug)]
struct Lossy;

impl fmt::Display for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this would be taken for another value")
    }
}

impl ser::StdError for Lossy {}

impl ser::Error for Lossy {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! plain {
    ($($serialize:ident: $type:ty),*) => { $(
        fn $serialize(self, _: $type) -> IsNull {
            Ok(false)
        }
    )* };
}

macro_rules! finite {
    ($($serialize:ident: $type:ty),*) => { $(
        fn $serialize(self, value: $type) -> IsNull {
            if value.is_finite() { Ok(false) } else { Err(Lossy) }
        }
    )* };
}

macro_rules! of_parts {
    ($($serialize:ident($($ignored:ty),*))*) => { $(
        fn $serialize(self, $(_: $ignored),*) -> Result<Self, Lossy> {
            Ok(self)
        }
    )* };
}

impl Serializer for Probe {
    type Ok = bool;
    type Error = Lossy;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }
    finite! { serialize_f32: f32, serialize_f64: f64 }
    of_parts! {
        serialize_seq(Option<usize>)
        serialize_tuple(usize)
        serialize_tuple_struct(&'static str, usize)
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
        serialize_map(Option<usize>)
        serialize_struct(&'static str, usize)
        serialize_struct_variant(&'static str, u32, &'static str, usize)
    }

    fn serialize_none(self) -> IsNull {
        Ok(true)
    }

    fn serialize_unit(self) -> IsNull {
        Ok(true)
    }

    fn serialize_unit_struct(self, _: &'static str) -> IsNull {
        Ok(true)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> IsNull {
        if value.serialize(self)? { Err(Lossy) } else { Ok(false) }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> IsNull {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> IsNull {
        Ok(false)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> IsNull {
        value.serialize(self).map(|_| false)
    }
}

macro_rules! parts {
    ($($Parts:ident { $($serialize:ident($($name:ty)?)),* })*) => { $(
        impl ser::$Parts for Probe {
            type Ok = bool;
            type Error = Lossy;

            $(
                fn $serialize<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Lossy> {
                    value.serialize(Probe).map(drop)
                }
            )*

            fn end(self) -> IsNull {
                Ok(false)
            }
        }
    )* };
}

parts! {
    SerializeSeq { serialize_element() }
    SerializeTuple { serialize_element() }
    SerializeTupleStruct { serialize_field() }
    SerializeTupleVariant { serialize_field() }
    SerializeMap { serialize_key(), serialize_value() }
    SerializeStruct { serialize_field(&'static str) }
    SerializeStructVariant { serialize_field(&'static str) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::string::ToString;
    use std::vec;

    use super::*;

    #[test]
    fn what_would_be_null_and_is_not_is_refused() {
        assert!(tells_apart(&(1.5, None::<u8>, Some(1), (), "null", vec![Some("a"), None])));
        assert!(tells_apart(&BTreeMap::from([(1, Some(-0.0_f32)), (2, None)])));
        assert!(tells_apart(&Err::<u8, Option<char>>(None)));
        assert!(!tells_apart(&f64::NAN) && !tells_apart(&[f32::NEG_INFINITY]));
        assert!(!tells_apart(&Some(())) && !tells_apart(&(1, Some(None::<u8>))));
        assert!(!tells_apart(&BTreeMap::from([("a".to_string(), Some(Some(())))])));
    }
}

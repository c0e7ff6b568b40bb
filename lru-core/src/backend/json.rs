//! A check that JSON represents a value without ambiguity.
//!
//! JSON writes `null` for some values that are not `None`: a float that is not finite, and `Some` of a value that is
//! itself `null`. Two arguments would become one key, and a result would be read back as another one. Such values are
//! refused, like those that JSON cannot represent at all.

use serde::Serialize;
use serde::ser::{self, Serializer};

use crate::backend::encoder::output::Refused;

/// Checks that no other value of this type has the same JSON.
pub(super) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), Refused> {
    value.serialize(Probe).map(drop)
}

/// A serializer without output, which returns whether the value is written as `null`.
struct Probe;

type IsNull = Result<bool, Refused>;

fn ambiguous() -> Refused {
    Refused("JSON cannot tell this value from another one".into())
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
            if value.is_finite() { Ok(false) } else { Err(ambiguous()) }
        }
    )* };
}

macro_rules! of_parts {
    ($($serialize:ident($($ignored:ty),*))*) => { $(
        fn $serialize(self, $(_: $ignored),*) -> Result<Self, Refused> {
            Ok(self)
        }
    )* };
}

impl Serializer for Probe {
    type Ok = bool;
    type Error = Refused;
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
        if value.serialize(self)? { Err(ambiguous()) } else { Ok(false) }
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
            type Error = Refused;

            $(
                fn $serialize<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Refused> {
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

    fn is_unambiguous<T: Serialize + ?Sized>(value: &T) -> bool {
        check(value).is_ok()
    }

    #[test]
    fn what_would_be_null_and_is_not_is_refused() {
        assert!(is_unambiguous(&(1.5, None::<u8>, Some(1), (), "null", vec![Some("a"), None])));
        assert!(is_unambiguous(&BTreeMap::from([(1, Some(-0.0_f32)), (2, None)])));
        assert!(is_unambiguous(&Err::<u8, Option<char>>(None)));
        assert!(!is_unambiguous(&f64::NAN) && !is_unambiguous(&[f32::NEG_INFINITY]));
        assert!(!is_unambiguous(&Some(())) && !is_unambiguous(&(1, Some(None::<u8>))));
        assert!(!is_unambiguous(&BTreeMap::from([("a".to_string(), Some(Some(())))])));
    }
}

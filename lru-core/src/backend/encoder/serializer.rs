//! The serializer that writes the encoding.

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::output::{Output, Refused, tag};

/// A serializer that encodes one value.
pub(super) struct Encoder<'o, O>(pub(super) &'o mut O);

type Encoded = Result<(), Refused>;

impl<'o, O: Output> Encoder<'o, O> {
    fn tag(&mut self, tag: u8) {
        self.0.write(&[tag]);
    }

    fn unsigned(mut self, tag: u8, number: impl Into<u128>) {
        self.tag(tag);
        self.0.number(number.into());
    }

    fn signed(mut self, tag: u8, number: impl Into<i128>) {
        let number = number.into();
        self.tag(tag);
        // Zigzag: numbers near zero are short.
        self.0.number(u128::from_ne_bytes(((number << 1) ^ (number >> 127)).to_ne_bytes()));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.number(bytes.len() as u128);
        self.0.write(bytes);
    }

    /// Writes the tag and the names of what follows.
    fn begin(mut self, tag: u8, names: &[&'static str]) -> Self {
        self.tag(tag);
        for name in names {
            self.bytes(name.as_bytes());
        }
        self
    }

    fn elements(self) -> Elements<'o, O> {
        Elements { output: self.0, sum: 0, outer: None }
    }

    fn parts(self) -> Parts<'o, O> {
        Parts(self.0)
    }
}

macro_rules! numbers {
    ($($write:ident { $($serialize:ident: $type:ty = $tag:ident),* })*) => { $($(
        fn $serialize(self, number: $type) -> Encoded {
            self.$write(tag::$tag, number);
            Ok(())
        }
    )*)* };
}

impl<'o, O: Output> Serializer for Encoder<'o, O> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Elements<'o, O>;
    type SerializeTuple = Parts<'o, O>;
    type SerializeTupleStruct = Parts<'o, O>;
    type SerializeTupleVariant = Parts<'o, O>;
    type SerializeMap = Elements<'o, O>;
    type SerializeStruct = Parts<'o, O>;
    type SerializeStructVariant = Parts<'o, O>;

    numbers! {
        unsigned {
            serialize_u8: u8 = U8, serialize_u16: u16 = U16, serialize_u32: u32 = U32, serialize_u64: u64 = U64,
            serialize_u128: u128 = U128, serialize_char: char = CHAR
        }
        signed {
            serialize_i8: i8 = I8, serialize_i16: i16 = I16, serialize_i32: i32 = I32, serialize_i64: i64 = I64,
            serialize_i128: i128 = I128
        }
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    fn serialize_bool(mut self, value: bool) -> Encoded {
        self.tag(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    // Each NaN is one key, as in the cache of the process; 0.0 and -0.0 are two.
    fn serialize_f32(mut self, value: f32) -> Encoded {
        let value = if value.is_nan() { f32::NAN } else { value };
        self.tag(tag::F32);
        self.0.write(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_f64(mut self, value: f64) -> Encoded {
        let value = if value.is_nan() { f64::NAN } else { value };
        self.tag(tag::F64);
        self.0.write(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_str(mut self, value: &str) -> Encoded {
        self.tag(tag::STR);
        self.bytes(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Encoded {
        self.tag(tag::BYTES);
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(mut self) -> Encoded {
        self.tag(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Encoded {
        self.tag(tag::SOME);
        value.serialize(self)
    }

    fn serialize_unit(mut self) -> Encoded {
        self.tag(tag::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Encoded {
        self.begin(tag::UNIT_STRUCT, &[name]);
        Ok(())
    }

    fn serialize_unit_variant(self, name: &'static str, _: u32, variant: &'static str) -> Encoded {
        self.begin(tag::UNIT_VARIANT, &[name, variant]);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Encoded {
        value.serialize(self.begin(tag::NEWTYPE_STRUCT, &[name]))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Encoded {
        value.serialize(self.begin(tag::NEWTYPE_VARIANT, &[name, variant]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'o, O>, Refused> {
        Ok(self.begin(tag::SEQ, &[]).elements())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'o, O>, Refused> {
        Ok(self.begin(tag::MAP, &[]).elements())
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'o, O>, Refused> {
        Ok(self.begin(tag::TUPLE, &[]).parts())
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'o, O>, Refused> {
        Ok(self.begin(tag::TUPLE_STRUCT, &[name]).parts())
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'o, O>, Refused> {
        Ok(self.begin(tag::STRUCT, &[name]).parts())
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'o, O>, Refused> {
        Ok(self.begin(tag::TUPLE_VARIANT, &[name, variant]).parts())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'o, O>, Refused> {
        Ok(self.begin(tag::STRUCT_VARIANT, &[name, variant]).parts())
    }
}

/// The elements of a sequence or a map.
pub(super) struct Elements<'o, O: Output> {
    output: &'o mut O,
    sum: u64,
    /// While the value of a key of a map is awaited.
    outer: Option<O::Outer>,
}

impl<O: Output> ser::SerializeSeq for Elements<'_, O> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Encoded {
        let outer = self.output.open();
        value.serialize(Encoder(self.output))?;
        self.output.close(outer, &mut self.sum);
        Ok(())
    }

    fn end(self) -> Encoded {
        self.output.end(self.sum);
        Ok(())
    }
}

impl<O: Output> ser::SerializeMap for Elements<'_, O> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Encoded {
        self.outer = Some(self.output.open());
        key.serialize(Encoder(self.output))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Encoded {
        value.serialize(Encoder(self.output))?;
        if let Some(outer) = self.outer.take() {
            self.output.close(outer, &mut self.sum);
        }
        Ok(())
    }

    fn end(self) -> Encoded {
        self.output.end(self.sum);
        Ok(())
    }
}

/// The parts of a tuple, a struct or a variant, in their order.
pub(super) struct Parts<'o, O>(&'o mut O);

macro_rules! parts {
    ($($Parts:ident::$serialize:ident($($name:ident)?))*) => { $(
        impl<O: Output> ser::$Parts for Parts<'_, O> {
            type Ok = ();
            type Error = Refused;

            fn $serialize<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Encoded {
                let encoder = Encoder(&mut *self.0);
                $(let encoder = encoder.begin(tag::FIELD, &[$name]);)?
                value.serialize(encoder)
            }

            fn end(self) -> Encoded {
                Encoder(self.0).tag(tag::END);
                Ok(())
            }
        }
    )* };
}

parts! {
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(name)
    SerializeStructVariant::serialize_field(name)
}

//! The deserializer that traces the shape of a type.
//!
//! A run deserializes one invented value. Several runs are needed: each visits another variant of an enum, and where
//! the type refuses an invented value, the next run leaves it out, or visits it after its siblings. Runs end when
//! nothing is left to visit, or the [budget](CALLS) is spent.

use std::vec::Vec;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::trace::{Position, Trace, Untraceable, part};

/// The number of calls of all runs.
pub(super) const CALLS: u32 = 20_000;

/// The number of values within each other.
const DEPTH: u32 = 64;

/// The deserializer of the value at one position.
pub(super) struct Tracer<'t> {
    pub(super) trace: &'t mut Trace,
    pub(super) path: Position,
}

impl Tracer<'_> {
    fn part(&mut self, number: usize) -> Tracer<'_> {
        Tracer { path: part(self.path, number), trace: self.trace }
    }

    /// Records a call.
    fn enter(&mut self, event: &str) -> Result<(), Untraceable> {
        self.trace.event(event);
        self.trace.calls += 1;
        if self.trace.calls >= CALLS || self.trace.depth >= DEPTH { Err(Untraceable) } else { Ok(()) }
    }

    /// Visits what is within this value.
    fn within<R>(
        &mut self,
        visit: impl FnOnce(&mut Self) -> Result<R, Untraceable>,
    ) -> Result<R, Untraceable> {
        self.trace.depth += 1;
        let visited = visit(self);
        self.trace.depth -= 1;
        visited
    }

    /// Visits what is within a struct or an enum.
    fn within_named<R>(
        &mut self,
        name: &'static str,
        visit: impl FnOnce(&mut Self) -> Result<R, Untraceable>,
    ) -> Result<R, Untraceable> {
        let is_recursion = self.trace.names.contains(&name);
        self.trace.is_whole &= !is_recursion;
        self.trace.recursion += u32::from(is_recursion);
        self.trace.names.push(name);
        let visited = self.within(visit);
        self.trace.names.pop();
        self.trace.recursion -= u32::from(is_recursion);
        visited
    }

    /// Visits what may be left out; if it refuses its values, the next run leaves it out.
    fn optional<R>(
        &mut self,
        visit: impl FnOnce(&mut Self, bool) -> Result<R, Untraceable>,
    ) -> Result<R, Untraceable> {
        let is_empty = self.trace.recursion > 0 || self.trace.plan(self.path).is_empty;
        let visited = self.within(|this| visit(this, is_empty));
        if visited.is_err() && !self.trace.is_changed && !is_empty {
            self.trace.plan(self.path).is_empty = true;
            (self.trace.is_changed, self.trace.is_whole) = (true, false);
        }
        visited
    }

    /// Visits the fields of a struct.
    fn fields<'de, V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        for field in fields {
            self.trace.event(field);
        }
        let plan = self.trace.plan(self.path);
        if plan.is_sequence {
            return visitor.visit_seq(Parts { tracer: self.part(0), next: 0, length: fields.len() });
        }
        let is_first = |field: &usize| !plan.last.contains(field);
        let order: Vec<_> = (0..fields.len()).filter(is_first).chain(plan.last.iter().copied()).collect();
        let mut visiting = None;
        let access = Fields { tracer: self.part(0), names: fields, order: &order, visiting: &mut visiting };
        let visited = visitor.visit_map(access);
        if visited.is_err() && !self.trace.is_changed {
            self.trace.is_whole = false;
            let plan = self.trace.plan(self.path);
            self.trace.is_changed = match visiting {
                None => {
                    plan.is_sequence = true;
                    true
                }
                Some(field) if !plan.last.contains(&field) => {
                    plan.last.push(field);
                    true
                }
                Some(_) => false,
            };
        }
        visited
    }
}

macro_rules! plain {
    ($($deserialize:ident = $event:literal: $visit:ident($($value:expr)?)),*) => { $(
        fn $deserialize<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Untraceable> {
            self.enter($event)?;
            visitor.$visit($($value)?)
        }
    )* };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Untraceable;

    plain! {
        deserialize_bool = "bool": visit_bool(false), deserialize_char = "char": visit_char('1'),
        deserialize_u8 = "u8": visit_u8(1), deserialize_u16 = "u16": visit_u16(1),
        deserialize_u32 = "u32": visit_u32(1), deserialize_u64 = "u64": visit_u64(1),
        deserialize_u128 = "u128": visit_u128(1), deserialize_i8 = "i8": visit_i8(1),
        deserialize_i16 = "i16": visit_i16(1), deserialize_i32 = "i32": visit_i32(1),
        deserialize_i64 = "i64": visit_i64(1), deserialize_i128 = "i128": visit_i128(1),
        deserialize_f32 = "f32": visit_f32(1.0), deserialize_f64 = "f64": visit_f64(1.0),
        deserialize_str = "str": visit_str("1"), deserialize_string = "str": visit_str("1"),
        deserialize_bytes = "bytes": visit_bytes(b""), deserialize_byte_buf = "bytes": visit_bytes(b""),
        deserialize_unit = "()": visit_unit(), deserialize_ignored_any = "_": visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        self.trace.is_human_readable
    }

    /// What a type makes of any value is not visible.
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Untraceable> {
        self.trace.is_whole = false;
        self.enter("any")?;
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Untraceable> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Untraceable> {
        self.enter("option")?;
        self.optional(
            |this, is_empty| {
                if is_empty { visitor.visit_none() } else { visitor.visit_some(this.part(0)) }
            },
        )
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Untraceable> {
        self.enter("seq")?;
        self.optional(|this, is_empty| {
            visitor.visit_seq(Parts { tracer: this.part(0), next: 0, length: usize::from(!is_empty) })
        })
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Untraceable> {
        self.enter("map")?;
        self.optional(|this, is_empty| {
            visitor.visit_map(Parts { tracer: this.part(0), next: 0, length: usize::from(!is_empty) })
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("unit struct")?;
        self.trace.event(name);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("newtype struct")?;
        self.trace.event(name);
        self.within_named(name, |this| visitor.visit_newtype_struct(this.part(0)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("tuple")?;
        self.trace.fingerprint.write(&(length as u64).to_le_bytes());
        self.within(|this| visitor.visit_seq(Parts { tracer: this.part(0), next: 0, length }))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("tuple struct")?;
        self.trace.event(name);
        self.trace.fingerprint.write(&(length as u64).to_le_bytes());
        self.within_named(name, |this| visitor.visit_seq(Parts { tracer: this.part(0), next: 0, length }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("struct")?;
        self.trace.event(name);
        self.within_named(name, |this| this.fields(fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.enter("enum")?;
        self.trace.event(name);
        for variant in variants {
            self.trace.event(variant);
        }
        self.within_named(name, |this| {
            let is_recursion = this.trace.recursion > 0;
            let plan = this.trace.plan(this.path);
            plan.variants = variants.len();
            let chosen = if is_recursion { 0 } else { plan.variant };
            if !is_recursion {
                this.trace.enums.push(this.path);
            }
            let name = *variants.get(chosen).ok_or(Untraceable)?;
            let visited = visitor.visit_enum(Variant { tracer: this.part(chosen), name });
            if visited.is_err() && !this.trace.is_changed && !is_recursion {
                this.trace.is_whole = false;
                let plan = this.trace.plan(this.path);
                if plan.variant + 1 < plan.variants {
                    plan.variant += 1;
                    this.trace.is_changed = true;
                }
            }
            visited
        })
    }
}

/// The elements of a sequence or tuple, or the entries of a map.
struct Parts<'t> {
    tracer: Tracer<'t>,
    next: usize,
    length: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Untraceable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Untraceable> {
        if self.next == self.length {
            return Ok(None);
        }
        let element = self.next;
        self.next += 1;
        seed.deserialize(self.tracer.part(element)).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Untraceable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Untraceable> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Untraceable> {
        // No element has this number.
        seed.deserialize(self.tracer.part(usize::MAX))
    }
}

/// The fields of a struct, by name.
struct Fields<'t, 'o> {
    tracer: Tracer<'t>,
    names: &'static [&'static str],
    /// The fields that are still to be visited.
    order: &'o [usize],
    visiting: &'o mut Option<usize>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Untraceable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Untraceable> {
        let Some((field, rest)) = self.order.split_first() else { return Ok(None) };
        self.order = rest;
        *self.visiting = Some(*field);
        let name = self.names.get(*field).ok_or(Untraceable)?;
        let name: StrDeserializer<'_, Untraceable> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Untraceable> {
        let field = self.visiting.ok_or(Untraceable)?;
        seed.deserialize(self.tracer.part(field))
    }
}

/// A variant of an enum.
struct Variant<'t> {
    tracer: Tracer<'t>,
    name: &'static str,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Untraceable;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Untraceable> {
        let name: StrDeserializer<'_, Untraceable> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Untraceable;

    fn unit_variant(mut self) -> Result<(), Untraceable> {
        self.tracer.enter("unit variant")
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value, Untraceable> {
        self.tracer.enter("newtype variant")?;
        seed.deserialize(self.tracer.part(0))
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, length: usize, visitor: V) -> Result<V::Value, Untraceable> {
        self.tracer.enter("tuple variant")?;
        visitor.visit_seq(Parts { tracer: self.tracer, next: 0, length })
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Untraceable> {
        self.tracer.enter("struct variant")?;
        self.tracer.fields(fields, visitor)
    }
}

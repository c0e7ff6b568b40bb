//! [`HeapSize`](super::HeapSize) for types of other crates, each behind a feature of the crate's name.

#![allow(unused_imports, reason = "what there is depends on the features")]

use super::std_types::flat;

#[cfg(feature = "bytes")]
impl super::HeapSize for bytes::Bytes {
    /// Counts the bytes in full, also if they are a part of others.
    fn heap_size(&self) -> usize {
        self.len()
    }
}

#[cfg(feature = "uuid")]
flat! { uuid::Uuid }

#[cfg(feature = "chrono")]
flat! {
    chrono::NaiveDate, chrono::NaiveTime, chrono::NaiveDateTime, chrono::TimeDelta, chrono::Month, chrono::Weekday,
    chrono::FixedOffset, chrono::Utc, @[Zone: chrono::TimeZone] chrono::DateTime<Zone>,
}

#[cfg(feature = "jiff")]
flat! {
    jiff::Timestamp, jiff::SignedDuration, jiff::tz::Offset,
    jiff::civil::Date, jiff::civil::Time, jiff::civil::DateTime, jiff::civil::Weekday,
    // The time zone is shared by the program.
    jiff::ZonedDateTime,
}

#[cfg(feature = "ordered-float")]
flat! {
    ordered_float::OrderedFloat<f32>, ordered_float::OrderedFloat<f64>,
    ordered_float::NotNan<f32>, ordered_float::NotNan<f64>,
}

#[cfg(feature = "rust_decimal")]
flat! { rust_decimal::Decimal }

#[cfg(feature = "serde_json")]
mod json {
    use serde_json::{Map, Number, Value};
    use std::string::String;

    use super::super::HeapSize;

    impl HeapSize for Number {
        fn heap_size(&self) -> usize {
            0
        }
    }

    impl HeapSize for Map<String, Value> {
        /// The size of the tree is an estimate.
        fn heap_size(&self) -> usize {
            let entries = self.iter().map(|(key, value)| key.heap_size() + value.heap_size());
            entries.fold(self.len() * size_of::<(String, Value)>() / 2 * 3, usize::saturating_add)
        }
    }

    impl HeapSize for Value {
        fn heap_size(&self) -> usize {
            match self {
                Self::Null | Self::Bool(_) | Self::Number(_) => 0,
                Self::String(text) => text.heap_size(),
                Self::Array(items) => items.heap_size(),
                Self::Object(entries) => entries.heap_size(),
            }
        }
    }
}

//! [`Argument`](super::Argument) for plain types of other crates, each behind a feature of the crate's name.
//!
//! These types are `Hash + Eq + Clone`, and so are arguments by themselves without the feature. With it they can also be
//! behind a nested reference, next to floats, in a collection, or a `T: Argument`. They are compared by their own `Eq`
//! either way.

#[cfg(feature = "bytes")]
plain! { bytes::Bytes }

#[cfg(feature = "uuid")]
plain! { uuid::Uuid }

#[cfg(feature = "chrono")]
plain! {
    chrono::NaiveDate, chrono::NaiveTime, chrono::NaiveDateTime, chrono::TimeDelta, chrono::Month, chrono::Weekday,
    chrono::FixedOffset, chrono::Utc,
    @[Zone: chrono::TimeZone<Offset: Send + Sync> + 'static] chrono::DateTime<Zone>,
}

#[cfg(feature = "jiff")]
plain! {
    jiff::Timestamp, jiff::ZonedDateTime, jiff::SignedDuration, jiff::tz::Offset,
    jiff::civil::Date, jiff::civil::Time, jiff::civil::DateTime, jiff::civil::Weekday,
}

#[cfg(feature = "ordered-float")]
plain! {
    ordered_float::OrderedFloat<f32>, ordered_float::OrderedFloat<f64>,
    ordered_float::NotNan<f32>, ordered_float::NotNan<f64>,
}

#[cfg(feature = "rust_decimal")]
plain! { rust_decimal::Decimal }

#[cfg(feature = "serde_json")]
plain! { serde_json::Value, serde_json::Number, serde_json::Map<std::string::String, serde_json::Value> }

#[cfg(test)]
mod tests {
    #![allow(unused, reason = "without features there is nothing to test")]

    use core::fmt::Debug;
    use std::collections::BTreeMap;

    use super::super::{Argument, KeyHash};

    /// Asserts that a type can be behind a reference in a map next to a float, and is compared by its `Eq`.
    fn check<A: Argument + Clone + Debug>(one: &A, other: &A) {
        let (copy, map) = (one.clone(), |it| BTreeMap::from([(1, (Some(it), 0.5))]));
        let (one, copy, other) = (map(one), map(&copy), map(other));
        assert!(copy.eq_stored(&one.to_stored()), "{one:?}");
        assert!(!other.eq_stored(&one.to_stored()), "{one:?} {other:?}");
        assert_eq!(KeyHash::of_part(&&one), KeyHash::of_part(&&copy));
    }

    #[cfg(feature = "bytes")]
    #[test]
    fn bytes() {
        check(&bytes::Bytes::from_static(b"a"), &bytes::Bytes::from_static(b"b"));
    }

    #[cfg(feature = "uuid")]
    #[test]
    fn uuid() {
        check(&uuid::Uuid::nil(), &uuid::Uuid::max());
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono() {
        use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
        check(&NaiveDate::MIN, &NaiveDate::MAX);
        check(&TimeDelta::zero(), &TimeDelta::seconds(1));
        let start = DateTime::UNIX_EPOCH;
        check(&start, &(start + TimeDelta::seconds(1)));
        // By its `Eq`, which compares instants.
        let east = start.with_timezone(&FixedOffset::east_opt(3600).unwrap());
        assert!(east.eq_argument(&start.with_timezone(&FixedOffset::east_opt(0).unwrap())));
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn jiff() {
        check(&jiff::Timestamp::MIN, &jiff::Timestamp::MAX);
        check(&jiff::civil::Date::MIN, &jiff::civil::Date::MAX);
    }

    #[cfg(feature = "ordered-float")]
    #[test]
    fn ordered_float() {
        check(&ordered_float::OrderedFloat(1.0), &ordered_float::OrderedFloat(2.0));
        check(&ordered_float::NotNan::new(1.0).unwrap(), &ordered_float::NotNan::new(2.0).unwrap());
    }

    #[cfg(feature = "rust_decimal")]
    #[test]
    fn rust_decimal() {
        check(&rust_decimal::Decimal::ZERO, &rust_decimal::Decimal::ONE);
    }

    #[cfg(feature = "serde_json")]
    #[test]
    fn serde_json() {
        check(&serde_json::json!({"a": [1, 2.5]}), &serde_json::json!({"a": [1, 2.25]}));
    }
}

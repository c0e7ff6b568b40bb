//! Types of different shapes have different fingerprints.

#![allow(dead_code, reason = "the types are traced only")]

use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::string::String;
use std::vec::Vec;

use serde::Deserialize;
use serde::de::Error as _;

use super::*;

fn fingerprint<T: DeserializeOwned>() -> u64 {
    Shape::of::<T>(false).fingerprint
}

fn is_whole<T: DeserializeOwned>() -> bool {
    trace::<T>(false).1
}

/// Checks that these types have different fingerprints.
macro_rules! differ {
    ($($type:ty),* $(,)?) => {{
        let all = [$((fingerprint::<$type>(), stringify!($type))),*];
        for (number, (one, name)) in all.iter().enumerate() {
            assert_ne!(*one, NOT_STATED);
            for (other, other_name) in &all[..number] {
                assert_ne!(one, other, "{name} and {other_name} have the same fingerprint");
            }
        }
    }};
}

/// Defines a type of this name in a module.
macro_rules! releases {
    ($($release:ident { $($item:tt)* })*) => { $(
        mod $release {
            use super::*;
            #[derive(Deserialize)]
            $($item)*
        }
    )* };
}

#[test]
fn primitives_and_containers_differ() {
    differ! {
        u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64, bool, char, String, (), Option<u8>, Vec<u8>,
        Vec<Option<u8>>, Option<Vec<u8>>, (u8,), (u8, u8), [u8; 3], BTreeMap<u8, u16>, BTreeMap<u16, u8>,
        HashMap<String, Vec<u8>>, HashMap<String, Vec<u16>>, Result<u8, u16>, Result<u16, u8>,
        Result<(u8, Result<u8, u16>), u8>, Result<(u8, Result<u8, u32>), u8>,
    }
    assert_eq!(fingerprint::<u64>(), fingerprint::<usize>());
    assert_eq!(fingerprint::<String>(), fingerprint::<Box<str>>());
}

#[test]
fn a_change_of_a_struct_or_an_enum_is_another_shape() {
    releases! {
        a { pub(super) struct Account { balance: u64, limit: u64 } }
        swapped { pub(super) struct Account { limit: u64, balance: u64 } }
        renamed { pub(super) struct Account { balance: u64, maximum: u64 } }
        signed { pub(super) struct Account { balance: i64, limit: u64 } }
        signed_too { pub(super) struct Account { balance: u64, limit: i64 } }
        more { pub(super) struct Account { balance: u64, limit: u64, more: Option<u8> } }
        more_of { pub(super) struct Account { balance: u64, limit: u64, more: Option<u16> } }
        b { pub(super) enum State { Paid, Refunded } }
        b_added { pub(super) enum State { Paid, Open, Refunded } }
        b_swapped { pub(super) enum State { Refunded, Paid } }
        c { pub(super) enum State { Paid(u8), Refunded { at: u64 } } }
        c_first { pub(super) enum State { Paid(u16), Refunded { at: u64 } } }
        c_last { pub(super) enum State { Paid(u8), Refunded { at: i64 } } }
        c_tuple { pub(super) enum State { Paid(u8, u8), Refunded { at: i64 } } }
        d { pub(super) struct Id(u64); }
        d_more { pub(super) struct Id(u64, u64); }
        same { pub(super) struct Account { balance: u64, limit: u64 } }
    }
    differ! {
        a::Account, swapped::Account, renamed::Account, signed::Account, signed_too::Account, more::Account,
        more_of::Account, b::State, b_added::State, b_swapped::State, c::State, c_first::State, c_last::State,
        c_tuple::State, d::Id, d_more::Id, Vec<a::Account>, Vec<swapped::Account>, Option<(u8, c::State)>,
        Option<(u8, c_last::State)>, (c::State, c_last::State), (c_last::State, c::State)
    }
    assert_eq!(fingerprint::<a::Account>(), fingerprint::<same::Account>());
    assert!(is_whole::<more::Account>() && is_whole::<c::State>() && is_whole::<(c::State, Vec<b::State>)>());
}

/// A type that refuses each invented value, as a date does.
struct Date;

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() == 10 { Ok(Self) } else { Err(D::Error::custom("no date")) }
    }
}

#[test]
fn what_follows_a_value_that_refuses_is_traced() {
    releases! {
        a { pub(super) struct Order { at: Date, total: u64, paid: Option<Date>, count: u32 } }
        total { pub(super) struct Order { at: Date, total: i64, paid: Option<Date>, count: u32 } }
        count { pub(super) struct Order { at: Date, total: u64, paid: Option<Date>, count: i32 } }
        aliased { pub(super) struct Order { #[serde(alias = "when")] at: u8, total: u64 } }
        aliased_total { pub(super) struct Order { #[serde(alias = "when")] at: u8, total: i64 } }
        event { pub(super) enum Event { At(Date), Paid(u8), Refunded(Date, u8) } }
        event_paid { pub(super) enum Event { At(Date), Paid(i8), Refunded(Date, u8) } }
        within { pub(super) struct Log<E> { event: E, count: u32 } }
        within_count { pub(super) struct Log<E> { event: E, count: i32 } }
    }
    differ! {
        a::Order, total::Order, count::Order, aliased::Order, aliased_total::Order, event::Event, event_paid::Event,
        within::Log<event::Event>, within_count::Log<event::Event>, within::Log<event_paid::Event>, Vec<a::Order>, Vec<count::Order>, Date, (Date, u64),
        (Date, i64)
    }
    assert!(!is_whole::<Date>() && !is_whole::<a::Order>());
}

#[test]
fn a_type_that_contains_itself_is_traced_once() {
    #[derive(Deserialize)]
    struct Tree {
        left: Option<Box<Tree>>,
        right: Option<Box<Tree>>,
        children: Vec<Tree>,
        value: u64,
    }
    #[derive(Deserialize)]
    enum Term {
        Sum(Box<Term>, Box<Term>),
        Number(i64),
        Call { name: String, arguments: Vec<Term> },
    }
    #[derive(Deserialize)]
    struct Endless(Box<Endless>);
    differ! { Tree, Term, Endless, Vec<Tree> }
    assert_eq!(fingerprint::<Tree>(), fingerprint::<Tree>());
}

#[test]
fn a_type_of_any_value_is_told_by_its_name() {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Name(String),
    }
    #[derive(Deserialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, u64>,
    }
    differ! { Id, Flat, Vec<Id>, (Id, u8) }
    assert!(!is_whole::<Id>() && !is_whole::<Flat>());
}

#[test]
fn a_type_that_panics_is_no_panic_of_the_call() {
    struct Fussy;
    impl<'de> Deserialize<'de> for Fussy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            assert_eq!(u32::deserialize(deserializer)?, 7, "a panic on purpose");
            Ok(Self)
        }
    }
    differ! { Fussy, (u8, Fussy) }
}

#[test]
fn fingerprints_are_the_same_everywhere() {
    #[derive(Deserialize)]
    struct Account {
        balance: u64,
        limit: Option<u64>,
    }
    assert_eq!(fingerprint::<u64>(), 13_825_107_360_332_770_614);
    assert_eq!(fingerprint::<Account>(), 2_908_427_927_060_083_353);
}

#[test]
fn a_cache_tells_types_apart() {
    static CACHE: ShapeCache = ShapeCache::new();
    for _ in 0..2 {
        assert_eq!(CACHE.of::<u8>(false).fingerprint, fingerprint::<u8>());
        assert_eq!(CACHE.of::<Vec<u8>>(false).fingerprint, fingerprint::<Vec<u8>>());
        assert_eq!(CACHE.of::<Vec<u16>>(false).fingerprint, fingerprint::<Vec<u16>>());
    }
}

#[test]
fn types_of_the_standard_library_are_known_by_name() {
    struct Own;
    for name in [
        type_name::<Vec<Option<(u8, &str, [f64; 4])>>>(),
        type_name::<HashMap<String, Result<Box<str>, ()>>>(),
        type_name::<std::time::Duration>(),
    ] {
        assert!(is_standard(name), "{name}");
    }
    for name in [type_name::<Own>(), type_name::<Vec<Option<Own>>>(), "stdlib::Own", "Own"] {
        assert!(!is_standard(name), "{name}");
    }
}

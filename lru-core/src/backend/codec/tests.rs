//! What is sealed is read back as itself, or not at all.

use std::borrow::ToOwned;
use std::collections::{HashMap, HashSet};
use std::string::{String, ToString};
use std::vec;

use serde::{Deserialize, Serialize};

use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn entry<T: DeserializeOwned>(format: Format) -> Entry<'static, T> {
    Entry::new(format, &ShapeCache::new(), "shop::price", b"key")
}

fn found<T>(opened: Opened<T>) -> Option<(T, Option<Duration>)> {
    match opened {
        Opened::Found(value, times) => Some((value, times.fresh)),
        Opened::Stale(..) | Opened::Missing | Opened::Damaged(_) => None,
    }
}

#[test]
fn a_result_is_fresh_until_its_stale_window_begins() {
    let entry = entry::<u32>(Format::Compact);
    let times = (Some(SECONDS(10)), Some(SECONDS(4)));
    let bytes = entry.seal(&7, times, at(100)).unwrap();
    let open = |ttl, now| match entry.open(&Stored::new(&bytes[..]).ttl(ttl), || at(now)) {
        Opened::Found(value, times) => Some((value, times.fresh)),
        Opened::Stale(value, past, left) => {
            assert_eq!(past + left, SECONDS(4));
            Some((value, None))
        }
        Opened::Missing | Opened::Damaged(_) => None,
    };
    // By the time that the backend tells, whatever the clock says.
    assert_eq!(open(Some(SECONDS(10)), 500), Some((7, Some(SECONDS(6)))));
    assert_eq!(open(Some(SECONDS(5)), 500), Some((7, Some(SECONDS(1)))));
    assert_eq!(open(Some(SECONDS(4)), 100), Some((7, None)));
    // By the clock.
    assert_eq!(open(None, 100), Some((7, Some(SECONDS(6)))));
    assert_eq!(open(None, 106), Some((7, None)));
    assert_eq!(open(None, 109), Some((7, None)));
    assert_eq!(open(None, 110), None);
}

#[test]
fn what_is_sealed_is_good_until_its_time() {
    let entry = entry::<String>(Format::Compact);
    let bytes = entry.seal(&"text".to_owned(), (Some(SECONDS(5)), None), at(100)).unwrap();
    let open = |now: u64, ttl| found(entry.open(&Stored::new(&bytes[..]).ttl(ttl), || at(now)));
    let text = || "text".to_owned();
    assert_eq!(open(100, None), Some((text(), Some(SECONDS(5)))));
    assert_eq!(open(104, None), Some((text(), Some(SECONDS(1)))));
    assert_eq!(open(105, None), None);
    // Where the backend tells the time, clocks that differ make no difference.
    assert_eq!(open(1000, Some(SECONDS(3))), Some((text(), Some(SECONDS(3)))));
    assert_eq!(open(1, Some(SECONDS(3))), Some((text(), Some(SECONDS(3)))));
}

#[test]
fn no_clock_is_asked_where_the_backend_says_that_an_entry_is_unexpired() {
    let entry = entry::<u32>(Format::Compact);
    let seal = |window| Stored::new(entry.seal(&7, (Some(SECONDS(5)), window), at(100)).unwrap());
    assert_eq!(found(entry.open(&seal(None), || at(1000))), None);
    assert_eq!(found(entry.open(&seal(None).unexpired(), || at(1000))), Some((7, None)));
    // Only with the time left is it known whether the result is stale.
    assert_eq!(found(entry.open(&seal(Some(SECONDS(2))).unexpired(), || at(1000))), None);
    assert_eq!(
        found(entry.open(&seal(Some(SECONDS(2))).unexpired(), || at(101))),
        Some((7, Some(SECONDS(2))))
    );
}

#[test]
fn what_has_no_time_is_good_for_ever() {
    let entry = entry::<u32>(Format::Compact);
    let bytes = entry.seal(&7, (None, None), at(100)).unwrap();
    assert_eq!(found(entry.open(&Stored::new(&bytes[..]), || at(1 << 33))), Some((7, None)));
}

#[test]
fn less_than_a_millisecond_is_one() {
    let entry = entry::<u32>(Format::Compact);
    let bytes = entry.seal(&7, (Some(Duration::from_nanos(1)), None), at(100)).unwrap();
    let opened = found(entry.open(&Stored::new(&bytes[..]), || at(100)));
    assert_eq!(opened, Some((7, Some(Duration::from_millis(1)))));
}

#[test]
fn damaged_bytes_are_an_error_and_foreign_ones_are_not() {
    let entry = entry::<(String, u32)>(Format::Compact);
    let bytes = entry.seal(&("text".to_owned(), 300), (Some(SECONDS(9)), None), at(100)).unwrap();
    let open = |bytes: &[u8]| entry.open(&Stored::new(bytes), || at(100));
    for length in 0..bytes.len() {
        let opened = open(&bytes[..length]);
        assert_eq!(matches!(opened, Opened::Damaged(_)), length >= 2, "{length} bytes of it");
        assert!(found(opened).is_none(), "{length} bytes of it");
    }
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = open(&flipped);
        assert_eq!(matches!(opened, Opened::Damaged(_)), bit >= 16, "bit {bit}");
        assert!(found(opened).is_none(), "bit {bit}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(open(&longer), Opened::Damaged(error) if error.kind() == ErrorKind::Protocol));
    for foreign in [b"text", &b""[..], b"\xF7\x01........text", b"\xF7\0deleted", b"\xF7M", &[0xFF; 64]] {
        assert!(matches!(open(foreign), Opened::Missing));
    }
}

#[test]
fn an_entry_that_was_moved_is_damaged() {
    let entry = entry::<u32>(Format::Compact);
    let bytes = entry.seal(&7, (None, None), at(100)).unwrap();
    for moved in [
        Place { namespace: "shop::prices", ..entry.place },
        Place { key: b"", ..entry.place },
        Place { namespace: "shop::pricek", key: b"ey" },
    ] {
        let moved = Entry { place: moved, ..entry };
        assert!(matches!(moved.open(&Stored::new(&bytes[..]), || at(100)), Opened::Damaged(_)));
    }
}

#[test]
fn a_result_of_another_type_is_missing() {
    mod before {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(super) struct Account {
            pub(super) balance: u64,
            pub(super) limit: u64,
        }
    }
    mod after {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub(super) struct Account {
            pub(super) limit: u64,
            pub(super) balance: u64,
        }
    }
    let bytes = entry::<before::Account>(Format::Compact)
        .seal(&before::Account { balance: 1, limit: 2 }, (None, None), at(100))
        .unwrap();
    let opened = entry::<after::Account>(Format::Compact).open(&Stored::new(&bytes[..]), || at(100));
    assert!(matches!(opened, Opened::Missing));
    _ = (after::Account { limit: 1, balance: 1 }, before::Account { balance: 1, limit: 2 }.limit);
    let bytes = entry::<u64>(Format::Compact).seal(&1000, (None, None), at(100)).unwrap();
    assert!(matches!(
        entry::<i64>(Format::Compact).open(&Stored::new(&bytes[..]), || at(100)),
        Opened::Missing
    ));
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Serialize, Deserialize)]
struct Attempts {
    #[serde(skip_serializing_if = "is_zero", default)]
    retries: u32,
    total: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum State {
    Open,
    #[serde(skip)]
    #[allow(dead_code, reason = "it shifts the number of the next variant")]
    Hidden,
    Paid(u8),
    Refunded,
}

#[derive(Serialize, Deserialize)]
enum Moved {
    #[serde(skip_serializing)]
    #[allow(dead_code, reason = "it shifts the number of the next variant")]
    Hidden,
    #[serde(skip_deserializing)]
    Draft,
    Paid,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Id {
    Small(u8),
    Number(u64),
    Name(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Figure {
    Circle { radius: u32 },
}

#[derive(Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    rest: HashMap<String, u32>,
}

/// Seals a value; if that succeeds, it must be read back as itself.
fn sealed<T: Serialize + DeserializeOwned>(value: &T, format: Format) -> Result<(), String> {
    let entry = entry::<T>(format);
    let bytes = entry.seal(value, (None, None), at(100)).map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::Serialization);
        error.to_string()
    })?;
    let (read, _) = found(entry.open(&Stored::new(&bytes[..]), || at(100))).unwrap();
    assert_eq!(encoder::digest(&read, true).unwrap(), encoder::digest(value, true).unwrap());
    Ok(())
}

#[test]
fn a_result_that_would_be_read_back_as_another_one_is_refused() {
    let compact = |value| sealed::<Attempts>(&value, Format::Compact);
    let note = || Some("late".to_owned());
    assert_eq!(compact(Attempts { retries: 1, total: 200, note: note() }), Ok(()));
    for value in [
        Attempts { retries: 0, total: 200, note: note() },
        Attempts { retries: 1, total: 200, note: None },
        Attempts { retries: 0, total: 1, note: None },
    ] {
        let error = compact(value).unwrap_err();
        assert!(error.contains("codec::tests::Attempts` cannot be stored as `compact`: it "), "{error}");
    }
    assert_eq!(sealed(&State::Open, Format::Compact), Ok(()));
    // The numbers of variants: serialized by position, read by position among those that can be read.
    for state in [State::Paid(1), State::Refunded] {
        _ = sealed(&state, Format::Compact);
    }
    for moved in [Moved::Draft, Moved::Paid] {
        assert!(sealed(&moved, Format::Compact).is_err());
    }
    for id in [Id::Small(1), Id::Number(1), Id::Name("1".into())] {
        let error = sealed(&id, Format::Compact).unwrap_err();
        assert!(error.contains("could not be read back"), "{error}");
    }
    assert!(sealed(&Figure::Circle { radius: 1 }, Format::Compact).is_err());
    assert!(sealed(&Flat { rest: HashMap::from([("a".into(), 1)]) }, Format::Compact).is_err());
    assert!(sealed(&vec![Attempts { retries: 0, total: 1, note: note() }], Format::Compact).is_err());
}

#[test]
fn sets_and_maps_are_read_back_in_another_order() {
    #[derive(Serialize, Deserialize)]
    struct Own {
        set: HashSet<u32>,
        map: HashMap<String, Vec<f64>>,
    }
    let map = (0..100).map(|n: i32| (n.to_string(), vec![n.into(), f64::NAN, -0.0])).collect();
    assert_eq!(sealed(&Own { set: (0..100).collect(), map }, Format::Compact), Ok(()));
}

#[cfg(feature = "json")]
mod json {
    use super::*;

    #[test]
    fn what_is_in_one_format_is_nothing_in_another() {
        let json = entry::<u32>(Format::Json);
        let bytes = json.seal(&7, (None, None), at(100)).unwrap();
        assert!(bytes.ends_with(b"7"));
        assert_eq!(found(json.open(&Stored::new(&bytes[..]), || at(100))), Some((7, None)));
        let compact = entry::<u32>(Format::Compact);
        assert!(matches!(compact.open(&Stored::new(&bytes[..]), || at(100)), Opened::Missing));
        assert_eq!(key(&("a", 1), Format::Json).unwrap(), b"[\"a\",1]");
    }

    #[test]
    fn json_gives_back_what_it_was_given_or_nothing() {
        let entry = entry::<f64>(Format::Json);
        let back = |x: f64| {
            let bytes = entry.seal(&x, (None, None), at(100)).ok()?;
            found(entry.open(&Stored::new(&bytes[..]), || at(100))).map(|(x, _)| x.to_bits())
        };
        for n in 0..10_000_u64 {
            let x = f64::from_bits(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            assert_eq!(back(x), x.is_finite().then_some(x.to_bits()));
        }
        assert_eq!(back(-0.0), Some((-0.0_f64).to_bits()));
        assert!(sealed(&Some(None::<u8>), Format::Json).is_err());
        assert_ne!(key(&None::<u8>, Format::Json).ok(), key(&Some(None::<u8>), Format::Json).ok());
    }

    #[test]
    fn json_reads_attributes_by_name() {
        let json = |value| sealed::<Attempts>(&value, Format::Json);
        assert_eq!(json(Attempts { retries: 0, total: 200, note: None }), Ok(()));
        assert_eq!(sealed(&Figure::Circle { radius: 1 }, Format::Json), Ok(()));
        assert_eq!(sealed(&Flat { rest: HashMap::from([("a".into(), 1)]) }, Format::Json), Ok(()));
        assert_eq!(sealed(&Id::Name("1".into()), Format::Json), Ok(()));
        assert_eq!(sealed(&Id::Number(300), Format::Json), Ok(()));
        // It would be read as `Small`.
        assert!(sealed(&Id::Number(1), Format::Json).is_err());
    }

    /// The test vector of `docs/format.md`, and its program in Python.
    #[test]
    fn values_are_as_they_are_specified() {
        let place = Place { namespace: "shop.price", key: b"[7]" };
        let entry = Entry { place, ..entry::<f64>(Format::Json) };
        let mut value = vec![0xF7, 3, 2, 0, 0x84, 0xBD, 0x9D, 0x96];
        value.extend([0; 16]);
        value.extend(b"19.5");
        assert_eq!(found(entry.open(&Stored::new(&value[..]), || at(100))), Some((19.5, None)));
        let unstated = Entry { shape: Shape { fingerprint: NOT_STATED, ..entry.shape }, ..entry };
        assert_eq!(unstated.seal(&19.5, (None, None), at(100)).unwrap(), value);
    }

    #[test]
    fn an_entry_of_another_program_need_not_state_its_shape() {
        let unstated = |format| {
            let entry = entry::<u32>(format);
            let shape = Shape { fingerprint: NOT_STATED, ..entry.shape };
            let bytes = Entry { shape, ..entry }.seal(&7, (None, None), at(100)).unwrap();
            found(entry.open(&Stored::new(&bytes[..]), || at(100)))
        };
        assert_eq!(unstated(Format::Json), Some((7, None)));
        assert_eq!(unstated(Format::Compact), None);
    }
}

//! Arguments that serde describes differently have different keys.

use std::collections::{BTreeMap, HashMap};
use std::vec;

use super::*;

fn key<T: Serialize>(value: T) -> Vec<u8> {
    encoded(&(value,)).unwrap()
}

/// Checks that all values have different keys.
fn differ(keys: &[Vec<u8>]) {
    for (number, key) in keys.iter().enumerate() {
        assert!(!keys[..number].contains(key), "{key:02x?} is the key of two values");
    }
}

#[derive(Serialize)]
struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Name(String),
    Small(u8),
    Letter(char),
    Pair(u8, u8),
    List(Vec<u8>),
    Nothing,
    Named { id: u64 },
    Renamed { key: u64 },
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    Circle { radius: u32 },
    Square { side: u32 },
}

#[derive(Serialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent {
    A(u32),
    B(u32),
}

#[derive(Serialize)]
struct Flat {
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    last: Vec<u32>,
}

#[test]
fn what_serde_leaves_out_distinguishes_keys() {
    let range = |min, max| key(Range { min, max });
    differ(&[range(Some(5), None), range(None, Some(5)), range(None, None), range(Some(5), Some(5))]);
    differ(&[
        key(Id::Number(0)),
        key(Id::Name(String::new())),
        key(Id::Small(0)),
        key(Id::Letter('\0')),
        key(Id::Pair(0, 0)),
        key(Id::List(vec![0, 0])),
        key(Id::List(vec![])),
        key(Id::Nothing),
        key(Id::Named { id: 0 }),
        key(Id::Renamed { key: 0 }),
    ]);
    differ(&[key(Tagged::Circle { radius: 2 }), key(Tagged::Square { side: 2 })]);
    differ(&[key(Adjacent::A(2)), key(Adjacent::B(2))]);
    let flat = |names: &[&str], last| {
        key(Flat { rest: names.iter().map(|name| ((*name).into(), 1)).collect(), last })
    };
    differ(&[flat(&["a"], vec![]), flat(&["b"], vec![]), flat(&[], vec![1]), flat(&["a"], vec![1])]);
}

#[test]
fn values_next_to_each_other_keep_apart() {
    let key = |value: &dyn Fn() -> Vec<u8>| value();
    differ(&[
        key(&|| encoded(&("ab", "c")).unwrap()),
        key(&|| encoded(&("a", "bc")).unwrap()),
        key(&|| encoded(&(vec!["a"], vec!["b", "c"])).unwrap()),
        key(&|| encoded(&(vec!["a", "b"], vec!["c"])).unwrap()),
        key(&|| encoded(&(Some(None::<u8>), ())).unwrap()),
        key(&|| encoded(&(None::<Option<u8>>, ())).unwrap()),
        key(&|| encoded(&(1_u8, 2_u8)).unwrap()),
        key(&|| encoded(&((1_u8,), 2_u8)).unwrap()),
        key(&|| encoded(&(1_i8, 2_u8)).unwrap()),
        key(&|| encoded(&(0x0201_u16,)).unwrap()),
    ]);
}

#[test]
fn numbers_have_one_key_each() {
    differ(&[0, 1, 127, 128, 16_384, u64::MAX].map(key));
    differ(&[0, 1, -1, i128::MAX, i128::MIN, 1 << 64].map(key));
    differ(&[0, 1, u128::MAX, 1 << 127].map(key));
    differ(&[0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE].map(key));
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ (1 << 63) ^ 1);
    assert!(other_nan.is_nan());
    assert_eq!(key(f64::NAN), key(other_nan), "as in the cache of the process");
    assert_eq!(key(f32::NAN), key(-f32::NAN));
}

#[test]
fn keys_are_as_they_are_specified() {
    assert_eq!(key(5_u64), [0x3A, 0x13, 5, 0]);
    assert_eq!(key(-2_i32), [0x3A, 0x1A, 3, 0]);
    assert_eq!(key(300_u16), [0x3A, 0x11, 0xAC, 2, 0]);
    assert_eq!(key("Ada"), *b"\x3A\x29\x03Ada\0");
    assert_eq!(key(Some(true)), [0x3A, 0x31, 2, 0]);
    assert_eq!(key(1.5_f32), [0x3A, 0x20, 0, 0, 0xC0, 0x3F, 0]);
    assert_eq!(key([1_u8].as_slice()), [0x3A, 0x39, 0x10, 1, 0, 0]);
    assert_eq!(key(Range { min: Some(5), max: None }), *b"\x3A\x43\x05Range\x50\x03min\x31\x12\x05\0\0");
    assert_eq!(key(Err::<(), _>('a')), *b"\x3A\x49\x06Result\x03Err\x28\x61\0");
}

#[test]
fn a_value_that_refuses_says_why() {
    use std::path::Path;
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"\xFF"));
        assert_eq!(encoded(path).unwrap_err().to_string(), "path contains invalid UTF-8 characters");
    }
    assert!(encoded(Path::new("a")).is_ok());
}

#[test]
fn digests_are_those_of_values_whatever_the_order_of_a_map() {
    let one: HashMap<u32, Option<&str>> = (0..100).map(|n| (n, (n % 2 == 0).then_some("even"))).collect();
    let other: HashMap<u32, Option<&str>> = one.iter().map(|(n, text)| (*n, *text)).collect();
    let digest = |map: &HashMap<u32, Option<&str>>| digest(map, false).unwrap();
    assert_eq!(digest(&one), digest(&other));
    let mut another = other.clone();
    another.insert(7, Some("odd"));
    assert_ne!(digest(&one), digest(&another));
    // A key belongs to its value.
    let (a, b) = (HashMap::from([(1, Some("a")), (2, None)]), HashMap::from([(1, None), (2, Some("a"))]));
    assert_ne!(digest(&a), digest(&b));
}

//! Which types can be arguments, and which argument lists are the same key.

use crate::support::counts;
use functools::cache;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Asserts that the argument lists are different keys: each misses once, and hits when the call is repeated.
///
/// `apart!(|name: Type| [(args), (args)])` also defines the function that is called.
macro_rules! apart {
    (|$($param:ident: $type:ty),+| [$(($($arg:expr),+ $(,)?)),+ $(,)?]) => {{
        #[cache]
        fn f($($param: $type),+) -> usize {
            let _ = ($($param),+);
            RUNS.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        }
        static RUNS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

        let first = [$(f($($arg),+)),+];
        let n = first.len();
        let signature = stringify!($($type),+);
        assert!(first.iter().copied().eq(0..n), "{signature}: {first:?}: every first call is a miss");
        assert_eq!([$(f($($arg),+)),+], first, "{signature}: every second call is a hit");
        assert!([$(f::cache_contains($($arg),+)),+].iter().all(|there| *there), "{signature}");
        assert_eq!([$(f::cache_peek($($arg),+)),+], first.map(Some), "{signature}");
        assert_eq!(counts(f::cache_info()), (n as u64, n as u64, None, n), "{signature}");
        assert!([$(f::cache_invalidate($($arg),+)),+].iter().all(|there| *there), "{signature}");
        assert_eq!(f::cache_info().currsize, 0, "{signature}");
    }};
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct User {
    name: String,
    id: u32,
}

fn user(name: &str, id: u32) -> User {
    User { name: name.into(), id }
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Shape {
    Dot,
    Circle(u32),
    Box { width: u32, height: u32 },
}

// ---- Numbers and letters

#[test]
fn integers_by_value() {
    apart!(|n: u8| [(0), (1), (255)]);
    apart!(|n: i64| [(0), (-1), (i64::MIN), (i64::MAX)]);
    apart!(|n: u128| [(0), (1), (1 << 64), (u128::MAX)]);
    apart!(|n: i128| [(0), (-1), (i128::MIN)]);
    apart!(|n: usize, m: isize| [(0, 0), (0, 1), (1, 0), (1, -1)]);
    apart!(|n: NonZeroU32| [(NonZeroU32::MIN), (NonZeroU32::MAX)]);
}

#[test]
fn bools_and_chars_by_value() {
    apart!(|b: bool| [(true), (false)]);
    apart!(|c: char| [('a'), ('A'), ('\0'), ('é'), ('\u{10ffff}')]);
}

#[test]
fn floats_by_bits() {
    apart!(|x: f64| [(0.0), (-0.0), (0.1 + 0.2), (0.3), (f64::INFINITY), (f64::NEG_INFINITY), (f64::NAN)]);
    apart!(|x: f32| [(0.0), (-0.0), (1.5), (f32::MIN_POSITIVE), (f32::NAN)]);
    apart!(|x: &f64, y: &&f32| [(&0.0, &&0.0), (&-0.0, &&0.0), (&0.0, &&-0.0)]);
}

#[test]
fn every_nan_is_one_nan() {
    #[cache]
    fn f(x: f64) -> bool {
        x.is_nan()
    }
    #[cache]
    fn slice(x: &[f32]) -> bool {
        x[0].is_nan()
    }

    let nans =
        [f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_0001), f64::from_bits(0xfff0_0000_0000_0001)];
    assert!(nans.iter().all(|x| f(*x)));
    assert_eq!(counts(f::cache_info()), (3, 1, None, 1));
    let nans = [f32::NAN, -f32::NAN, f32::from_bits(0x7fc0_0001), f32::from_bits(0xff80_0001)];
    assert!(nans.iter().all(|x| slice(&[*x])));
    assert_eq!(counts(slice::cache_info()), (3, 1, None, 1));
}

#[test]
fn the_zeros_get_the_answers_of_the_plain_function() {
    #[cache]
    fn inverse(x: f64) -> f64 {
        1.0 / x
    }

    for _ in 0..2 {
        assert!(inverse(0.0) > 0.0 && inverse(-0.0) < 0.0);
    }
    assert_eq!(counts(inverse::cache_info()), (2, 2, None, 2));
}

// ---- Text and paths

#[test]
fn strings_by_content() {
    apart!(|s: &str| [(""), ("a"), ("A"), (&String::from("aa")), (&"é".repeat(3))]);
    apart!(|s: String| [(String::new()), ("a".into()), ("aa".to_owned())]);
    apart!(|s: &String| [(&String::new()), (&"a".into())]);
    apart!(|s: &&str| [(&""), (&"a")]);
    apart!(|s: &'static str| [(""), ("a")]);
    apart!(|s: Box<str>| [("".into()), ("a".into())]);
    apart!(|s: Arc<str>| [("".into()), ("a".into())]);
    apart!(|s: &Arc<str>| [(&"".into()), (&"a".into())]);
    apart!(|s: Cow<'_, str>| [("".into()), ("a".into()), (String::from("aa").into())]);
    apart!(|s: &[u8]| [(b""), (b"a"), (b"a\0"), (&[97, 97])]);
}

#[test]
fn cow_is_what_it_holds() {
    #[cache]
    fn f(text: Cow<'_, str>) -> usize {
        text.len()
    }

    assert_eq!([f(Cow::Borrowed("abc")), f(Cow::Owned("abc".into()))], [3, 3]);
    assert_eq!(counts(f::cache_info()), (1, 1, None, 1));
}

#[test]
fn neighbouring_strings_do_not_run_together() {
    apart!(|a: &str, b: &str| [
        ("a|b", "c"),
        ("a", "b|c"),
        ("ab", "c"),
        ("a", "bc"),
        ("abc", ""),
        ("", "abc")
    ]);
    apart!(|a: &[u8], b: &[u8]| [(b"ab", b"c"), (b"a", b"bc"), (b"", b"abc")]);
    apart!(|words: &[&str]| [
        (&[]),
        (&[""]),
        (&["", ""]),
        (&["ab"]),
        (&["a", "b"]),
        (&["a|b"]),
        (&["a", "", "b"])
    ]);
    apart!(|a: &[f64], b: &[f64]| [(&[1.0], &[2.0]), (&[1.0, 2.0], &[]), (&[], &[1.0, 2.0])]);
    apart!(|rows: &[Vec<u8>]| [
        (&[vec![1], vec![2]]),
        (&[vec![1, 2], vec![]]),
        (&[vec![], vec![1, 2]]),
        (&[vec![1, 2]])
    ]);
}

#[test]
fn paths_letter_by_letter() {
    apart!(|path: &Path| [
        (Path::new("")),
        (Path::new("a/b")),
        (Path::new("a//b")),
        (Path::new("a/b/")),
        (Path::new("/a/b"))
    ]);
    apart!(|path: PathBuf| [("a".into()), (Path::new("a").join("b"))]);
    apart!(|path: &PathBuf, base: Option<&Path>| [
        (&"a".into(), None),
        (&"a".into(), Some(Path::new(""))),
        (&"a".into(), Some(Path::new("b"))),
    ]);
    apart!(|name: &OsStr, owned: OsString| [(OsStr::new("a"), "b".into()), (OsStr::new("b"), "a".into())]);
    // A function can distinguish these paths, although `==` does not.
    assert_eq!(Path::new("a/b"), Path::new("a//b"));
}

// ---- Containers, to any depth

#[test]
fn options_by_content() {
    apart!(|x: Option<u32>| [(None), (Some(0)), (Some(1))]);
    apart!(|x: Option<f64>| [(None), (Some(0.0)), (Some(-0.0)), (Some(f64::NAN))]);
    apart!(|x: Option<&str>| [(None), (Some("")), (Some("a"))]);
    apart!(|x: Option<&String>| [(None), (Some(&String::new())), (Some(&"a".into()))]);
    apart!(|x: Option<Option<()>>| [(None), (Some(None)), (Some(Some(())))]);
    apart!(|x: Option<(&str, f64)>| [(None), (Some(("", 0.0))), (Some(("", -0.0))), (Some(("a", 0.0)))]);
    apart!(|x: Option<&(&str, f64)>, y: &Option<&[f64]>| [
        (None, &None),
        (Some(&("", 0.0)), &None),
        (None, &Some(&[]))
    ]);
    apart!(|x: Option<&[&str]>| [(None), (Some(&[])), (Some(&[""])), (Some(&["a", "b"]))]);
}

#[test]
fn slices_and_vecs_by_content() {
    apart!(|x: &[f64]| [(&[]), (&[0.0]), (&[-0.0]), (&[0.0, 0.0]), (&[f64::NAN, 1.0])]);
    apart!(|x: &[f32]| [(&[]), (&[0.5]), (&[0.5; 3])]);
    apart!(|x: &[u64]| [(&[]), (&[1, 2]), (&[2, 1]), (&[1, 2, 0])]);
    apart!(|x: &[bool], y: &[char]| [(&[true], &[]), (&[false], &[]), (&[], &['a'])]);
    apart!(|x: Vec<String>| [
        (vec![]),
        (vec![String::new()]),
        (vec!["ab".into()]),
        (vec!["a".into(), "b".into()])
    ]);
    apart!(|x: &Vec<f64>| [(&vec![]), (&vec![1.0])]);
    apart!(|x: &[String], y: Vec<&str>| [(&["a".into()], vec![]), (&[], vec!["a"])]);
    apart!(|x: &[Option<&str>]| [(&[]), (&[None]), (&[Some("")]), (&[None, Some("a")])]);
    apart!(|x: &[(f64, &str)]| [(&[]), (&[(0.0, "a")]), (&[(-0.0, "a")]), (&[(0.0, "b")])]);
    apart!(|x: &[&[f64]]| [(&[]), (&[&[]]), (&[&[1.0], &[2.0]]), (&[&[1.0, 2.0]])]);
    apart!(|x: &[Vec<Vec<f64>>]| [(&[]), (&[vec![]]), (&[vec![vec![]]]), (&[vec![vec![1.0]]])]);
    apart!(|x: Box<[f64]>, y: Arc<[f64]>| [([1.0].into(), [].into()), ([].into(), [1.0].into())]);
    apart!(|x: Arc<[&'static str]>, y: Box<f64>| [(["a"].into(), 0.0.into()), ([].into(), (-0.0).into())]);
    apart!(|x: Arc<Vec<Box<f32>>>| [(vec![].into()), (vec![Box::new(1.0)].into())]);
}

#[test]
fn arrays_by_content() {
    apart!(|x: [u8; 3]| [([1, 2, 3]), ([3, 2, 1])]);
    apart!(|x: [f64; 2]| [([0.0, 1.0]), ([-0.0, 1.0]), ([1.0, 0.0])]);
    apart!(|x: &[f32; 2], y: [&str; 2]| [(&[0.0, 1.0], ["a", "bc"]), (&[0.0, 1.0], ["ab", "c"])]);
    apart!(|x: [[f64; 2]; 2]| [([[1.0, 2.0], [3.0, 4.0]]), ([[1.0, 2.0], [4.0, 3.0]])]);
    apart!(|x: [u32; 0], y: [f64; 40]| [([], [0.0; 40]), ([], [1.0; 40])]);
    apart!(|x: &[[f64; 2]]| [(&[]), (&[[1.0, 2.0]]), (&[[2.0, 1.0]])]);
}

#[test]
fn tuples_by_content() {
    apart!(|x: (u32, u32)| [((1, 2)), ((2, 1))]);
    apart!(|x: (f64, (bool, &str))| [
        ((0.0, (true, "a"))),
        ((-0.0, (true, "a"))),
        ((0.0, (false, "a"))),
        ((0.0, (true, "b")))
    ]);
    apart!(|x: &(f64, String), y: ()| [(&(0.0, "a".into()), ()), (&(0.0, "b".into()), ())]);
    apart!(|x: (u8,), y: ((), ((i8,),))| [
        ((1,), ((), ((2,),))),
        ((2,), ((), ((2,),))),
        ((1,), ((), ((1,),)))
    ]);
    apart!(|x: (u8, u8, u8, u8, u8, u8, f64, u8, u8, u8, u8, f32)| [
        ((1, 2, 3, 4, 5, 6, 7.0, 8, 9, 10, 11, 12.0)),
        ((1, 2, 3, 4, 5, 6, 7.5, 8, 9, 10, 11, 12.0)),
        ((1, 2, 3, 4, 5, 6, 7.0, 8, 9, 10, 11, 12.5)),
        ((0, 2, 3, 4, 5, 6, 7.0, 8, 9, 10, 11, 12.0)),
    ]);
}

// ---- Types of other crates and of users

#[test]
fn standard_types_by_their_own_eq() {
    apart!(|x: Duration| [(Duration::ZERO), (Duration::from_nanos(1)), (Duration::from_secs(1))]);
    apart!(|x: IpAddr, y: SocketAddr| [
        (Ipv4Addr::LOCALHOST.into(), ([127, 0, 0, 1], 80).into()),
        (Ipv4Addr::LOCALHOST.into(), ([127, 0, 0, 1], 81).into()),
        (Ipv4Addr::UNSPECIFIED.into(), ([127, 0, 0, 1], 80).into()),
    ]);
    apart!(|x: std::ops::Range<u32>, y: std::cmp::Ordering| [
        (0..1, 1.cmp(&2)),
        (0..1, 2.cmp(&1)),
        (0..2, 1.cmp(&2))
    ]);
    apart!(|x: BTreeMap<String, u32>, y: &BTreeSet<char>| [
        (BTreeMap::new(), &BTreeSet::new()),
        (BTreeMap::from([("a".into(), 1)]), &BTreeSet::new()),
        (BTreeMap::new(), &BTreeSet::from(['a'])),
    ]);
    apart!(|x: fn(u32) -> u32, y: std::any::TypeId| [(u32::swap_bytes, std::any::TypeId::of::<u8>())]);
    apart!(|x: Result<f64, &str>, y: Result<u8, String>| [
        (Ok(0.0), Ok(1)),
        (Err("a"), Ok(1)),
        (Ok(0.0), Err("a".into()))
    ]);
}

#[test]
fn users_types_by_their_own_eq() {
    apart!(|x: User| [(user("ann", 1)), (user("ann", 2)), (user("bob", 1))]);
    apart!(|x: &User| [(&user("ann", 1)), (&user("ann", 2)), (&user("bob", 1))]);
    apart!(|x: &&User, y: &User| [(&&user("ann", 1), &user("bob", 2)), (&&user("bob", 2), &user("ann", 1))]);
    apart!(|x: Shape| [
        (Shape::Dot),
        (Shape::Circle(1)),
        (Shape::Box { width: 1, height: 2 }),
        (Shape::Box { width: 2, height: 1 })
    ]);
    apart!(|x: Vec<User>, y: Box<User>| [
        (vec![], user("a", 1).into()),
        (vec![user("a", 1)], user("a", 1).into())
    ]);
    apart!(|x: Arc<User>, y: &[User]| [(user("a", 1).into(), &[]), (user("a", 1).into(), &[user("a", 1)])]);
    apart!(|x: Option<User>, y: [User; 1]| [(None, [user("a", 1)]), (Some(user("a", 1)), [user("a", 1)])]);
}

#[test]
fn users_types_behind_references() {
    apart!(|x: Option<&User>| [(None), (Some(&user("ann", 1))), (Some(&user("ann", 2)))]);
    apart!(|x: &[&User], y: [&User; 1]| [(&[], [&user("a", 1)]), (&[&user("a", 1)], [&user("a", 1)])]);
    apart!(|x: Vec<&User>| [(vec![]), (vec![&user("a", 1)]), (vec![&user("a", 1), &user("b", 1)])]);
}

#[test]
fn users_types_beside_floats_in_tuples() {
    apart!(|x: (User, f64)| [((user("a", 1), 0.0)), ((user("a", 1), -0.0)), ((user("b", 1), 0.0))]);
    apart!(|x: (f64, (&User, &str))| [
        ((0.0, (&user("a", 1), "x"))),
        ((0.0, (&user("a", 2), "x"))),
        ((0.0, (&user("a", 1), "y"))),
        ((1.0, (&user("a", 1), "x"))),
    ]);
    apart!(|x: &((Shape, f32), [f64; 1])| [
        (&((Shape::Dot, 0.0), [1.0])),
        (&((Shape::Circle(1), 0.0), [1.0])),
        (&((Shape::Dot, 0.5), [1.0])),
        (&((Shape::Dot, 0.0), [2.0])),
    ]);
}

#[test]
fn aliases_are_what_they_stand_for() {
    type Name<'a> = &'a str;
    type Names<'a> = &'a [Name<'a>];
    type Point = (f64, f64);
    type Text<'a> = Cow<'a, str>;
    apart!(|x: Name<'_>| [(""), ("a"), (&String::from("b"))]);
    apart!(|x: Names<'_>, y: Option<Name<'_>>| [(&[], None), (&["a"], None), (&[], Some("a"))]);
    apart!(|x: Point, y: &Point| [
        ((0.0, 1.0), &(2.0, 3.0)),
        ((-0.0, 1.0), &(2.0, 3.0)),
        ((0.0, 1.0), &(3.0, 2.0))
    ]);
    apart!(|x: Text<'_>, y: &Text<'_>| [
        ("a".into(), &"a".into()),
        ("b".into(), &"a".into()),
        ("a".into(), &"b".into())
    ]);
}

#[test]
fn equal_is_what_the_users_eq_says() {
    #[derive(Clone, Eq)]
    struct Caseless(String);
    impl PartialEq for Caseless {
        fn eq(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(&other.0)
        }
    }
    impl Hash for Caseless {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.to_ascii_lowercase().hash(state);
        }
    }
    #[cache]
    fn f(name: &Caseless) -> String {
        name.0.clone()
    }

    assert_eq!(
        ["Ann", "ANN", "bob", "ann"].map(|name| f(&Caseless(name.into()))),
        ["Ann", "Ann", "bob", "Ann"]
    );
    assert_eq!(counts(f::cache_info()), (2, 2, None, 2));
}

#[test]
fn colliding_hashes_are_told_apart() {
    #[derive(Clone, PartialEq, Eq)]
    struct Alike(u32);
    impl Hash for Alike {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }
    #[functools::lru_cache(maxsize = 100)]
    fn f(n: &Alike) -> u32 {
        n.0
    }

    for n in (0..150).chain(50..150) {
        assert_eq!(f(&Alike(n)), n);
    }
    assert_eq!(counts(f::cache_info()), (100, 150, Some(100), 100));
}

/// Counts how often it is hashed and cloned.
#[derive(PartialEq, Eq)]
struct Counted(u32, &'static Tally);

#[derive(Default)]
struct Tally {
    hashed: AtomicU32,
    cloned: AtomicU32,
}

impl PartialEq for Tally {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Tally {}

impl Tally {
    const fn new() -> Self {
        Self { hashed: AtomicU32::new(0), cloned: AtomicU32::new(0) }
    }

    fn take(&self) -> (u32, u32) {
        (self.hashed.swap(0, SeqCst), self.cloned.swap(0, SeqCst))
    }
}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.1.hashed.fetch_add(1, SeqCst);
        self.0.hash(state);
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.1.cloned.fetch_add(1, SeqCst);
        Self(self.0, self.1)
    }
}

#[test]
fn hit_hashes_once_and_clones_no_argument() {
    static TALLY: Tally = Tally::new();
    #[cache]
    fn borrowed(x: &Counted, _other: Option<&Counted>) -> u32 {
        x.0
    }
    #[cache]
    fn owned(x: Counted) -> u32 {
        x.0
    }

    let (x, other) = (Counted(1, &TALLY), Counted(2, &TALLY));
    for hit in [false, true, true] {
        borrowed(&x, Some(&other));
        assert_eq!(TALLY.take(), if hit { (2, 0) } else { (2, 2) });
        owned(Counted(1, &TALLY));
        assert_eq!(TALLY.take(), if hit { (1, 0) } else { (1, 1) });
    }
}

#[test]
fn stored_keys_are_not_hashed_again() {
    static TALLY: Tally = Tally::new();
    #[cache]
    fn unbounded(x: &Counted) -> u32 {
        x.0
    }
    #[functools::lru_cache(maxsize = 500)]
    fn bounded(x: &Counted) -> u32 {
        x.0
    }

    for n in 0..1000 {
        let x = Counted(n, &TALLY);
        assert_eq!((unbounded(&x), bounded(&x)), (n, n));
    }
    assert_eq!(TALLY.take(), (2000, 2000));
    let x = Counted(999, &TALLY);
    assert!(bounded::cache_contains(&x) && bounded::cache_invalidate(&x));
    bounded::cache_put(&x, 5);
    assert_eq!(bounded::cache_peek(&x), Some(5));
    assert_eq!(TALLY.take(), (4, 1));
    unbounded::cache_clear();
    bounded::cache_clear();
    assert_eq!(TALLY.take(), (0, 0));
}

#[test]
fn an_arc_is_stored_as_it_is_where_it_can_be() {
    #[cache]
    fn text(text: Arc<str>) -> usize {
        text.len()
    }
    #[cache]
    fn numbers(numbers: Arc<[f64]>) -> usize {
        numbers.len()
    }

    let (name, list): (Arc<str>, Arc<[f64]>) = ("name".into(), [1.0, f64::NAN].into());
    assert_eq!((text(name.clone()), numbers(list.clone())), (4, 2));
    assert_eq!((Arc::strong_count(&name), Arc::strong_count(&list)), (2, 2));
    assert_eq!((text("name".into()), numbers([1.0, f64::NAN].into())), (4, 2));
    assert_eq!((text::cache_info().hits, numbers::cache_info().hits), (1, 1));
}

#[test]
fn borrows_may_lie_in_an_arc_and_behind_an_alias() {
    type Words<'a> = Arc<[&'a str]>;
    type Person<'a> = &'a User;

    #[cache]
    fn count(words: Arc<[&str]>, others: Words<'_>) -> usize {
        words.len() + others.len()
    }
    #[cache]
    fn name(person: Person<'_>, other: Option<Person<'_>>) -> String {
        format!("{} {}", person.name, other.map_or("nobody", |other| &other.name))
    }

    let text = "a b c".to_string();
    let words: Arc<[&str]> = text.split(' ').collect();
    assert_eq!(count(words.clone(), words.clone()), 6);
    assert_eq!(count(text.split(' ').collect(), words), 6);
    assert_eq!(count::cache_info().hits, 1);
    let (a, b) = (user("a", 1), user("b", 1));
    for _ in 0..2 {
        assert_eq!((name(&a, None), name(&a, Some(&b))), ("a nobody".into(), "a b".into()));
    }
    assert_eq!(name::cache_info().hits, 2);
}

#[test]
#[allow(elided_lifetimes_in_paths, reason = "the test is about elided lifetimes")]
fn lifetimes_may_be_left_out() {
    struct Bad<'a>(&'a str);

    #[cache]
    fn length(text: Cow<str>, pair: &(Cow<str>, f64), maybe: Option<Cow<[u8]>>) -> usize {
        text.len() + pair.0.len() + maybe.map_or(0, |bytes| bytes.len())
    }
    #[cache]
    #[allow(unknown_lints, mismatched_lifetime_syntaxes)]
    fn parse(text: &str) -> Result<u32, Bad> {
        text.parse().map_err(|_| Bad(text))
    }

    let text = "text".to_string();
    assert_eq!(length(text.as_str().into(), &("".into(), 1.0), None), 4);
    assert_eq!(length(text.clone().into(), &("".into(), 1.0), None), 4);
    assert_eq!(length::cache_info().hits, 1);
    assert!(parse("7").is_ok_and(|n| n == 7));
    assert!(parse(&text).is_err_and(|bad| bad.0 == "text"));
}

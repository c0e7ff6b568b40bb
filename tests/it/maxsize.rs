//! How `maxsize` may be written, and that it is never exceeded.

use crate::support::{Handle, Random, counts, handle};
use functools::{cache, lru_cache};

/// Defines a function for each spelling of the options, and checks its `maxsize`.
macro_rules! reads {
    ($(#[$attribute:meta] => $maxsize:expr),+ $(,)?) => {$({
        #[$attribute]
        fn f(n: u32) -> u32 {
            n + 1
        }
        assert_eq!((f(1), f(1)), (2, 2));
        let maxsize: Option<usize> = $maxsize;
        let stored = maxsize != Some(0);
        let written = stringify!($attribute);
        let expected = (u64::from(stored), if stored { 1 } else { 2 }, maxsize, usize::from(stored));
        assert_eq!(counts(f::cache_info()), expected, "{written}");
        assert_eq!(f::cache_parameters().maxsize, maxsize, "{written}");
    })+};
}

const LIMIT: usize = 3;
const UNSIGNED: u8 = 200;
const SIGNED: i16 = 300;
const WIDE: u128 = 5;
const WIDE_SIGNED: i128 = 5;
const NEGATIVE_SMALL: i8 = -1;
const NEGATIVE: i64 = -7;
const NEGATIVE_WIDE: i128 = i128::MIN;
const fn double(n: u32) -> u32 {
    n * 2
}
mod limits {
    pub(super) const PAGES: u64 = 9;
}
struct Shop;
impl Shop {
    const SHELVES: i32 = 4;
}
enum Size {
    Small = 2,
}

#[test]
fn defaults_are_pythons() {
    reads! {
        #[lru_cache] => Some(128),
        #[lru_cache()] => Some(128),
        #[cache] => None,
        #[functools::lru_cache] => Some(128),
        #[functools::cache] => None,
        #[lru_cache(typed = false)] => Some(128),
    }
}

#[test]
fn maxsize_may_be_named_or_come_first() {
    reads! {
        #[lru_cache(64)] => Some(64),
        #[lru_cache(64,)] => Some(64),
        #[lru_cache(maxsize = 64)] => Some(64),
        #[lru_cache(maxsize = 64,)] => Some(64),
        #[lru_cache(64, typed = false)] => Some(64),
        #[lru_cache(typed = true, maxsize = 64)] => Some(64),
        #[lru_cache(LIMIT)] => Some(3),
        #[functools::lru_cache(maxsize = 2)] => Some(2),
    }
}

#[test]
fn none_is_unbounded() {
    reads! {
        #[lru_cache(None)] => None,
        #[lru_cache(maxsize = None)] => None,
        #[lru_cache(None, typed = false)] => None,
    }
}

#[test]
fn zero_or_less_stores_nothing() {
    reads! {
        #[lru_cache(0)] => Some(0),
        #[lru_cache(maxsize = 0)] => Some(0),
        #[lru_cache(-1)] => Some(0),
        #[lru_cache(maxsize = -10)] => Some(0),
        #[lru_cache(maxsize = NEGATIVE_SMALL)] => Some(0),
        #[lru_cache(maxsize = NEGATIVE)] => Some(0),
        #[lru_cache(maxsize = NEGATIVE_WIDE)] => Some(0),
        #[lru_cache(maxsize = i64::MIN)] => Some(0),
        #[lru_cache(maxsize = -Shop::SHELVES)] => Some(0),
        #[lru_cache(maxsize = 0u8)] => Some(0),
    }
}

#[test]
fn any_constant_of_an_integer_type_will_do() {
    reads! {
        #[lru_cache(maxsize = LIMIT)] => Some(3),
        #[lru_cache(maxsize = UNSIGNED)] => Some(200),
        #[lru_cache(maxsize = SIGNED)] => Some(300),
        #[lru_cache(maxsize = WIDE)] => Some(5),
        #[lru_cache(maxsize = WIDE_SIGNED)] => Some(5),
        #[lru_cache(maxsize = u128::MAX)] => Some(usize::MAX),
        #[lru_cache(maxsize = 340282366920938463463374607431768211455)] => Some(usize::MAX),
        #[lru_cache(maxsize = -170141183460469231731687303715884105728)] => Some(0),
        #[lru_cache(maxsize = b'a')] => Some(97),
        #[lru_cache(maxsize = (None))] => None,
        #[lru_cache(maxsize = Option::None)] => None,
        #[lru_cache(maxsize = i128::MAX)] => Some(usize::MAX),
        #[lru_cache(maxsize = limits::PAGES)] => Some(9),
        #[lru_cache(maxsize = crate::maxsize::limits::PAGES)] => Some(9),
        #[lru_cache(maxsize = Shop::SHELVES)] => Some(4),
        #[lru_cache(maxsize = u8::MAX)] => Some(255),
        #[lru_cache(maxsize = usize::MAX)] => Some(usize::MAX),
        #[lru_cache(maxsize = 16_i8)] => Some(16),
        #[lru_cache(maxsize = 0x10)] => Some(16),
    }
}

#[test]
fn any_constant_expression_will_do() {
    reads! {
        #[lru_cache(maxsize = 1 << 10)] => Some(1024),
        #[lru_cache(1 << 10)] => Some(1024),
        #[lru_cache(maxsize = 10_000_000_000)] => Some(10_000_000_000),
        #[lru_cache(maxsize = LIMIT * 2 + 1)] => Some(7),
        #[lru_cache(maxsize = (LIMIT + 1) % 3)] => Some(1),
        #[lru_cache(maxsize = double(21))] => Some(42),
        #[lru_cache(maxsize = size_of::<u64>())] => Some(8),
        #[lru_cache(maxsize = "four".len())] => Some(4),
        #[lru_cache(maxsize = Size::Small as usize)] => Some(2),
        #[lru_cache(maxsize = if LIMIT > 2 { 11 } else { 12 })] => Some(11),
        #[lru_cache(maxsize = { const INNER: u16 = 6; INNER + 1 })] => Some(7),
        #[lru_cache(maxsize = [1, 2, 3][2])] => Some(3),
    }
}

#[test]
fn maxsize_may_come_from_a_macro() {
    macro_rules! by_expr {
        ($($maxsize:expr => $read:expr),+) => { reads! { $(#[lru_cache(maxsize = $maxsize)] => $read),+ } };
    }
    macro_rules! by_literal {
        ($($maxsize:literal => $read:expr),+) => { reads! { $(#[lru_cache($maxsize)] => $read),+ } };
    }
    macro_rules! by_ident {
        ($($maxsize:ident => $read:expr),+) => { reads! { $(#[lru_cache(maxsize = $maxsize)] => $read),+ } };
    }
    by_expr!(5 => Some(5), -5 => Some(0), LIMIT + 1 => Some(4), None => None);
    by_literal!(5 => Some(5), -5 => Some(0));
    by_ident!(LIMIT => Some(3), None => None);
}

#[test]
fn maxsize_may_name_what_stands_in_the_same_body() {
    const LOCAL: u16 = 2;
    #[lru_cache(maxsize = LOCAL)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2, 3].map(f);
    assert_eq!(counts(f::cache_info()), (0, 3, Some(2), 2));
}

#[test]
fn hit_becomes_most_recent() {
    #[lru_cache(maxsize = 3)]
    fn f(n: u32) -> u32 {
        n
    }

    let _ = [1, 2, 3, 1, 4].map(f);
    assert_eq!([1, 2, 3, 4].map(f::cache_contains), [true, false, true, true]);
    let _ = [3, 5].map(f);
    assert_eq!([1, 3, 4, 5].map(f::cache_contains), [false, true, true, true]);
}

#[test]
fn the_default_remembers_the_last_128() {
    #[lru_cache]
    fn f(n: u32) -> u32 {
        n
    }

    (0..128).for_each(|n| assert_eq!(f(n), n));
    assert_eq!(counts(f::cache_info()), (0, 128, Some(128), 128));
    (0..128).for_each(|n| assert_eq!(f(n), n));
    assert_eq!(counts(f::cache_info()), (128, 128, Some(128), 128));
    // A cycle of `maxsize + 1` keys never hits: each key is evicted just before it is used again.
    (0..3 * 129).for_each(|n| assert_eq!(f(1000 + n % 129), 1000 + n % 129));
    assert_eq!(counts(f::cache_info()), (128, 128 + 3 * 129, Some(128), 128));
}

#[test]
fn unbounded_keeps_all() {
    #[cache]
    fn f(n: u32) -> u32 {
        n
    }

    (0..20_000).for_each(|n| assert_eq!(f(n % 10_000), n % 10_000));
    assert_eq!(counts(f::cache_info()), (10_000, 10_000, None, 10_000));
}

#[test]
fn victim_is_always_the_least_recently_used() {
    macro_rules! functions {
        ($($maxsize:tt),+) => {
            [$({
                #[lru_cache(maxsize = $maxsize)]
                fn f(n: u64) -> u64 {
                    n * 3
                }
                handle!(f)
            }),+]
        };
    }
    let functions: [Handle; 6] = functions!(1, 2, 3, 4, 16, 61);
    for f in functions {
        let maxsize = (f.info)().maxsize.expect("bounded");
        let mut random = Random(61);
        let mut recent = Vec::new();
        for _ in 0..4000 {
            let n = random.below(2 * maxsize as u64 + 1);
            let hits = (f.info)().hits;
            let known = recent.iter().position(|&other| other == n);
            assert_eq!((f.call)(n), n * 3);
            assert_eq!((f.info)().hits - hits, u64::from(known.is_some()));
            if let Some(place) = known {
                recent.remove(place);
            } else if recent.len() == maxsize {
                let victim = recent.remove(0);
                assert!(!(f.contains)(victim));
            }
            recent.push(n);
            assert_eq!((f.info)().currsize, recent.len());
        }
        assert_eq!(f.push_out(&recent, || 0), recent);
    }
}

//! Generic functions: one cache for all instantiations, and correct results from it.

use std::borrow::Cow;
use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use functools::{Argument, lru_cache};

use crate::support::tally as info;

#[test]
fn typed_bounds_all_instantiations_together() {
    #[lru_cache(maxsize = 2, typed = true)]
    fn f<T: Argument>(_x: T) -> &'static str {
        std::any::type_name::<T>()
    }
    (f(1_u8), f(2_u16), f(3_i64));
    assert_eq!(f::cache_info().currsize, 2);
    assert!(!f::cache_contains(1_u8));
    assert!(f::cache_contains(2_u16) && f::cache_contains(3_i64));
    assert_eq!(f::cache_info().misses, 3);
}

#[test]
fn typed_keeps_equal_arguments_of_different_types_apart() {
    #[lru_cache(typed = true)]
    fn f<T: Argument + Display>(x: T) -> String {
        x.to_string()
    }
    (f(3_u8), f(3_i64), f(3.0_f64), f("3"), f(String::from("3")));
    assert_eq!(info(f::cache_info()), (0, 5, 5));
}

#[test]
fn untyped_lets_equal_arguments_share() {
    #[lru_cache(typed = false)]
    fn f<T: Argument + Display>(x: T) -> String {
        x.to_string()
    }
    (f(3_u8), f(3_i64), f(3.0_f64), f("3"), f(String::from("3")));
    assert_eq!(info(f::cache_info()), (3, 2, 2));
}

#[test]
fn plain_hash_and_eq_will_do() {
    #[lru_cache(typed = false)]
    fn f<T: Hash + Eq + Clone + Send + Sync + 'static>(_x: T) -> u8 {
        7
    }
    (f(3_u8), f(3_i64), f(true), f(1_u128), f("a"), f(String::from("a")), f(Some(3_u8)), f(Some(3_i64)));
    assert_eq!(info(f::cache_info()), (3, 5, 5));
}

#[test]
fn what_the_result_depends_on_is_never_shared() {
    #[lru_cache(typed = false)]
    fn double<T: Argument + Copy + std::ops::Add<Output = T> + Clone + Send + Sync + 'static>(x: T) -> T {
        x + x
    }
    assert_eq!(double(3_u8), 6_u8);
    assert_eq!(double(3_i64), 6_i64);
    assert_eq!(double(3_u8), 6_u8);
    assert_eq!(info(double::cache_info()), (1, 2, 2));
}

#[test]
fn a_parameter_in_neither_key_nor_result_is_never_shared() {
    #[lru_cache(typed = false)]
    fn size<T>(_n: u8) -> usize {
        size_of::<T>()
    }
    assert_eq!((size::<u8>(0), size::<u64>(0), size::<u8>(0)), (1, 8, 1));
    assert_eq!(info(size::cache_info()), (1, 2, 2));
    assert_eq!(size::cache_peek::<u64>(0), Some(8));
}

#[test]
fn parsing_keeps_what_is_ok() {
    #[lru_cache(typed = true)]
    fn parse<T: FromStr + Clone + Send + Sync + 'static>(text: &str) -> Result<T, T::Err> {
        text.parse()
    }
    assert_eq!(parse::<u8>("7"), Ok(7));
    assert_eq!(parse::<i64>("7"), Ok(7));
    assert_eq!(parse::<u8>("7"), Ok(7));
    assert!(parse::<u8>("x").is_err());
    assert_eq!(info(parse::cache_info()), (1, 3, 2));
}

#[test]
fn const_and_anonymous_parameters() {
    #[lru_cache(typed = false)]
    fn sum<const N: usize>(xs: [u8; N], by: impl Argument + Into<f64>) -> f64 {
        xs.iter().map(|&x| f64::from(x)).sum::<f64>() * by.into()
    }
    assert_eq!(sum([1, 2], 2_u8), 6.0);
    assert_eq!(sum([1, 2], 2.0), 6.0);
    assert_eq!(sum([1, 2, 0], 2.0), 6.0);
    assert_eq!(info(sum::cache_info()), (1, 2, 2));

    #[lru_cache(typed = true)]
    fn twice(xs: &[impl Argument + Copy + Into<f64>]) -> f64 {
        xs.iter().map(|&x| x.into()).sum::<f64>() * 2.0
    }
    assert_eq!(twice(&[1_u8, 2]), 6.0);
    assert_eq!(twice(&[1.0, 2.0]), 6.0);
    assert_eq!(twice(&[1_u8, 2]), 6.0);
    assert_eq!(info(twice::cache_info()), (1, 2, 2));
}

// ---- Which instantiations share entries

/// The number of entries after one call with each argument; equal arguments share one.
macro_rules! entries {
    ($f:ident: $($argument:expr),+ $(,)?) => {{
        $( $f($argument); )+
        let info = $f::cache_info();
        $f::cache_clear();
        assert_eq!(info.misses, u64::try_from(info.currsize).unwrap());
        info.currsize
    }};
}

/// Functions under two bounds: all types that are `Argument`, and all that are `Hash + Eq + Clone`.
mod kinds {
    use std::any::type_name;
    use std::hash::Hash;

    use functools::{Argument, lru_cache};

    #[lru_cache(maxsize = None, typed = false)]
    pub(super) fn argument<T: Argument>(_x: T) -> u8 {
        0
    }

    #[lru_cache(maxsize = None, typed = false)]
    pub(super) fn hashed<T: Hash + Eq + Clone + Send + Sync + 'static>(_x: T) -> u8 {
        0
    }

    #[lru_cache(maxsize = None, typed = true)]
    pub(super) fn typed<T: Argument>(_x: T) -> &'static str {
        type_name::<T>()
    }

    #[lru_cache(maxsize = None, typed = false)]
    pub(super) fn by_reference<T: Argument + ?Sized>(_x: &T) -> u8 {
        0
    }

    #[lru_cache(maxsize = None, typed = false)]
    pub(super) fn by_two<T: Argument + ?Sized>(_x: &&T) -> u8 {
        0
    }

    #[lru_cache(maxsize = None, typed = false)]
    pub(super) fn anonymous(_x: impl Argument) -> u8 {
        0
    }
}

/// The functions above are shared by several tests, which clear their caches.
fn one_at_a_time() -> impl Drop {
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn untyped_numbers_of_all_types_meet_by_value() {
    use kinds::{anonymous, argument, by_reference, hashed, typed};
    let _alone = one_at_a_time();
    macro_rules! ones {
        ($f:ident) => {
            entries!($f: 1_u8, 1_u16, 1_u32, 1_u64, 1_u128, 1_usize, 1_i8, 1_i16, 1_i32, 1_i64, 1_i128, 1_isize, true)
        };
    }
    assert_eq!((ones!(argument), ones!(hashed), ones!(anonymous)), (1, 1, 1));
    assert_eq!(ones!(typed), 13);
    assert_eq!(entries!(argument: 1_u8, 1.0_f32, 1.0_f64, true), 1);
    assert_eq!(entries!(by_reference: &1_u8, &1.0_f32, &1_i64, &true), 1);
    assert_eq!(entries!(argument: 0_u8, false, 0.0_f32, 0_i64), 1);
    assert_eq!(entries!(argument: -1_i8, -1_i128, -1.0_f64), 1);
    assert_eq!(entries!(argument: 0.5_f32, 0.5_f64), 1);
    assert_eq!(entries!(argument: f32::NAN, f64::NAN, -f64::NAN), 1);
    assert_eq!(entries!(argument: f32::INFINITY, f64::INFINITY), 1);
}

#[test]
fn untyped_numbers_meet_at_the_ends_of_their_ranges_and_not_beyond() {
    use kinds::{argument, hashed};
    let _alone = one_at_a_time();
    assert_eq!(entries!(argument: u64::MAX, u128::from(u64::MAX), i128::from(u64::MAX)), 1);
    assert_eq!(entries!(hashed: i64::MIN, i128::from(i64::MIN)), 1);
    // Values that a cast would make equal.
    assert_eq!(entries!(hashed: -1_i8, 255_u8, u64::MAX, u128::MAX, u32::MAX), 5);
    assert_eq!(entries!(hashed: i128::MIN, 1_u128 << 127), 2);
    assert_eq!(entries!(argument: u64::MAX, 2.0_f64.powi(64)), 2);
    assert_eq!(entries!(argument: (1_u64 << 53) + 1, 2.0_f64.powi(53)), 2);
    assert_eq!(entries!(argument: 1_u64 << 53, 2.0_f64.powi(53)), 1);
    assert_eq!(entries!(argument: u128::MAX, 2.0_f64.powi(128), f64::INFINITY), 3);
    assert_eq!(entries!(argument: 1_u128 << 127, 2.0_f64.powi(127)), 1);
    assert_eq!(entries!(argument: i128::MIN, -(2.0_f64.powi(127))), 1);
    assert_eq!(entries!(argument: 0.1_f32, 0.1_f64), 2);
    assert_eq!(entries!(argument: f64::MIN_POSITIVE, 0_u8), 2);
}

#[test]
fn negative_zero_meets_no_integer() {
    use kinds::argument;
    let _alone = one_at_a_time();
    assert_eq!(entries!(argument: 0_u8, false, 0.0, -0.0), 2);
    assert_eq!(entries!(argument: -0.0_f32, -0.0_f64), 1);

    #[lru_cache(typed = false)]
    fn inverse<T: Argument + Into<f64>>(x: T) -> f64 {
        1.0 / x.into()
    }
    assert_eq!(
        (inverse(0_u8), inverse(0.0), inverse(-0.0)),
        (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY)
    );
}

#[test]
fn untyped_strings_of_all_types_meet_by_content() {
    use kinds::{anonymous, argument, by_reference, by_two, hashed, typed};
    let _alone = one_at_a_time();
    macro_rules! texts {
        ($f:ident) => {
            entries!(
                $f: "a", String::from("a"), Cow::Borrowed("a"), Cow::<str>::Owned("a".into()), Box::<str>::from("a"),
                Arc::<str>::from("a")
            )
        };
    }
    assert_eq!((texts!(argument), texts!(hashed), texts!(anonymous)), (1, 1, 1));
    // A borrowed `Cow` and an owned `Cow` have the same type.
    assert_eq!(texts!(typed), 5);
    assert_eq!(entries!(by_reference: "a", &String::from("a"), &"a", &Arc::<str>::from("a")), 1);
    assert_eq!(entries!(by_two: &"a", &&String::from("a")), 1);
    // Under `Argument`, a `&str` need not be `'static`.
    let short = String::from("a");
    assert_eq!(entries!(argument: &*short, &&*short, &short, "a"), 1);
    assert_eq!(entries!(argument: "a", "b", 'a', "", "1", 1), 6);
}

#[test]
fn other_types_meet_only_themselves() {
    use kinds::{argument, hashed};
    let _alone = one_at_a_time();
    macro_rules! pairs {
        ($f:ident) => {{
            assert_eq!(entries!($f: Some(3_u8), Some(3_i64), Some(3_u8)), 2);
            assert_eq!(entries!($f: None::<u8>, None::<i64>, None::<u8>, None::<&str>), 3);
            assert_eq!(entries!($f: (1_u8,), (1_u16,), 1_u8), 3);
            assert_eq!(entries!($f: [1_u8], [1_u16], [1_u8, 1]), 3);
            assert_eq!(entries!($f: vec![1_u8], vec![1_u16], [1_u8]), 3);
            assert_eq!(entries!($f: vec!["a"], vec![String::from("a")]), 2);
            assert_eq!(entries!($f: Vec::<u8>::new(), Vec::<u16>::new(), Vec::<String>::new()), 3);
            assert_eq!(entries!($f: Some("a"), Some(String::from("a")), "a"), 3);
            assert_eq!(entries!($f: std::path::PathBuf::from("a"), std::ffi::OsString::from("a"), "a"), 3);
            assert_eq!(entries!($f: (), 0_u8, "", false), 3);
        }};
    }
    pairs!(argument);
    pairs!(hashed);

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Meters(u32);
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Feet(u32);
    assert_eq!(entries!(hashed: Meters(1), Feet(1), 1_u32, Meters(1), Meters(2)), 4);
}

#[test]
fn types_of_the_same_name_never_meet() {
    use kinds::hashed;
    let _alone = one_at_a_time();
    let one = {
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct Unit;
        Unit
    };
    let other = {
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct Unit;
        Unit
    };
    assert_eq!(entries!(hashed: one.clone(), other, one), 2);
}

#[test]
fn the_victim_is_the_least_recent_of_all_instantiations() {
    #[lru_cache(maxsize = 2, typed = true)]
    fn f<T: Argument>(_x: T) {}

    f(1_u8);
    f(2_u16);
    f(1_u8);
    f(3_i64);
    assert!(f::cache_contains(1_u8) && !f::cache_contains(2_u16) && f::cache_contains(3_i64));
    f("four");
    assert!(!f::cache_contains(1_u8) && f::cache_contains(3_i64) && f::cache_contains("four"));
    assert_eq!(info(f::cache_info()), (1, 4, 2));

    #[lru_cache(maxsize = 2, typed = false)]
    fn g<T: Argument>(_x: T) {}

    g(1_u8);
    g(2_u16);
    // A hit by a call with another type makes the entry the most recently used.
    g(1.0_f64);
    g(3_i64);
    assert!(g::cache_contains(1_i128) && !g::cache_contains(2_u16) && g::cache_contains(3_u8));
}

// ---- Results

#[test]
fn results_may_be_any_type_made_of_the_parameter() {
    #[lru_cache(typed = false)]
    fn some<T: Argument + Clone + Send + Sync + 'static>(x: T, n: u8) -> Option<T> {
        (n > 0).then_some(x)
    }
    assert_eq!((some(1_u8, 1), some(1_u64, 1), some(1_u8, 1)), (Some(1), Some(1), Some(1)));
    assert_eq!((some("a", 0), some(String::from("a"), 0)), (None, None));
    assert_eq!(info(some::cache_info()), (1, 4, 4));

    #[lru_cache(typed = false)]
    fn add<A, B>(a: A, b: B) -> A::Output
    where
        A: std::ops::Add<B, Output: Clone + Send + Sync + 'static> + Argument,
        B: Argument,
    {
        a + b
    }
    assert_eq!((add(1_u8, 2_u8), add(1.0, 2.0), add(1_u8, 2_u8)), (3_u8, 3.0, 3_u8));
    assert_eq!(add(String::from("a"), "b"), "ab");
    assert_eq!(add::cache_peek(1_u8, 2_u8), Some(3_u8));
    assert_eq!(info(add::cache_info()), (1, 3, 3));

    #[lru_cache(typed = false)]
    fn listed<T: Argument + Clone + Send + Sync + 'static>(x: &T) -> (Vec<T>, &'static str) {
        (vec![x.clone()], std::any::type_name::<T>())
    }
    assert_eq!((listed(&1_u8), listed(&1_i8)), ((vec![1_u8], "u8"), (vec![1_i8], "i8")));

    #[lru_cache(typed = true)]
    fn zero<T: Default + Clone + Send + Sync + 'static>() -> T {
        T::default()
    }
    assert_eq!((zero::<u8>(), zero::<String>(), zero::<u8>()), (0, String::new(), 0));
    assert_eq!(info(zero::cache_info()), (1, 2, 2));
}

type Answer<T> = Result<T, String>;

#[test]
fn an_error_is_not_remembered_behind_an_alias() {
    #[lru_cache(typed = true)]
    fn parse<T: FromStr<Err: Display> + Clone + Send + Sync + 'static>(text: &str) -> Answer<T> {
        text.parse().map_err(|error: T::Err| error.to_string())
    }
    for _ in 0..2 {
        assert!(parse::<u8>("x").is_err());
        assert_eq!((parse::<u8>("7"), parse::<f64>("7")), (Ok(7), Ok(7.0)));
    }
    assert!(!parse::cache_contains::<u8>("x"));
    assert_eq!(info(parse::cache_info()), (2, 4, 2));
    parse::cache_put::<u8>("7", Err("late".into()));
    assert_eq!(parse::cache_peek::<u8>("7"), Some(Ok(7)));

    // A result type that does not depend on the parameter.
    #[lru_cache(typed = false)]
    fn length<T: Argument + Display>(x: T) -> Answer<usize> {
        Ok(x.to_string().len()).and_then(|n| if n > 2 { Err(format!("{n}")) } else { Ok(n) })
    }
    assert_eq!(
        (length(100), length(100_u8), length(10), length(10_u8)),
        (Err("3".into()), Err("3".into()), Ok(2), Ok(2))
    );
    assert_eq!(info(length::cache_info()), (1, 3, 1));
}

#[test]
fn errors_of_a_generic_function_need_no_trait_and_may_borrow() {
    struct Opaque<'a>(&'a str, #[expect(dead_code)] std::rc::Rc<()>);
    #[lru_cache(typed = true)]
    fn parse<'a, T: FromStr + Clone + Send + Sync + 'static>(text: &'a str) -> Result<T, Opaque<'a>> {
        text.parse().map_err(|_| Opaque(text, std::rc::Rc::default()))
    }
    let text = String::from("x");
    assert!(parse::<u8>(&text).is_err_and(|Opaque(of, _)| of == "x"));
    assert!(matches!((parse::<u8>("7"), parse::<u8>("7")), (Ok(7), Ok(7))));
    assert_eq!(info(parse::cache_info()), (1, 2, 1));
}

#[test]
fn a_result_that_is_itself_a_parameter_is_a_plain_value() {
    #[lru_cache(typed = true)]
    fn same<T: Hash + Eq + Clone + Send + Sync + 'static>(x: T) -> T {
        x
    }
    let error: Result<u8, u8> = Err(1);
    assert_eq!((same(error), same(error)), (error, error));
    assert_eq!(info(same::cache_info()), (1, 1, 1));
}

#[test]
fn errors_and_none_are_kept_or_not_as_the_options_say() {
    #[lru_cache(typed = true, cache_errors = true)]
    fn with_errors<T: FromStr<Err: Clone + Send + Sync + 'static> + Clone + Send + Sync + 'static>(
        text: &str,
    ) -> Result<T, T::Err> {
        text.parse()
    }
    assert!(
        with_errors::<u8>("x").is_err() && with_errors::<u8>("x").is_err() && with_errors::<u8>("1").is_ok()
    );
    assert_eq!(info(with_errors::cache_info()), (1, 2, 2));

    #[lru_cache(typed = true, cache_none = false)]
    fn first<T: Argument + Clone + Send + Sync + 'static>(xs: &[T]) -> Option<T> {
        xs.first().cloned()
    }
    assert_eq!(
        (first::<u8>(&[]), first::<u8>(&[]), first(&[1]), first(&[1])),
        (None, None, Some(1), Some(1))
    );
    assert_eq!(info(first::cache_info()), (1, 3, 1));
}

// ---- Parameters that are only a part of an argument's type

#[test]
fn a_parameter_inside_an_argument_never_shares() {
    use std::any::type_name;
    #[lru_cache(typed = false)]
    fn of_vec<T: Argument>(_xs: Vec<T>) -> &'static str {
        type_name::<T>()
    }
    #[lru_cache(typed = false)]
    fn of_slice<T: Argument>(_xs: &[T]) -> &'static str {
        type_name::<T>()
    }
    #[lru_cache(typed = false)]
    fn of_pair<T: Argument>(_x: (T, u8)) -> &'static str {
        type_name::<T>()
    }
    #[lru_cache(typed = false)]
    fn of_array<T: Argument, const N: usize>(_xs: [T; N]) -> (&'static str, usize) {
        (type_name::<T>(), N)
    }
    #[lru_cache(typed = false)]
    fn of_option<T: Argument>(_x: Option<&T>) -> &'static str {
        type_name::<T>()
    }
    assert_eq!((of_vec::<u8>(vec![]), of_vec::<u16>(vec![]), of_vec::<u8>(vec![])), ("u8", "u16", "u8"));
    assert_eq!((of_slice::<u8>(&[]), of_slice::<u16>(&[]), of_slice(&[1_u8])), ("u8", "u16", "u8"));
    assert_eq!((of_pair((1_u8, 1)), of_pair((1_i8, 1)), of_pair((1_u8, 1))), ("u8", "i8", "u8"));
    assert_eq!(
        (of_array([0_u8; 0]), of_array([0_u16; 0]), of_array([0_u8; 1])),
        (("u8", 0), ("u16", 0), ("u8", 1))
    );
    assert_eq!((of_option(None::<&u8>), of_option(None::<&i8>), of_option(Some(&1_u8))), ("u8", "i8", "u8"));
    assert_eq!(info(of_vec::cache_info()), (1, 2, 2));
    assert_eq!(info(of_slice::cache_info()), (0, 3, 3));
    assert_eq!(info(of_pair::cache_info()), (1, 2, 2));
    assert_eq!(info(of_array::cache_info()), (0, 3, 3));
    assert_eq!(info(of_option::cache_info()), (0, 3, 3));
}

#[test]
fn a_phantom_parameter_never_shares() {
    use std::marker::PhantomData;
    #[lru_cache(typed = false)]
    fn size<T: 'static>(_of: PhantomData<fn() -> T>) -> usize {
        size_of::<T>()
    }
    assert_eq!((size(PhantomData::<fn() -> u8>), size(PhantomData::<fn() -> u64>)), (1, 8));

    #[lru_cache(typed = false)]
    fn sizes<T, U>(_n: u8) -> (usize, usize) {
        (size_of::<T>(), size_of::<U>())
    }
    assert_eq!((sizes::<u8, u16>(0), sizes::<u16, u8>(0)), ((1, 2), (2, 1)));
}

#[test]
fn a_parameter_behind_a_projection_never_shares() {
    trait Kind {
        type Of;
        const NAME: &'static str;
    }
    struct One;
    struct Two;
    impl Kind for One {
        type Of = u32;
        const NAME: &'static str = "one";
    }
    impl Kind for Two {
        type Of = u32;
        const NAME: &'static str = "two";
    }
    type Of<K> = <K as Kind>::Of;

    #[lru_cache(typed = false)]
    fn name<K: Kind<Of: Argument>>(_x: Of<K>) -> &'static str {
        K::NAME
    }
    assert_eq!((name::<One>(1), name::<Two>(1), name::<One>(1)), ("one", "two", "one"));
    assert_eq!(info(name::cache_info()), (1, 2, 2));
}

#[test]
fn one_parameter_may_be_shared_and_another_not() {
    #[lru_cache(typed = false)]
    fn size<T: Argument, U>(_x: T) -> usize {
        size_of::<U>()
    }
    assert_eq!((size::<u8, u16>(1), size::<i64, u16>(1), size::<u8, u32>(1)), (2, 2, 4));
    assert_eq!(info(size::cache_info()), (1, 2, 2));
}

#[test]
fn a_shared_parameter_that_also_stands_elsewhere_tells_types_there() {
    #[lru_cache(typed = false)]
    fn count<T: Argument>(_x: T, xs: &[T]) -> usize {
        xs.len()
    }
    assert_eq!((count(1_u8, &[]), count(1_i8, &[]), count(1_u8, &[])), (0, 0, 0));
    assert_eq!(info(count::cache_info()), (1, 2, 2));
}

#[test]
fn const_parameters_never_share() {
    #[lru_cache(typed = false)]
    fn power<const N: u32, const SIGN: bool>(n: i64) -> i64 {
        if SIGN { -n.pow(N) } else { n.pow(N) }
    }
    assert_eq!(
        (power::<2, false>(3), power::<3, false>(3), power::<2, true>(3), power::<2, false>(3)),
        (9, 27, -9, 9)
    );
    assert_eq!(info(power::cache_info()), (1, 3, 3));
    assert_eq!(power::cache_peek::<3, false>(3), Some(27));
    assert!(power::cache_invalidate::<3, false>(3) && power::cache_contains::<2, true>(3));
    assert_eq!(power::wrapped::<4, false>(1), 1);

    #[lru_cache(typed = true)]
    fn letter<const C: char>() -> char {
        C
    }
    assert_eq!((letter::<'a'>(), letter::<'b'>(), letter::<'a'>()), ('a', 'b', 'a'));
}

// ---- References and unsized types

#[test]
fn references_are_peeled() {
    #[lru_cache(typed = false)]
    fn one<T: Argument>(_x: &T) {}
    #[lru_cache(typed = false)]
    fn two<T: Argument>(_x: &&T, _y: &T) {}

    (one(&1_u8), one(&1_i64), one(&1.0), one(&"a"), one(&String::from("a")));
    assert_eq!(info(one::cache_info()), (3, 2, 2));
    (two(&&1_u8, &2), two(&&1_i64, &2), two(&&1_i64, &3));
    assert_eq!(info(two::cache_info()), (1, 2, 2));
}

#[test]
fn unsized_parameters() {
    #[lru_cache(typed = false)]
    fn shared<S: ?Sized + Argument>(_s: &S) -> usize {
        0
    }
    let owned = String::from("text");
    (
        shared("text"),
        shared(&owned),
        shared(&[1_u8][..]),
        shared(&vec![1_u8]),
        shared(std::path::Path::new("text")),
    );
    assert_eq!(info(shared::cache_info()), (1, 4, 4));

    #[lru_cache(typed = true)]
    fn apart<S>(s: &S) -> usize
    where
        S: ?Sized + Argument,
    {
        size_of_val(s)
    }
    assert_eq!((apart("text"), apart(&owned), apart("text")), (4, size_of::<String>(), 4));
    assert_eq!(info(apart::cache_info()), (1, 2, 2));
    assert!(apart::cache_contains("text") && apart::cache_invalidate(&owned));
}

#[test]
fn text_by_any_name() {
    #[lru_cache(typed = false)]
    fn length<T: AsRef<str> + Argument>(text: T) -> usize {
        text.as_ref().len()
    }
    let owned = String::from("abc");
    assert_eq!((length("abc"), length(&owned), length(owned.clone()), length(&*owned)), (3, 3, 3, 3));
    assert_eq!(length(Cow::from("abc")), 3);
    assert_eq!(info(length::cache_info()), (4, 1, 1));
}

#[test]
fn lifetimes_share() {
    #[lru_cache(typed = true)]
    fn longest<'a, 'b: 'a, T: Argument + 'a>(one: &'a [T], other: &'b [T], _x: Cow<'a, str>) -> usize {
        one.len().max(other.len())
    }
    for _ in 0..2 {
        let (one, other) = (String::from("a"), String::from("b"));
        assert_eq!(longest(&[&*one], &[&*other, &*one], Cow::Borrowed(&one)), 2);
    }
    assert_eq!(longest(&["a"], &["b", "a"], Cow::Borrowed("a")), 2);
    assert_eq!(info(longest::cache_info()), (2, 1, 1));
}

#[test]
fn a_reference_as_the_parameter_need_not_be_static() {
    #[lru_cache(typed = true)]
    fn length<T: Argument + AsRef<str>>(text: T) -> usize {
        text.as_ref().len()
    }
    for _ in 0..2 {
        let text = String::from("text");
        assert_eq!(length(&*text), 4);
    }
    assert_eq!(info(length::cache_info()), (1, 1, 1));
}

// ---- Accessors

#[test]
fn accessors_with_and_without_turbofish() {
    #[lru_cache(maxsize = 4, typed = true)]
    fn name<T: Argument>(_x: T) -> String {
        std::any::type_name::<T>().into()
    }
    assert_eq!((name(1_u8), name::<u16>(1)), ("u8".into(), "u16".into()));
    assert!(name::cache_contains(1_u8) && name::cache_contains::<u16>(1) && !name::cache_contains::<u32>(1));
    assert_eq!((name::cache_peek(1_u8), name::cache_peek::<u32>(1)), (Some("u8".into()), None));
    name::cache_put(1_u32, "put".into());
    name::cache_put::<u64>(1, "put too".into());
    assert_eq!((name(1_u32), name(1_u64)), ("put".into(), "put too".into()));
    assert!(name::cache_invalidate(1_u8) && !name::cache_invalidate::<u8>(1) && name::cache_contains(1_u16));
    assert_eq!((name::cache_refresh::<u32>(1), name::cache_refresh(1_u64)), ("u32".into(), "u64".into()));
    assert_eq!((name::wrapped(1_i8), name::wrapped::<&str>("")), ("i8".into(), "&str".into()));
    assert_eq!(info(name::cache_info()), (2, 4, 3));
    assert_eq!((name::cache_parameters().maxsize, name::cache_parameters().typed), (Some(4), true));
    name::cache_clear();
    assert_eq!(info(name::cache_info()), (0, 0, 0));
}

#[test]
fn untyped_accessors_ask_across_types() {
    #[lru_cache(typed = false)]
    fn f(x: impl Argument + Display) -> String {
        x.to_string()
    }
    f(3_u8);
    assert!(f::cache_contains(3.0) && f::cache_contains(3_i64) && !f::cache_contains("3"));
    assert_eq!(f::cache_peek(3_u128), Some("3".into()));
    f::cache_put(3.0, "three".into());
    assert_eq!((f(3_u8), f::wrapped(3_u8), f::cache_refresh(3_i8)), ("three".into(), "3".into(), "3".into()));
    assert!(f::cache_invalidate(3_usize) && !f::cache_contains(3_u8));
    assert!(!f::cache_parameters().typed);
}

#[test]
fn a_generic_function_may_call_itself_with_other_types() {
    #[lru_cache(maxsize = None, typed = false)]
    fn fibonacci<T>(n: T) -> u64
    where
        T: Argument + Into<u64>,
    {
        let n = n.into();
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    assert_eq!(
        (fibonacci(90_u8), fibonacci(90_u32), fibonacci(90_u64)),
        (2_880_067_194_370_816_120, 2_880_067_194_370_816_120, 2_880_067_194_370_816_120)
    );
    assert_eq!(info(fibonacci::cache_info()), (90, 91, 91));
}

#[test]
fn a_disabled_generic_function_counts_misses() {
    #[lru_cache(maxsize = 0, typed = false)]
    fn f<T: Argument + Clone + Send + Sync + 'static>(x: T) -> T {
        x
    }
    assert_eq!((f(1_u8), f(1_u8), f("a")), (1, 1, "a"));
    f::cache_put(1_u8, 2);
    assert_eq!((f(1_u8), f::cache_peek(1_u8), info(f::cache_info())), (1, None, (0, 4, 0)));
}

// ---- Other keys, no accessors

#[test]
fn skipped_and_made_keys_never_share() {
    struct Named<T>(u8, T);

    #[lru_cache(typed = false)]
    fn skipped<T>(#[key(skip)] _x: T, _n: u8) -> usize {
        size_of::<T>()
    }
    #[lru_cache(typed = false)]
    fn made<T>(#[key(x.0)] x: &Named<T>) -> usize {
        size_of_val(&x.1)
    }
    assert_eq!((skipped(1_u8, 0), skipped(1_u64, 0), skipped(2_u8, 0)), (1, 8, 1));
    assert_eq!((made(&Named(0, 1_u8)), made(&Named(0, 1_u64)), made(&Named(0, 2_u8))), (1, 8, 1));
    assert_eq!((info(skipped::cache_info()), info(made::cache_info())), ((1, 2, 2), (1, 2, 2)));

    #[lru_cache(typed = false, key = |x| x.0)]
    fn by_closure<T>(x: &Named<T>) -> usize {
        size_of_val(&x.1)
    }
    assert_eq!((by_closure(&Named(0, 1_u8)), by_closure(&Named(0, 1_u64))), (1, 8));
}

#[test]
fn without_accessors_instantiations_never_share() {
    #[lru_cache(typed = true, accessors = none)]
    fn size<T, const N: usize>(_n: u8) -> (usize, usize) {
        (size_of::<T>(), N)
    }
    #[lru_cache(typed = true, accessors = none)]
    fn name(x: impl Argument + Clone) -> &'static str {
        std::any::type_name_of_val(&x)
    }
    assert_eq!(
        (size::<u8, 1>(0), size::<u16, 1>(0), size::<u8, 2>(0), size::<u8, 1>(0)),
        ((1, 1), (2, 1), (1, 2), (1, 1))
    );
    assert_eq!((name(1_u8), name(1_u16), name(1_u8)), ("u8", "u16", "u8"));
}

#[test]
fn arguments_that_would_meet_as_joined_text_do_not() {
    #[lru_cache(typed = false)]
    fn joined<A: Argument + Display, B: Argument + Display>(a: A, b: B) -> String {
        format!("{a}|{b}")
    }
    assert_ne!(joined("a|b", "c").len(), 0);
    (joined("a", "b|c"), joined("", "a|b|c"), joined(1, 11), joined(11, 1), joined("1", 11));
    assert_eq!(info(joined::cache_info()), (0, 6, 6));
}

#[test]
fn a_parameter_of_an_inner_function_has_nothing_to_do_with_the_outer() {
    fn outer<T: Argument + Display>(x: T) -> String {
        #[lru_cache(typed = true)]
        fn inner<T: Argument + Display>(x: T) -> String {
            x.to_string()
        }
        inner(&x) + &inner(1_u8) + &inner::cache_info().currsize.to_string()
    }
    assert_eq!((outer("a"), outer(2)), ("a12".into(), "213".into()));
}

#[test]
fn a_key_function_leaves_no_parameter_to_be_shared() {
    #[lru_cache(typed = false, key = |_x| 0)]
    fn size<T>(_x: T) -> usize {
        size_of::<T>()
    }
    assert_eq!((size(1_u8), size(1_u64)), (1, 8));
}

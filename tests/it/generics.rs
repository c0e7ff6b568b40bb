//! Generic functions: one function, one cache, right answers.

use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;

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

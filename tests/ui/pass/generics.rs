//! Generic functions, also where every lint that can be asked for is denied.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unused_results, unused_lifetimes)]
#![forbid(unsafe_code)]
#![allow(dead_code)]

use std::fmt::Display;
use std::hash::Hash;
use std::str::FromStr;

use functools::{Argument, cache, lru_cache};

/// Each type of the argument has entries of its own.
#[lru_cache(maxsize = 8, typed = true)]
fn show<T: Display + Argument>(item: T) -> String {
    format!("{item}")
}

/// Equal arguments of different types share an entry.
#[cache(typed = false)]
fn half<T: Into<f64> + Copy + Argument>(number: T) -> f64 {
    number.into() / 2.0
}

/// The result has to be `'static`.
#[lru_cache(typed = true)]
pub fn parse<T>(text: &str) -> Result<T, T::Err>
where
    T: FromStr + Clone + Send + Sync + 'static,
{
    text.parse()
}

/// References, lifetimes, constants and an `impl Trait`.
#[lru_cache(typed = true)]
fn count<'a, T: Hash + Eq + Clone + Send + Sync + 'static, const N: usize>(
    items: &'a [T],
    more: &[T; N],
    name: impl AsRef<str> + Argument,
) -> usize {
    items.len() + more.len() + name.as_ref().len()
}

fn main() {
    assert_eq!((show(3_u8), show(3_i64), show("3")), ("3".into(), "3".into(), "3".into()));
    assert_eq!(show::cache_info().currsize, 3);
    assert_eq!((half(3_u8), half(3.0), half(3_i32)), (1.5, 1.5, 1.5));
    assert_eq!(half::cache_info().currsize, 1);
    assert_eq!((parse::<u8>("7"), parse::<i64>("7")), (Ok(7), Ok(7)));
    assert_eq!(parse::cache_peek::<u8>("7"), Some(Ok(7)));
    assert_eq!((count(&['a'], &['b'; 2], "c"), count(&['a'], &['b'; 3], String::from("c"))), (4, 5));
    assert_eq!(count::cache_info().misses, 2);
    let function: fn(u8) -> String = show;
    assert_eq!(function(3), "3");
}

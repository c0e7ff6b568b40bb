//! Names of the standard library that have another meaning here, in each namespace.

#![allow(non_snake_case, non_upper_case_globals, reason = "the test is about these names")]
#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]

use functools::{cache, cached_property, lru_cache};

/// Defines a unit struct per name: a type and a value.
macro_rules! units {
    ($($name:ident)*) => {
        $(
            /// Hides an item of the standard library.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub struct $name;
        )*
    };
}

units! { Option Result String Box Some None Arc Default Argument Memo Plain CacheInfo CacheParameters }

/// Hides a type of the standard library, and has one type parameter more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Vec<T, U>(pub T, pub U);

/// Defines a trait per name.
macro_rules! traits {
    ($($name:ident)*) => {
        $(
            /// Hides a trait of the standard library.
            pub trait $name {}
        )*
    };
}

traits! { Clone Send Sync Copy Eq PartialEq Hash Into From Iterator Sized Drop Fn FnOnce }

/// Hides the variant.
pub const Ok: u32 = 1;

/// Hides the variant.
pub static Err: u32 = 2;

/// Hides the crate `core`.
pub mod core {}

/// Hides the crate `std`.
pub mod std {}

/// Hides the crate `alloc`.
pub mod alloc {}

/// Has the name of the module that generated code uses.
pub mod __private {}

macro_rules! vec {
    () => {
        2
    };
}

macro_rules! panic {
    () => {
        3
    };
}

macro_rules! matches {
    () => {
        5
    };
}

/// Defines a macro per name.
macro_rules! macros {
    ($($name:ident)*) => {
        $(
            macro_rules! $name {
                () => {
                    1
                };
            }
        )*
    };
}

macros! { Option Result Some None Ok Err Vec Box Clone Send Sync outcome stored kept }

/// Takes and returns types that hide those of the standard library.
#[lru_cache(maxsize = 3)]
pub fn user_types(option: Option, text: &String, pair: &Vec<u8, bool>, all: [Box; 2]) -> Result {
    let _ = (option, text, pair, all);
    Result
}

/// Names types by their paths.
///
/// # Errors
///
/// If `text` is missing.
#[lru_cache]
pub fn real_types(
    text: ::std::option::Option<&str>,
    words: ::std::vec::Vec<::std::string::String>,
) -> ::std::result::Result<usize, ::std::string::String> {
    text.map(|text| text.len() + words.len()).ok_or_else(|| ::std::string::String::from("no text"))
}

/// Takes a float and returns an `Option`.
#[cache]
pub fn half(n: f64) -> ::std::option::Option<f64> {
    (n > 0.0).then_some(n / 2.0)
}

/// Uses only primitive types.
#[lru_cache(maxsize = Ok + Err)]
pub fn primitives(a: u8, (b, c): (char, &str), d: &[i64]) -> (bool, u64) {
    (c.starts_with(b), d.iter().fold(u64::from(a), |sum, d| sum.wrapping_add(d.unsigned_abs())))
}

/// Is unbounded, although `None` is another item here, and calls the macros above.
#[lru_cache(maxsize = None)]
pub fn macros(n: u32) -> u32 {
    let ones = Option!() + Result!() + Some!() + None!() + Ok!() + Err!() + Vec!() + Box!() + Clone!();
    n + ones + Send!() + Sync!() + outcome!() + stored!() + kept!() + vec![] + panic!() + matches!()
}

/// Keeps values in fields.
#[derive(Debug)]
pub struct Kept {
    /// What the values are made of.
    pub text: &'static str,
    /// Keeps a whole value.
    pub first: ::std::sync::OnceLock<::std::option::Option<::std::string::String>>,
    /// Keeps what is no error.
    pub length: ::std::sync::OnceLock<usize>,
}

impl Kept {
    /// Returns a reference.
    #[cached_property(self.first)]
    pub fn first(&self) -> ::std::option::Option<&str> {
        self.text.split(' ').next().map(::std::borrow::ToOwned::to_owned)
    }

    /// Returns a clone.
    ///
    /// # Errors
    ///
    /// If there is no text.
    #[cached_property(self.length)]
    pub fn length(&self) -> ::std::result::Result<usize, &'static str> {
        if self.text.is_empty() {
            ::std::result::Result::Err("no text")
        } else {
            ::std::result::Result::Ok(self.text.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(user_types(Option, &String, &Vec(1, true), [Box, Box]));
        let words = ::std::vec::Vec::from([::std::string::String::from("word")]);
        assert_cached!(real_types(::core::option::Option::Some("text"), words.clone()));
        assert_cached!(half(3.0));
        assert_cached!(primitives(1, ('a', "abc"), &[2, -3]));
        assert_cached!(macros(7));
        assert_eq!(macros(7), 31);
        assert_eq!(macros::cache_info().maxsize, ::core::option::Option::None);
        assert_eq!(primitives::cache_info().maxsize, ::core::option::Option::Some(3));

        let kept = Kept {
            text: "some text",
            first: ::std::sync::OnceLock::new(),
            length: ::std::sync::OnceLock::new(),
        };
        assert_eq!(
            (kept.first(), kept.length()),
            (::core::option::Option::Some("some"), ::core::result::Result::Ok(9))
        );
        assert_eq!(kept.length.get(), ::core::option::Option::Some(&9));

        // An error is still recognized, and not cached.
        assert!(real_types(::core::option::Option::None, [].to_vec()).is_err());
        assert!(!real_types::cache_contains(::core::option::Option::None, [].to_vec()));
    }
}

//! A module without a prelude: no `Option`, no `Clone`, no macros of the standard library.

#![no_implicit_prelude]
#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use ::functools::{cache, lru_cache};

/// A type for arguments and results.
#[derive(
    Debug,
    ::core::clone::Clone,
    ::core::marker::Copy,
    ::core::cmp::PartialEq,
    ::core::cmp::Eq,
    ::core::hash::Hash,
)]
pub struct Word(pub u32);

/// Uses only primitive types.
#[cache]
pub fn primitives(a: u64, (b, c): (bool, &str), d: &[f64]) -> (u64, usize) {
    if b { (a, c.len()) } else { (a + 1, d.len()) }
}

/// Takes arguments of named types.
#[lru_cache(maxsize = 1 << 2)]
pub fn named(
    word: &Word,
    text: ::core::option::Option<&str>,
    words: ::std::vec::Vec<Word>,
) -> ::core::option::Option<Word> {
    text.and_then(|_| words.first().map(|first| Word(first.0 + word.0)))
}

/// Returns a `Result`.
///
/// # Errors
///
/// If the text is not a number.
#[lru_cache(maxsize = None)]
pub fn parsed(text: &str) -> ::core::result::Result<u32, ::core::num::ParseIntError> {
    text.parse()
}

/// Takes and returns nothing.
#[cache]
pub fn nothing() {}

/// Calls itself recursively.
#[lru_cache(maxsize = 0)]
pub fn recursive(n: u32) -> u32 {
    if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
}

#[cfg(test)]
mod tests {
    use super::{Word, named, nothing, parsed, primitives, recursive};

    #[test]
    fn all_are_cached() {
        assert_cached!(primitives(1, (true, "text"), &[0.5]));
        assert_cached!(named(
            &Word(1),
            ::core::option::Option::Some("text"),
            <[Word]>::to_vec(&[Word(1), Word(2)]),
        ));
        assert_cached!(parsed("12"));
        assert_cached!(nothing());
        ::core::assert_eq!(recursive(3), 2);
        ::core::assert_eq!(recursive::cache_info().misses, 5);
    }
}

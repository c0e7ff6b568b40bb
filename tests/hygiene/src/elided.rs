//! Types whose lifetimes are elided where they are named.

#![allow(elided_lifetimes_in_paths, reason = "the test is about elided lifetimes")]
#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]

use functools::{Argument, cache, lru_cache};
use std::borrow::Cow;
use std::hash::Hasher;

/// Borrows a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word<'text>(pub &'text str);

/// Borrows a string, and is stored as an owned one.
#[derive(Clone, Copy, Debug)]
pub struct Name<'text>(pub &'text str);

impl Argument for Name<'_> {
    type Stored = String;

    fn hash_argument<H: Hasher>(&self, state: &mut H) {
        self.0.hash_argument(state);
    }

    fn eq_argument(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn eq_stored(&self, stored: &String) -> bool {
        self.0 == stored
    }

    fn to_stored(&self) -> String {
        self.0.to_owned()
    }

    fn stored_eq(one: &String, other: &String) -> bool {
        one == other
    }
}

/// Borrows two strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair<'a, 'b, T>(pub &'a T, pub Word<'b>);

/// A borrow behind an alias.
pub type Text<'text> = &'text str;

/// Takes a borrowed or owned value.
#[lru_cache]
pub fn copied(text: Cow<str>, other: &(Cow<str>, u8), some: Option<Cow<[u8]>>) -> usize {
    text.len() + other.0.len() + some.map_or(0, |some| some.len())
}

/// Returns an owned value.
#[lru_cache(maxsize = 2)]
pub fn owned(text: Cow<str>, n: usize) -> Cow<'static, str> {
    Cow::Owned(text.repeat(n))
}

/// Takes a borrow behind an alias.
#[cache]
pub fn alias(text: Text, all: &[u64]) -> usize {
    text.len() + all.len()
}

/// Takes a `'static` type of this crate.
#[cache]
pub fn forever(word: Word<'static>, pair: &Pair<'static, 'static, u64>) -> u64 {
    *pair.0 + u64::from(word.0.is_empty())
}

/// Takes a type of this crate that is stored as another type.
#[cache]
pub fn by_argument(name: Name, names: &[Name]) -> usize {
    names.iter().filter(|other| other.0 == name.0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(copied(
            Cow::Borrowed("text"),
            &(Cow::Borrowed("other"), 1),
            Some(Cow::Borrowed(&[1]))
        ));
        assert_cached!(owned(Cow::Borrowed("text"), 2));
        assert_cached!(alias("text", &[1]));
        assert_cached!(forever(Word("text"), &Pair(&1, Word("other"))));
        assert_cached!(by_argument(Name("text"), &[Name("text")]));

        // Borrows may be short.
        for text in ["short", "short"] {
            let text = text.to_owned();
            assert_eq!(copied(Cow::Borrowed(&text), &(Cow::Borrowed(&text), 1), None), 10);
            assert_eq!(by_argument(Name(&text), &[]), 0);
        }
    }
}

//! Traits of a user that give every type methods and constants with the names that generated code uses.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use functools::{cache, lru_cache};

/// Methods by reference, and constants, for every type.
pub trait Everywhere {
    /// A name used in the selection of the stored type.
    const RESULT: u8 = 1;
    /// A name of an operator.
    const EQ: u8 = 2;
    /// A name of a trait of the library.
    const ARGUMENT: u8 = 3;
    /// A name used in the selection of the stored type.
    const SHARED: u8 = 4;
    /// A name of an option.
    const MAXSIZE: u8 = 5;

    /// Is not `Clone::clone`.
    fn clone(&self) {}
    /// Is not `Hash::hash`.
    fn hash(&self) {}
    /// Is not `PartialEq::eq`.
    fn eq(&self) {}
    /// Is not `Deref::deref`.
    fn deref(&self) {}
    /// Is not `Borrow::borrow`.
    fn borrow(&self) {}
    /// Is not the handle of the cache.
    fn handle(&self) {}
    /// Is not the lookup.
    fn lookup(&self) {}
    /// Is not the insert with options.
    fn insert_with(&self) {}
    /// Is not the insert.
    fn insert(&self) {}
    /// Is not the start of a coalesced call.
    fn begin(&self) {}
    /// Is not the computation.
    fn run(&self) {}
    /// Is not the accessor of the counters.
    fn info(&self) {}
    /// Is not the accessor of the options.
    fn parameters(&self) {}
    /// Is not the clear.
    fn clear(&self) {}
    /// Is not the put.
    fn put(&self) {}
    /// Is not the peek.
    fn peek(&self) {}
    /// Is not the membership test.
    fn contains(&self) {}
    /// Is not the removal.
    fn invalidate(&self) {}
    /// Is not the refresh.
    fn refresh(&self) {}
    /// Is not the construction of a key.
    fn key(&self) {}
}

impl<T: ?Sized> Everywhere for T {}

/// Methods by value for every type.
pub trait Consuming: Sized {
    /// Is not the handle of the cache.
    fn handle(self) {}
    /// Is not the lookup.
    fn lookup(self) {}
    /// Is not the insert with options.
    fn insert_with(self) {}
    /// Is not the insert.
    fn insert(self) {}
    /// Is not the start of a coalesced call.
    fn begin(self) {}
    /// Is not the computation.
    fn run(self) {}
    /// Is not the put.
    fn put(self) {}
    /// Is not the accessor of the counters.
    fn info(self) {}
    /// Is not the call of the function.
    fn call(self) {}
    /// Is not the companion's.
    fn wrapped() {}
    /// Is not the companion's.
    fn cache_info() {}
}

impl<T> Consuming for T {}

/// A type for arguments and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word(pub u32);

/// A `Result` behind an alias.
pub type Answer = Result<Word, std::fmt::Error>;

/// Selects how each argument becomes part of the key, and which part of the result is stored.
///
/// # Errors
///
/// If the number is zero.
#[lru_cache(maxsize = 2)]
pub fn chosen(word: Word, text: String, floats: &[f64], some: Option<&Word>) -> Answer {
    let sum = word.0 + some.map_or(0, |word| word.0);
    if sum == 0 || text.is_empty() || floats.is_empty() { Err(std::fmt::Error) } else { Ok(Word(sum)) }
}

/// Returns a plain value.
#[cache]
pub fn plain(word: &Word, (text, n): (&str, Word)) -> Word {
    Word(word.0 + n.0 + u32::from(text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(chosen(Word(1), String::from("text"), &[0.5], Some(&Word(2))));
        assert_cached!(plain(&Word(1), ("text", Word(2))));

        // Every accessor is the one of the companion.
        assert_eq!(plain::wrapped(&Word(7), ("", Word(7))), Word(15));
        plain::cache_put(&Word(7), ("", Word(7)), Word(8));
        assert_eq!(plain::cache_peek(&Word(7), ("", Word(7))), Some(Word(8)));
        assert!(plain::cache_contains(&Word(7), ("", Word(7))));
        assert_eq!(plain::cache_refresh(&Word(7), ("", Word(7))), Word(15));
        assert!(plain::cache_invalidate(&Word(7), ("", Word(7))));
        assert_eq!(plain::cache_parameters().maxsize, None);
    }
}

//! Functions that a `macro_rules` writes.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use functools::{cache, lru_cache};

/// A type that is named by way of `$crate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number(pub u32);

/// Writes a function of fragments.
macro_rules! memoized {
    (
        $(#[$attr:meta])*
        $vis:vis $name:ident($($param:pat => $type:ty),*) -> $result:ty, maxsize = $maxsize:expr, $body:block
    ) => {
        $(#[$attr])*
        #[lru_cache(maxsize = $maxsize)]
        $vis fn $name($($param: $type),*) -> $result $body
    };
}

memoized! {
    /// Has primitives alone.
    #[must_use]
    pub product(a => u64, b => u64) -> u64, maxsize = 1 << 3, { a * b }
}

memoized! {
    /// Borrows, and matches.
    pub lengths((a, b) => (&str, Option<&str>), [c, ..] => [f64; 2], words => &[String]) -> Option<usize>,
    maxsize = -1 + 3,
    { (c > 0.0).then(|| a.len() + b.map_or(0, str::len) + words.len()) }
}

memoized! {
    /// Returns a result.
    ///
    /// # Errors
    ///
    /// When the text is no number.
    pub number(text => &str) -> Result<Number, std::num::ParseIntError>, maxsize = 5, { text.parse().map(Number) }
}

memoized! {
    /// Is seen in this crate.
    pub(crate) doubled(n => Number) -> Number, maxsize = u8::MAX, { Number(n.0 * 2) }
}

/// Writes a function with names of its own: the parameter and the function are the macro's.
macro_rules! hidden {
    ($name:ident, $n:expr) => {
        /// Calls a function that has the name of another.
        #[must_use]
        pub fn $name(n: u32) -> u32 {
            #[cache]
            fn step(n: u32) -> u32 {
                n + $n
            }
            let first = step(n);
            first + step(n) + u32::from(step::cache_contains(n))
        }
    };
}

hidden!(hidden_one, 1);
hidden!(hidden_two, 1 + 1);

/// Names types by `$crate`, and takes a type's path, a lifetime and a literal.
macro_rules! by_path {
    ($name:ident, $path:path, $lifetime:lifetime, $maxsize:literal, $($argument:tt)*) => {
        /// Has types that are named by their paths.
        #[lru_cache(maxsize = $maxsize)]
        pub fn $name<$lifetime>(
            number: $crate::macros::Number,
            text: &$lifetime str,
            other: &$lifetime str,
            $($argument)*
        ) -> $path {
            <$path>::from($crate::macros::Number(number.0 + u32::from(text == other)))
        }
    };
}

by_path!(located, Option<Number>, 'text, 6, _more: &[f64]);

/// Puts the attribute on an item that was parsed before.
macro_rules! on_items {
    ($($item:item)*) => {
        $(
            #[cache]
            $item
        )*
    };
}

on_items! {
    /// Was an item before it was cached.
    #[must_use]
    pub fn item(n: u32) -> Number {
        Number(n)
    }

    pub(crate) fn recursive(n: u64) -> u64 {
        if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
    }
}

/// Is called where the other functions of this crate are, so that each is used.
#[must_use]
pub fn used() -> u64 {
    recursive(10) + u64::from(doubled(Number(1)).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(product(3, 4));
        assert_cached!(lengths(("text", Some("s")), [0.5, 1.0], &[String::new()]));
        assert_cached!(number("12"));
        assert_cached!(doubled(Number(3)));
        assert_cached!(located(Number(3), "text", "other", &[0.5]));
        assert_cached!(item(3));
        assert_eq!(recursive(50), 12_586_269_025);
        assert!(recursive::cache_info().hits > 40);
        assert_eq!(lengths::cache_parameters().maxsize, Some(2));

        // A result in a fragment is a result.
        assert!(number("none").is_err() && !number::cache_contains("none"));
    }

    #[test]
    fn names_of_the_macro_are_its_own() {
        assert_eq!((hidden_one(1), hidden_two(1)), (5, 7));
    }
}

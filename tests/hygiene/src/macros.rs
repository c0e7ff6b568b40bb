//! Functions defined by a `macro_rules` macro.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use functools::{cache, lru_cache};

/// A type that is named through `$crate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number(pub u32);

/// Defines a function from fragments.
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
    /// Uses only primitive types.
    #[must_use]
    pub product(a => u64, b => u64) -> u64, maxsize = 1 << 3, { a * b }
}

memoized! {
    /// Takes borrows and patterns.
    pub lengths((a, b) => (&str, Option<&str>), [c, ..] => [f64; 2], words => &[String]) -> Option<usize>,
    maxsize = -1 + 3,
    { (c > 0.0).then(|| a.len() + b.map_or(0, str::len) + words.len()) }
}

memoized! {
    /// Returns a `Result`.
    ///
    /// # Errors
    ///
    /// If the text is not a number.
    pub number(text => &str) -> Result<Number, std::num::ParseIntError>, maxsize = 5, { text.parse().map(Number) }
}

memoized! {
    /// Is visible in this crate.
    pub(crate) doubled(n => Number) -> Number, maxsize = u8::MAX, { Number(n.0 * 2) }
}

/// Defines a function whose inner names, parameter and function, belong to the macro.
macro_rules! hidden {
    ($name:ident, $n:expr) => {
        /// Calls an inner function that shares its name with others.
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

/// Names types through `$crate`, and takes a path, a lifetime and a literal.
macro_rules! by_path {
    ($name:ident, $path:path, $lifetime:lifetime, $maxsize:literal, $($argument:tt)*) => {
        /// Takes types that are named by their paths.
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
    /// Was parsed as an item before it was annotated.
    #[must_use]
    pub fn item(n: u32) -> Number {
        Number(n)
    }

    pub(crate) fn recursive(n: u64) -> u64 {
        if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
    }
}

/// Uses the functions of this crate that are not public.
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

        // A `Result` in a fragment is recognized.
        assert!(number("none").is_err() && !number::cache_contains("none"));
    }

    #[test]
    fn names_of_the_macro_are_its_own() {
        assert_eq!((hidden_one(1), hidden_two(1)), (5, 7));
    }
}

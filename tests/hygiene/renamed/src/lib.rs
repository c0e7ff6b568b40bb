//! Memoized functions in a crate that renames the dependency.
//!
//! The `crate` option names the library: under the new name, behind re-exports, next to an `extern crate`,
//! or, in a macro for other crates, through `$crate`.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

extern crate memo as another;

use another as alias;
use memo::{cache, lru_cache as memoize};

/// Passes the library on, as a crate that depends on it may do.
pub mod passed {
    /// One module further.
    pub mod on {
        pub use ::memo as library;
    }

    /// Re-exports all items, without the library's own name.
    pub mod flat {
        #[doc(hidden)]
        pub use memo::*;

        #[doc(hidden)]
        pub use memo::__private;
    }
}

/// Defines a memoized function, also in a crate that does not depend on the library.
///
/// ```
/// hygiene_renamed::memoized! {
///     /// Is defined by a macro of another crate.
///     pub fn area(width: u32, height: u32) -> u32 {
///         width * height
///     }
/// }
/// assert_eq!((area(3, 4), area(3, 4)), (12, 12));
/// assert_eq!(area::cache_info().hits, 1);
/// ```
#[macro_export]
macro_rules! memoized {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($($param:ident: $type:ty),* $(,)?) -> $result:ty $body:block) => {
        $(#[$attr])*
        #[$crate::passed::on::library::lru_cache(maxsize = 4, crate = $crate::passed::on::library)]
        $vis fn $name($($param: $type),*) -> $result $body
    };
}

/// An argument type that is neither primitive nor of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word(pub u32);

/// A module with the original name of the library.
pub mod functools {}

/// Names the library by its path from the root.
#[memo::lru_cache(maxsize = 2, crate = ::memo)]
pub fn rooted(n: u32, words: &[Word]) -> Option<Word> {
    words.first().map(|word| Word(word.0 + n))
}

/// Names the library by its new name alone.
///
/// # Errors
///
/// If the text is empty.
#[memoize(crate = memo, maxsize = 1 + 1)]
pub fn named(n: &Word, pair: (f64, &str)) -> Result<u32, String> {
    if pair.1.is_empty() { Err(String::from("empty")) } else { Ok(n.0) }
}

/// Names the library as `extern crate` does.
#[cache(crate = another)]
pub fn declared(text: &str, n: Option<&Word>) -> String {
    n.map_or_else(String::new, |_| text.to_owned())
}

/// Names the library as `use` does.
#[cache(crate = self::alias)]
pub fn used(text: &[&str]) -> usize {
    text.len()
}

/// Functions in modules that do not import the library.
pub mod deep {
    use super::Word;

    /// Names the library by a path through a module.
    #[crate::cache(crate = crate::passed::on::library)]
    pub fn passed_on(words: Vec<Word>) -> Vec<Word> {
        words
    }

    /// Names a module that re-exports all items of the library.
    #[crate::cache(crate = crate::passed::flat)]
    pub fn flat(word: Word, d: f32) -> Option<f32> {
        (word.0 > 0).then_some(d)
    }

    /// One module deeper.
    pub mod deeper {
        /// Goes up two modules.
        #[crate::cache(crate = super::super::alias)]
        pub fn above(n: u32, text: String) -> (u32, String) {
            (n, text)
        }
    }

    memoized! {
        /// Is defined by a macro of this crate.
        ///
        /// # Errors
        ///
        /// If the word is zero.
        pub fn written(word: &Word, text: &str) -> Result<Word, String> {
            if word.0 > 0 { Ok(*word) } else { Err(text.to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::deep::{deeper::above, flat, passed_on, written};
    use super::*;

    /// Asserts that the second of two equal calls is a hit; the function may not have been called before.
    macro_rules! assert_cached {
        ($function:ident($($argument:expr),*)) => {{
            assert_eq!($function($($argument),*), $function($($argument),*));
            let info = $function::cache_info();
            assert_eq!((info.hits, info.misses), (1, 1));
        }};
    }

    #[test]
    fn all_are_cached() {
        assert_cached!(rooted(1, &[Word(2)]));
        assert_cached!(named(&Word(1), (0.5, "text")));
        assert_cached!(declared("text", Some(&Word(1))));
        assert_cached!(used(&["text"]));
        assert_cached!(passed_on([Word(1)].to_vec()));
        assert_cached!(flat(Word(1), 0.5));
        assert_cached!(above(1, String::new()));
        assert_cached!(written(&Word(1), "text"));
    }
}

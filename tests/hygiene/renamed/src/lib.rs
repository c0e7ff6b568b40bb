//! Memoized functions where the dependency has another name, and none of its own.
//!
//! The attribute is told where the library is: under the new name, behind re-exports, beside an
//! `extern crate`, or, in a macro for other crates, behind `$crate`.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

extern crate memo as another;

use another as beside;
use memo::{cache, lru_cache as remembered};

/// A module that passes the library on, as a crate that depends on it would.
pub mod passed {
    /// One module further.
    pub mod on {
        pub use ::memo as library;
    }

    /// All that there is, without the library's own name.
    pub mod flat {
        #[doc(hidden)]
        pub use memo::*;

        #[doc(hidden)]
        pub use memo::__private;
    }
}

/// Writes a memoized function into a crate that may not know the library.
///
/// ```
/// hygiene_renamed::memoized! {
///     /// Is written by a macro of another crate.
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

/// A type that is neither an argument by itself nor spelled from primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word(pub u32);

/// A module of the name that the library had.
pub mod functools {}

/// Names the library by its path from the root.
#[memo::lru_cache(maxsize = 2, crate = ::memo)]
pub fn rooted(n: u32, words: &[Word]) -> Option<Word> {
    words.first().map(|word| Word(word.0 + n))
}

/// Names the library by its name alone.
///
/// # Errors
///
/// When the text is empty.
#[remembered(crate = memo, maxsize = 1 + 1)]
pub fn named(n: &Word, pair: (f64, &str)) -> Result<u32, String> {
    if pair.1.is_empty() { Err(String::from("empty")) } else { Ok(n.0) }
}

/// Names the library by what `extern crate` calls it.
#[cache(crate = another)]
pub fn declared(text: &str, n: Option<&Word>) -> String {
    n.map_or_else(String::new, |_| text.to_owned())
}

/// Names the library by what `use` calls it.
#[cache(crate = self::beside)]
pub fn used(text: &[&str]) -> usize {
    text.len()
}

/// Functions in other modules than the library is named in.
pub mod deep {
    use super::Word;

    /// Names the library by the way it comes through a module.
    #[crate::cache(crate = crate::passed::on::library)]
    pub fn passed_on(words: Vec<Word>) -> Vec<Word> {
        words
    }

    /// Names a module that has what the library has.
    #[crate::cache(crate = crate::passed::flat)]
    pub fn flat(word: Word, d: f32) -> Option<f32> {
        (word.0 > 0).then_some(d)
    }

    /// One module further down.
    pub mod deeper {
        /// Goes up two modules.
        #[crate::cache(crate = super::super::beside)]
        pub fn above(n: u32, text: String) -> (u32, String) {
            (n, text)
        }
    }

    memoized! {
        /// Is written by a macro of this crate.
        ///
        /// # Errors
        ///
        /// When the word is zero.
        pub fn written(word: &Word, text: &str) -> Result<Word, String> {
            if word.0 > 0 { Ok(*word) } else { Err(text.to_owned()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::deep::{deeper::above, flat, passed_on, written};
    use super::*;

    /// Asserts that of two equal calls, the first ones of the function, the second is a hit.
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

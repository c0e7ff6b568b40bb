//! Functions whose name is also the name of a module, a type, a primitive, or a crate.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]

use ::functools::{cache, lru_cache};

/// A module with the function's name.
pub mod area {
    /// An item of the module.
    pub const UNIT: u32 = 1;
}

/// Has the name of a module; [`area_cache`] has its accessors.
///
/// Is distinguished from [`mod@area`]; see [`area_cache::cache_info`].
#[lru_cache(maxsize = 4, handle = area_cache)]
pub fn area(width: u32, height: u32) -> u32 {
    width * height * area::UNIT
}

/// A type with the function's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types, reason = "the test is about this name")]
pub struct point {
    /// The horizontal coordinate.
    pub x: i32,
}

/// Returns the type that has its name.
#[cache(handle = PointCache)]
pub fn point(x: i32) -> point {
    point { x }
}

/// Has the name of a primitive, and takes that primitive.
#[cache(handle = str_cache)]
pub fn str(str: &str, len: usize) -> String {
    str.chars().take(len).collect()
}

/// Has a companion with a raw name.
#[cache(handle = r#enum)]
pub fn kind(n: u32) -> u32 {
    n + 1
}

/// Functions with the names of crates.
pub mod crates {
    /// Hides the crate that generated code names.
    #[::functools::cache]
    pub fn core(n: u32) -> Option<u32> {
        n.checked_add(1)
    }

    /// Hides the standard library.
    #[::functools::cache]
    pub fn std(text: &str) -> String {
        text.to_owned()
    }

    /// Hides the library itself.
    #[::functools::cache]
    pub fn functools(numbers: &[f64]) -> f64 {
        numbers.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::crates::{core, functools, std};
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(area(3, 4), area_cache);
        assert_cached!(point(3), PointCache);
        assert_cached!(str("text", 2), str_cache);
        assert_cached!(kind(3), r#enum);
        assert_cached!(core(3));
        assert_cached!(std("text"));
        assert_eq!(functools(&[0.5, 0.25]).to_bits(), functools(&[0.5, 0.25]).to_bits());
        assert_eq!(functools::cache_info().hits, 1);
    }
}

//! Parameters, items and functions with names that generated code uses too.

use functools::{cache, lru_cache};

/// Has parameters with names that a cache might use.
#[lru_cache]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "each name is one more case")]
pub fn parameters(
    key: u32,
    cache: u32,
    result: &str,
    hash: u64,
    state: bool,
    self_: i8,
    value: u8,
    miss: f32,
    hit: Option<&str>,
) -> String {
    format!("{key} {cache} {result} {hash} {state} {self_} {value} {miss} {hit:?}")
}

/// Has as many parameters as Clippy allows.
#[cache]
#[must_use]
pub fn seven(args: u8, memo: u8, parameters: u8, looked: u8, arguments: u8, compute: u8, seven: u8) -> u8 {
    args ^ memo ^ parameters ^ looked ^ arguments ^ compute ^ seven
}

/// Has parameters with the names of the function, of the attribute and of its crate.
#[cache]
#[must_use]
pub fn own(own: u8, lru_cache: u8, functools: &str, core: char) -> usize {
    usize::from(own) + usize::from(lru_cache) + functools.len() + core.len_utf8()
}

/// Has parameters with the form of names that generated code invents.
#[cache]
#[must_use]
pub fn made_up(__arg1: u8, (a, b): (u8, u8), __value: u8, __miss: u8, __looked: u8, __hit: u8) -> u8 {
    __arg1 ^ a ^ b ^ __value ^ __miss ^ __looked ^ __hit
}

/// Has a keyword as its name and as a parameter's.
#[cache]
#[must_use]
pub fn r#match(r#fn: u32, r#type: &str, r#try: Option<char>) -> u64 {
    u64::from(r#fn) + u64::from(r#try.is_some_and(|letter| r#type.contains(letter)))
}

/// Has raw names that need not be raw.
#[cache]
#[must_use]
pub fn r#plain(r#n: u32) -> u32 {
    n + 1
}

/// Has the name of an accessor of its companion.
#[cache]
#[must_use]
pub fn cache_info(n: u32) -> u32 {
    n + 1
}

/// Constants, statics and functions that a pattern binding of the same name would match.
pub mod items {
    #![allow(non_upper_case_globals, reason = "the test is about these names")]

    use functools::lru_cache;

    /// A constant.
    pub const hit: u32 = 1;
    /// A constant.
    pub const result: u32 = 2;
    /// A static.
    pub static miss: u32 = 3;
    /// A static.
    pub static looked: u32 = 4;

    /// A function.
    #[must_use]
    pub const fn value() -> u32 {
        5
    }

    /// A tuple struct, whose name is also a function.
    #[derive(Clone, Copy, Debug)]
    #[allow(non_camel_case_types, reason = "the test is about this name")]
    pub struct key(pub u32);

    /// Uses each of them in its body.
    #[lru_cache(maxsize = hit + result)]
    #[must_use]
    pub fn seen(n: u32, text: Option<&str>) -> Option<u32> {
        let n = n.checked_add(hit + result)?;
        text.map(|_| n + miss + looked + value() + key(6).0)
    }
}

/// Names that differ only in case.
pub mod cases {
    #![allow(non_snake_case, reason = "the test is about these names")]

    use functools::cache;

    /// Is lower case, with parameters that differ only in case.
    #[cache]
    #[must_use]
    pub fn fib(n: u64, N: u64) -> u64 {
        if n < 2 { n } else { Fib(n - 1, N) + fib(n - 2, N + 1) }
    }

    /// Is capitalized.
    #[cache]
    #[must_use]
    pub fn Fib(N: u64, n: u64) -> u64 {
        if N < 2 { N } else { fib(N - 1, n) + FIB(N - 2) }
    }

    /// Is upper case.
    #[cache]
    #[must_use]
    pub fn FIB(n: u64) -> u64 {
        if n < 2 { n } else { FIB(n - 1) + FIB(n - 2) }
    }
}

#[cfg(test)]
mod tests {
    use super::cases::{FIB, Fib, fib};
    use super::items::seen;
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(parameters(1, 2, "result", 4, true, 6, 7, 8.5, Some("hit")));
        assert_cached!(seven(1, 2, 3, 4, 5, 6, 7));
        assert_cached!(own(1, 2, "three", '4'));
        assert_cached!(made_up(1, (2, 3), 4, 5, 6, 7));
        assert_cached!(r#match(1, "two", Some('o')));
        assert_cached!(r#plain(1));
        assert_cached!(plain(2));
        assert_cached!(cache_info(1));
        assert_cached!(seen(1, Some("text")));
        assert_eq!(seen(1, Some("text")), Some(22));
        assert_eq!(seen::cache_info().maxsize, Some(3));
    }

    #[test]
    fn names_in_other_case_have_another_cache() {
        assert_eq!((fib(1, 0), Fib(0, 0), FIB(1)), (1, 0, 1));
        assert_eq!((fib(1, 0), fib(1, 0)), (1, 1));
        assert_eq!(fib::cache_info().hits, 2);
        assert_eq!((Fib::cache_info().misses, FIB::cache_info().hits), (1, 0));
    }
}

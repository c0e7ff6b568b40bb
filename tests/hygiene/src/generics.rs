//! Generic functions, in surroundings that break generated code which is not hygienic.

#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value, reason = "the functions are kept plain")]

use functools::{Argument, LruCache, cache, lru_cache};
use std::fmt::{Debug, Display};

/// Takes any argument type.
#[lru_cache(typed = false)]
pub fn shown<T: Argument + Display>(value: T, more: &(impl Argument + Debug)) -> String {
    format!("{value} {more:?}")
}

/// Has type parameters with names that generated code may use.
#[cache(typed = true)]
#[allow(non_camel_case_types, reason = "the test is about these names")]
pub fn named<K, V, P, R, O, H, __A0, Key, const N: usize, const M: bool>(
    key: &K,
    value: Vec<V>,
    part: [P; N],
    result: (R, O),
    state: Option<&H>,
    __a0: __A0,
    k: Key,
) -> (usize, bool)
where
    K: Argument + ?Sized,
    V: Argument,
    P: Argument,
    R: Argument,
    O: Argument,
    H: Argument,
    __A0: Argument,
    Key: Argument,
{
    let _ = (key, &part, &result, state.is_some(), &__a0, &k);
    (value.len() + N, M)
}

/// Returns its type parameter.
///
/// # Errors
///
/// If the text does not parse.
#[lru_cache(maxsize = 4, typed = true)]
pub fn parsed<T>(text: &str) -> Result<T, T::Err>
where
    T: std::str::FromStr + Clone + Send + Sync + 'static,
{
    text.parse()
}

/// Calls itself with another type argument.
#[cache(typed = false)]
pub fn fibonacci<T: Argument + Into<u64>>(n: T) -> u64 {
    let n = n.into();
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

/// Has a type parameter that no argument uses.
#[lru_cache(typed = false, handle = size_cache)]
pub fn size<T>(_n: u8) -> usize {
    size_of::<T>()
}

/// Has a skipped parameter, and one that is projected to a part of the key.
#[lru_cache(typed = true)]
pub fn projected<T: Debug>(#[key(skip)] value: &T, #[key(text.len())] text: &str) -> usize {
    format!("{value:?}").len() + text.len()
}

/// Has accessors without the lifetime of what they do not take.
///
/// # Errors
///
/// If the text is not a number.
#[lru_cache(maxsize = 9, weight = |_, text, _| text.len())]
pub fn skipped<'a>(#[key(skip)] value: &'a str, text: &str) -> Result<usize, &'a str> {
    text.parse().map_err(|_| value)
}

/// Has no accessors.
#[lru_cache(typed = true, accessors = none)]
pub fn silent<T: Argument + Clone>((one, other): (T, T), mut n: usize) -> usize {
    n += usize::from(one.clone().eq_argument(&other));
    n
}

/// Takes its cache as a parameter.
#[lru_cache(cache = memo)]
pub fn paths(x: u64, y: u64, memo: &LruCache<(u64, u64), u64>) -> u64 {
    if x == 0 || y == 0 { 1 } else { paths(x - 1, y, memo) + paths(x, y - 1, memo) }
}

/// Defines a generic function.
macro_rules! generic {
    ($(#[$attr:meta])* $name:ident<$param:ident: $bound:path>($value:ident: $type:ty) -> $result:ty, $body:block) => {
        $(#[$attr])*
        #[lru_cache(maxsize = 1 << 2, typed = false)]
        pub fn $name<$param: $bound>($value: $type) -> $result $body
    };
}

generic!(
    /// Is defined by a macro.
    written<T: Argument>(value: &T) -> usize, { size_of_val(value) }
);

/// A module without a prelude.
pub mod bare {
    #![no_implicit_prelude]

    use ::functools::{Argument, lru_cache};

    /// Returns its argument.
    #[lru_cache(typed = true)]
    pub fn same<T>(value: T) -> ::core::option::Option<T>
    where
        T: Argument + ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
    {
        ::core::option::Option::Some(value)
    }
}

/// A module where names of the standard library have another meaning.
pub mod shadowed {
    #![allow(dead_code, reason = "the items only need to exist")]

    struct Option;
    struct String;
    struct Vec;
    mod core {}
    mod std {}
    trait Clone {}
    trait Hash {}
    trait Sized {}

    /// Takes any argument type.
    #[functools::lru_cache(typed = false)]
    pub fn any<T: functools::Argument, const N: usize>(value: &[T; N]) -> ::std::option::Option<usize> {
        value.len().checked_add(N)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(shown(1_u8, &2));
        assert_eq!(shown(1_u16, &2), "1 2");
        assert_eq!(shown::cache_info().hits, 2);
        assert_cached!(fibonacci(1_u8));
        assert_eq!(fibonacci(50_u32), 12_586_269_025);
        assert_cached!(projected(&Some(1), "text"));
        assert!(projected::cache_contains::<Option<i32>>("TEXT") && !projected::cache_contains::<u8>("text"));
        assert_cached!(skipped("no number", "7"));
        skipped::cache_put("8", Ok(9));
        assert_eq!((skipped("", "8"), skipped::cache_peek("x")), (Ok(9), None));
        assert_cached!(written(&1_u8));
        assert_cached!(written(&"text"));
        let all_of_them = || named::<_, u8, _, _, _, u8, _, _, 2, true>("a", vec![1], [1, 2], (1, "b"), None, 'c', 1.5);
        assert_eq!((all_of_them(), all_of_them()), ((3, true), (3, true)));
        assert_eq!(named::cache_info().hits, 1);
        assert_eq!((size::<u8>(0), size::<u16>(0), size::<u8>(0)), (1, 2, 1));
        assert_eq!(size_cache::cache_info().hits, 1);
        assert_eq!((parsed("1"), parsed("1"), parsed("1")), (Ok(1_u8), Ok(1_u8), Ok(1_u16)));
        assert!(parsed::<u8>("x").is_err() && !parsed::cache_contains::<u8>("x"));
        assert_eq!((silent((1, 1), 1), silent(("a", "b"), 1)), (2, 1));
        let memo = LruCache::new(None);
        assert_eq!(paths(16, 16, &memo), 601_080_390);
    }

    #[test]
    fn all_are_cached_where_names_mean_something_else() {
        use super::bare::same;
        use super::shadowed::any;

        assert_cached!(same("text"));
        assert_cached!(any(&[1, 2]));
    }
}

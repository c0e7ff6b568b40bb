//! Memoized functions in surroundings that break generated code which is not hygienic.
//!
//! One module per topic. This source is compiled as three crates, one per edition, and denies all lints that
//! could fire in generated code. The tests assert that each function is still cached.
//!
//! These links distinguish the function [`names::parameters()`] from its companion
//! [`names::parameters`](enum@names::parameters).

/// Asserts that the second of two equal calls is a hit.
///
/// No other call with these arguments may come before. Tests run in parallel: a function belongs to one test.
#[cfg(test)]
macro_rules! assert_cached {
    ($function:ident ( $($argument:expr),* $(,)? )) => {
        assert_cached!($function($($argument),*), $function)
    };
    ($function:ident ( $($argument:expr),* $(,)? ), $companion:ident) => {{
        let before = $companion::cache_info();
        ::core::assert_eq!($function($($argument),*), $function($($argument),*));
        let after = $companion::cache_info();
        ::core::assert_eq!((after.hits, after.misses), (before.hits + 1, before.misses + 1));
    }};
}

pub mod asyncs;
pub mod bare;
pub mod blanket;
pub mod companions;
pub mod conditions;
pub mod elided;
pub mod generics;
pub mod lifecycle;
pub mod macros;
pub mod memoize;
pub mod methods;
pub mod names;
pub mod places;
pub mod shadowed;

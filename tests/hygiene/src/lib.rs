//! Memoized functions in surroundings that would break generated code that is not careful.
//!
//! A module for each theme. Three crates are made of this one source, one for each edition, and all
//! lints that could mind generated code are denied. That a function is still cached is asserted at
//! run time.
//!
//! A link tells the function [`names::parameters()`] from its companion
//! [`names::parameters`](enum@names::parameters).

/// Asserts that of two equal calls, the first ones with these arguments, the second is a hit.
///
/// Tests run side by side, so a function belongs to one test.
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
pub mod generics;
pub mod left_out;
pub mod macros;
pub mod methods;
pub mod names;
pub mod places;
pub mod shadowed;
pub mod terms;

//! Functions under conditions that always hold, `all()`, and that never hold, `any()`.

#![allow(clippy::must_use_candidate, reason = "the functions are kept plain")]
#![allow(clippy::non_minimal_cfg, reason = "`all()` is the simplest condition that always holds")]

use functools::{cache, lru_cache};

/// Exists: the condition above the attribute holds.
#[cfg(all())]
#[cache]
pub fn above(n: u32) -> u32 {
    n
}

/// Does not exist: the condition above the attribute does not hold.
#[cfg(any())]
#[cache]
pub fn above(n: Missing) -> Missing {
    n
}

/// Exists: the condition below the attribute holds.
#[cache]
#[cfg(all())]
pub fn below(n: u32) -> u32 {
    n
}

/// Does not exist: the condition below the attribute does not hold.
#[cache]
#[cfg(any())]
pub fn below(n: Missing) -> Missing {
    n
}

/// Does not exist: its condition is itself conditional.
#[cache]
#[cfg_attr(all(), cfg(any()))]
pub fn below(n: Missing) -> Missing {
    n
}

/// Is cached: the condition of its attribute holds.
#[cfg_attr(all(), lru_cache(maxsize = 2))]
pub fn cached(n: u32) -> u32 {
    n
}

/// Is not cached: the condition of its attribute does not hold.
#[cfg_attr(any(), lru_cache)]
pub const fn plain(n: u32) -> u32 {
    n
}

/// Has attributes under conditions that hold,
#[cache]
#[cfg_attr(all(), doc = "this line among them,")]
#[cfg_attr(all(), must_use)]
#[cfg_attr(all(), inline, doc(alias = "several"))]
#[cfg_attr(all(), allow(unused_variables, clippy::needless_pass_by_value))]
pub fn with_attributes(n: u32, text: String) -> u32 {
    let unused = n;
    n
}

/// Has attributes under conditions that don't hold.
#[lru_cache]
#[cfg_attr(any(), must_use)]
#[cfg_attr(any(), missing::decorator)]
#[cfg_attr(any(), cfg(any()))]
#[cfg_attr(any(), deprecated, inline(never))]
pub fn without_attributes(n: u32) -> u32 {
    n
}

/// Has an attribute on a parameter.
#[cache]
pub fn allowed(#[allow(unused_variables)] n: u32, _other: u32) -> u32 {
    3
}

/// Has a parameter of type `()`, which Clippy reports in a pattern but not as a parameter.
#[cache]
pub fn nothing(_: (), n: u32) -> u32 {
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_cached() {
        assert_cached!(above(1));
        assert_cached!(below(1));
        assert_cached!(cached(1));
        assert_cached!(with_attributes(1, String::new()));
        assert_cached!(without_attributes(1));
        assert_cached!(allowed(1, 2));
        assert_cached!(nothing((), 1));
        assert_eq!(plain(1), 1);
    }
}

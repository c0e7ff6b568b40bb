//! Remembers the results of functions.

#![forbid(unsafe_code)]

pub use lru_core::{Argument, Cache, CacheInfo, CacheParameters, Iter, LruCache};
pub use lru_macros::{cache, lru_cache};

/// What generated code names. Not for use by hand: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use lru_core::key::{Of, choices};
    pub use lru_core::outcome::{Plain, remembered};
    pub use lru_core::{Memo, UNBOUNDED, integer, kept, outcome, stored};
    pub use std::string::String;
    pub use std::vec::Vec;
}

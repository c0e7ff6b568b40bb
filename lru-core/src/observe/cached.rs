//! [`Cached`]: a result, and where a call has it from.

use core::ops::Deref;
use core::time::Duration;

/// Where the result of a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The cache in this process had it, fresh.
    Fresh,
    /// The cache had it, past its time to live: it is served while it is refreshed, or instead of an error.
    Stale,
    /// This call computed it.
    Computed,
    /// Another call was computing it, and has shared it.
    Coalesced,
    /// The backend had it.
    Backend,
}

/// The result of a call of a memoized function, as `cache_call` returns it: with its source and its age.
///
/// Dereferences to the result.
///
/// # Examples
///
/// ```
/// # extern crate lru_core as functools;
/// use functools::{Cached, Source};
///
/// fn header(answer: &Cached<String>) -> String {
///     let state = if answer.source == Source::Computed { "MISS" } else { "HIT" };
///     format!("X-Cache: {state}, Age: {}, {} bytes", answer.age.as_secs(), answer.len())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cached<V> {
    /// The result.
    pub value: V,
    /// Where it comes from.
    pub source: Source,
    /// The time since the cache in this process has stored it.
    ///
    /// Zero for a result that was not in this cache when the call began, and where the cache records no times: of a
    /// function without expiry, or with a `timer` that does not measure seconds.
    pub age: Duration,
}

impl<V> Cached<V> {
    pub(crate) fn new(value: V, source: Source, age: Duration) -> Self {
        Self { value, source, age }
    }

    /// Returns the result.
    pub fn into_value(self) -> V {
        self.value
    }
}

impl<V> Deref for Cached<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

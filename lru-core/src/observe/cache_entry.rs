//! [`CacheEntry`]: a copy of an entry of a memoized function.

use core::time::Duration;
use std::vec::Vec;

/// A copy of an entry of a memoized function, returned by `cache_entries`.
///
/// `A` is the type of the arguments in their owned form: of one argument its type (`String` for `&str`), of several a
/// tuple. `R` is the type of the cached result: for a `Result` that of the `Ok` value, unless errors are cached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheEntry<A, R> {
    arguments: A,
    result: R,
    age: Option<Duration>,
}

impl<A, R> CacheEntry<A, R> {
    /// Returns the arguments: one by itself, several as a tuple.
    pub fn arguments(&self) -> &A {
        &self.arguments
    }

    /// Returns the cached result.
    pub fn result(&self) -> &R {
        &self.result
    }

    /// Returns the time since the result was stored.
    ///
    /// `None` if the cache does not record it: without expiry or weights, no clock is read, and
    /// a `timer` that returns numbers does not measure seconds.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns the arguments and the result.
    pub fn into_parts(self) -> (A, R) {
        (self.arguments, self.result)
    }
}

/// Copies made while the lock of a cache is held, to be kept until after it is released: in vectors, so that those
/// made before a panic are not dropped under the lock.
pub(crate) struct Copies<A, R> {
    arguments: Vec<A>,
    results: Vec<R>,
    ages: Vec<Option<Duration>>,
}

impl<A, R> Copies<A, R> {
    pub(crate) const NONE: Self = Self { arguments: Vec::new(), results: Vec::new(), ages: Vec::new() };

    /// Adds copied arguments, a copy of the result, and the age of an entry.
    pub(crate) fn add(&mut self, arguments: A, result: &R, age: Option<Duration>)
    where
        R: Clone,
    {
        self.arguments.push(arguments);
        self.results.push(result.clone());
        self.ages.push(age);
    }

    pub(crate) fn into_entries(self) -> Vec<CacheEntry<A, R>> {
        let Self { arguments, results, ages } = self;
        let parts = arguments.into_iter().zip(results).zip(ages);
        parts.map(|((arguments, result), age)| CacheEntry { arguments, result, age }).collect()
    }
}

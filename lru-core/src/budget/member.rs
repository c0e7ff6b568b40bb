//! A function whose cache shares the budget.

use core::fmt;
use std::vec::Vec;

use crate::budget::cache::MemberCache;
use crate::budget::signal::Attention;
use crate::observe::location::FunctionLocation;

/// Calls a closure with the cache of a function.
type WithCache = fn(&mut dyn FnMut(&dyn MemberCache));

/// A function with `weight = bytes`, in a `static`.
pub struct Member {
    location: &'static FunctionLocation,
    with_cache: WithCache,
    floor: Option<fn() -> i128>,
    attention: Attention,
}

impl Member {
    /// Creates a member that has not been used yet.
    pub const fn new(location: &'static FunctionLocation, with_cache: WithCache) -> Self {
        Self { location, with_cache, floor: None, attention: Attention::new() }
    }

    /// Sets the bytes that the function has at least. Fewer than none are none.
    #[must_use]
    pub const fn floor(mut self, floor: fn() -> i128) -> Self {
        self.floor = Some(floor);
        self
    }

    pub(crate) fn location(&self) -> &'static FunctionLocation {
        self.location
    }

    pub(crate) fn attention(&'static self) -> &'static Attention {
        &self.attention
    }

    pub(crate) fn own_floor(&self) -> Option<usize> {
        let bytes = self.floor?();
        Some(if bytes < 0 { 0 } else { usize::try_from(bytes).unwrap_or(usize::MAX) })
    }

    /// Returns whether there is anything to do before a call looks its key up.
    #[inline]
    pub(crate) fn needs_attention(&self) -> bool {
        self.attention.is_needed()
    }

    /// Calls `f` with the cache.
    pub(crate) fn with<R>(&self, mut f: impl FnMut(&dyn MemberCache) -> R) -> R {
        let mut results = Vec::with_capacity(1);
        (self.with_cache)(&mut |cache| results.push(f(cache)));
        results.pop().expect("the closure is called")
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("location", &self.location).finish_non_exhaustive()
    }
}

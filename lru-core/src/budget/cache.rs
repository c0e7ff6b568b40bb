//! The cache of a member, without its types.

use std::vec::Vec;

use crate::budget::signal::{Attention, Pulse};
use crate::insight::Insight;

/// What the meters of a cache, or of one of its engines, say.
#[derive(Debug)]
pub struct Observation {
    /// The hit ratio by capacity in bytes.
    pub(crate) insight: Insight,
    /// How long the last computations took, in nanoseconds.
    pub(crate) costs: Vec<u64>,
    /// The bytes of all entries.
    pub(crate) used: usize,
}

/// The cache of a member. Used by generated code.
pub trait MemberCache {
    /// Returns the capacity, or [`None`] if there is none.
    fn maxsize(&self) -> Option<usize>;

    /// Returns whether the current thread holds a lock of the cache.
    fn is_held(&self) -> bool;

    /// Sets the capacity before the first use, when there are no entries.
    fn set_capacity(&self, capacity: usize);

    /// Begins to measure.
    fn begin(&self, attention: &'static Attention, pulse: &'static Pulse);

    /// Ends the measurement.
    fn end(&self);

    /// Returns what was measured, without blocking; `None` if another thread holds a lock of the cache.
    fn observe(&self) -> Option<Observation>;

    /// Sets the capacity, and evicts what exceeds it. Unless it `waits`, it does not block, and what cannot be done at once is left
    /// out; returns whether all was done.
    fn resize(&self, capacity: Option<usize>, waits: bool) -> bool;
}

//! Sizing insight: an estimate of the hit ratio that a cache would have with other capacities.
//!
//! A [`Sampler`](sampler::Sampler) records each call by the hash of its key, and the weight of what is stored. It keeps
//! stacks of the keys that were used last, and counts the *distance* of each use: the weight of all keys that were used
//! since the last use of the same key, with its own. An LRU cache answers the call if its capacity is at least that, so the
//! distribution of distances is the curve of hit ratios by capacity ([`Insight`](curve::Insight)).
//!
//! The module knows hashes and weights: no keys, no entries, no locks.

mod advice;
pub(crate) mod curve;
mod distances;
mod level;
pub(crate) mod sampler;
pub(crate) mod sizing;
mod stack;
#[cfg(feature = "registry")]
mod tap;
#[cfg(test)]
mod tests;

pub use curve::Insight;
pub(crate) use level::of_count;
pub(crate) use sampler::Sampler;
pub(crate) use sizing::{Bounds, SelfSizing};
#[cfg(feature = "registry")]
pub(crate) use tap::Tap;

//! Functions with tags or dependencies: the metadata of their entries, the lifecycle of their calls, and what a body reads.
//!
//! The engine sees an entry that was invalidated as one that has expired. [`tags`](crate::tags) decides which are.

#[cfg(feature = "backend")]
pub(crate) mod backends;
pub(crate) mod hand;
pub(crate) mod info;
#[cfg(all(test, loom))]
mod interleavings;
pub(crate) mod invalidated;
pub(crate) mod invalidation;
pub(crate) mod lifecycle;
pub(crate) mod reads;
#[cfg(test)]
pub(crate) mod tested;

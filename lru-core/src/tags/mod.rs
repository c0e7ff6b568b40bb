//! Validity of results: tags, invalidations by tag, and what a result was computed from.
//!
//! A [`Tag`](tag::Tag) marks results of any function. An invalidation of a tag begins a new generation of its
//! [`Domain`](domain::Domain), which notes the generation of the tag in a table; it visits no entry. A result knows
//! the generation at which it was last known to be valid. A lookup compares that with the current generation, and
//! looks for the tags of the result in the table only if they differ.
//!
//! What a result depends on is its [`Node`](node::Node): its tags, and the nodes of what was read while it was computed.
//! [Frames](frame) record these reads. A node outlives the entry, so that an eviction invalidates nothing.
//!
//! Invariant: a result is valid at a generation if no tag of it, or of what it was computed from, was invalidated after
//! its computation began and up to this generation. Where that is unknown, the result counts as invalid: an
//! invalidation too many is a miss too many.
//!
//! The module depends neither on caches nor on entries. `domain.rs` and `table.rs` import atomics and the mutex from here:
//! the checker `loom` replaces them.

pub(crate) mod batch;
mod batch_validity;
pub(crate) mod current;
mod distinct;
pub(crate) mod domain;
pub(crate) mod frame;
#[cfg(all(test, loom))]
mod interleavings;
pub(crate) mod invalidate;
pub(crate) mod node;
pub(crate) mod nonce;
pub(crate) mod note;
#[cfg(feature = "backend")]
pub(crate) mod outside;
mod table;
pub(crate) mod tag;
#[cfg(test)]
mod tests;
pub(crate) mod validity;
mod value_hasher;

#[cfg(not(all(test, loom)))]
mod sync {
    pub(super) use core::sync::atomic;
    pub(super) use std::sync::Mutex;
}

#[cfg(all(test, loom))]
mod sync {
    pub(super) use loom::sync::{Mutex, atomic};
}

//! Who leaves when there is no room: one file per policy.
//!
//! A policy knows slots and their order. Keys, values and the lock are none of its business.

mod lru;

pub(crate) use lru::Lru;

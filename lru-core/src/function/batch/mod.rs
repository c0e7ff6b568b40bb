//! Calls of a function of many elements (`each`): one entry for each element, and one call of the body for those that
//! are missing.
//!
//! A call looks its elements up in rounds, as [`rounds`](crate::engine::placement::rounds) does. The elements that are
//! missing, each once and in the caller's order, go to the body. What it returns is stored for each element, and
//! merged with what was found to what a plain call would return.
//!
//! Invariant: no lock is held while the body runs.

pub(crate) mod argument;
#[cfg(feature = "backend")]
pub(crate) mod backend;
mod flights;
mod forced;
pub(crate) mod gather;
mod gathered;
pub(crate) mod groups;
mod landing;
pub(crate) mod lookup;
pub(crate) mod map;
pub(crate) mod miss;
mod noting;
pub(crate) mod refresh;
mod refreshed;
pub(crate) mod sequence;
pub(crate) mod shared;
pub(crate) mod stale;
mod stale_if_error;
mod tagged;
pub(crate) mod wrong_length;

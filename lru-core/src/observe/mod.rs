//! What is counted, published and traced.

pub(crate) mod events;
pub(crate) mod info;
pub(crate) mod location;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "registry")]
pub mod registry;
pub(crate) mod stats;

//! Observability: counters, statistics, the registry of functions, metrics and events.
//!
//! The module imports nothing of the crate but `insight`: caches write the counters and answer the registry by a trait.

pub(crate) mod cache_entry;
pub(crate) mod cached;
pub(crate) mod circuit_state;
pub(crate) mod count;
#[cfg(feature = "registry")]
pub(crate) mod counts;
pub(crate) mod events;
#[cfg(feature = "registry")]
pub(crate) mod histogram;
pub(crate) mod info;
pub(crate) mod leading_policy;
pub(crate) mod location;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "registry")]
pub(crate) mod overrides;
#[cfg(feature = "registry")]
pub(crate) mod recording;
#[cfg(feature = "registry")]
pub mod registry;
pub(crate) mod stats;
pub(crate) mod times;

pub use circuit_state::CircuitState;
pub(crate) use info::CacheInfo;
pub(crate) use stats::Counters;

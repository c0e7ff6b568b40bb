//! Backends: stores outside the process, the second level (L2) behind the in-process cache (L1).
//!
//! A backend stores bytes under bytes, by namespace and with a time to live. It does not see arguments,
//! results or caches. A call looks up the in-process cache first, then the backend, and then computes.

mod async_backend;
#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod awaited;
#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod blocking_as_async;
mod blocking_backend;
mod boxed;
#[cfg(feature = "backend")]
pub(crate) mod circuit;
#[cfg(feature = "backend")]
pub(crate) mod codec;
#[cfg(feature = "backend")]
mod encoder;
#[cfg(feature = "backend")]
mod envelope;
mod error;
#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod invalidation;
#[cfg(feature = "backend")]
mod invalidation_records;
pub(crate) mod invalidation_sink;
mod item;
#[cfg(feature = "json")]
mod json;
pub(crate) mod lease;
mod many;
#[cfg(feature = "backend")]
pub(crate) mod namespaces;
mod off;
mod pointers;
#[cfg(feature = "backend")]
pub(crate) mod served_stale;
#[cfg(feature = "backend")]
pub(crate) mod shape;
#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod state;
mod stored;
pub(crate) mod tag_header;
pub(crate) mod tag_key;
pub(crate) mod tag_nonces;
#[cfg(feature = "backend")]
pub(crate) mod tag_watch;

pub use crate::observe::CircuitState;
pub use async_backend::AsyncBackend;
pub use blocking_backend::Backend;
pub use boxed::{BoxedBackend, MayLease, WithLeases};
pub use error::{BackendError, ErrorKind};
pub use invalidation_sink::InvalidationSink;
pub use item::{Item, LeasedItem};
pub use lease::{Lease, Leases, Lookup, LookupOptions, Permission};
pub use off::Off;
pub use stored::Stored;
pub use tag_header::tags_in;
pub use tag_key::TagKey;
pub use tag_nonces::{TAGS, TagNonces, TaggedLookup, tags_to_read};

pub use crate::tags::nonce::TagNonce;

#[cfg(test)]
mod tests;

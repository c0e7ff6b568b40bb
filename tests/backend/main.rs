//! Functions with a backend (second-level cache).

#![allow(clippy::items_after_statements, reason = "a function is defined in the test that uses it")]
#![allow(clippy::unused_async, reason = "the call is what must be async")]
#![allow(clippy::unnecessary_wraps, reason = "a strict function returns the errors of its backend")]
#![allow(clippy::unnecessary_operation, reason = "some functions are called for their effect on the backend")]

mod asyncs;
mod attributes;
mod batches;
mod batches_global;
mod calls;
mod global;
mod invalidation;
mod invalidation_apart;
#[cfg(feature = "json")]
mod json;
mod map_backend;
mod namespaces;
#[cfg(all(feature = "compression", feature = "encryption"))]
mod nested;
mod snapshot;
mod stale;
mod trouble;
mod wrappers;

//! Backends of `functools`: clients for Redis or Valkey and for Memcached, and a file on disk.
//!
//! Each is a [`Backend`](lru_core::backend::Backend) and an
//! [`AsyncBackend`](lru_core::backend::AsyncBackend), for plain and `async` functions:
//! `backend = redis("redis://127.0.0.1/")`, `memcached("127.0.0.1:11211")`, `disk("results.redb")`. A client
//! connects at the first lookup, answers within its timeouts, and has a circuit breaker; [`from_url`] chooses one by a
//! URL. [`CircuitBreaker`], [`Fallback`], [`Layered`], [`Sharded`], `Compressed` and `Encrypted` wrap any backend;
//! [`CompareAndSwap`] updates a shared value atomically.
//!
//! `functools::backend` re-exports all of it.

#![forbid(unsafe_code)]
// docs.rs marks each item with the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "memcached", feature = "redis"))]
mod background;
mod bounded_store;
mod circuit_breaker;
mod compare_and_swap;
#[cfg(feature = "compression")]
mod compressed;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod connection_pool;
#[cfg(test)]
mod contract;
#[cfg(feature = "disk")]
mod disk;
#[cfg(any(feature = "compression", feature = "encryption"))]
mod encoded_values;
#[cfg(feature = "encryption")]
mod encrypted;
#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
mod error;
mod fallback;
mod fnv;
mod from_url;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod key_prefix;
mod layered;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
mod milliseconds;
mod off;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod runtimes;
mod sharded;
mod snapshot;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod stream;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod timeouts;

pub use circuit_breaker::CircuitBreaker;
pub use compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
#[cfg(feature = "compression")]
pub use compressed::Compressed;
#[cfg(feature = "disk")]
pub use disk::{Disk, disk};
#[cfg(feature = "encryption")]
pub use encrypted::Encrypted;
pub use fallback::Fallback;
pub use from_url::{AnyBackend, from_url};
pub use layered::Layered;
#[cfg(feature = "memcached")]
pub use memcached::{Memcached, memcached};
pub use memory::{Memory, memory};
#[cfg(feature = "redis")]
pub use redis::{Redis, redis};
pub use sharded::Sharded;
pub use snapshot::{Snapshot, shutdown, snapshot};

/// Re-export of the `redis` crate, for connection settings: addresses, credentials, certificates.
#[cfg(feature = "redis")]
pub mod redis_client {
    pub use ::redis::*;
}

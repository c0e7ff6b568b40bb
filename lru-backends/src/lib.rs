//! Where `functools` keeps results outside the process: Redis or Valkey, Memcached, a file.
//!
//! Each of them is a [`Backend`](lru_core::backend::Backend) and an
//! [`AsyncBackend`](lru_core::backend::AsyncBackend), so functions of both kinds take it:
//! `backend = redis("redis://127.0.0.1/")`, `memcached("127.0.0.1:11211")`, `disk("results.redb")`. All connect
//! when they are first asked, answer within their time-outs, and leave a server alone for a while that is
//! down. What can be built of any backend stands here too: [`CircuitBreaker`], [`Fallback`], [`Sharded`] and [`CompareAndSwap`].
//!
//! Users reach all of it as `functools::backend`.

#![forbid(unsafe_code)]

mod circuit_breaker;
mod compare_and_swap;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod connection_pool;
#[cfg(feature = "disk")]
mod disk;
mod error;
mod fallback;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "redis")]
mod redis;
mod sharded;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod timeouts;

pub use circuit_breaker::CircuitBreaker;
pub use compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
#[cfg(feature = "disk")]
pub use disk::{Disk, disk};
pub use fallback::Fallback;
#[cfg(feature = "memcached")]
pub use memcached::{Memcached, memcached};
#[cfg(feature = "redis")]
pub use redis::{Redis, redis};
pub use sharded::Sharded;

/// The `redis` crate, for connection settings: addresses, credentials, certificates.
#[cfg(feature = "redis")]
pub mod redis_client {
    pub use ::redis::*;
}

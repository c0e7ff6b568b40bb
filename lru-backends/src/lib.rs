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

mod breaker;
#[cfg(feature = "disk")]
mod disk_file;
mod failure;
mod fallback;
#[cfg(feature = "memcached")]
mod memcached_server;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod patience;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod pool;
#[cfg(feature = "redis")]
mod redis_server;
mod spread;
mod swap;

pub use breaker::CircuitBreaker;
#[cfg(feature = "disk")]
pub use disk_file::{Disk, disk};
pub use fallback::Fallback;
#[cfg(feature = "memcached")]
pub use memcached_server::{Memcached, memcached};
#[cfg(feature = "redis")]
pub use redis_server::{Redis, redis};
pub use spread::Sharded;
pub use swap::{AsyncCompareAndSwap, CompareAndSwap};

/// What Redis is reached with: addresses, credentials, certificates.
#[cfg(feature = "redis")]
pub mod redis_client {
    pub use ::redis::*;
}

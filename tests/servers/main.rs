//! Backends with real servers: `redis-server` and `memcached` of the system.
//!
//! The tests start them on free ports of this machine; they end with the process that started them. Without
//! the programs the tests fail.

#![expect(clippy::items_after_statements, reason = "a function is defined in the test that uses it")]
#![allow(clippy::unused_async, reason = "the call is what must be async")]
#![allow(clippy::unnecessary_operation, reason = "operations on two objects are grouped in a tuple")]

mod batches;
mod calls;
#[cfg(any(feature = "memcached-tls", feature = "redis-tls"))]
mod certificates;
mod contract;
mod examples;
mod fallback;
mod files;
mod global;
mod histories;
mod key_prefix;
mod leases;
mod many;
mod memcached_clocks;
mod memcached_connections;
mod memcached_leases;
#[cfg(feature = "memcached-tls")]
mod memcached_tls;
mod noted;
mod outages;
#[cfg(feature = "json")]
mod outside;
mod processes;
mod proxy;
mod redis_connections;
mod server;
// With TLS, the client has another type for host names.
#[cfg(all(feature = "redis-cluster", feature = "redis-sentinel", feature = "redis-tls"))]
mod several;
mod spread;
mod tags;
#[cfg(feature = "redis-tls")]
mod tls;
mod tracking;
mod trouble;
mod wrappers;

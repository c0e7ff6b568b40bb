//! Results outside the process, against real servers: `redis-server` and `memcached` of the system.
//!
//! They are started on free ports of this machine, and stop with the process that started them. Without
//! them the tests fail.

#![expect(clippy::items_after_statements, reason = "memoized functions stand where they are called")]
#![allow(clippy::unused_async, reason = "what is async is the call")]
#![allow(clippy::unnecessary_operation, reason = "what is done to both stands in a tuple")]

mod calls;
mod contract;
mod examples;
mod fallback;
mod files;
mod many;
mod processes;
mod proxy;
mod server;
// With TLS, the client takes the names of services in another type.
#[cfg(all(feature = "redis-cluster", feature = "redis-sentinel", feature = "redis-tls"))]
mod several;
mod spread;
#[cfg(feature = "redis-tls")]
mod tls;
mod tracking;
mod trouble;

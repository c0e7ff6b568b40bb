//! Results outside the process, against real servers: `redis-server` and `memcached` of the system.
//!
//! They are started on free ports of this machine, and stop with the process that started them. Without
//! them the tests fail.

mod calls;
mod contract;
mod examples;
mod fallback;
mod files;
mod processes;
mod proxy;
mod server;
mod trouble;

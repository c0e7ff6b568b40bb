//! Calls that share what they compute, and results that are served stale while they are refreshed.
//!
//! No test sleeps: threads wait for each other, futures are polled by hand, and time is what a test says.

// A test reads best with its functions where they are used.
#![allow(clippy::items_after_statements)]
// The signatures are what is tested, so they are not to be improved.
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::needless_pass_by_value)]
#![allow(clippy::trivially_copy_pass_by_ref)]

mod errors;
mod executors;
mod handover;
mod objects;
mod recursion;
mod single;
mod stale;
mod storm;
mod support;

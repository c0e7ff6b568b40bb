//! Request coalescing (single-flight), stale-while-revalidate and stale-if-error.
//!
//! No test sleeps: threads wait for each other, futures are polled by hand, and the clocks are manual.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]
// The signatures are the subject of the tests and must stay as they are.
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::needless_pass_by_value)]
#![allow(clippy::trivially_copy_pass_by_ref)]

mod detached;
mod errors;
mod executors;
mod handover;
mod objects;
mod previous;
mod recursion;
mod single;
mod slow;
mod stale;
mod storm;
mod superseded;
mod support;

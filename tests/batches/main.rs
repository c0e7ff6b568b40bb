//! Functions of many elements (`each`): one entry for each element, and one call of the body for those that are missing.

#![allow(
    clippy::await_holding_lock,
    clippy::items_after_statements,
    reason = "a test holds the time while it runs, and its functions follow"
)]
#![allow(
    clippy::ptr_arg,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "signatures are what is tested"
)]
#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod accessors;
mod asyncs;
mod depends;
mod flights;
mod force;
mod gather;
mod mixed_storm;
mod model;
mod nested;
mod options;
mod results;
mod review;
mod shapes;
mod stale_if_error;
mod storm;
mod support;
mod swr;
mod swr_model;
mod tags;

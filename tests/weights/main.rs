//! Entries that are weighed in bytes (`weight = bytes`, `CacheBuilder::weigh_bytes`, `HeapSize`), or by what it costs to
//! compute them (`policy = gdsf`).

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    reason = "signatures are what is tested"
)]

mod derived;
mod gdsf;
mod measured;
mod weighed;

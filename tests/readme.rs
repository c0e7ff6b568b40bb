//! The code of the README, compiled and run by `cargo test --doc` if every feature that it shows is on.

#[cfg(all(
    doctest,
    feature = "axum",
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "testing"
))]
#[doc = include_str!("../README.md")]
mod readme {}

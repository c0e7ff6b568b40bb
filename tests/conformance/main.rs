//! Replays traces recorded from CPython's `functools` and from cachetools. `README.md` describes their format.
//!
//! A target apart from `tests/it`, because it is compiled twice: with default features and with all of them.

// A function is defined in the test that uses it; Clippy takes "CPython" for code.
#![allow(clippy::items_after_statements, clippy::doc_markdown)]
// Caches are given to the replay for good.
#![allow(clippy::needless_pass_by_value)]

use serde::de::DeserializeOwned;

mod cachetools;
mod cpython;
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "`tests/it` uses all of it")]
mod support;

/// The traces in a file of this directory.
fn read_traces<T: DeserializeOwned>(lines: &str) -> Vec<T> {
    lines
        .lines()
        .map(|line| {
            serde_json::from_str(line).expect("every line is a trace in the format described in the README")
        })
        .collect()
}

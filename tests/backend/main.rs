//! Functions whose results are kept outside the process too.

#![allow(clippy::items_after_statements, reason = "functions stand where they are asked about")]
#![allow(clippy::unused_async, reason = "what is async is the call")]
#![allow(clippy::unnecessary_operation, reason = "a function is called for what it leaves behind")]

mod asyncs;
mod calls;
mod global;
#[cfg(feature = "json")]
mod json;
mod shelf;
mod trouble;
mod watched;

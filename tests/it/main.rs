//! Tests of the library through its public API, one module per topic.
//!
//! Tests run in parallel and a cache belongs to its function, so every function here is local to its test
//! or is used under a lock.

// Tests check kept attributes with `#[expect]`: a lint that does not fire must fail the build.
#![deny(unfulfilled_lint_expectations)]
// The signatures are the subject of the tests and must stay as they are.
#![allow(clippy::needless_pass_by_value, clippy::ptr_arg, clippy::trivially_copy_pass_by_ref)]
#![allow(clippy::needless_pub_self, clippy::needless_lifetimes, clippy::unused_unit, clippy::unused_self)]
#![allow(clippy::needless_arbitrary_self_type, clippy::unused_async)]
#![allow(clippy::unnecessary_wraps, clippy::boxed_local, clippy::option_option, clippy::ref_option_ref)]
#![allow(single_use_lifetimes, unused_lifetimes)]
// A function is defined in the test that uses it; Clippy takes "CPython" for code.
#![allow(clippy::items_after_statements, clippy::doc_markdown)]
// Calls made for their effect on a cache are grouped in tuples; floats are compared where they are exact.
#![allow(clippy::unnecessary_operation, clippy::float_cmp)]

mod accessors;
mod asyncs;
mod callback_free;
mod callbacks;
mod clocks;
mod decorators;
mod derived;
mod expiry;
mod generics;
mod keys;
mod maxsize;
mod methods;
mod nested;
mod objects;
mod options;
mod own_expiry;
mod pairs;
mod panics;
mod peers;
mod projected;
mod python;
mod results;
mod scope;
mod shards;
mod signatures;
mod skipped;
mod support;
mod threads;

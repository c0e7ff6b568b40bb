//! The library as its users see it, a module for each theme.
//!
//! Every function here is private to its test, or used under a lock: tests run side by side, and a
//! cache belongs to its function.

// A lint that a test expects must fire: that is how kept attributes are seen.
#![deny(unfulfilled_lint_expectations)]
// The signatures are what is tested, so they are not to be improved.
#![allow(clippy::needless_pass_by_value, clippy::ptr_arg, clippy::trivially_copy_pass_by_ref)]
#![allow(clippy::needless_pub_self, clippy::needless_lifetimes, clippy::unused_unit, clippy::unused_self)]
#![allow(clippy::needless_arbitrary_self_type, clippy::unused_async)]
#![allow(clippy::unnecessary_wraps, clippy::boxed_local, clippy::option_option, clippy::ref_option_ref)]
#![allow(single_use_lifetimes, unused_lifetimes)]
// A test reads best with its functions where they are used; CPython is a name, not code.
#![allow(clippy::items_after_statements, clippy::doc_markdown)]
// Calls for their effect on a cache stand in a tuple; floats are compared where they are exact.
#![allow(clippy::unnecessary_operation, clippy::float_cmp)]

mod accessors;
mod asyncs;
mod cachetools;
mod callbacks;
mod clocks;
mod conformance;
mod decorators;
mod derived;
mod generics;
mod keys;
mod maxsize;
mod methods;
mod nested;
mod objects;
mod options;
mod own_terms;
mod pairs;
mod panics;
mod peers;
mod projected;
mod python;
mod quiet;
mod results;
mod scope;
mod shards;
mod signatures;
mod support;
mod terms;
mod threads;

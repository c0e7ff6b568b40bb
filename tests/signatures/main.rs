//! Functions of all kinds of signatures: what is borrowed, what is taken by value, what returns a future.

// The signatures are the subject of the tests and must stay as they are.
#![allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::needless_lifetimes)]
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::type_complexity, clippy::linkedlist)]
#![allow(clippy::manual_async_fn, clippy::multiple_bound_locations, clippy::no_effect_underscore_binding)]
#![allow(clippy::elidable_lifetime_names, single_use_lifetimes, unused_lifetimes)]
// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]
// Calls made for their effect on a cache are grouped in tuples; small numbers are exact as floats.
#![allow(clippy::unnecessary_operation, clippy::float_cmp, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod containers;
mod derived;
mod errors;
mod futures;
mod holders;
mod macros;
mod objects;
mod parameters;
mod support;

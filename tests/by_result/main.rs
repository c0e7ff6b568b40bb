//! What is decided by a result and by the caller: `keep`, `ttl` by the result, `force`, ages and sources, and
//! `bypassed`. All run in `isolated`: no test sees the calls of another.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]
// The signatures are the subject of the tests and must stay as they are.
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::needless_pass_by_value)]
#![allow(clippy::trivially_copy_pass_by_ref)]
// Calls whose results do not matter stand together in a tuple.
#![allow(clippy::unnecessary_operation, clippy::type_complexity)]

mod backend;
mod bypass;
mod cached;
mod counted;
mod deadlines;
mod depends;
mod force;
mod graph;
mod invalidates;
mod invalidates_places;
mod keep;
mod objects;
mod plain_data;
mod previous;
mod recorder;
mod shared_objects;

mod support;
mod tags;
mod time_to_live;

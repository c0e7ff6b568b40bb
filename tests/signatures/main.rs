//! Functions of all kinds of signatures: what is borrowed, what is taken by value, what returns a future.

mod containers;
mod derived;
mod errors;
mod futures;
mod holders;
mod macros;
mod objects;
mod parameters;
mod support;

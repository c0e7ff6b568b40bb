//! Functions of all kinds of signatures: what is borrowed, what is taken by value, what returns a future.

mod errors;
mod holders;
mod objects;
mod support;

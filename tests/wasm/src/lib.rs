//! Tests of `functools` on wasm32-unknown-unknown, where the standard library has neither clocks nor threads.

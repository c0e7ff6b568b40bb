//! The first byte chooses `maxsize`, the others are the operations: see `lru_core::model`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lru_core::model::run_found(bytes));

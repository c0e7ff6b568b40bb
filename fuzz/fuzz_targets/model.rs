//! Fuzzes the cache against `lru_core::model`. The first byte chooses `maxsize`, the others are the
//! operations.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lru_core::model::run_found(bytes));

//! What needs a clock: `ttl`, `single_flight`, and async functions. `cargo xtask ci` runs these tests if the target and
//! `wasm-bindgen-test-runner` are installed.

#![cfg(target_arch = "wasm32")]

use std::cell::Cell;

use functools::lru_cache;
use wasm_bindgen_test::wasm_bindgen_test;

thread_local! {
    static RUNS: Cell<u64> = const { Cell::new(0) };
}

fn ran() -> u64 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[wasm_bindgen_test]
fn a_plain_function_is_memoized() {
    #[lru_cache]
    fn double(n: u64) -> u64 {
        ran();
        2 * n
    }
    let before = RUNS.get();
    assert_eq!((double(2), double(2), RUNS.get() - before), (4, 4, 1));
}

#[wasm_bindgen_test]
fn results_expire_by_the_clock_of_the_browser() {
    #[lru_cache(ttl = 3600)]
    fn lasting(n: u64) -> u64 {
        n + ran()
    }
    #[lru_cache(ttl = 0.000_001)]
    fn brief(n: u64) -> u64 {
        n + ran()
    }
    assert_eq!(lasting(1), lasting(1));
    let first = brief(1);
    // The resolution of the clock may be a millisecond or worse.
    assert!((0..100_000_000).any(|_| brief(1) != first));
}

#[wasm_bindgen_test]
fn flights_need_no_threads() {
    #[lru_cache(single_flight = true)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(2), double(2), double::cache_info().hits), (4, 4, 1));
    assert!(double::cache_stats().computing.is_some());
}

#[wasm_bindgen_test]
async fn async_functions_are_memoized() {
    #[lru_cache]
    async fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(2).await, double(2).await, double::cache_info().hits), (4, 4, 1));
}

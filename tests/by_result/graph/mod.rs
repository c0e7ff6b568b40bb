//! Random graphs of memoized functions, by the attribute, that call each other while their sources change: no stale result is
//! ever returned, neither to a caller nor to the body of another function.
//!
//! `TAG_FUNCTION_CALLS` is the number of calls, without those of functions among themselves.

mod batches;
mod functions;
mod sources;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use self::functions::{ASYNC, KEYS, PANICKING, SYNC, call, call_async, clear_all, hits, next_graph};
use self::sources::{failure, has_failed, update};

/// A pseudorandom generator: splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).expect("it is less than the bound")
    }

    pub(crate) fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == 0
    }
}

pub(crate) fn mixed(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// The number of calls that a test makes, and of updates.
pub(crate) fn wanted(default: u64) -> u64 {
    env::var("TAG_FUNCTION_CALLS").map_or(default, |calls| calls.parse().expect("a number of calls"))
}

static CALLS: AtomicU64 = AtomicU64::new(0);
static UPDATES: AtomicU64 = AtomicU64::new(0);

fn drive(calls: u64, between_updates: u32, seed: u64) {
    let end = CALLS.load(Relaxed) + calls;
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let mut random = Random(mixed(seed * 4 + thread));
                while CALLS.load(Relaxed) < end && !has_failed() {
                    if random.one_in(between_updates) {
                        update(&mut random);
                        UPDATES.fetch_add(1, Relaxed);
                        continue;
                    }
                    let function = random.below(SYNC);
                    if function != PANICKING {
                        CALLS.fetch_add(1, Relaxed);
                        call(function, random.below(KEYS));
                    }
                }
            });
        }
    });
}

/// Runs tasks that move between threads, some of which are cancelled.
async fn drive_tasks(calls: u64, between_updates: u32, seed: u64) {
    let mut random = Random(mixed(seed));
    let mut running = std::collections::VecDeque::new();
    for _ in 0..calls {
        if has_failed() {
            break;
        }
        if random.one_in(between_updates) {
            tokio::task::spawn_blocking(move || update(&mut Random(seed ^ 1)))
                .await
                .expect("it does not panic");
            update(&mut random);
            UPDATES.fetch_add(2, Relaxed);
        }
        CALLS.fetch_add(1, Relaxed);
        running.push_back(tokio::spawn(call_async(random.below(ASYNC), random.below(KEYS))));
        if random.one_in(200) {
            running.back().expect("it was just spawned").abort();
        }
        if running.len() > 16 {
            _ = running.pop_front().expect("it is not empty").await;
        }
    }
    for task in running {
        _ = task.await;
    }
}

#[test]
fn no_stale_result_is_returned() {
    let wanted = wanted(20_000);
    // Part of the calls by tasks.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    for seed in 0.. {
        if CALLS.load(Relaxed) >= wanted {
            break;
        }
        next_graph();
        let between_updates = [60, 20, 200][usize::try_from(seed % 3).expect("it is small")];
        if seed % 3 == 2 {
            runtime.block_on(drive_tasks(3000, between_updates, seed));
        } else {
            drive(3000, between_updates, seed);
        }
        assert!(!has_failed(), "{}, seed {seed}", failure());
        clear_all();
    }
    let (calls, updates) = (CALLS.load(Relaxed), UPDATES.load(Relaxed));
    println!(
        "{calls} calls, {} with those of functions, {} hits and {} of elements, {updates} updates",
        functions::inner_calls(),
        hits(),
        functions::hits_of_elements()
    );
    assert!(hits() > calls / 20 && updates > 0, "{} hits of {calls}", hits());
    assert!(
        functions::hits_of_elements() > calls / 100,
        "{} hits of elements",
        functions::hits_of_elements()
    );
}

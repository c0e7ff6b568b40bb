//! Tests of the cache against a naive model of it.
//!
//! Operations are decoded from bytes, of a seeded generator in the tests or of a fuzzer. After each
//! operation, the cache and the model must report the same; at the end, the ring is walked in both
//! directions, and so is the free list. Tests with several threads do the same: first with one operation at a
//! time, so that the model can predict exactly what each must return, with overlapping computations; then
//! with all at once, where less can be predicted.

#[cfg(test)]
mod free;
mod lockstep;
mod naive;
mod script;
mod tested;
mod trial;

use core::time::Duration;

use lockstep::Lockstep;
use naive::{EntrySettings, Order};
use script::Script;
use tested::{Locked, TimedInfo, TimedLifecycle};
use trial::Trial;

use crate::store::policy::{Fifo, Lfu};
use crate::store::{Lru, Policy};

/// The bounds to be tested.
const MAXSIZES: [Option<usize>; 8] = [Some(0), Some(1), Some(2), Some(3), Some(7), Some(64), Some(200), None];

/// Runs the input of a fuzzer: the first byte selects the bound, the others are the operations.
///
/// # Panics
///
/// Like [`run`].
pub fn run_found(bytes: &[u8]) {
    if let Some((&first, operations)) = bytes.split_first() {
        run(MAXSIZES[usize::from(first) % MAXSIZES.len()], operations.iter().copied());
    }
}

/// Runs the operations encoded in `bytes` on a cache of this `maxsize` and on its model.
///
/// # Panics
///
/// If the two differ, or if the cache is inconsistent at the end.
pub fn run(maxsize: Option<usize>, bytes: impl Iterator<Item = u8>) {
    run_script(maxsize, Script::new(bytes, u8::MAX));
}

/// Like [`run_found`], but for caches whose entries expire and have weights: the first three bytes select the
/// bound, the policy and the lifecycle of entries.
///
/// # Panics
///
/// Like [`run`].
pub fn run_timed_found(bytes: &[u8]) {
    if let Some((&[maxsize, policy, settings], operations)) = bytes.split_first_chunk() {
        let maxsize = MAXSIZES[usize::from(maxsize) % MAXSIZES.len()];
        let settings = ALL_SETTINGS[usize::from(settings) % ALL_SETTINGS.len()];
        let script = Script::wide(operations.iter().copied(), u8::MAX);
        match policy % 3 {
            0 => run_timed::<Lru>(maxsize, Order::Lru, settings, script),
            1 => run_timed::<Lfu>(maxsize, Order::Lfu, settings, script),
            _ => run_timed::<Fifo>(maxsize, Order::Fifo, settings, script),
        }
    }
}

/// The lifecycles to be tested: time to live, time to idle, weight, all of them, and errors.
const ALL_SETTINGS: [EntrySettings<u32>; 5] = [
    EntrySettings { life: |_| Some(Duration::from_nanos(20)), ..EntrySettings::PLAIN },
    EntrySettings { life: |_| None, idle: Some(Duration::from_nanos(9)), ..EntrySettings::PLAIN },
    EntrySettings { weight: |value| weight_of(*value), ..EntrySettings::PLAIN },
    EntrySettings {
        weight: |value| weight_of(*value),
        life: |value| life_of(*value),
        idle: Some(Duration::from_nanos(15)),
        is_error: |_| false,
    },
    EntrySettings {
        weight: |value| weight_of(*value),
        life: |value| life_of(*value),
        idle: None,
        is_error: |value| is_error(*value),
    },
];

/// Returns whether a value is an error: one in three is.
fn is_error(value: u32) -> bool {
    value % 3 == 0
}

/// Returns a weight. Some values weigh nothing, and a few more than the bound of small caches.
fn weight_of(value: u32) -> usize {
    if value % 41 == 0 { 70 } else { (value % 5) as usize }
}

/// Returns a time to live: none for one value in eight, and a different one for each of the others.
fn life_of(value: u32) -> Option<Duration> {
    (value % 8 > 0).then(|| Duration::from_nanos(u64::from(value % 29) + 1))
}

fn run_timed<P: Policy>(
    maxsize: Option<usize>,
    order: Order,
    settings: EntrySettings<u32>,
    script: Script<impl Iterator<Item = u8>>,
) {
    let both = Lockstep::<Locked<u32, P, TimedInfo>, TimedLifecycle<u32>>::timed(maxsize, order, settings);
    Trial::new(&both, script, || {}).run();
    both.finish();
}

fn run_script(maxsize: Option<usize>, script: Script<impl Iterator<Item = u8>>) {
    let both = <Lockstep>::new(maxsize);
    // No other thread could run meanwhile.
    Trial::new(&both, script, || {}).run();
    both.finish();
}

#[cfg(test)]
mod tests {
    use super::free::{Clears, Free, Value};
    use super::lockstep::Lockstep;
    use super::naive::{EntrySettings, Order};
    use super::script::{Script, bytes};
    use super::tested::{Locked, TimedInfo, TimedLifecycle};
    use super::trial::{Subject, Trial};
    use super::{ALL_SETTINGS, MAXSIZES, is_error, life_of, run_found, run_script, run_timed, weight_of};
    use crate::engine::placement::lock_free::LockFree;
    use crate::store::policy::{Auto, Fifo, Gdsf, Lfu, Rr, S3Fifo, Sieve, WTinyLfu};
    use crate::store::types::Types;
    use crate::store::{Lru, Policy};
    use std::panic::resume_unwind;
    use std::sync::Barrier;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    const THREADS: u64 = 4;

    /// The numbers of keys: from few, which all operations share, to so many that caches become full.
    const UNIVERSES: [u8; 4] = [5, 12, 80, 250];

    /// Returns a number of bytes: many in release builds, few in debug builds. An operation takes two or
    /// three.
    fn length(debug: usize, release: usize) -> usize {
        if cfg!(debug_assertions) { debug } else { release }
    }

    /// Runs a script on each thread, all derived from one seed.
    fn run_threads<S: Subject + Sync>(subject: &S, seed: u64, universe: u8, length: usize) {
        let start = &Barrier::new(usize::try_from(THREADS).expect("few"));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    start.wait();
                    let script = Script::new(bytes(THREADS * seed + thread, length), universe);
                    Trial::new(subject, script, thread::yield_now).run();
                });
            }
        });
    }

    /// Runs a test on a thread of its own, so that a deadlock fails the test instead of blocking it.
    fn finishes(test: impl FnOnce() + Send + 'static) {
        let (done, finished) = channel();
        let running = thread::spawn(move || {
            test();
            // The receiver may have timed out by now.
            let _ = done.send(());
        });
        match finished.recv_timeout(Duration::from_secs(120)) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("not done after two minutes: a deadlock?"),
            Err(RecvTimeoutError::Disconnected) => {
                resume_unwind(running.join().expect_err("it sent nothing"))
            }
        }
    }

    #[test]
    fn what_a_fuzzer_found_still_holds() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/model");
        let seeds = std::fs::read_dir(seeds).expect("the seeds are kept");
        let count = seeds.map(|seed| run_found(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert_eq!(count, 60);
    }

    #[test]
    fn the_cache_does_what_the_model_does() {
        let length = length(60_000, 2_000_000);
        for maxsize in MAXSIZES {
            for (seed, universe) in (1..).zip(UNIVERSES) {
                run_script(maxsize, Script::new(bytes(seed, length), universe));
            }
        }
    }

    /// The capacities of caches with lock-free hits, which are bounded.
    const LOCK_FREE_MAXSIZES: [usize; 6] = [1, 2, 3, 7, 64, 200];

    type LockFreeCache<V> = LockFree<Types<u8, V, Lru, ()>>;

    #[test]
    fn a_cache_with_lock_free_hits_does_what_the_model_does() {
        let length = length(60_000, 2_000_000);
        for maxsize in LOCK_FREE_MAXSIZES {
            for (seed, universe) in (1..).zip(UNIVERSES) {
                let both = Lockstep::<LockFreeCache<u32>>::new(Some(maxsize));
                Trial::new(&both, Script::new(bytes(seed, length), universe), || {}).run();
                both.finish();
            }
        }
    }

    #[test]
    fn threads_with_lock_free_hits_see_what_the_model_sees() {
        let length = length(3_000, 100_000);
        finishes(move || {
            for maxsize in LOCK_FREE_MAXSIZES {
                for (seed, universe) in (1..).zip(UNIVERSES) {
                    let both = Lockstep::<LockFreeCache<u32>>::new(Some(maxsize));
                    run_threads(&both, seed, universe, length);
                    both.finish();
                }
            }
        });
    }

    #[test]
    fn threads_on_their_own_with_lock_free_hits_find_only_what_belongs_to_the_key() {
        let length = length(2_000, 50_000);
        finishes(move || {
            for (seed, universe) in (1..).zip(UNIVERSES) {
                for maxsize in LOCK_FREE_MAXSIZES {
                    for clears in [Clears::Included, Clears::Skipped] {
                        let free = Free::<LockFreeCache<Value>>::new(Some(maxsize), clears);
                        run_threads(&free, seed, universe, length);
                        free.finish();
                    }
                }
            }
        });
    }

    fn does_what_the_model_does_with_settings<P: Policy>(order: Order) {
        let length = length(10_000, 500_000);
        for maxsize in MAXSIZES {
            for (number, settings) in (1..).zip(ALL_SETTINGS) {
                for (seed, universe) in (1..).zip(UNIVERSES) {
                    let script = Script::wide(bytes(100 * number + seed, length), universe);
                    run_timed::<P>(maxsize, order, settings, script);
                }
            }
        }
    }

    #[test]
    fn lru_with_settings_does_what_the_model_does() {
        does_what_the_model_does_with_settings::<Lru>(Order::Lru);
    }

    #[test]
    fn lfu_with_settings_does_what_the_model_does() {
        does_what_the_model_does_with_settings::<Lfu>(Order::Lfu);
    }

    #[test]
    fn fifo_with_settings_does_what_the_model_does() {
        does_what_the_model_does_with_settings::<Fifo>(Order::Fifo);
    }

    /// Some policies have no simple model: checks that the cache is consistent and within its bound, and that
    /// each removed value was removed once.
    fn stays_consistent_with_settings<P: Policy>() {
        let length = length(10_000, 500_000);
        let settings = EntrySettings {
            weight: |(_, number): &Value| weight_of(low(*number)),
            life: |(_, number)| life_of(low(*number)),
            idle: Some(Duration::from_nanos(15)),
            is_error: |(_, number)| is_error(low(*number)),
        };
        for maxsize in MAXSIZES {
            for settings in [EntrySettings::PLAIN, settings] {
                for (seed, universe) in (1..).zip(UNIVERSES) {
                    for clears in [Clears::Included, Clears::Skipped] {
                        let free = Free::<Locked<Value, P, TimedInfo>, TimedLifecycle<Value>>::timed(
                            maxsize, clears, settings,
                        );
                        let script = Script::wide(bytes(seed, length), universe);
                        Trial::new(&free, script, || {}).run();
                        free.finish();
                    }
                }
            }
        }
    }

    fn low(number: u64) -> u32 {
        u32::try_from(number % 1_000_000).expect("it is small")
    }

    #[test]
    fn rr_stays_consistent_with_settings() {
        stays_consistent_with_settings::<Rr>();
    }

    #[test]
    fn sieve_stays_consistent_with_settings() {
        stays_consistent_with_settings::<Sieve>();
    }

    #[test]
    fn s3_fifo_stays_consistent_with_settings() {
        stays_consistent_with_settings::<S3Fifo>();
    }

    #[test]
    fn w_tinylfu_stays_consistent_with_settings() {
        stays_consistent_with_settings::<WTinyLfu>();
        stays_consistent_with_settings::<Gdsf>();
    }

    #[test]
    fn auto_stays_consistent_with_settings() {
        stays_consistent_with_settings::<Auto>();
    }

    /// A value that has expired when it is put is not stored, but counts as the last change of its key.
    #[test]
    fn an_expired_put_supersedes_earlier_computations() {
        let settings = EntrySettings {
            life: |value: &u32| Some(Duration::from_nanos(u64::from(value % 4))),
            ..EntrySettings::PLAIN
        };
        for (seed, universe) in (1..).zip(UNIVERSES) {
            for maxsize in MAXSIZES {
                let script = Script::wide(bytes(seed, length(10_000, 500_000)), universe);
                run_timed::<Lru>(maxsize, Order::Lru, settings, script);
            }
        }
    }

    #[test]
    fn several_threads_see_what_the_model_sees_while_their_computations_overlap() {
        let length = length(3_000, 100_000);
        finishes(move || {
            for maxsize in MAXSIZES {
                for (seed, universe) in (1..).zip(UNIVERSES) {
                    let both = <Lockstep>::new(maxsize);
                    run_threads(&both, seed, universe, length);
                    both.finish();
                }
            }
        });
    }

    #[test]
    fn threads_on_their_own_find_only_what_belongs_to_the_key_and_every_call_counts() {
        let length = length(2_000, 50_000);
        finishes(move || {
            for (seed, universe) in (1..).zip(UNIVERSES) {
                for maxsize in MAXSIZES {
                    for clears in [Clears::Included, Clears::Skipped] {
                        let free = <Free>::new(maxsize, clears);
                        run_threads(&free, seed, universe, length);
                        free.finish();
                    }
                }
            }
        });
    }
}

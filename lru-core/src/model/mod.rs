//! The cache against a model of it that does everything the slow way.
//!
//! Operations come as bytes, from a seeded generator in the tests or from a fuzzer. After each
//! operation cache and model must tell the same; at the end the ring is walked both ways, and the
//! free list. Several threads do it too: first one operation at a time, so that the model can tell
//! exactly what each must see, with computations that overlap; then all at once, where less can be told.

#[cfg(test)]
mod free;
mod lockstep;
mod naive;
mod script;
mod tested;
mod trial;

use lockstep::Lockstep;
use script::Script;
use trial::Trial;

/// The bounds that are tried.
const MAXSIZES: [Option<usize>; 8] = [Some(0), Some(1), Some(2), Some(3), Some(7), Some(64), Some(200), None];

/// Runs what a fuzzer found: the first byte chooses the bound, the others are the operations.
///
/// # Panics
///
/// As [`run`].
pub fn run_found(bytes: &[u8]) {
    if let Some((&first, operations)) = bytes.split_first() {
        run(MAXSIZES[usize::from(first) % MAXSIZES.len()], operations.iter().copied());
    }
}

/// Runs the operations that the bytes spell on a cache of this `maxsize` and on its model.
///
/// # Panics
///
/// Where the two differ, and where the cache is not whole at the end.
pub fn run(maxsize: Option<usize>, bytes: impl Iterator<Item = u8>) {
    run_script(maxsize, Script::new(bytes, u8::MAX));
}

fn run_script(maxsize: Option<usize>, script: Script<impl Iterator<Item = u8>>) {
    let both = Lockstep::new(maxsize);
    // There is nobody else whose turn it could be.
    Trial::new(&both, script, || {}).run();
    both.finish();
}

#[cfg(test)]
mod tests {
    use super::free::{Clears, Free};
    use super::lockstep::Lockstep;
    use super::script::{Script, bytes};
    use super::trial::{Subject, Trial};
    use super::{MAXSIZES, run_found, run_script};
    use std::panic::resume_unwind;
    use std::sync::Barrier;
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::thread;
    use std::time::Duration;

    const THREADS: u64 = 4;

    /// How many keys there are, from such that everyone meets to such that caches fill up.
    const UNIVERSES: [u8; 4] = [5, 12, 80, 250];

    /// Many bytes where operations are fast, and few in debug builds. An operation takes two or three.
    fn length(debug: usize, release: usize) -> usize {
        if cfg!(debug_assertions) { debug } else { release }
    }

    /// Each thread follows a script of its own, all from one seed.
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

    /// Runs a test on a thread of its own, so that it fails, and does not hang, where threads wait
    /// for each other.
    fn finishes(test: impl FnOnce() + Send + 'static) {
        let (done, finished) = channel();
        let running = thread::spawn(move || {
            test();
            // Whoever waited may have given up by now.
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

    #[test]
    fn several_threads_see_what_the_model_sees_while_their_computations_overlap() {
        let length = length(3_000, 100_000);
        finishes(move || {
            for maxsize in MAXSIZES {
                for (seed, universe) in (1..).zip(UNIVERSES) {
                    let both = Lockstep::new(maxsize);
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
                    for clears in [Clears::Happen, Clears::AreLeftOut] {
                        let free = Free::new(maxsize, clears);
                        run_threads(&free, seed, universe, length);
                        free.finish();
                    }
                }
            }
        });
    }
}

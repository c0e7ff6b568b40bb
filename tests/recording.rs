//! `functools::record`: the calls of functions as a trace.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use functools::{LruCache, RecordOptions, lru_cache, record};

#[lru_cache(maxsize = 50, insight = true)]
fn square(n: u64) -> u64 {
    n * n
}

#[lru_cache(maxsize = auto(8..=64))]
fn cube(n: u64) -> u64 {
    n * n * n
}

#[lru_cache(maxsize = 64, shards = 4, insight = true)]
fn text(n: u64) -> String {
    n.to_string()
}

#[lru_cache(maxsize = 50)]
fn not_sampled(n: u64) -> u64 {
    n
}

/// There is one recording at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file of one test.
struct Trace(PathBuf);

impl Trace {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("functools-recording-{}-{name}", std::process::id())))
    }

    fn keys(&self) -> Vec<u64> {
        fs::read_to_string(&self.0).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

fn only(path: &'static str) -> RecordOptions {
    RecordOptions::new().only(move |function| function.path() == path)
}

#[test]
fn a_trace_has_the_calls_of_each_function_in_order() {
    let _alone = alone();
    let trace = Trace::new("order");
    (0..10).for_each(|n| _ = (square(n), not_sampled(n)));
    let recording = record(&trace.0).unwrap();
    let calls = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
    for n in calls {
        _ = (square(n), cube(n), text(n), not_sampled(n));
    }
    let recorded = recording.finish().unwrap();
    square(7);
    assert_eq!((recorded.calls, recorded.dropped), (30, 0));
    let keys = trace.keys();
    assert_eq!(keys.len(), 30, "calls before and after are not in it");
    let mut of_functions: HashSet<u64> = HashSet::new();
    for number in 0..3 {
        let keys: Vec<_> = keys.iter().skip(number).step_by(3).collect();
        for (one, first) in calls.iter().zip(&keys) {
            for (other, second) in calls.iter().zip(&keys) {
                assert_eq!(one == other, first == second, "equal arguments have equal numbers");
            }
        }
        of_functions.extend(keys.into_iter().copied());
    }
    assert_eq!(of_functions.len(), 3 * 7, "each function has numbers of its own");
}

#[test]
fn a_replay_has_the_hits_of_the_function() {
    let _alone = alone();
    let trace = Trace::new("replay");
    let recording = only("recording::square").start(&trace.0).unwrap();
    square::cache_clear();
    let before = square::cache_insight().calls();
    (0..5000_u64).for_each(|n| _ = (square(n * n % 211), cube(n)));
    let (info, insight) = (square::cache_info(), square::cache_insight());
    assert_eq!((recording.finish().unwrap().calls, insight.calls() - before), (5000, 5000));
    let replay = LruCache::new(Some(50));
    for key in trace.keys() {
        replay.get_or_insert_with(key, || ());
    }
    assert_eq!((replay.info().hits, replay.info().misses), (info.hits, info.misses));
    assert!((insight.hit_ratio(50) - info.hit_ratio()).abs() < 1e-9, "the sampler sees the same calls");
}

#[test]
fn a_file_has_no_more_bytes_than_it_may_have() {
    let _alone = alone();
    let trace = Trace::new("bound");
    let recording = only("recording::square").max_bytes(1000).start(&trace.0).unwrap();
    (0..1000).for_each(|n| _ = square(n));
    let recorded = recording.finish().unwrap();
    let length = fs::metadata(&trace.0).unwrap().len();
    assert!((900..=1000).contains(&length), "{length}");
    assert_eq!(recorded.calls + recorded.dropped, 1000);
    assert_eq!(trace.keys().len() as u64, recorded.calls);
    assert!(recorded.calls < 100);
}

#[test]
fn calls_of_many_threads_are_recorded_or_counted() {
    let _alone = alone();
    let trace = Trace::new("threads");
    let recording = record(&trace.0).unwrap();
    thread::scope(|scope| {
        for number in 0..4_u64 {
            scope.spawn(move || {
                for n in 0..5000 {
                    _ = (square(n % 90), cube(n % (7 + number)), text(n % 70));
                    if n % 1000 == 999 {
                        cube::cache_clear();
                    }
                }
            });
        }
    });
    assert!(recording.calls() + recording.dropped() <= 60_000);
    let recorded = recording.finish().unwrap();
    assert_eq!(recorded.calls + recorded.dropped, 60_000);
    let keys = trace.keys();
    assert_eq!(keys.len() as u64, recorded.calls);
    let distinct = keys.iter().collect::<HashSet<_>>().len();
    assert!(distinct <= 90 + 10 + 70, "{distinct}");
}

#[test]
fn a_guard_that_is_dropped_ends_the_recording_and_leaves_a_whole_file() {
    let _alone = alone();
    let trace = Trace::new("dropped");
    let recording = only("recording::cube").start(&trace.0).unwrap();
    (0..100).for_each(|n| _ = cube(n));
    drop(recording);
    (0..100).for_each(|n| _ = cube(n));
    assert_eq!(trace.keys().len(), 100);
}

#[test]
fn what_cannot_be_recorded_is_an_error() {
    let _alone = alone();
    let missing = Trace::new("no-such-folder");
    let error = record(missing.0.join("calls.txt")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no-such-folder"), "{error}");

    let trace = Trace::new("errors");
    let error = only("recording::not_sampled").start(&trace.0).unwrap_err();
    assert_eq!(error.to_string(), "there is no function to record: write `insight = true` on one");
    assert!(!trace.0.exists());

    let recording = record(&trace.0).unwrap();
    let error = record(&trace.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    square(1);
    assert_eq!(recording.finish().unwrap().calls, 1, "the first one goes on");
    drop(record(&trace.0).unwrap());
}

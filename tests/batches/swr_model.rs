//! Random batches of elements that may be stale, against calls of one element each.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use functools::refresh::Task;
use functools::{CacheStats, lru_cache};

use crate::support::{alone, ready};

const IDS: u32 = 12;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(1) };
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// Whether bodies fail.
    static FAILS: Cell<bool> = const { Cell::new(false) };
    static VERSIONS: Cell<[u32; IDS as usize]> = const { Cell::new([0; IDS as usize]) };
    /// The elements that batches and single calls were asked for.
    static ASKED: RefCell<[Vec<u32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
    /// The refreshes of batches and of single calls that have not run.
    static TASKS: RefCell<[Vec<Task>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

fn below(bound: u64) -> u64 {
    let state = STATE.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    STATE.set(state);
    (state >> 33) % bound
}

type Value = Result<(u32, u32), &'static str>;

fn value(id: u32, by: usize) -> Value {
    ASKED.with_borrow_mut(|asked| asked[by].push(id));
    // An element fails or not, whether or not it is computed with others.
    if FAILS.get() && id % 3 == 0 { Err("down") } else { Ok((id, VERSIONS.get()[id as usize])) }
}

fn later(by: usize) -> impl Fn(Task) {
    move |task| TASKS.with_borrow_mut(|tasks| tasks[by].push(task))
}

#[lru_cache(each = ids, ttl = 10, swr = 20, stale_if_error = 40, timer = || NOW.get(), spawn = later(0))]
async fn many(ids: &[u32]) -> Vec<Value> {
    ids.iter().map(|id| value(*id, 0)).collect()
}

#[lru_cache(ttl = 10, swr = 20, stale_if_error = 40, timer = || NOW.get(), spawn = later(1))]
async fn one(id: u32) -> Value {
    value(id, 1)
}

/// Looks some elements up, once or twice before their refreshes run, which are those of the step.
fn call(step: u32) {
    let start = Instant::now();
    let calls = 1 + below(2);
    for _ in 0..calls {
        let ids: BTreeSet<u32> = (0..below(7)).map(|_| below(u64::from(IDS)) as u32).collect();
        let ids: Vec<u32> = ids.into_iter().collect();
        let of_many = ready(many(&ids));
        let of_one: Vec<Value> = ids.iter().map(|id| ready(one(*id))).collect();
        let is_late = start.elapsed() > LATE;
        assert!(is_late || of_many == of_one, "{step}: {ids:?}: {of_many:?} {of_one:?}");
    }
    assert_eq!(many::__memo(&()).in_flight(), one::__memo(&()).in_flight(), "{step}");
    if below(10) == 0 {
        change();
    }
    let [of_many, of_one] = TASKS.take();
    assert!(of_many.len() <= calls as usize && of_many.is_empty() == of_one.is_empty(), "{step}");
    of_many.into_iter().for_each(ready);
    of_one.into_iter().for_each(ready);
    if start.elapsed() > LATE {
        // Claims that have not begun may have been taken over.
        many::cache_clear();
        one::cache_clear();
        ASKED.take();
    }
}

/// After that time, claims that have not begun may be taken over.
const LATE: Duration = Duration::from_millis(50);

/// Changes an element, invalidates it, or clears the caches.
fn change() {
    let id = below(u64::from(IDS)) as u32;
    match below(10) {
        0 => {
            many::cache_clear();
            one::cache_clear();
        }
        1..=3 => assert_eq!(many::cache_invalidate(id), one::cache_invalidate(id)),
        _ => VERSIONS.set({
            let mut versions = VERSIONS.get();
            versions[id as usize] += 1;
            versions
        }),
    }
}

#[test]
fn batches_serve_and_refresh_as_single_calls_do() {
    let _alone = alone();
    let mut seen = [0, 0, 0];
    for step in 0..6_000 {
        match below(6) {
            0 | 1 => NOW.set(NOW.get() + below(8)),
            2 => FAILS.set(below(4) == 0),
            3 => change(),
            _ => call(step),
        }
        for id in 0..IDS {
            assert_eq!(many::cache_peek(id), one::cache_peek(id), "{step}: {id}");
            assert_eq!(many::cache_contains(id), one::cache_contains(id), "{step}: {id}");
        }
        let asked = ASKED.take().map(|mut asked| {
            asked.sort_unstable();
            asked
        });
        assert_eq!(asked[0], asked[1], "{step}");
        assert_eq!(many::cache_info(), one::cache_info(), "{step}");
        let counts = |stats: CacheStats| [stats.stale_hits, stats.refreshes, stats.errors];
        let (of_many, of_one) = (counts(many::cache_stats()), counts(one::cache_stats()));
        assert_eq!(of_many, of_one, "{step}");
        for (seen, count) in seen.iter_mut().zip(of_many) {
            *seen = count.max(*seen);
        }
    }
    assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
}

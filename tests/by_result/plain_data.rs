//! Functions of plain data with tags, whose hits take no lock: no hit is of an entry that was invalidated.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;

use functools::{Tag, depends_on, invalidate, isolated, lru_cache, tag};

use super::graph::{Random, mixed, wanted};

/// More hits than there are before hits take no lock.
const MANY: u32 = 1000;

thread_local! {
    static BODIES: Cell<u64> = const { Cell::new(0) };
}

/// A body: returns how often bodies have run before.
fn computed() -> u64 {
    BODIES.replace(BODIES.get() + 1)
}

/// Returns how often a body runs in so many calls.
fn bodies(calls: u32, call: impl Fn(u32)) -> u64 {
    let before = BODIES.get();
    (0..calls).for_each(call);
    BODIES.get() - before
}

#[test]
fn each_invalidation_is_seen_by_the_next_hit() {
    #[lru_cache(tags = |n| [tag("plain", n), tag("plain", ())])]
    fn bounded(_n: u32) -> u64 {
        computed()
    }
    #[lru_cache(maxsize = None, tags = |n| [tag("plain", n), tag("plain", ())])]
    fn unbounded(_n: u32) -> u64 {
        computed()
    }
    #[lru_cache(maxsize = None, depends = true)]
    fn dependent(n: u32) -> (u64, u64) {
        computed();
        (bounded(n), unbounded(n))
    }

    isolated(|| {
        let call = |n: u32| _ = (bounded(n % 4), unbounded(n % 4), dependent(n % 4));
        assert_eq!(bodies(MANY, call), 12);
        for round in 0..20 {
            assert_eq!(bodies(8, call), 0, "unrelated {round}");
            invalidate(tag("unrelated", round));
            assert_eq!(bodies(8, call), 0, "after an unrelated invalidation");
            invalidate(tag("plain", 1));
            assert_eq!(bodies(8, call), 3);
            assert!(unbounded::cache_invalidate(2));
            assert_eq!(bodies(8, call), 2, "the result of a key, and what depends on it");
            invalidate(tag("plain", ()));
            assert_eq!(bodies(8, call), 12);
            let (former, value) = (bounded(3), 1_000_000 + round);
            bounded::cache_put(3, value);
            assert_ne!(former, value);
            assert_eq!((bounded(3), dependent(3).0), (value, value));
            bounded::cache_clear();
            assert_eq!(bodies(8, call), 8);
        }
        let counted = [bounded::cache_info(), unbounded::cache_info(), dependent::cache_info()];
        assert!(counted[1].hits > u64::from(MANY) && counted[2].hits > u64::from(MANY));
        assert_eq!(counted.map(|info| info.currsize), [4; 3]);
        assert_eq!(counted[1].maxsize, None);
    });
}

#[test]
fn a_body_that_reads_hits_without_the_lock_depends_on_them() {
    #[lru_cache(maxsize = None, tags = |n| [tag("read", n)])]
    fn read(_n: u32) -> u64 {
        computed()
    }
    #[lru_cache(depends = true)]
    fn reader(n: u32) -> u64 {
        read(n)
    }

    isolated(|| {
        for _ in 0..MANY {
            read(1);
        }
        // Its body runs when hits of the other take no lock.
        let first = reader(1);
        assert_eq!((reader(1), read(1)), (first, first));
        invalidate(tag("read", 1));
        let second = read(1);
        assert_ne!(first, second);
        assert_eq!(reader(1), second);
    });
}

#[test]
fn invalid_results_leave_an_unbounded_cache_as_others_are_added() {
    #[lru_cache(maxsize = None, tags = |n| [tag("parity", n % 2)])]
    fn number(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (0..1000).for_each(|n| _ = number(n));
        invalidate(tag("parity", 1));
        // Each insert looks at two entries, and the table has room for more of them.
        (0..2000).for_each(|n| _ = number(10_000 + 2 * n));
        assert_eq!(number::cache_info().currsize, 2500);
        let stats = number::cache_stats();
        assert_eq!((stats.invalidated, stats.evictions), (500, 0));
    });
}

const SOURCES: usize = 8;
const KEYS: u32 = 8;
const FUNCTIONS: u32 = 11;

static VERSIONS: [AtomicU32; SOURCES] = [const { AtomicU32::new(1) }; SOURCES];
/// The versions of which the invalidation has returned.
static INVALIDATED: [AtomicU32; SOURCES] = [const { AtomicU32::new(0) }; SOURCES];
static CHANGES: [Mutex<()>; SOURCES] = [const { Mutex::new(()) }; SOURCES];
static HAS_FAILED: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// The least version of each source that a value was computed from, two in a word; the greatest number if it was not read.
type Value = [u64; SOURCES / 2];

const NOTHING: Value = [u64::MAX; SOURCES / 2];

fn version_in(value: &Value, source: usize) -> u32 {
    let word = value[source / 2] >> (32 * (source % 2));
    u32::try_from(word & u64::from(u32::MAX)).expect("it is half a word")
}

fn lower(value: &mut Value, source: usize, version: u32) {
    if version < version_in(value, source) {
        let shift = 32 * (source % 2);
        let word = &mut value[source / 2];
        *word = *word & !(u64::from(u32::MAX) << shift) | u64::from(version) << shift;
    }
}

fn merge(value: &mut Value, other: &Value) {
    (0..SOURCES).for_each(|source| lower(value, source, version_in(other, source)));
}

/// The sources of a function for a key. The upper half is invalidated by keys, the lower one by tags.
fn sources(function: u32, key: u32) -> [usize; 2] {
    let random = &mut Random(mixed(u64::from(function) << 32 | u64::from(key)));
    let first = if is_keyed(function) { SOURCES / 2 } else { 0 };
    [(); 2].map(|()| first + usize::try_from(random.below(4)).expect("it is small"))
}

fn is_keyed(function: u32) -> bool {
    (4..6).contains(&function)
}

fn read(function: u32, key: u32) -> Value {
    let mut value = NOTHING;
    for source in sources(function, key) {
        lower(&mut value, source, VERSIONS[source].load(SeqCst));
    }
    value
}

fn tags_of(value: &Value) -> Vec<Tag> {
    let read = (0..SOURCES / 2).filter(|source| version_in(value, *source) != u32::MAX);
    read.map(|source| tag("plain source", source)).collect()
}

/// Runs the body of a function that calls others.
fn body(function: u32, key: u32) -> Value {
    let random = &mut Random(mixed(u64::from(function * KEYS + key) ^ 1 << 40));
    let mut value = NOTHING;
    for _ in 0..=random.below(3) {
        merge(&mut value, &call(random.below(function), random.below(KEYS)));
    }
    value
}

#[lru_cache(tags = |_, value| tags_of(value))]
fn bounded(key: u32) -> Value {
    read(0, key)
}

#[lru_cache(maxsize = 5, tags = |_, value| tags_of(value))]
fn evicting(key: u32) -> Value {
    read(1, key)
}

#[lru_cache(maxsize = None, tags = |_, value| tags_of(value))]
fn unbounded(key: u32) -> Value {
    read(2, key)
}

#[lru_cache(maxsize = None, depends = true)]
fn by_depends_on(key: u32) -> Value {
    let value = read(3, key);
    tags_of(&value).into_iter().for_each(depends_on);
    value
}

#[lru_cache(maxsize = None, tags = |_| [tag("plain key", ())])]
fn keyed_unbounded(key: u32) -> Value {
    read(4, key)
}

#[lru_cache(maxsize = 6, depends = true, single_flight = true)]
fn keyed_bounded(key: u32) -> Value {
    read(5, key)
}

#[lru_cache(depends = true, ttl = 0.002)]
fn expiring(key: u32) -> Value {
    body(6, key)
}

#[lru_cache(depends = true)]
fn middle(key: u32) -> Value {
    body(7, key)
}

#[lru_cache(maxsize = None, depends = true)]
fn middle_unbounded(key: u32) -> Value {
    body(8, key)
}

#[lru_cache(maxsize = None, depends = true, lock_free = false)]
fn in_parallel(key: u32) -> Value {
    body(9, key)
}

#[lru_cache(maxsize = None, depends = true)]
fn recursive(key: u32) -> Value {
    let mut value = body(10, key);
    if key > 0 {
        merge(&mut value, &call(10, key - 1));
    }
    value
}

/// Calls a function, and checks the result.
fn call(function: u32, key: u32) -> Value {
    let invalidated: [u32; SOURCES] = std::array::from_fn(|source| INVALIDATED[source].load(SeqCst));
    let value = match function {
        0 => bounded(key),
        1 => evicting(key),
        2 => unbounded(key),
        3 => by_depends_on(key),
        4 => keyed_unbounded(key),
        5 => keyed_bounded(key),
        6 => expiring(key),
        7 => middle(key),
        8 => middle_unbounded(key),
        9 => in_parallel(key),
        _ => recursive(key),
    };
    for (source, invalidated) in invalidated.into_iter().enumerate() {
        let version = version_in(&value, source);
        let is_valid = version >= invalidated || HAS_FAILED.swap(true, SeqCst);
        assert!(
            is_valid,
            "{function}({key}) returned version {version} of source {source}; {invalidated} is invalid"
        );
    }
    value
}

/// Changes a source, and invalidates what was computed from it.
fn update(random: &mut Random) {
    let source = usize::try_from(random.below(8)).expect("it is small");
    let _change = CHANGES[source].lock().unwrap_or_else(PoisonError::into_inner);
    let version = VERSIONS[source].fetch_add(1, SeqCst) + 1;
    if source < SOURCES / 2 {
        invalidate(tag("plain source", source));
    } else {
        for function in (0..FUNCTIONS).filter(|function| is_keyed(*function)) {
            for key in (0..KEYS).filter(|key| sources(function, *key).contains(&source)) {
                change_keyed(function, key, source, version, random);
            }
        }
    }
    INVALIDATED[source].fetch_max(version, SeqCst);
}

fn change_keyed(function: u32, key: u32, source: usize, version: u32, random: &mut Random) {
    macro_rules! change {
        ($function:ident) => {
            match random.below(6) {
                0 => $function::cache_clear(),
                1 => drop($function::cache_refresh(key)),
                2 | 3 if sources(function, key) == [source; 2] => {
                    let mut value = NOTHING;
                    lower(&mut value, source, version);
                    $function::cache_put(key, value);
                }
                _ => drop($function::cache_invalidate(key)),
            }
        };
    }
    if function == 4 { change!(keyed_unbounded) } else { change!(keyed_bounded) }
}

#[test]
fn no_stale_result_is_returned_by_threads_that_hit_without_the_lock() {
    let wanted = wanted(60_000);
    for (seed, between_updates) in [2000, 50, 300].into_iter().cycle().enumerate() {
        if CALLS.load(Relaxed) >= wanted {
            break;
        }
        let end = CALLS.load(Relaxed) + 10_000;
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let mut random = Random(mixed(u64::try_from(seed).expect("it is small") * 4 + thread));
                    while CALLS.load(Relaxed) < end && !HAS_FAILED.load(Relaxed) {
                        if random.one_in(between_updates) {
                            update(&mut random);
                            continue;
                        }
                        CALLS.fetch_add(1, Relaxed);
                        call(random.below(FUNCTIONS), random.below(KEYS));
                    }
                });
            }
        });
    }
    let info =
        [bounded::cache_info(), unbounded::cache_info(), middle::cache_info(), recursive::cache_info()];
    let (hits, misses) =
        info.iter().fold((0, 0), |(hits, misses), info| (hits + info.hits, misses + info.misses));
    println!("{} calls, {hits} hits and {misses} misses of four functions", CALLS.load(Relaxed));
    assert!(hits > misses && misses > 100, "{hits} hits, {misses} misses");
}

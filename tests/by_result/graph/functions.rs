//! The functions of a graph, of every kind, and what they read and call: by hashes of their numbers, keys and the number of
//! the graph.

use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use functools::{LruCache, Tag, Tagged, depends_on, lru_cache, tag};

use super::sources::{SOURCES, Snapshot, Value, has_tag};
use super::{Random, batches, mixed};

pub(super) const KEYS: u32 = 8;
/// The first functions read sources. Those from here on are invalidated by key, the first ones by tags.
const FIRST_KEYED: u32 = 9;
pub(super) const KEYED: Range<u32> = FIRST_KEYED..FIRST_MIDDLE;
/// The functions from here on call others, with lower numbers.
const FIRST_MIDDLE: u32 = 12;
/// The number of functions that are not `async`.
pub(super) const SYNC: u32 = batches::FIRST + batches::SYNC;
/// The number of those that are.
pub(super) const ASYNC: u32 = 7;
/// A function that panics with its value, for even keys.
pub(super) const PANICKING: u32 = 7;

static GRAPH: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Changes which functions the functions call.
pub(super) fn next_graph() {
    GRAPH.fetch_add(1, Relaxed);
}

pub(super) fn inner_calls() -> u64 {
    CALLS.load(Relaxed)
}

/// A generator of what belongs to a function and a key.
fn random_of(function: u32, key: u32, salt: u64) -> Random {
    Random(mixed((u64::from(function) << 32 | u64::from(key)) ^ (salt << 48)))
}

/// Returns the sources that a function reads: the last one only if a version is odd.
pub(super) fn reads(function: u32, key: u32) -> Vec<usize> {
    let random = &mut random_of(function, key, 1);
    let half = SOURCES / 2;
    let first = if KEYED.contains(&function) { half } else { 0 };
    let number = if random.one_in(4) { 1 } else { 2 + random.below(2) };
    (0..number).map(|_| first + usize::try_from(random.next()).unwrap_or(0) % half).collect()
}

/// Reads the sources of a function.
pub(super) fn read(function: u32, key: u32) -> Value {
    let mut value = Value::new();
    let sources = reads(function, key);
    let (last, others) = sources.split_last().expect("it reads one");
    for source in others {
        value.read(*source);
    }
    if others.is_empty() || value.is_odd() {
        value.read(*last);
    }
    value
}

/// Runs the body of a function that calls others.
pub(super) fn body(function: u32, key: u32) -> Value {
    let mut value = Value::new();
    for (called, key) in calls(function, key) {
        merge_call(&mut value, called, key);
    }
    let random = &mut random_of(function, key, GRAPH.load(Relaxed) + 1000);
    if random.one_in(3) && value.is_odd() {
        merge_call(&mut value, random.below(function), key);
    }
    if random.one_in(4) {
        let source = usize::try_from(random.next()).unwrap_or(0) % (SOURCES / 2);
        // The tag may be named before or after the source is read.
        value.read(source);
        depends_on(tag("graph", source));
    }
    value
}

fn calls(function: u32, key: u32) -> Vec<(u32, u32)> {
    let random = &mut random_of(function, key, GRAPH.load(Relaxed));
    (0..=random.below(3)).map(|_| (random.below(function.min(SYNC)), random.below(KEYS))).collect()
}

/// Calls a function, and uses what a panic carries.
fn merge_call(value: &mut Value, function: u32, key: u32) {
    if function != PANICKING {
        return value.merge(&call(function, key));
    }
    match catch_unwind(AssertUnwindSafe(|| call(function, key))) {
        Ok(result) => value.merge(&result),
        Err(payload) => value.merge(payload.downcast_ref().expect("it carries a value")),
    }
}

fn tags_of(value: &Value) -> Vec<Tag> {
    value.tags()
}

#[lru_cache(maxsize = 4, tags = |_, value| tags_of(value))]
fn evicting(key: u32) -> Value {
    read(0, key)
}

#[lru_cache(maxsize = None, tags = |_, value| tags_of(value), ttl = 0.002)]
fn expiring(key: u32) -> Value {
    read(1, key)
}

#[lru_cache(depends = true)]
fn by_depends_on(key: u32) -> Value {
    let value = read(2, key);
    value.tags().into_iter().for_each(depends_on);
    value
}

#[lru_cache(tags = |_, value| tags_of(value), keep = |key, _| key % 3 != 0)]
fn keeping_some(key: u32) -> Value {
    read(3, key)
}

#[lru_cache(tags = |_, value| tags_of(value))]
fn failing(key: u32) -> Result<Value, Value> {
    let value = read(4, key);
    if value.is_odd() { Err(value) } else { Ok(value) }
}

static COALESCED: LruCache<u32, Value> = LruCache::new(Some(5));
static KEYED_OBJECT: LruCache<u32, Value> = LruCache::new(None);
/// Of several functions.
static SHARED: LruCache<Tagged<u32>, Value> = LruCache::new(Some(9));

#[lru_cache(cache = COALESCED, tags = |_, value| tags_of(value), single_flight = true)]
fn coalesced(key: u32) -> Value {
    read(5, key)
}

#[lru_cache(tags = |key| reads(6, *key).into_iter().filter(|source| has_tag(*source)).map(|source| tag("graph", source)).collect::<Vec<_>>(), maxsize = 0)]
fn stored_nowhere(key: u32) -> Value {
    read(6, key)
}

#[lru_cache(tags = |_, value| tags_of(value))]
fn panicking(key: u32) -> Value {
    let value = read(PANICKING, key);
    if key % 2 == 0 {
        resume_unwind(Box::new(value));
    }
    value
}

#[lru_cache(tags = |_, value| tags_of(value), shards = 2, maxsize = 16)]
fn sharded(key: u32) -> Value {
    read(8, key)
}

#[lru_cache(cache = KEYED_OBJECT, depends = true)]
fn keyed(key: u32) -> Value {
    read(9, key)
}

#[lru_cache(depends = true, maxsize = 3, single_flight = true)]
fn keyed_coalesced(key: u32) -> Value {
    read(10, key)
}

#[lru_cache(tags = |_, _| [tag("keyed", ())], maxsize = None)]
fn keyed_unbounded(key: u32) -> Value {
    read(11, key)
}

#[lru_cache(cache = SHARED, depends = true)]
fn small(key: u32) -> Value {
    body(12, key)
}

#[lru_cache(depends = true, maxsize = None)]
fn unbounded(key: u32) -> Value {
    body(13, key)
}

#[lru_cache(depends = true, single_flight = true)]
fn one_at_a_time(key: u32) -> Value {
    body(14, key)
}

#[lru_cache(depends = true, ttl = 0.001, swr = 0.01)]
fn refreshed(key: u32) -> Value {
    body(15, key)
}

#[lru_cache(depends = true, policy = lfu, maxsize = 4, tags = |_, _| [tag("graph", ())])]
fn least_frequent(key: u32) -> Value {
    body(16, key)
}

#[lru_cache(cache = SHARED, depends = true, ttl = 0.002, keep = |key, _| key % 3 != 0)]
fn kept_for_some(key: u32) -> Value {
    body(17, key)
}

#[lru_cache(depends = true, maxsize = 5)]
fn recursive(key: u32) -> Value {
    let mut value = body(18, key);
    if key > 0 {
        value.merge(&call(18, key - 1));
    }
    value
}

#[lru_cache(depends = true, cache_errors = true, error_ttl = 0.002)]
fn failing_above(key: u32) -> Result<Value, Value> {
    let value = body(19, key);
    if value.is_odd() { Err(value) } else { Ok(value) }
}

#[lru_cache(
    depends = true,
    shards = 2,
    maxsize = 16,
    single_flight = true,
    stale_if_error = 0.01,
    ttl = 0.002
)]
fn stale_on_failure(key: u32) -> Result<Value, Value> {
    let value = body(20, key);
    if key == 0 && value.is_odd() { Err(value) } else { Ok(value) }
}

/// Calls a function, and checks the result.
pub(super) fn call(function: u32, key: u32) -> Value {
    let invalidated = Snapshot::take();
    CALLS.fetch_add(1, Relaxed);
    let either = |result: Result<Value, Value>| result.unwrap_or_else(|error| error);
    let (name, value) = match function {
        0 => ("evicting", evicting(key)),
        1 => ("expiring", expiring(key)),
        2 => ("by_depends_on", by_depends_on(key)),
        3 => ("keeping_some", keeping_some(key)),
        4 => ("failing", either(failing(key))),
        5 => ("coalesced", coalesced(key)),
        6 => ("stored_nowhere", stored_nowhere(key)),
        7 => ("panicking", panicking(key)),
        8 => ("sharded", sharded(key)),
        9 => ("keyed", keyed(key)),
        10 => ("keyed_coalesced", keyed_coalesced(key)),
        11 => ("keyed_unbounded", keyed_unbounded(key)),
        12 => ("small", small(key)),
        13 => ("unbounded", unbounded(key)),
        14 => ("one_at_a_time", one_at_a_time(key)),
        15 => ("refreshed", refreshed(key)),
        16 => ("least_frequent", least_frequent(key)),
        17 => ("kept_for_some", kept_for_some(key)),
        18 => ("recursive", recursive(key)),
        19 => ("failing_above", either(failing_above(key))),
        20 => ("stale_on_failure", either(stale_on_failure(key))),
        _ => batches::call(function, key, &invalidated),
    };
    invalidated.check(name, key, &value);
    value
}

type Task = Pin<Box<dyn Future<Output = Value> + Send>>;

#[lru_cache(tags = |_, value| tags_of(value))]
async fn task(key: u32) -> Value {
    tokio::task::yield_now().await;
    let value = read(0, key);
    tokio::task::yield_now().await;
    value
}

#[lru_cache(depends = true, maxsize = 3)]
async fn in_turn(key: u32) -> Value {
    let mut value = body(28, key);
    tokio::task::yield_now().await;
    value.merge(&call_async(0, key / 2).await);
    value
}

#[lru_cache(depends = true, single_flight = false)]
async fn side_by_side(key: u32) -> Value {
    let (mut one, other) = tokio::join!(call_async(1, key), call_async(0, key / 2));
    one.merge(&other);
    tokio::task::yield_now().await;
    one.merge(&body(29, key));
    one
}

#[lru_cache(depends = true, detach = true, spawn = functools::refresh::Tokio)]
async fn detached(key: u32) -> Value {
    let mut value = call_async(2, key).await;
    value.merge(&body(30, key));
    value
}

#[lru_cache(depends = true, ttl = 0.001, swr = 0.01)]
async fn refreshed_slowly(key: u32) -> Value {
    let mut value = call_async(1 + key % 3, key).await;
    value.merge(&body(31, key));
    value
}

/// Calls an async function, and checks the result.
pub(super) fn call_async(function: u32, key: u32) -> Task {
    Box::pin(async move {
        let invalidated = Snapshot::take();
        CALLS.fetch_add(1, Relaxed);
        let (name, value) = match function {
            0 => ("task", task(key).await),
            1 => ("in_turn", in_turn(key).await),
            2 => ("side_by_side", side_by_side(key).await),
            3 => ("detached", detached(key).await),
            4 => ("refreshed_slowly", refreshed_slowly(key).await),
            _ => batches::call_many(function, key, &invalidated).await,
        };
        invalidated.check(name, key, &value);
        value
    })
}

/// Invalidates a tag in each function whose results may have it.
pub(super) fn invalidate_tag_in_each(tag: Tag) {
    evicting::cache_invalidate_tag(tag);
    expiring::cache_invalidate_tag(tag);
    by_depends_on::cache_invalidate_tag(tag);
    keeping_some::cache_invalidate_tag(tag);
    failing::cache_invalidate_tag(tag);
    coalesced::cache_invalidate_tag(tag);
    stored_nowhere::cache_invalidate_tag(tag);
    panicking::cache_invalidate_tag(tag);
    sharded::cache_invalidate_tag(tag);
    small::cache_invalidate_tag(tag);
    unbounded::cache_invalidate_tag(tag);
    one_at_a_time::cache_invalidate_tag(tag);
    refreshed::cache_invalidate_tag(tag);
    least_frequent::cache_invalidate_tag(tag);
    kept_for_some::cache_invalidate_tag(tag);
    recursive::cache_invalidate_tag(tag);
    failing_above::cache_invalidate_tag(tag);
    stale_on_failure::cache_invalidate_tag(tag);
    task::cache_invalidate_tag(tag);
    in_turn::cache_invalidate_tag(tag);
    side_by_side::cache_invalidate_tag(tag);
    detached::cache_invalidate_tag(tag);
    refreshed_slowly::cache_invalidate_tag(tag);
    batches::invalidate_tag_in_each(tag);
}

/// Invalidates the result of a function for a key, which a source of it was changed for, in one of the ways that there are. `value` is
/// the new result, if it is known.
pub(super) fn change_keyed(function: u32, key: u32, value: Option<Value>, random: &mut Random) {
    macro_rules! change {
        ($function:ident) => {
            match (random.below(8), value) {
                (0, _) => $function::cache_clear(),
                (1, _) => drop($function::cache_refresh(key)),
                (2..=5, Some(value)) => $function::cache_put(key, value),
                _ => drop($function::cache_invalidate(key)),
            }
        };
    }
    match function {
        9 => change!(keyed),
        10 => change!(keyed_coalesced),
        _ => change!(keyed_unbounded),
    }
}

pub(super) fn clear_all() {
    let clear = [
        evicting::cache_clear,
        expiring::cache_clear,
        by_depends_on::cache_clear,
        keeping_some::cache_clear,
        failing::cache_clear,
        coalesced::cache_clear,
        panicking::cache_clear,
        sharded::cache_clear,
        small::cache_clear,
        unbounded::cache_clear,
        one_at_a_time::cache_clear,
        refreshed::cache_clear,
        recursive::cache_clear,
        side_by_side::cache_clear,
    ];
    HITS.fetch_add(current_hits(), Relaxed);
    HITS_OF_ELEMENTS.fetch_add(batches::current_hits(), Relaxed);
    for clear in clear.into_iter().chain(batches::CLEAR) {
        clear();
    }
}

static HITS: AtomicU64 = AtomicU64::new(0);
static HITS_OF_ELEMENTS: AtomicU64 = AtomicU64::new(0);

pub(super) fn hits_of_elements() -> u64 {
    HITS_OF_ELEMENTS.load(Relaxed)
}

fn current_hits() -> u64 {
    [small::cache_info(), unbounded::cache_info(), recursive::cache_info(), evicting::cache_info()]
        .iter()
        .map(|info| info.hits)
        .sum()
}

pub(super) fn hits() -> u64 {
    HITS.load(Relaxed)
}

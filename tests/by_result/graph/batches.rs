//! The functions of a graph that compute many elements.

use std::collections::HashMap;

use functools::{Tag, lru_cache, tag};

use super::functions::{KEYS, body, call_async, read, reads};
use super::sources::{Snapshot, Value, has_tag};

/// The numbers of the functions.
pub(super) const FIRST: u32 = 21;
/// How many there are that are not `async`.
pub(super) const SYNC: u32 = 5;

/// The tags of all sources that a function may read.
fn tags_of_sources(function: u32, key: u32) -> Vec<Tag> {
    let sources = reads(function, key).into_iter().filter(|source| has_tag(*source));
    sources.map(|source| tag("graph", source)).collect()
}

/// The elements of a call for a key, the key first.
fn keys_of(key: u32) -> Vec<u32> {
    [0, 1, 3, 0].map(|more| (key + more) % KEYS).to_vec()
}

#[lru_cache(each = keys, maxsize = 5, tags = |_, value| value.tags())]
fn plain(keys: &[u32]) -> Vec<Value> {
    keys.iter().map(|key| read(21, *key)).collect()
}

#[lru_cache(each = keys, depends = true, single_flight = true, maxsize = None)]
fn coalesced(keys: Vec<u32>) -> HashMap<u32, Value> {
    keys.into_iter().map(|key| (key, body(22, key))).collect()
}

#[lru_cache(
    each = keys,
    shards = 2,
    maxsize = 16,
    single_flight = true,
    tags = |key| tags_of_sources(23, *key),
    depends = true,
    ttl = |key, _| if *key == 0 { 0.002 } else { 60.0 }
)]
fn failing_each(keys: &[u32]) -> Vec<Result<Value, Value>> {
    let value = |key: &u32| {
        let mut value = read(23, *key);
        value.merge(&body(23, *key));
        if value.is_odd() { Err(value) } else { Ok(value) }
    };
    keys.iter().map(value).collect()
}

#[lru_cache(each = keys, depends = true, tags = |_, _| [tag("graph", ())], keep = |key, _| key % 3 != 0)]
fn failing(keys: &[u32]) -> Result<Vec<Value>, Value> {
    let mut values: Vec<Value> = keys.iter().map(|key| body(24, *key)).collect();
    match values.iter().position(Value::is_odd) {
        Some(odd) => Err(values.swap_remove(odd)),
        None => Ok(values),
    }
}

#[lru_cache(each = keys, maxsize = 0, tags = |_, value| value.tags(), single_flight = true)]
fn stored_nowhere(keys: &[u32]) -> Vec<Value> {
    keys.iter().map(|key| read(25, *key)).collect()
}

/// Calls a function for a key and for others, and checks all results.
pub(super) fn call(function: u32, key: u32, invalidated: &Snapshot) -> (&'static str, Value) {
    let keys = keys_of(key);
    let either = |result: Result<Value, Value>| result.unwrap_or_else(|error| error);
    let (name, values): (_, Vec<Value>) = match function - FIRST {
        0 => ("plain batch", plain(&keys)),
        1 => {
            let mut values = coalesced(keys.clone());
            let first = values.remove(&key).expect("it is there");
            ("coalesced batch", std::iter::once(first).chain(values.into_values()).collect())
        }
        2 => ("failing elements", failing_each(&keys).into_iter().map(either).collect()),
        3 => ("failing batch", failing(&keys).unwrap_or_else(|error| vec![error])),
        _ => ("batch stored nowhere", stored_nowhere(&keys)),
    };
    for value in &values {
        invalidated.check(name, key, value);
    }
    (name, values.into_iter().next().expect("there is one"))
}

#[lru_cache(each = keys, depends = true, tags = |_, value| value.tags())]
async fn slowly(keys: &[u32]) -> Vec<Value> {
    let mut values = Vec::new();
    for key in keys {
        tokio::task::yield_now().await;
        let mut value = read(26, *key);
        value.merge(&body(26, *key));
        value.merge(&call_async(0, key / 2).await);
        values.push(value);
    }
    values
}

#[lru_cache(each = keys, gather = 0.0002, gather_max = 6, depends = true, maxsize = 6)]
async fn gathered(keys: Vec<u32>) -> Result<HashMap<u32, Value>, Value> {
    let mut values = HashMap::new();
    for key in keys {
        let mut value = body(27, key);
        value.merge(&call_async(0, key / 2).await);
        if key == 0 && value.is_odd() {
            return Err(value);
        }
        values.insert(key, value);
    }
    Ok(values)
}

/// Like [`call`], of the functions that are `async`.
pub(super) async fn call_many(function: u32, key: u32, invalidated: &Snapshot) -> (&'static str, Value) {
    let keys = keys_of(key);
    let (name, values): (_, Vec<Value>) = match function {
        5 => ("slow batch", slowly(&keys).await),
        _ => match gathered(keys).await {
            Ok(mut values) => {
                let first = values.remove(&key).expect("it is there");
                ("gathered batch", std::iter::once(first).chain(values.into_values()).collect())
            }
            Err(value) => ("failing group", vec![value]),
        },
    };
    for value in &values {
        invalidated.check(name, key, value);
    }
    (name, values.into_iter().next().expect("there is one"))
}

pub(super) fn invalidate_tag_in_each(tag: Tag) {
    plain::cache_invalidate_tag(tag);
    coalesced::cache_invalidate_tag(tag);
    failing_each::cache_invalidate_tag(tag);
    failing::cache_invalidate_tag(tag);
    stored_nowhere::cache_invalidate_tag(tag);
    slowly::cache_invalidate_tag(tag);
    gathered::cache_invalidate_tag(tag);
}

pub(super) const CLEAR: [fn(); 4] =
    [plain::cache_clear, coalesced::cache_clear, failing_each::cache_clear, slowly::cache_clear];

pub(super) fn current_hits() -> u64 {
    [plain::cache_info(), coalesced::cache_info(), failing_each::cache_info(), slowly::cache_info()]
        .iter()
        .map(|info| info.hits)
        .sum()
}

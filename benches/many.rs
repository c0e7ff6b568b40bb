//! Calls of many elements (`each`), and as many calls of one that make the same container.

use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use functools::{cache, lru_cache};

/// The number of elements of a batch.
pub(crate) const MANY: u64 = LEN as u64;

const LEN: usize = 100;

/// A batch, and calls of single keys that do the same.
pub(crate) struct Pair {
    pub(crate) name: &'static str,
    pub(crate) batch: fn(),
    pub(crate) singles: fn(),
}

fn body(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

macro_rules! functions {
    ($($many:ident $one:ident: $attribute:ident($($option:tt)*);)*) => {$(
        #[$attribute(each = ids, $($option)*)]
        fn $many(ids: &[u64]) -> Vec<u64> {
            ids.iter().map(|id| body(*id)).collect()
        }

        #[$attribute($($option)*)]
        fn $one(id: u64) -> u64 {
            body(id)
        }
    )*};
}

functions! {
    numbers number: lru_cache(maxsize = 128);
    with_lock one_with_lock: lru_cache(maxsize = 128, lock_free = false);
    unbounded one_unbounded: cache();
    sharded one_sharded: lru_cache(maxsize = 1024, shards = 16);
    shared one_shared: lru_cache(maxsize = 128, single_flight = true);
    evicting one_evicting: lru_cache(maxsize = 128);
    evicting_with_lock one_evicting_with_lock: lru_cache(maxsize = 128, lock_free = false);
    sharded_evicting one_sharded_evicting: lru_cache(maxsize = 1024, shards = 16);
    shared_evicting one_shared_evicting: lru_cache(maxsize = 128, single_flight = true);
}

macro_rules! asyncs {
    ($($many:ident $one:ident;)*) => {$(
        #[lru_cache(each = ids, maxsize = 128)]
        async fn $many(ids: &[u64]) -> Vec<u64> {
            ids.iter().map(|id| body(*id)).collect()
        }

        #[lru_cache(maxsize = 128)]
        async fn $one(id: u64) -> u64 {
            body(id)
        }
    )*};
}

asyncs! {
    polled one_polled;
    polled_evicting one_polled_evicting;
}

macro_rules! of_texts {
    ($($many:ident $one:ident;)*) => {$(
        #[lru_cache(each = ids, maxsize = 128)]
        fn $many(ids: &[String]) -> Vec<String> {
            ids.iter().map(|id| format!("of {id}")).collect()
        }

        #[lru_cache(maxsize = 128)]
        fn $one(id: &str) -> String {
            format!("of {id}")
        }
    )*};
}

of_texts! {
    texts text;
    texts_evicting text_evicting;
}

macro_rules! maps {
    ($($many:ident $one:ident: ($($option:tt)*);)*) => {$(
        #[lru_cache(each = ids, $($option)*)]
        fn $many(ids: &[u64]) -> HashMap<u64, u64> {
            ids.iter().map(|id| (*id, body(*id))).collect()
        }

        #[lru_cache($($option)*)]
        fn $one(id: u64) -> u64 {
            body(id)
        }
    )*}
}

maps! {
    map one_of_map: (maxsize = 128);
    map_with_lock one_of_map_with_lock: (maxsize = 128, lock_free = false);
    map_evicting one_of_map_evicting: (maxsize = 128);
}

fn poll<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the body does not wait"),
    }
}

fn found<T>(call: impl Fn(&[u64]) -> T) {
    static FOUND: [u64; LEN] = {
        let mut found = [0; LEN];
        let mut at = 0;
        let mut id = 0;
        while at < found.len() {
            found[at] = id;
            (at, id) = (at + 1, id + 1);
        }
        found
    };
    black_box(call(black_box(&FOUND)));
}

/// The elements of no earlier batch.
fn fresh<T>(call: impl Fn(&[u64]) -> T) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let first = NEXT.fetch_add(MANY, Relaxed);
    let mut elements = [first; LEN];
    for (element, id) in elements.iter_mut().zip(first..) {
        *element = id;
    }
    black_box(call(black_box(&elements)));
}

fn texts_of(first: u64) -> Vec<String> {
    (first..first + MANY).map(|id| format!("the key of {id:012}")).collect()
}

fn found_texts<T>(call: impl Fn(&[String]) -> T) {
    static FOUND: LazyLock<Vec<String>> = LazyLock::new(|| texts_of(0));
    black_box(call(black_box(&FOUND)));
}

fn fresh_texts<T>(call: impl Fn(&[String]) -> T) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    black_box(call(black_box(&texts_of(NEXT.fetch_add(MANY, Relaxed)))));
}

macro_rules! pair {
    ($name:literal, $with:ident, $many:expr, $one:expr) => {
        Pair {
            name: $name,
            batch: || $with(|ids| $many(ids)),
            singles: || $with(|ids| ids.iter().map($one).collect::<Vec<_>>()),
        }
    };
    ($name:literal, $with:ident, $many:expr, map of $one:expr) => {
        Pair {
            name: $name,
            batch: || $with(|ids| $many(ids)),
            singles: || $with(|ids| ids.iter().map(|id| (*id, $one(*id))).collect::<HashMap<_, _>>()),
        }
    };
}

/// The pairs, of hits and of misses.
pub(crate) const PAIRS: &[Pair] = &[
    pair!("hits", found, numbers, |id| number(*id)),
    pair!("hits-with-lock", found, with_lock, |id| one_with_lock(*id)),
    pair!("hits-unbounded", found, unbounded, |id| one_unbounded(*id)),
    pair!("hits-shards", found, sharded, |id| one_sharded(*id)),
    pair!("hits-single-flight", found, shared, |id| one_shared(*id)),
    pair!("hits-async", found, |ids| poll(polled(ids)), |id| poll(one_polled(*id))),
    pair!("hits-text", found_texts, texts, |id| text(id)),
    pair!("hits-map", found, map, map of one_of_map),
    pair!("hits-map-with-lock", found, map_with_lock, map of one_of_map_with_lock),
    pair!("misses", fresh, evicting, |id| one_evicting(*id)),
    pair!("misses-with-lock", fresh, evicting_with_lock, |id| one_evicting_with_lock(*id)),
    pair!("misses-shards", fresh, sharded_evicting, |id| one_sharded_evicting(*id)),
    pair!("misses-single-flight", fresh, shared_evicting, |id| one_shared_evicting(*id)),
    pair!("misses-async", fresh, |ids| poll(polled_evicting(ids)), |id| poll(one_polled_evicting(*id))),
    pair!("misses-text", fresh_texts, texts_evicting, |id| text_evicting(id)),
    pair!("misses-map", fresh, map_evicting, map of one_of_map_evicting),
];

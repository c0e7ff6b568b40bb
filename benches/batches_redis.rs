//! What does a batch of 100 elements cost that finds half of them in Redis, compared with the bare client: a pipeline of
//! `PTTL` and `GET` for all of them, and one of `SET … PX` for the half that was missing?
//!
//! The contestants take turns within one run, on a server started by the bench.

use std::env;
use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use functools::backend::{redis, redis_client};
use functools::lru_cache;

#[path = "../tests/servers/server.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod server;

use server::{REDIS, limit};

/// The number of elements of a batch, of which half are there.
const MANY: u64 = 100;

/// The time of the batch in multiples of that of the bare pipelines.
const MOST: f64 = 1.5;

/// Numbers that no batch has asked for.
static FRESH: AtomicU64 = AtomicU64::new(1_000_000);

static URL: LazyLock<String> = LazyLock::new(|| REDIS.url());

fn text(n: u64) -> String {
    format!("{n:0>100}")
}

#[lru_cache(maxsize = 0, each = ids, ttl = 3600, backend = redis(&*URL))]
fn texts(ids: &[u64]) -> Vec<String> {
    ids.iter().copied().map(text).collect()
}

/// Half of them are those that each batch asks for, the others are new.
fn ids() -> Vec<u64> {
    let fresh = FRESH.fetch_add(MANY / 2, Relaxed);
    (0..MANY / 2).chain(fresh..fresh + MANY / 2).collect()
}

fn bare(connection: &mut redis_client::Connection, ids: &[u64]) -> Vec<String> {
    let mut get = redis_client::pipe();
    for id in ids {
        get.cmd("PTTL").arg(format!("bare:{id}")).cmd("GET").arg(format!("bare:{id}"));
    }
    let found: Vec<(i64, Option<String>)> = get.query(connection).expect("Redis answers");
    let mut set = redis_client::pipe();
    let found: Vec<String> = ids
        .iter()
        .zip(found)
        .map(|(id, (_, found))| {
            found.unwrap_or_else(|| {
                let text = text(*id);
                set.cmd("SET").arg(format!("bare:{id}")).arg(&text).arg("PX").arg(3_600_000).ignore();
                text
            })
        })
        .collect();
    let () = set.query(connection).expect("Redis answers");
    found
}

fn timed(call: impl FnOnce() -> Vec<String>) -> Duration {
    let start = Instant::now();
    assert_eq!(black_box(call()).len(), 100);
    start.elapsed()
}

fn main() {
    let rounds = if env::args().any(|argument| argument == "--bench") { 2000 } else { 1 };
    let guard = limit();
    let client = redis_client::Client::open(&**URL).expect("a URL");
    let mut connection = client.get_connection().expect("Redis answers");
    let (mut bare_times, mut batch_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let ids = ids();
        bare_times.push(timed(|| bare(&mut connection, &ids)));
        batch_times.push(timed(|| texts(&ids)));
    }
    bare_times.sort_unstable();
    batch_times.sort_unstable();
    let (bare, batch) = (bare_times[rounds / 2], batch_times[rounds / 2]);
    let times = batch.as_secs_f64() / bare.as_secs_f64();
    println!(
        "batch of {MANY}, half in Redis: {batch:?}; bare pipelines: {bare:?}; {times:.2} (at most {MOST})"
    );
    drop(guard);
}

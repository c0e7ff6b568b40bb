//! Histories of several processes: no call returns a result that was changed before the call began.
//!
//! A key is one register in real time. Its source of truth is a counter in Redis, outside all caches. To change a key is
//! to count it up, and then to put, invalidate or clear it in the cache. A call that began after the change has returned
//! must not see an older count, for longer than `front_ttl`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::process::Child;
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime};

use functools::backend::{BackendError, memcached, redis, redis_client};
use functools::lru_cache;
use tokio::runtime::{Builder, Runtime};

use crate::processes::{again, task};
use crate::server::{MEMCACHED, REDIS, Server, limit_of};

const PROCESSES: usize = 8;
const THREADS: u64 = 2;
const KEYS: u64 = 24;

/// How long a call may see what was changed, where the process keeps copies.
const FRONT_TTL: Duration = Duration::from_millis(50);

/// How many operations a history has, unless `HISTORIES=100000` is another number.
const OPERATIONS: u64 = 8_000;

fn all_operations() -> u64 {
    std::env::var("HISTORIES").ok().and_then(|all| all.parse().ok()).unwrap_or(OPERATIONS)
}

/// How many operations a thread carries out.
fn operations() -> u64 {
    all_operations() / (PROCESSES as u64 * THREADS)
}

/// How long the histories of one server may take.
fn longest() -> Duration {
    let multiple = u32::try_from(all_operations().div_ceil(OPERATIONS)).unwrap();
    Duration::from_secs(120) * multiple.max(1)
}

/// The servers of a child: the source of truth, and the cache.
static PLACES: OnceLock<(String, String)> = OnceLock::new();

fn place() -> &'static str {
    &PLACES.get().expect("set by the child").1
}

thread_local! {
    static TRUTH: RefCell<redis_client::Connection> = RefCell::new({
        let truth = &PLACES.get().expect("set by the child").0;
        redis_client::Client::open(truth.as_str()).unwrap().get_connection().unwrap()
    });
    static RANDOM: RefCell<u64> = const { RefCell::new(1) };
}

fn truth<T: redis_client::FromRedisValue>(command: &str, key: &str, arguments: &[&str]) -> T {
    TRUTH.with_borrow_mut(|truth| redis_client::cmd(command).arg(key).arg(arguments).query(truth).unwrap())
}

/// Runs a future on the runtime of the process, which all threads share.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
    RUNTIME.block_on(future)
}

/// Returns a number below `end` (xorshift).
fn below(end: u64) -> u64 {
    RANDOM.with_borrow_mut(|state| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) % end
    })
}

/// Takes as long as a computation does: mostly little, at times much.
fn compute() {
    let most = match below(20) {
        0 => 8000,
        1..=5 => 1500,
        _ => 200,
    };
    thread::sleep(Duration::from_micros(below(most)));
}

/// The body of the memoized functions: reads the source of truth while it runs.
fn body(key: u64) -> u64 {
    compute();
    let count: Option<u64> = truth("GET", &format!("truth:{key}"), &[]);
    compute();
    count.unwrap_or(0)
}

/// The memoized function of one history, and its accessors.
struct Memoized {
    call: fn(u64) -> u64,
    put: fn(u64, u64) -> Result<(), BackendError>,
    invalidate: fn(u64) -> Result<bool, BackendError>,
    clear: fn() -> Result<(), BackendError>,
}

macro_rules! memoized {
    ($($option:tt)*) => {{
        #[lru_cache($($option)*)]
        fn count(key: u64) -> u64 {
            body(key)
        }
        Memoized {
            call: count,
            put: |key, value| count::cache_put(key, value),
            invalidate: |key| count::cache_invalidate(key),
            clear: || count::cache_clear(),
        }
    }};
}

macro_rules! memoized_async {
    ($($option:tt)*) => {{
        #[lru_cache($($option)*)]
        async fn count(key: u64) -> u64 {
            body(key)
        }
        Memoized {
            call: |key| block_on(count(key)),
            put: |key, value| block_on(count::cache_put(key, value)),
            invalidate: |key| block_on(count::cache_invalidate(key)),
            clear: || block_on(count::cache_clear()),
        }
    }};
}

fn memoized(mode: &str) -> Memoized {
    match mode {
        "redis" => memoized!(maxsize = 0, ttl = 600, backend = redis(place())),
        "redis-single" => memoized!(maxsize = 0, single_flight = true, ttl = 600, backend = redis(place())),
        "redis-global" => memoized!(maxsize = 0, single_flight = global, ttl = 600, backend = redis(place())),
        "redis-front" => memoized!(ttl = 600, front_ttl = 0.05, backend = redis(place())),
        "redis-async" => memoized_async!(maxsize = 0, ttl = 600, backend = redis(place())),
        "memcached" => memoized!(maxsize = 0, ttl = 600, backend = memcached(place())),
        "memcached-global" => {
            memoized!(maxsize = 0, single_flight = global, ttl = 600, backend = memcached(place()))
        }
        "memcached-front" => memoized!(ttl = 600, front_ttl = 0.05, backend = memcached(place())),
        "memcached-async" => memoized_async!(maxsize = 0, ttl = 600, backend = memcached(place())),
        other => panic!("no history is called {other}"),
    }
}

/// Returns the time, which is the same for all processes.
fn now() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()
}

/// Changes a key: in the source of truth, then in the cache. One at a time: of two changes at once, the later count must
/// be the later put.
fn change(memoized: &Memoized, key: u64) -> u64 {
    let lock = format!("lock:{key}");
    while truth::<Option<String>>("SET", &lock, &["1", "NX", "PX", "20000"]).is_none() {
        thread::yield_now();
    }
    let count: u64 = truth("INCR", &format!("truth:{key}"), &[]);
    match below(12) {
        0 => (memoized.clear)().unwrap(),
        1..=5 => (memoized.put)(key, count).unwrap(),
        _ => drop((memoized.invalidate)(key).unwrap()),
    }
    let _: u64 = truth("DEL", &lock, &[]);
    count
}

/// Carries out the operations of one thread, and returns a line for each.
fn run(memoized: &Memoized, seed: u64) -> String {
    RANDOM.set(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut lines = String::new();
    for _ in 0..operations() {
        let (key, is_change) = (below(KEYS), below(8) == 0);
        let start = now();
        let count = if is_change { change(memoized, key) } else { (memoized.call)(key) };
        let kind = if is_change { "change" } else { "call" };
        writeln!(lines, "history {kind} {key} {count} {start} {}", now()).unwrap();
    }
    lines
}

#[test]
fn history_child() {
    let Some(task) = task() else { return };
    let mut words = task.split(' ').map(str::to_owned);
    let mut word = || words.next().unwrap();
    let (mode, seed) = (word(), word().parse::<u64>().unwrap());
    PLACES.set((word(), word())).unwrap();
    let memoized = memoized(&mode);
    let lines = thread::scope(|scope| {
        let start = |number| {
            let memoized = &memoized;
            scope.spawn(move || run(memoized, seed * THREADS + number + 1))
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<String>()
    });
    println!("\n{lines}");
}

#[derive(Clone, Copy)]
struct Operation {
    count: u64,
    start: u128,
    end: u128,
}

/// Returns the number of calls, and those that saw what had been changed before they began: how long before at least, beyond
/// what is tolerated.
fn stale_reads(lines: &str, tolerance: Duration) -> (usize, Vec<Duration>) {
    let (mut changes, mut calls) = (HashMap::<u64, Vec<Operation>>::new(), Vec::new());
    for line in lines.lines().filter_map(|line| line.strip_prefix("history ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, key, count, start, end] = words[..] else { panic!("a whole line: {line}") };
        let operation = Operation {
            count: count.parse().unwrap(),
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        };
        let key = key.parse().unwrap();
        match kind {
            "change" => changes.entry(key).or_default().push(operation),
            _ => calls.push((key, operation)),
        }
    }
    let stale_for = |(key, call): &(u64, Operation)| {
        let began = call.start - tolerance.as_nanos();
        let changes = changes.get(key).into_iter().flatten();
        let missed = changes.filter(|change| change.end < began && change.count > call.count);
        let longest = missed.map(|change| began - change.end).max()?;
        Some(Duration::from_nanos(u64::try_from(longest).unwrap()))
    };
    (calls.len(), calls.iter().filter_map(stale_for).collect())
}

#[test]
fn a_stale_read_is_found() {
    let lines = "history change 1 5 100 200\nhistory call 1 4 201 300\nhistory call 1 4 150 300\nhistory call 1 5 201 300\n";
    assert_eq!(stale_reads(lines, Duration::ZERO), (3, vec![Duration::from_nanos(1)]));
    assert_eq!(stale_reads(lines, Duration::from_nanos(10)), (3, vec![]));
}

fn history(mode: &str, truth: &str, place: &str, tolerance: Duration) {
    let child = |seed: usize| -> Child {
        let task = format!("{mode} {seed} {truth} {place}");
        again("histories::history_child", &task).spawn().unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(child).collect();
    let lines: String = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{mode}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    let (calls, stale) = stale_reads(&lines, tolerance);
    println!("{mode}: {} stale reads in {calls} calls", stale.len());
    assert!(calls > 1000);
    assert!(stale.is_empty(), "{mode}: stale reads in {calls} calls, by {stale:?}");
}

fn histories(modes: &[&str], place: &str) {
    let _limit = limit_of(longest());
    for mode in modes {
        let truth = Server::redis(&[]);
        let tolerance = if mode.ends_with("front") { FRONT_TTL } else { Duration::ZERO };
        history(mode, &truth.url(), place, tolerance);
    }
}

#[test]
fn histories_of_redis_have_no_stale_reads() {
    histories(&["redis", "redis-single", "redis-global", "redis-front", "redis-async"], &REDIS.url());
}

#[test]
fn histories_of_memcached_have_no_stale_reads() {
    histories(&["memcached", "memcached-global", "memcached-front", "memcached-async"], &MEMCACHED.address());
}

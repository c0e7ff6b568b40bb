//! Functions of many elements (`each`) with real backends: how many requests they make, and what they do without a server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::thread;

use functools::backend::{Disk, Fallback, Layered, Memcached, Memory, Redis, Sharded, disk, memory};
use functools::lru_cache;

use crate::contract::{memcached, redis};
use crate::files::Folder;
use crate::proxy::Proxy;
use crate::server::{MEMCACHED, REDIS, Server, block_on, eventually, limit};

/// The maximum number of reads by the proxy per round trip: a long request may arrive in pieces.
const PIECES: u64 = 3;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| Folder::new("batches"));

/// Checks a function of many elements with this backend, without copies in the process.
macro_rules! asks_once_and_stores_once {
    ($($test:ident: $type:ty = $backend:expr;)*) => { $(
        #[test]
        fn $test() {
            static ASKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
            static BACKEND: LazyLock<$type> = LazyLock::new(|| $backend);

            #[lru_cache(maxsize = 0, each = ids, ttl = 600, backend = &*BACKEND)]
            fn names(ids: &[u64]) -> HashMap<u64, String> {
                ASKED.lock().unwrap().push(ids.len());
                ids.iter().filter(|id| **id != 13).map(|id| (*id, format!("user {id}"))).collect()
            }

            let _limit = limit();
            let ids: Vec<u64> = (0..100).collect();
            let requests = || names::cache_stats().backend_requests;
            assert_eq!(names(&ids[..50]).len(), 49);
            assert_eq!(requests(), 2, "one lookup, one store");
            assert_eq!(names(&ids).len(), 99);
            assert_eq!(requests(), 4, "half of them were there");
            let all = names(&ids);
            assert!(all.len() == 99 && all.iter().all(|(id, name)| *name == format!("user {id}")));
            assert_eq!(requests(), 5, "all of them were there");
            assert_eq!(names::cache_peek(7).unwrap().unwrap(), "user 7");
            assert_eq!(names::cache_peek(13), Some(None));
            assert!(names::cache_invalidate(7).unwrap());
            assert_eq!(names(&[7, 8]).len(), 2);
            let many: Vec<u64> = (1000..11_000).collect();
            assert_eq!(names(&many).len(), 10_000);
            assert_eq!(names(&many).len(), 10_000);
            assert_eq!(*ASKED.lock().unwrap(), [50, 50, 1, 10_000]);
            assert_eq!((names::cache_stats().backend_errors, names::cache_stats().superseded), (0, 0));
        }
    )* };
}

asks_once_and_stores_once! {
    redis_answers_for_a_batch: Redis = redis(REDIS.url());
    memcached_answers_for_a_batch: Memcached = memcached(MEMCACHED.address());
    the_disk_answers_for_a_batch: Disk = disk(FOLDER.path("batches.redb")).max_bytes(1 << 30);
    a_fallback_answers_for_a_batch: Fallback<Redis, Memcached> =
        Fallback::new((redis(REDIS.url()), memcached(MEMCACHED.address())));
    shards_answer_for_a_batch: Sharded<Redis> =
        Sharded::new([redis(REDIS.url()), redis(format!("redis://127.0.0.1:{}/1", REDIS.port))]);
    layers_answer_for_a_batch: Layered<Memory, Redis> = Layered::new((memory(64 << 20), redis(REDIS.url())));
}

/// A function of many elements that plays the part of a process: the functions of a test share their namespace.
struct Process {
    call: fn(&[u64]) -> Vec<u64>,
    invalidate: fn(u64) -> bool,
    /// The number of entries in its own cache.
    len: fn() -> usize,
    runs: &'static AtomicU64,
}

macro_rules! process {
    ($namespace:literal, $backend:expr) => {
        process!($namespace, $backend, maxsize = None)
    };
    ($namespace:literal, $backend:expr, maxsize = $maxsize:tt) => {{
        static RUNS: AtomicU64 = AtomicU64::new(0);
        #[lru_cache(maxsize = $maxsize, each = ids, namespace = $namespace, backend = $backend)]
        fn squares(ids: &[u64]) -> Vec<u64> {
            RUNS.fetch_add(ids.len() as u64, SeqCst);
            ids.iter().map(|id| id * id).collect()
        }
        Process {
            call: |ids| squares(ids),
            invalidate: |id| squares::cache_invalidate(id).unwrap(),
            len: || squares::cache_info().currsize,
            runs: &RUNS,
        }
    }};
}

/// Checks that the results are right, and returns how many requests were made.
fn round_trips(proxy: &Proxy, process: &Process, ids: &[u64]) -> u64 {
    let before = proxy.requests();
    let squares = (process.call)(ids);
    assert!(squares.iter().zip(ids).all(|(square, id)| *square == id * id));
    proxy.requests() - before
}

fn half_hits(proxy: &Proxy, process: &Process) {
    let _limit = limit();
    let ids: Vec<u64> = (0..100).collect();
    // Opens the connection, and what else there is to open.
    (round_trips(proxy, process, &[1000, 1001]), round_trips(proxy, process, &[1000, 1002]));
    let first = round_trips(proxy, process, &ids[..50]);
    assert!((2..=2 * PIECES).contains(&first), "{first}");
    let half = round_trips(proxy, process, &ids);
    assert!((2..=2 * PIECES).contains(&half), "half of them were there: {half}");
    let all = round_trips(proxy, process, &ids);
    assert!((1..=PIECES).contains(&all), "all of them were there: {all}");
    assert_eq!(process.runs.load(SeqCst), 103);
}

#[test]
fn a_batch_is_two_round_trips_to_redis() {
    static PROXY: LazyLock<Proxy> = LazyLock::new(|| Proxy::to(REDIS.port));
    fn backend() -> Redis {
        redis(format!("redis://127.0.0.1:{}/", PROXY.port))
    }
    half_hits(&PROXY, &process!("batch by redis", backend(), maxsize = 0));
}

#[test]
fn a_batch_is_two_round_trips_to_memcached() {
    static PROXY: LazyLock<Proxy> = LazyLock::new(|| Proxy::to(MEMCACHED.port));
    fn backend() -> Memcached {
        memcached(format!("127.0.0.1:{}", PROXY.port))
    }
    half_hits(&PROXY, &process!("batch by memcached", backend(), maxsize = 0));
}

#[test]
fn a_change_elsewhere_removes_the_copies_of_a_batch() {
    let _limit = limit();
    let one = process!("batch, watched", redis(REDIS.url()));
    let other = process!("batch, watched", redis(REDIS.url()));
    let ids: Vec<u64> = (0..20).collect();
    (one.call)(&ids);
    assert_eq!((other.call)(&ids), (one.call)(&ids));
    assert_eq!((one.runs.load(SeqCst), other.runs.load(SeqCst)), (20, 0));
    assert_eq!(((one.len)(), (other.len)()), (20, 20), "its own writes remove nothing");
    assert!((other.invalidate)(7));
    eventually("the copy is removed", || (one.len)() == 19);
    (one.call)(&ids);
    assert_eq!(one.runs.load(SeqCst), 21);
}

/// A change while the body runs, and a server that ends meanwhile.
macro_rules! changes_during_the_body {
    ($($test:ident: $server:expr, $Backend:ty, $backend:expr;)*) => { $(
        #[test]
        fn $test() {
            static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new($server));
            static BACKEND: LazyLock<$Backend> = LazyLock::new(|| $backend(&SERVER.lock().unwrap()));
            static DURING: Mutex<&str> = Mutex::new("");

            #[lru_cache(maxsize = 0, each = ids, ttl = 600, backend = &*BACKEND)]
            fn squares(ids: &[u64]) -> Vec<u64> {
                let during = *DURING.lock().unwrap();
                match during {
                    "invalidate" => drop(squares::cache_invalidate(2).unwrap()),
                    "clear" => squares::cache_clear().unwrap(),
                    "kill" => SERVER.lock().unwrap().kill(),
                    "panic" => panic!("the body panics"),
                    _ => {}
                }
                ids.iter().map(|id| id * id).collect()
            }

            let _limit = limit();
            let peek = |ids: &[u64]| squares::cache_peek_many(ids);
            let during = |what| *DURING.lock().unwrap() = what;
            during("invalidate");
            assert_eq!(squares(&[1, 2, 3]), [1, 4, 9]);
            assert_eq!(peek(&[1, 2, 3]), [Some(1), None, Some(9)], "one was changed meanwhile");
            during("clear");
            assert_eq!(squares(&[4, 5]), [16, 25]);
            assert_eq!(peek(&[1, 4, 5]), [None, None, None]);
            during("panic");
            std::panic::catch_unwind(|| squares(&[4, 5])).unwrap_err();
            during("");
            assert_eq!(squares(&[4, 5, 6]), [16, 25, 36], "the leases were given up");
            assert_eq!(peek(&[4, 5, 6]), [Some(16), Some(25), Some(36)]);
            during("kill");
            assert_eq!(squares(&[6, 7, 8]), [36, 49, 64]);
            during("");
            assert_eq!(squares(&[7, 8]), [49, 64], "without a server");
            assert!(squares::cache_stats().backend_errors > 0);
            SERVER.lock().unwrap().restart();
            eventually("the server is used again", || {
                assert_eq!(squares(&[7, 8, 9]), [49, 64, 81]);
                peek(&[7, 8, 9]) == [Some(49), Some(64), Some(81)]
            });
        }
    )* };
}

changes_during_the_body! {
    changes_while_a_batch_is_computed_count_with_redis:
        Server::redis(&[]), Redis, |server: &Server| redis(server.url());
    changes_while_a_batch_is_computed_count_with_memcached:
        Server::memcached(&[]), Memcached, |server: &Server| memcached(server.address());
}

/// Overlapping batches of two processes, of which each element is computed once.
#[test]
fn of_two_processes_one_computes_each_element() {
    let _limit = limit();
    static RUNS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    macro_rules! process {
        ($address:expr, $backend:ident) => {{
            #[lru_cache(maxsize = 0, each = ids, namespace = "global batches", single_flight = global, backend = $backend($address))]
            async fn squares(ids: Vec<u64>) -> Vec<u64> {
                RUNS.lock().unwrap().extend(&ids);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                ids.iter().map(|id| id * id).collect()
            }
            |ids: Vec<u64>| block_on(squares(ids))
        }};
    }
    let (one, other) = (process!(REDIS.url(), redis), process!(REDIS.url(), redis));
    thread::scope(|scope| {
        for n in 0..8_u64 {
            let call = if n % 2 == 0 { one } else { other };
            scope.spawn(move || {
                let ids: Vec<u64> = (10 * n..10 * n + 50).collect();
                let expected: Vec<u64> = ids.iter().map(|id| id * id).collect();
                assert_eq!(call(ids), expected);
            });
        }
    });
    let mut runs = RUNS.lock().unwrap().clone();
    runs.sort_unstable();
    assert_eq!(runs, (0..120).collect::<Vec<_>>());
}

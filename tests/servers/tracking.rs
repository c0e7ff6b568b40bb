//! Backend invalidation: changes by other processes in Redis are removed from the L1 cache of this process.
//!
//! A process is simulated by a function with an L1 cache of its own. The functions of a test share a
//! namespace, like one function in two processes, and each has its own connection pool and listener.

use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::__private::{LocalCopies, sink_of};
use functools::backend::{Backend, CircuitBreaker, Fallback, Redis, Sharded, redis, redis_client};
use functools::{LruCache, lru_cache};

use crate::processes::{again, task};
use crate::server::{Server, eventually, limit};

/// A function that plays the part of a process.
struct Process {
    call: fn(u64) -> u64,
    put: fn(u64, u64) -> bool,
    invalidate: fn(u64) -> bool,
    refresh: fn(u64) -> u64,
    clear: fn(),
    /// The number of entries in its L1 cache.
    len: fn() -> usize,
    /// The number of hits and errors of its backend.
    backend: fn() -> (u64, u64),
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

macro_rules! process {
    ($backend:expr $(, $option:ident = $value:expr)*) => {
        process! { $backend => maxsize = 64 $(, $option = $value)* }
    };
    ($backend:expr => $($option:ident = $value:expr),*) => {{
        static RUNS: AtomicU64 = AtomicU64::new(0);
        #[lru_cache(namespace = "number", backend = $backend, $($option = $value),*)]
        fn number(n: u64) -> u64 {
            n + 1000 * RUNS.fetch_add(1, SeqCst)
        }
        Process {
            call: number,
            put: |n, value| number::cache_put(n, value).is_ok(),
            invalidate: |n| number::cache_invalidate(n).is_ok_and(|was_there| was_there),
            refresh: number::cache_refresh,
            clear: || number::cache_clear().unwrap(),
            len: || number::cache_info().currsize,
            backend: || (number::cache_stats().backend_hits, number::cache_stats().backend_errors),
        }
    }};
}

macro_rules! async_process {
    ($backend:expr $(, $option:ident = $value:expr)*) => {
        async_process! { $backend => maxsize = 64 $(, $option = $value)* }
    };
    ($backend:expr => $($option:ident = $value:expr),*) => {{
        static RUNS: AtomicU64 = AtomicU64::new(0);
        #[lru_cache(namespace = "number", backend = $backend, $($option = $value),*)]
        async fn number(n: u64) -> u64 {
            n + 1000 * RUNS.fetch_add(1, SeqCst)
        }
        Process {
            call: |n| RUNTIME.block_on(number(n)),
            put: |n, value| RUNTIME.block_on(number::cache_put(n, value)).is_ok(),
            invalidate: |n| RUNTIME.block_on(number::cache_invalidate(n)).is_ok_and(|was_there| was_there),
            refresh: |n| RUNTIME.block_on(number::cache_refresh(n)),
            clear: || RUNTIME.block_on(number::cache_clear()).unwrap(),
            len: || number::cache_info().currsize,
            backend: || (number::cache_stats().backend_hits, number::cache_stats().backend_errors),
        }
    }};
}

impl Process {
    /// Returns whether a call is answered by the L1 cache.
    fn has_in_l1(&self, n: u64) -> bool {
        let before = (self.backend)();
        (self.call)(n);
        (self.backend)() == before
    }
}

/// Returns a backend that shares no connection with others in this process, as in a process of its own.
fn separate(url: impl AsRef<str>) -> Redis {
    Redis::new(redis_client::Client::open(url.as_ref()).unwrap())
}

/// Returns a separate backend with long timeouts, so that a busy machine causes no errors.
fn patient(url: String) -> Redis {
    let long = Duration::from_secs(20);
    separate(url).timeout(long).connect_timeout(long)
}

/// Returns a number from `INFO clients`.
fn info(server: &Server, what: &str) -> u64 {
    let info = server.says("INFO clients\r\nPING\r\n", "+PONG\r\n");
    info.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')?.parse().ok()).unwrap()
}

/// Returns the number of connections that receive invalidations.
fn listeners(server: &Server) -> u64 {
    info(server, "tracking_clients")
}

/// Waits until all processes receive invalidations, and their caches are empty.
fn settle(server: &Server, processes: &[&Process]) {
    for process in processes {
        (process.call)(999);
    }
    eventually("all receive invalidations", || listeners(server) == processes.len() as u64);
    let mut by_hand = redis_client::Client::open(server.url()).unwrap().get_connection().unwrap();
    let () = redis_client::cmd("FLUSHALL").query(&mut by_hand).unwrap();
    // The caches are emptied by the start of the listener or by this clear; wait for both.
    eventually("all caches are empty", || processes.iter().all(|process| (process.len)() == 0));
    for process in processes {
        (process.call)(999);
    }
    let keys: Vec<Vec<u8>> = redis_client::cmd("KEYS").arg("*").query(&mut by_hand).unwrap();
    let () = redis_client::cmd("DEL").arg(keys).query(&mut by_hand).unwrap();
    // Later invalidations are for that key only.
    eventually("all caches are empty", || processes.iter().all(|process| (process.len)() == 0));
}

/// Checks that changes by `other` are removed from the L1 cache of `one`, and other entries are kept.
fn sees_changes(one: &Process, other: &Process) {
    // New keys, for which no late invalidation can arrive.
    static USED: AtomicU64 = AtomicU64::new(1000);
    let first = USED.fetch_add(8, SeqCst);
    let [put, refreshed, invalidated] = [first, first + 1, first + 2];
    for n in first..first + 8 {
        (one.call)(n);
    }
    // A process recognizes its own writes: its entries are still stored when a later invalidation has
    // arrived.
    assert!((other.put)(put, 7));
    eventually("what was put is seen", || (one.call)(put) == 7);
    assert!((refreshed..first + 8).all(|n| one.has_in_l1(n)));

    let computed = (other.refresh)(refreshed);
    eventually("what was refreshed is seen", || (one.call)(refreshed) == computed);
    let before = (one.call)(invalidated);
    assert!((other.invalidate)(invalidated));
    eventually("what was invalidated is computed anew", || (one.call)(invalidated) != before);
    assert!((first + 3..first + 8).all(|n| one.has_in_l1(n)));

    let computed = (one.call)(invalidated);
    eventually("the changes of `one` are seen by `other`", || (other.call)(invalidated) == computed);
    (other.clear)();
    eventually("what was cleared is gone", || (one.len)() == 0);
    assert_eq!(((one.backend)().1, (other.backend)().1), (0, 0));
}

#[test]
fn what_another_process_changes_leaves_the_front() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) = (process! { patient(SERVER.url()) }, process! { patient(SERVER.url()), ttl = 3600 });
    settle(&SERVER, &[&one, &other]);
    for _ in 0..3 {
        sees_changes(&one, &other);
        sees_changes(&other, &one);
    }
}

#[test]
fn what_another_process_changes_leaves_the_front_of_async_functions() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) =
        (async_process! { patient(SERVER.url()) }, process! { CircuitBreaker::new(patient(SERVER.url())) });
    settle(&SERVER, &[&one, &other]);
    for _ in 0..3 {
        sees_changes(&one, &other);
        sees_changes(&other, &one);
    }
}

#[test]
fn what_another_process_changes_leaves_objects() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static ONE: LruCache<u64, u64> = LruCache::new(Some(64));
    static OTHER: LruCache<u64, u64> = LruCache::new(None);
    let (one, other) = (
        process! { patient(SERVER.url()) => cache = ONE },
        async_process! { CircuitBreaker::new(patient(SERVER.url())) => cache = OTHER, ttl = 3600 },
    );
    settle(&SERVER, &[&one, &other]);
    for _ in 0..3 {
        sees_changes(&one, &other);
        sees_changes(&other, &one);
    }
}

#[test]
fn what_another_process_changes_leaves_the_caches_of_threads() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let one = process! { patient(SERVER.url()) => scope = thread };
    let other = process! { patient(SERVER.url()) => scope = thread, maxsize = None };
    let in_isolation = process! { patient(SERVER.url()) => maxsize = 64 };
    let test = || {
        settle(&SERVER, &[&one, &other, &in_isolation]);
        for _ in 0..2 {
            sees_changes(&one, &other);
            sees_changes(&in_isolation, &other);
            sees_changes(&other, &in_isolation);
        }
    };
    functools::isolated(test);
    test();
    // The cache of the first thread is told, too.
    let before = (one.call)(1);
    std::thread::scope(|scope| {
        let put = || assert!((one.put)(1, before + 1));
        scope.spawn(put).join().unwrap();
    });
    eventually("what another thread has put is seen", || (one.call)(1) == before + 1);
}

#[test]
fn each_of_many_objects_is_told_until_it_is_dropped() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(cache = prices, namespace = "number", backend = patient(SERVER.url()))]
    fn number(n: u64, prices: &LruCache<u64, u64>) -> u64 {
        n + 1000 * RUNS.fetch_add(1, SeqCst)
    }
    // Functions of one name share a namespace.
    let other = process! { patient(SERVER.url()) };
    (other.call)(999);
    let mut objects: Vec<LruCache<u64, u64>> = (0..100).map(|_| LruCache::new(None)).collect();
    for object in &objects {
        number(1, object);
    }
    eventually("all receive invalidations", || listeners(&SERVER) == 2);
    for value in 1..10 {
        assert!((other.put)(1, value));
        eventually("what was put is seen", || objects.iter().all(|object| number(1, object) == value));
        objects.truncate(objects.len() / 2);
    }
}

#[test]
fn what_moves_to_another_server_is_told_by_both() {
    let _limit = limit();
    static NEW: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static OLD: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) = (
        process! { Fallback::new((patient(NEW.url()), patient(OLD.url()))) },
        process! { Fallback::new((patient(NEW.url()), patient(OLD.url()))) },
    );
    settle(&NEW, &[&one, &other]);
    assert_eq!(listeners(&OLD), 2);
    let before = (one.call)(1);
    assert_eq!((other.call)(1), before);
    assert!((other.put)(1, 7));
    eventually("what was put is seen", || (one.call)(1) == 7);
    (one.invalidate)(1);
    eventually("what was invalidated is gone", || (other.call)(1) != 7);
}

#[test]
fn each_of_several_servers_tells_of_its_share() {
    let _limit = limit();
    static ONE: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    static TWO: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) = (
        process! { Sharded::new([patient(ONE.url()), patient(TWO.url())]) },
        process! { Sharded::new([patient(ONE.url()), patient(TWO.url())]) },
    );
    ((one.call)(999), (other.call)(999));
    eventually("all receive invalidations", || (listeners(&ONE), listeners(&TWO)) == (2, 2));
    for n in 0..16 {
        (one.call)(n);
        assert!((other.put)(n, n + 7));
        eventually("what was put is seen", || (one.call)(n) == n + 7);
    }
}

/// A real second process.
mod shared {
    use super::{AtomicU64, SeqCst};
    use functools::backend::redis;

    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[functools::lru_cache(maxsize = 8, backend = redis(std::env::var("TRACKED_SERVER").unwrap_or_else(|_| super::SHARED.url())))]
    pub(super) fn number(n: u64) -> u64 {
        n + 1000 * RUNS.fetch_add(1, SeqCst)
    }
}

static SHARED: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));

#[test]
fn changing_child() {
    let Some(task) = task() else { return };
    match task.as_str() {
        "put" => shared::number::cache_put(1, 7).unwrap(),
        "invalidate" => assert!(shared::number::cache_invalidate(1).unwrap()),
        _ => shared::number::cache_clear().unwrap(),
    }
}

#[test]
fn what_a_child_process_changes_leaves_the_front() {
    let _limit = limit();
    let change = |task: &str| {
        let mut child = again("tracking::changing_child", task);
        assert!(child.env("TRACKED_SERVER", SHARED.url()).output().unwrap().status.success());
    };
    let hits = || shared::number::cache_stats().backend_hits;
    shared::number(1);
    eventually("the process receives invalidations", || listeners(&SHARED) == 1);
    change("put");
    eventually("what was put is seen", || shared::number(1) == 7);
    shared::number(2);
    change("invalidate");
    eventually("what was invalidated is computed anew", || shared::number(1) != 7);
    let before = hits();
    shared::number(2);
    assert_eq!(hits(), before, "no process has changed this key");
    change("clear");
    eventually("all caches are empty", || shared::number::cache_info().currsize == 0);
}

#[test]
fn what_was_changed_while_the_server_was_away_is_not_served() {
    let _limit = limit();
    static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::redis(&[])));
    static URL: LazyLock<String> = LazyLock::new(|| SERVER.lock().unwrap().url());
    let (one, other) = (
        process! { separate(&*URL).breaker(3, Duration::from_millis(20)), on_lost = drop },
        async_process! { separate(&*URL).breaker(3, Duration::from_millis(20)), on_lost = drop },
    );
    LazyLock::force(&URL);
    let mut server = SERVER.lock().unwrap();
    for _ in 0..2 {
        settle(&server, &[&one, &other]);
        (0..8).for_each(|n| _ = ((one.call)(n), (other.call)(n)));
        // A process that fetched an entry may receive the invalidation of its `set` later.
        eventually("both have the entries", || (0..8).all(|n| one.has_in_l1(n) && other.has_in_l1(n)));
        server.kill();
        eventually("a process without a listener has an empty cache", || {
            (one.len)() == 0 && (other.len)() == 0
        });
        // Calls still work.
        (0..8).for_each(|n| _ = ((one.call)(n), (other.call)(n)));
        server.restart();
        eventually("both servers answer again", || (other.put)(0, 7) && (one.call)(0) == 7);
    }
}

#[test]
fn copies_outlive_an_outage() {
    let _limit = limit();
    static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::redis(&[])));
    static URL: LazyLock<String> = LazyLock::new(|| SERVER.lock().unwrap().url());
    let one = process! { separate(&*URL).breaker(3, Duration::from_millis(20)) };
    let other = process! { separate(&*URL).breaker(3, Duration::from_millis(20)) };
    LazyLock::force(&URL);
    let mut server = SERVER.lock().unwrap();
    settle(&server, &[&one, &other]);
    let before = [0, 1, 2, 3, 4, 5, 6, 7].map(one.call);
    // The reports of these stores have arrived and been handled by then.
    for value in 0..3 {
        (one.call)(50);
        assert!((other.put)(50, value));
        eventually("what was put is seen", || (one.call)(50) == value);
    }
    assert!((0..8).all(|n| one.has_in_l1(n)));
    server.kill();
    let mut others = 100..110;
    eventually("the server is missed", || others.next().map(one.call).is_none());
    assert!((one.backend)().1 > 0);
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(one.call), before);
    server.restart();
    eventually("both are listening again", || listeners(&server) == 2);
    assert!((0..8).all(|n| one.has_in_l1(n)));
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(one.call), before);
    (one.call)(51);
    assert!((other.put)(51, 7));
    eventually("what was put is seen", || (one.call)(51) == 7);
}

#[test]
fn who_loses_the_connection_listens_again() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) = (
        process! { patient(SERVER.url()), on_lost = drop },
        process! { patient(SERVER.url()), on_lost = drop },
    );
    for _ in 0..3 {
        settle(&SERVER, &[&one, &other]);
        (one.call)(1);
        let clients = SERVER.says("CLIENT LIST\r\nPING\r\n", "+PONG\r\n");
        let mut killed = 0;
        for client in clients.lines() {
            let field = |name| client.split(' ').find_map(|field| field.strip_prefix(name));
            if field("flags=").is_some_and(|flags| flags.contains('t')) {
                let kill = format!("CLIENT KILL ID {}\r\n", field("id=").unwrap());
                assert_eq!(SERVER.says(&kill, "\r\n"), ":1\r\n");
                killed += 1;
            }
        }
        assert_eq!(killed, 2);
        eventually("a process without a listener has an empty cache", || (one.len)() == 0);
        settle(&SERVER, &[&one, &other]);
        sees_changes(&one, &other);
    }
}

#[test]
fn where_it_is_forbidden_the_time_to_live_is_the_bound() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let set = SERVER.says("ACL SETUSER shy on >pw ~* &* +@all -client\r\n", "\r\n");
    assert_eq!(set, "+OK\r\n");
    fn url() -> String {
        SERVER.url().replace("redis://", "redis://shy:pw@")
    }
    let (one, other) = (
        process! { patient(url()), front_ttl = Duration::from_millis(300) },
        process! { patient(url()), front_ttl = Duration::from_millis(300) },
    );
    let before = (one.call)(1);
    assert_eq!((other.call)(1), before);
    assert!((other.put)(1, 7));
    eventually("the change is seen after `front_ttl`", || (one.call)(1) == 7);
    (other.clear)();
    eventually("the change is seen after `front_ttl`", || (one.call)(1) != 7);
    assert_eq!(((one.backend)().1, (other.backend)().1, listeners(&SERVER)), (0, 0, 0));
}

/// Sets a flag when it is dropped, also by a panic.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Records the invalidations it receives.
#[derive(Default)]
struct Noted(Mutex<Vec<Option<Vec<u8>>>>);

impl LocalCopies for Noted {
    fn invalidate(&self, key: &[u8]) {
        self.0.lock().unwrap().push(Some(key.to_vec()));
    }

    fn may_be_own_write(&self, _: &[u8]) -> bool {
        false
    }

    fn invalidate_unless_equal(&self, _: &[u8], _: Option<&[u8]>) {}

    fn invalidate_all(&self) {
        self.0.lock().unwrap().push(None);
    }
}

#[test]
fn a_dropped_backend_has_no_listening_connection() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let (backend, by_hand) = (redis(server.url()), separate(server.url()));
    let [one, two, again] = [(); 3].map(|()| -> &'static Noted { Box::leak(Box::default()) });
    let received = |noted: &Noted| std::mem::take(&mut *noted.0.lock().unwrap());
    assert!(Backend::watch(&backend, "one", sink_of(one)));
    eventually("the process receives invalidations", || received(one).contains(&None));
    // Another function, and one with the same namespace.
    assert!(Backend::watch(&backend, "two", sink_of(two)));
    assert!(Backend::watch(&backend, "one", sink_of(again)));
    eventually("both receive the start", || received(two).contains(&None) | received(again).contains(&None));
    for n in 0..100_u8 {
        by_hand.set("two", &[n, b':', 0, 255], b"value", None).unwrap();
        by_hand.set("tw", b"o", b"value", None).unwrap();
    }
    by_hand.set("one", b"", b"value", None).unwrap();
    let mut all = Vec::new();
    eventually("the last invalidation is received", || {
        all.append(&mut received(two));
        received(again).contains(&Some(vec![])) | received(one).contains(&Some(vec![]))
    });
    eventually("all receive it", || {
        all.append(&mut received(two));
        (0..100).all(|n| all.contains(&Some(vec![n, b':', 0, 255])))
    });
    assert!(all.iter().flatten().all(|key| key.len() == 4), "{all:?}");
    assert_eq!(listeners(&server), 1);
    drop(backend);
    eventually("no connection receives invalidations", || listeners(&server) == 0);
    assert!(!Backend::watch(&redis("no URL"), "one", sink_of(one)));
}

#[test]
fn nothing_stale_stays_whichever_side_is_faster() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    let (one, other) = (process! { patient(SERVER.url()) }, process! { patient(SERVER.url()) });
    static OBJECT: LruCache<u64, u64> = LruCache::new(Some(64));
    let third = process! { patient(SERVER.url()) => cache = OBJECT };
    settle(&SERVER, &[&one, &other, &third]);
    for round in 1..=5 {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            for process in [&one, &one, &third, &third] {
                let stop = &stop;
                scope.spawn(move || {
                    while !stop.load(SeqCst) {
                        (0..4).for_each(|n| _ = (process.call)(n));
                    }
                });
            }
            for value in 0..200 {
                (0..4).for_each(|n| _ = (other.put)(n, 1_000_000 * round + value));
                if value % 10 == 9 {
                    (0..4).for_each(|n| _ = (other.invalidate)(n));
                }
                if value % 25 == 0 {
                    (0..4).for_each(|n| _ = (one.refresh)(n));
                }
            }
        });
        // The last change wins.
        for n in 0..4 {
            eventually("all processes return the same value", || {
                (one.call)(n) == (other.call)(n) && (other.call)(n) == (third.call)(n)
            });
        }
        (third.clear)();
    }
}

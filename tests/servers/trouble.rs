//! Servers that are down, slow, full or restarted, or that have foreign entries.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use functools::backend::{
    AsyncBackend, Backend, ErrorKind, Memcached, Redis, memcached, redis, redis_client,
};
use functools::lru_cache;

use crate::proxy::Proxy;
use crate::server::{MEMCACHED, REDIS, Server, block_on, eventually, free_port, limit};

/// Makes calls from several threads while the server is killed and started again.
fn survives(mut server: Server, call: fn(u64) -> u64, hits: fn() -> u64) {
    let (stop, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    let longest = std::thread::scope(|scope| {
        let callers = [(); 4].map(|()| {
            scope.spawn(|| {
                let mut longest = Duration::ZERO;
                while !stop.load(SeqCst) {
                    let begin = Instant::now();
                    let n = calls.fetch_add(1, SeqCst) % 50;
                    assert_eq!(call(n), n * n);
                    longest = longest.max(begin.elapsed());
                }
                longest
            })
        });
        for _ in 0..3 {
            let before = hits();
            eventually("hits", || hits() > before + 100);
            server.kill();
            let before = calls.load(SeqCst);
            eventually("calls without a server", || calls.load(SeqCst) > before + 1000);
            server.restart();
        }
        let before = hits();
        eventually("hits again", || hits() > before + 100);
        stop.store(true, SeqCst);
        callers.map(|caller| caller.join().unwrap()).into_iter().max().unwrap()
    });
    // At most two timeouts each in a lookup and a store, on a busy machine.
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}

#[test]
fn redis_is_killed_and_restarted_under_load() {
    let _limit = limit();
    static URL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    #[lru_cache(maxsize = 0, backend = redis(URL.get().unwrap()).breaker(3, Duration::from_millis(100)))]
    fn square(n: u64) -> u64 {
        n * n
    }
    let server = Server::redis(&[]);
    URL.set(server.url()).unwrap();
    survives(server, square, || square::cache_info().hits);
    assert!(square::cache_stats().backend_errors > 0);
}

#[test]
fn memcached_is_killed_and_restarted_under_load() {
    let _limit = limit();
    static ADDRESS: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    #[lru_cache(maxsize = 0, backend = memcached(ADDRESS.get().unwrap()).breaker(3, Duration::from_millis(100)))]
    fn square(n: u64) -> u64 {
        n * n
    }
    let server = Server::memcached(&[]);
    ADDRESS.set(server.address()).unwrap();
    survives(server, square, || square::cache_info().hits);
    assert!(square::cache_stats().backend_errors > 0);
}

#[test]
fn async_calls_survive_a_restart() {
    let _limit = limit();
    let (mut one, mut two) = (Server::redis(&[]), Server::memcached(&[]));
    let pause = Duration::from_millis(50);
    let (first, second) = (redis(one.url()).breaker(3, pause), memcached(two.address()).breaker(3, pause));
    async fn sets(backend: &impl AsyncBackend, expected: bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while backend.set("restart", b"key", b"value", None).await.is_ok() != expected {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(backend.get("restart", b"key").await.is_ok(), expected);
    }
    block_on(async {
        for _ in 0..3 {
            sets(&first, true).await;
            sets(&second, true).await;
            one.kill();
            two.kill();
            sets(&first, false).await;
            sets(&second, false).await;
            one.restart();
            two.restart();
        }
        sets(&first, true).await;
        sets(&second, true).await;
    });
}

#[test]
fn a_restart_between_two_calls_is_no_error() {
    let _limit = limit();
    let (mut one, mut two) = (Server::redis(&[]), Server::memcached(&[]));
    let backends = (redis(one.url()), memcached(two.address()));
    block_on(async {
        for _ in 0..3 {
            Backend::set(&backends.0, "r", b"k", b"v", None).unwrap();
            Backend::set(&backends.1, "r", b"k", b"v", None).unwrap();
            AsyncBackend::set(&backends.0, "r", b"k", b"v", None).await.unwrap();
            AsyncBackend::set(&backends.1, "r", b"k", b"v", None).await.unwrap();
            one.kill();
            two.kill();
            one.restart();
            two.restart();
            assert_eq!(Backend::get(&backends.0, "r", b"k").unwrap(), None);
            assert_eq!(Backend::get(&backends.1, "r", b"k").unwrap(), None);
            assert_eq!(AsyncBackend::get(&backends.0, "r", b"k").await.unwrap(), None);
            assert_eq!(AsyncBackend::get(&backends.1, "r", b"k").await.unwrap(), None);
        }
    });
}

#[test]
fn a_dead_server_costs_next_to_nothing() {
    let _limit = limit();
    #[lru_cache(maxsize = 0, backend = redis(format!("redis://127.0.0.1:{}", free_port())))]
    fn one(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 0, backend = memcached(format!("127.0.0.1:{}", free_port())))]
    async fn two(n: u64) -> u64 {
        n
    }
    let begin = Instant::now();
    (0..10_000).for_each(|n| assert_eq!(one(n), n));
    block_on(async {
        for n in 0..10_000 {
            assert_eq!(two(n).await, n);
        }
    });
    let each = begin.elapsed() / 20_000;
    assert!(each < Duration::from_micros(200), "{each:?}");
    assert!(one::cache_stats().backend_errors >= 10_000 && two::cache_stats().backend_errors >= 10_000);
    assert!(matches!(one::cache_clear(), Err(error) if error.kind() == ErrorKind::CircuitOpen));
}

#[test]
fn a_slow_server_is_not_waited_for() {
    let _limit = limit();
    let proxies = (Proxy::to(REDIS.port), Proxy::to(MEMCACHED.port));
    let url = format!("redis://127.0.0.1:{}", proxies.0.port);
    let backends = (redis(url), memcached(format!("127.0.0.1:{}", proxies.1.port)));
    Backend::set(&backends.0, "slow", b"key", b"value", None).unwrap();
    Backend::set(&backends.1, "slow", b"key", b"value", None).unwrap();

    // A short delay is no error.
    (proxies.0.delay(20), proxies.1.delay(20));
    assert!(Backend::get(&backends.0, "slow", b"key").unwrap().is_some());
    assert!(Backend::get(&backends.1, "slow", b"key").unwrap().is_some());

    (proxies.0.delay(3000), proxies.1.delay(3000));
    let timed = |get: &dyn Fn() -> bool| {
        let begin = Instant::now();
        assert!(!get(), "the call does not wait for the server");
        begin.elapsed()
    };
    let mut spans = Vec::new();
    for _ in 0..3 {
        spans.push(timed(&|| Backend::get(&backends.0, "slow", b"key").is_ok()));
        spans.push(timed(&|| Backend::get(&backends.1, "slow", b"key").is_ok()));
    }
    for span in &spans {
        assert!((200..1500).contains(&span.as_millis()), "{spans:?}");
    }
    // The circuit breakers are open, for async calls too.
    for get in
        [&(|| block_on(AsyncBackend::get(&backends.0, "slow", b"key")).is_ok()) as &dyn Fn() -> bool, &|| {
            block_on(AsyncBackend::get(&backends.1, "slow", b"key")).is_ok()
        }]
    {
        let span = timed(get);
        assert!(span < Duration::from_millis(200), "{span:?}");
    }
    (proxies.0.delay(0), proxies.1.delay(0));
    eventually("the circuit breaker of redis closes", || {
        Backend::get(&backends.0, "slow", b"key").is_ok_and(|it| it.is_some())
    });
    eventually("the circuit breaker of memcached closes", || {
        Backend::get(&backends.1, "slow", b"key").is_ok_and(|it| it.is_some())
    });
}

#[test]
fn a_slow_server_is_not_awaited() {
    let _limit = limit();
    let proxies = (Proxy::to(REDIS.port), Proxy::to(MEMCACHED.port));
    let url = format!("redis://127.0.0.1:{}", proxies.0.port);
    let backends = (redis(url), memcached(format!("127.0.0.1:{}", proxies.1.port)));
    block_on(async {
        let (one, two) = &backends;
        AsyncBackend::set(one, "slow", b"async", b"value", None).await.unwrap();
        AsyncBackend::set(two, "slow", b"async", b"value", None).await.unwrap();
        (proxies.0.delay(3000), proxies.1.delay(3000));
        let begin = Instant::now();
        for _ in 0..3 {
            let (one, two) = tokio::join!(
                AsyncBackend::get(one, "slow", b"async"),
                AsyncBackend::get(two, "slow", b"async")
            );
            assert!(one.is_err() && two.is_err());
        }
        let span = begin.elapsed();
        assert!((600..4000).contains(&span.as_millis()), "{span:?}");
        (proxies.0.delay(0), proxies.1.delay(0));
        let deadline = Instant::now() + Duration::from_secs(20);
        while AsyncBackend::get(one, "slow", b"async").await.is_err()
            || AsyncBackend::get(two, "slow", b"async").await.is_err()
        {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn an_answer_without_a_waiting_call_is_taken_for_no_other() {
    let _limit = limit();
    let backends = (redis(REDIS.url()), memcached(MEMCACHED.address()));
    block_on(async {
        let (one, two) = &backends;
        for n in 0..200_u32 {
            let (key, value) = (n.to_le_bytes(), n.to_string());
            AsyncBackend::set(one, "drop", &key, value.as_bytes(), None).await.unwrap();
            AsyncBackend::set(two, "drop", &key, value.as_bytes(), None).await.unwrap();
            let soon = Duration::from_micros(u64::from(n % 60));
            _ = tokio::time::timeout(soon, AsyncBackend::get(one, "drop", b"none")).await;
            _ = tokio::time::timeout(soon, AsyncBackend::get(two, "drop", b"none")).await;
            let found = AsyncBackend::get(one, "drop", &key).await.unwrap().unwrap();
            assert_eq!(found.value, value.as_bytes());
            let found = AsyncBackend::get(two, "drop", &key).await.unwrap().unwrap();
            assert_eq!(found.value, value.as_bytes());
        }
    });
}

#[test]
fn a_full_memcached_evicts_and_never_lies() {
    let _limit = limit();
    let server = Server::memcached(&["-m", "1", "-I", "512k"]);
    let backend = memcached(server.address());
    let value = |n: u32| n.to_le_bytes().repeat(1 + n as usize % 2000);
    let mut stored = 0;
    for round in 0..3 {
        for n in 0..3000_u32 {
            Backend::set(&backend, "full", &n.to_le_bytes(), &value(n), None).unwrap();
            if let Some(found) = Backend::get(&backend, "full", &(n / 2).to_le_bytes()).unwrap() {
                assert_eq!(found.value, value(n / 2));
                stored += 1;
            }
        }
        // Cleared entries never return, whatever happened to the generation meanwhile.
        Backend::clear(&backend, "full").unwrap();
        for n in 0..3000_u32 {
            assert_eq!(Backend::get(&backend, "full", &n.to_le_bytes()).unwrap(), None, "{round}");
        }
    }
    assert!(stored > 0);
    assert!(
        !server.says("stats\r\n", "END\r\n").contains("STAT evictions 0\r\n"),
        "the server has evicted entries"
    );
}

#[test]
fn a_generation_that_was_evicted_resurrects_nothing() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let backend = memcached(server.address());
    Backend::set(&backend, "evicted", b"key", b"old", None).unwrap();
    Backend::clear(&backend, "evicted").unwrap();
    let generation = || keys(&server).into_iter().find(|key| key.starts_with("lru:g:"));
    eventually("the generation is listed", || generation().is_some());
    if let Some(key) = generation() {
        assert_eq!(server.says(&format!("delete {key}\r\n"), "\r\n"), "DELETED\r\n");
    }
    assert_eq!(Backend::get(&backend, "evicted", b"key").unwrap(), None);
    Backend::set(&backend, "evicted", b"other", b"new", None).unwrap();
    assert_eq!(Backend::get(&backend, "evicted", b"key").unwrap(), None);
    assert!(Backend::get(&backend, "evicted", b"other").unwrap().is_some());
}

/// Returns all keys of a Memcached server.
fn keys(server: &Server) -> Vec<String> {
    let dump = server.says("lru_crawler metadump all\r\n", "END\r\n");
    let keys = dump.lines().filter_map(|line| line.strip_prefix("key=")?.split(' ').next());
    keys.map(|key| key.replace("%3A", ":")).collect()
}

#[test]
fn garbled_bytes_are_a_miss_and_are_overwritten() {
    let _limit = limit();
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::memcached(&[]));
    static OTHER: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
    #[lru_cache(maxsize = 0, backend = memcached(SERVER.address()))]
    fn one(n: u64) -> String {
        format!("number {n}")
    }
    #[lru_cache(maxsize = 0, backend = redis(OTHER.url()))]
    fn two(n: u64) -> String {
        format!("number {n}")
    }
    assert_eq!((one(7), two(7)), (one(7), two(7)));
    assert_eq!((one::cache_info().hits, two::cache_info().hits), (1, 1));
    let mut there = Vec::new();
    eventually("the generation and the entry are listed", || {
        there = keys(&SERVER);
        there.len() == 2
    });
    for garbage in ["", "x", "\u{F7}M0123456789012345678901234567890123456789"] {
        for key in &there {
            let store = format!("set {key} 0 0 {}\r\n{garbage}\r\n", garbage.len());
            assert_eq!(SERVER.says(&store, "\r\n"), "STORED\r\n");
            assert_eq!((one(7), one(7)), ("number 7".to_owned(), "number 7".to_owned()));
        }
    }
    assert_eq!((one::cache_info().hits, one::cache_stats().backend_errors), (7, 0));

    // A foreign list under our key.
    let mut by_hand = redis_client::Client::open(OTHER.url()).unwrap().get_connection().unwrap();
    let keys: Vec<Vec<u8>> = redis_client::cmd("KEYS").arg("*").query(&mut by_hand).unwrap();
    assert_eq!(keys.len(), 1);
    for type_of in ["LPUSH", "SADD", "SET"] {
        let () = redis_client::cmd("DEL").arg(&keys[0]).query(&mut by_hand).unwrap();
        let () = redis_client::cmd(type_of).arg(&keys[0]).arg("foreign").query(&mut by_hand).unwrap();
        let hits = two::cache_info().hits;
        assert_eq!((two(7), two::cache_info().hits), ("number 7".to_owned(), hits));
        assert_eq!((two(7), two::cache_info().hits), ("number 7".to_owned(), hits + 1));
    }
    assert_eq!(two::cache_stats().backend_errors, 0);
}

#[test]
fn a_value_larger_than_the_server_takes_is_returned_all_the_same() {
    let _limit = limit();
    #[lru_cache(maxsize = 0, backend = memcached(MEMCACHED.address()))]
    fn one(bytes: usize) -> String {
        "x".repeat(bytes)
    }
    #[lru_cache(maxsize = 0, backend = redis(REDIS.url()))]
    fn two(bytes: usize) -> String {
        "x".repeat(bytes)
    }
    for _ in 0..2 {
        assert_eq!(one(2 << 20).len(), 2 << 20);
        assert_eq!(two(2 << 20).len(), 2 << 20);
    }
    assert_eq!((one::cache_info().hits, one::cache_stats().backend_errors), (0, 2));
    assert_eq!((two::cache_info().hits, two::cache_stats().backend_errors), (1, 0));
    // The server works, and the circuit breaker stays closed.
    (0..5).for_each(|_| assert_eq!(one(2 << 20).len(), 2 << 20));
    assert_eq!((one(10), one(10), one::cache_info().hits), (one(10), one(10), 1));
}

#[test]
fn credentials_are_nowhere() {
    let _limit = limit();
    const SECRET: &str = "Tr0ub4dor";
    let server = Server::redis(&["--requirepass", SECRET]);
    let shown = |backend: &Redis| {
        let error = Backend::set(backend, "secret", b"key", b"value", None).err();
        let awaited = block_on(AsyncBackend::get(backend, "secret", b"key")).err();
        format!(
            "{backend:?} {error:?} {awaited:?} {}",
            error.as_ref().map_or(String::new(), ToString::to_string)
        )
    };
    let right = redis(format!("redis://:{SECRET}@127.0.0.1:{}/", server.port));
    assert!(shown(&right).ends_with("None None "), "{}", shown(&right));
    for wrong in [
        format!("redis://{SECRET}:{SECRET}@127.0.0.1:{}/", server.port),
        format!("redis://:{SECRET}x@127.0.0.1:{}/", server.port),
        format!("redis://:{SECRET}@127.0.0.1:{}/", free_port()),
        format!("redis://:{SECRET}@no.such.host.invalid/"),
        format!("redis://:{SECRET}@127.0.0.1:x/"),
        format!("http://:{SECRET}@127.0.0.1/"),
        format!("redis://:{SECRET}@127.0.0.1:{}/{SECRET}", server.port),
        SECRET.to_owned(),
    ] {
        let shown = shown(&redis(&wrong));
        assert!(!shown.contains(SECRET) && shown.contains("Some"), "{wrong}: {shown}");
    }
    let there: Memcached = memcached(format!("memcache://user:{SECRET}@127.0.0.1:{}", free_port()));
    let shown = format!("{there:?} {:?}", Backend::get(&there, "secret", b"key"));
    assert!(!shown.contains(SECRET) && shown.contains("Err"), "{shown}");

    // An unusable URL gives an error with the reason at the first request.
    let error = Backend::get(&redis("rediss://127.0.0.1/"), "any", b"key").unwrap_err().to_string();
    assert!(error.contains("redis-tls") || cfg!(feature = "redis-tls"), "{error}");

    // A function works with any URL.
    #[lru_cache(maxsize = 0, backend = redis("no URL"))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(2), double::cache_stats().backend_errors), (4, 1));
}

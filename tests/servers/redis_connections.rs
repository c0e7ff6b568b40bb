//! Connections to Redis: how many there are, and which functions share them.

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Barrier, LazyLock};
use std::time::{Duration, Instant};

use functools::backend::{self, AsyncBackend, Backend, ErrorKind, Redis, redis_client};
use functools::{async_lru_cache, lru_cache};

use crate::contract::redis;
use crate::server::{Server, block_on, eventually, limit};

/// Returns a number from `INFO`.
fn info(server: &Server, what: &str) -> u64 {
    let info = server.says("INFO\r\nPING\r\n", "+PONG\r\n");
    info.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')?.parse().ok()).unwrap()
}

/// Returns how many connections the server has had, with the one that asks.
fn total(server: &Server) -> u64 {
    info(server, "total_connections_received")
}

/// Returns how many connections the server has, without the one that asks.
fn connected(server: &Server) -> u64 {
    info(server, "connected_clients") - 1
}

static TEN: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));

/// Defines ten functions, and returns their calls.
macro_rules! ten {
    ($($plain:ident)*; $($awaited:ident)*) => {{
        $(
            #[lru_cache(maxsize = 64, backend = redis(TEN.url()))]
            fn $plain(n: u64) -> u64 {
                n + 1
            }
        )*
        $(
            #[async_lru_cache(maxsize = 64, backend = redis(TEN.url()))]
            async fn $awaited(n: u64) -> u64 {
                n + 1
            }
        )*
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let calls: [Box<dyn Fn(u64) -> u64>; 10] = [
            $(Box::new($plain),)*
            $(Box::new({
                let handle = runtime.handle().clone();
                move |n| handle.block_on($awaited(n))
            }),)*
        ];
        let errors = || 0 $(+ $plain::cache_stats().backend_errors)* $(+ $awaited::cache_stats().backend_errors)*;
        (calls, errors, runtime)
    }};
}

static TIMES: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));

#[test]
fn the_time_left_is_asked_for_only_where_it_is_used() {
    #[lru_cache(maxsize = 0, ttl = 3600, backend = redis(TIMES.url()))]
    fn plain(n: u64) -> u64 {
        n + 1
    }
    #[async_lru_cache(maxsize = 0, ttl = 3600, backend = redis(TIMES.url()))]
    async fn awaited(n: u64) -> u64 {
        n + 1
    }
    #[lru_cache(maxsize = 1, ttl = 3600, backend = redis(TIMES.url()))]
    fn copied(n: u64) -> u64 {
        n + 1
    }
    #[async_lru_cache(maxsize = 0, ttl = 3600, swr = 60, backend = redis(TIMES.url()))]
    async fn refreshed(n: u64) -> u64 {
        n + 1
    }
    let _limit = limit();
    let asked = || {
        let stats = TIMES.says("INFO commandstats\r\nPING\r\n", "+PONG\r\n");
        let calls =
            stats.lines().find_map(|line| line.strip_prefix("cmdstat_pttl:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u64>().unwrap())
    };
    block_on(async {
        for _ in 0..3 {
            assert_eq!((plain(1), awaited(1).await), (2, 2));
        }
        assert_eq!((plain::cache_info().hits, awaited::cache_info().hits, asked()), (2, 2, 0));
        for n in [1, 2, 1] {
            assert_eq!((copied(n), refreshed(n).await), (n + 1, n + 1));
        }
        assert_eq!((copied::cache_info().hits, refreshed::cache_info().hits, asked()), (1, 1, 6));
    });
}

#[test]
fn ten_functions_of_a_url_have_one_set_of_connections() {
    let _limit = limit();
    let (calls, errors, runtime) = ten! { one two three four five; six seven eight nine ten };
    // The connections of the runtime need its drivers.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driver = std::thread::spawn(move || _ = runtime.block_on(stopped));
    for n in 0..3 {
        assert!(calls.iter().all(|call| call(n) == n + 1));
    }
    eventually("changes are reported", || info(&TEN, "tracking_clients") == 1);
    for n in 0..6 {
        assert!(calls.iter().all(|call| call(n) == n + 1));
    }
    // One of plain functions, one of the runtime, one for changes.
    assert_eq!((connected(&TEN), info(&TEN, "tracking_clients"), errors()), (3, 1, 0));
    drop(stop);
    driver.join().unwrap();
}

#[test]
fn the_last_backend_of_a_url_closes_the_connections() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let before = total(&server);
    let backends: Vec<_> = (0..10).map(|_| redis(server.url())).collect();
    for backend in &backends {
        Backend::set(backend, "shared", b"key", b"value", None).unwrap();
    }
    block_on(async {
        for backend in &backends {
            assert!(AsyncBackend::get(backend, "shared", b"key").await.unwrap().is_some());
        }
    });
    // One blocking, one of the runtime, one of this question.
    assert_eq!(total(&server) - before, 3);
    let mut backends = backends;
    backends.truncate(1);
    assert!(Backend::get(&backends[0], "shared", b"key").unwrap().is_some());
    eventually("the connection of the runtime is closed", || connected(&server) == 1);
    drop(backends);
    eventually("all connections are closed", || connected(&server) == 0);
    // A later backend connects again.
    assert!(Backend::get(&redis(server.url()), "shared", b"key").unwrap().is_some());
}

#[test]
fn other_settings_and_other_clients_have_connections_of_their_own() {
    let _limit = limit();
    let server = Server::redis(&[]);
    fn ignore(_: backend::CircuitState) {}
    let client = || Redis::new(redis_client::Client::open(server.url()).unwrap());
    let backends = [
        redis(server.url()),
        redis(server.url()).timeout(Duration::from_secs(21)),
        redis(server.url()).connect_timeout(Duration::from_secs(21)),
        redis(server.url()).breaker(4, Duration::from_secs(1)),
        redis(server.url()).breaker(3, Duration::from_secs(2)),
        redis(server.url()).on_circuit_change(ignore),
        redis(server.url()).connections(4),
        redis(format!("{}1", server.url())),
        client(),
        client(),
    ];
    for backend in &backends {
        Backend::get(backend, "settings", b"key").unwrap();
    }
    assert_eq!(connected(&server), 10);
    // The defaults, given or not.
    for backend in
        [redis(server.url()).connections(32), redis(server.url()).breaker(3, Duration::from_secs(1))]
    {
        Backend::get(&backend, "settings", b"key").unwrap();
    }
    assert_eq!(connected(&server), 10);
}

/// Asks from 40 threads, and returns how many connections they have opened.
fn opened_by_threads(server: &Server, backend: &Redis) -> u64 {
    let before = total(server);
    std::thread::scope(|scope| {
        for thread in 0..40_u8 {
            scope.spawn(move || {
                for n in 0..25_u8 {
                    Backend::set(backend, "many", &[thread, n], &[n], None).unwrap();
                    let found = Backend::get(backend, "many", &[thread, n]).unwrap().unwrap();
                    assert_eq!(found.value, [n]);
                }
            });
        }
    });
    total(server) - before - 1
}

#[test]
fn more_threads_than_connections_wait_for_one() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let opened = opened_by_threads(&server, &redis(server.url()).connections(3));
    assert!(opened <= 3, "{opened} connections for 40 threads");
    let opened = opened_by_threads(&server, &redis(server.url()));
    assert!(opened <= 32, "{opened} connections for 40 threads");
}

#[test]
fn a_thread_waits_for_a_connection_until_its_deadline() {
    let _limit = limit();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A server that never answers.
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            _ = stream.read(&mut [0; 1024]);
            open.push(stream);
        }
    });
    let short = Duration::from_millis(200);
    let backend =
        backend::redis(format!("redis://127.0.0.1:{port}/")).connections(1).breaker(u32::MAX, short);
    let backend = backend.timeout(short).connect_timeout(short);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let begin = Instant::now();
                let error = Backend::get(&backend, "waits", b"key").unwrap_err();
                let took = begin.elapsed();
                assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                assert!(took < Duration::from_millis(900), "{took:?}");
            });
        }
    });
}

#[test]
fn more_runtimes_than_connections_keep_their_own() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let (before, backend, all) = (total(&server), redis(server.url()), Barrier::new(40));
    std::thread::scope(|scope| {
        for runtime in 0..40_u8 {
            let (backend, all) = (&backend, &all);
            scope.spawn(move || {
                block_on(async {
                    for n in 0..25_u8 {
                        AsyncBackend::set(backend, "runtimes", &[runtime, n], &[n], None).await.unwrap();
                        all.wait();
                        let found = AsyncBackend::get(backend, "runtimes", &[runtime, n]).await.unwrap();
                        assert_eq!(found.unwrap().value, [n]);
                    }
                });
            });
        }
    });
    let opened = total(&server) - before - 1;
    assert_eq!(opened, 40, "for 40 runtimes");
}

#[test]
fn further_runtimes_share_a_connection_and_none_is_opened_anew() {
    let _limit = limit();
    let server = Server::redis(&[]);
    let (before, backend) = (total(&server), redis(server.url()));
    let runtimes: Vec<_> = (0..150_u8)
        .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
        .collect();
    let ask = |n: u8, runtime: &tokio::runtime::Runtime| {
        runtime.block_on(AsyncBackend::set(&backend, "runtimes", &[n], &[n], None)).unwrap();
        let found = runtime.block_on(AsyncBackend::get(&backend, "runtimes", &[n])).unwrap();
        assert_eq!(found.unwrap().value, [n]);
    };
    for _ in 0..3 {
        (0..).zip(&runtimes).for_each(|(n, runtime)| ask(n, runtime));
    }
    // Of 128 runtimes, and one that the others share. Each question about the number is one more.
    assert_eq!(total(&server) - before - 1, 129);
    drop(runtimes);
    eventually("connections of runtimes that have ended are closed", || connected(&server) == 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    ask(0, &runtime);
    assert_eq!(connected(&server), 2, "a new runtime has its own");
}

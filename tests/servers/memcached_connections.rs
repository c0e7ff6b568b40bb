//! Connections to Memcached: how many there are, over what they go, and for how long they are waited for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use functools::backend::{AsyncBackend, Backend, ErrorKind, Memcached, memcached};

use crate::files::Folder;
use crate::server::{Server, block_on, eventually, limit};

const PATIENCE: Duration = Duration::from_secs(20);

fn patient(address: impl Into<String>) -> Memcached {
    memcached(address).connect_timeout(PATIENCE).timeout(PATIENCE)
}

/// Returns how many connections the server has had, and has now, apart from the one that asks.
fn connections(server: &Server) -> (u64, u64) {
    let stats = server.says("stats\r\n", "END\r\n");
    let number = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} ")));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    (number("total_connections"), number("curr_connections") - 1)
}

#[test]
fn all_backends_of_a_server_share_its_connections() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let (total, idle) = connections(&server);
    let backends: Vec<_> = (0..10).map(|_| patient(server.address())).collect();
    for backend in &backends {
        Backend::set(backend, "shared", b"key", b"value", None).unwrap();
    }
    block_on(async {
        for backend in &backends {
            assert!(AsyncBackend::get(backend, "shared", b"key").await.unwrap().is_some());
        }
    });
    // One for each of the two questions about the number, one blocking, one of the runtime.
    assert!(connections(&server).0 - total <= 3 + 1, "{:?}", connections(&server));
    eventually("the connection of the runtime is closed", || connections(&server).1 <= idle + 1);
}

#[test]
fn more_threads_than_connections_wait_for_one() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let total = connections(&server).0;
    let backend = patient(server.address()).connections(3);
    std::thread::scope(|scope| {
        for thread in 0..40_u8 {
            let backend = &backend;
            scope.spawn(move || {
                for n in 0..25_u8 {
                    Backend::set(backend, "many", &[thread, n], &[n], None).unwrap();
                    let found = Backend::get(backend, "many", &[thread, n]).unwrap().unwrap();
                    assert_eq!(found.value, [n]);
                }
            });
        }
    });
    let opened = connections(&server).0 - total;
    assert!(opened <= 3 + 1, "{opened} connections for 40 threads");
}

#[test]
fn more_runtimes_than_connections_keep_their_own() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let total = connections(&server).0;
    let backend = patient(server.address());
    std::thread::scope(|scope| {
        for runtime in 0..40_u8 {
            let backend = &backend;
            scope.spawn(move || {
                block_on(async {
                    for n in 0..25_u8 {
                        AsyncBackend::set(backend, "runtimes", &[runtime, n], &[n], None).await.unwrap();
                        let found = AsyncBackend::get(backend, "runtimes", &[runtime, n]).await.unwrap();
                        assert_eq!(found.unwrap().value, [n]);
                    }
                });
            });
        }
    });
    let opened = connections(&server).0 - total;
    assert!(opened <= 40 + 1, "{opened} connections for 40 runtimes");
}

#[test]
fn tasks_share_a_connection_and_each_gets_its_own_answer() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let backend: &'static Memcached = Box::leak(Box::new(patient(server.address())));
    let total = connections(&server).0;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..64_u8)
            .map(|task| {
                tokio::spawn(async move {
                    for n in 0..50_u8 {
                        let value = vec![task ^ n; 1 + usize::from(n) * 400];
                        AsyncBackend::set(backend, "tasks", &[task, n], &value, None).await.unwrap();
                        // A dropped future affects no other.
                        let soon = Duration::from_micros(u64::from(n) * 7);
                        _ = tokio::time::timeout(soon, AsyncBackend::get(backend, "tasks", &[n, task])).await;
                        let found = AsyncBackend::get(backend, "tasks", &[task, n]).await.unwrap();
                        assert_eq!(found.unwrap().value, value);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(connections(&server).0 - total, 2, "one for the runtime");
}

#[test]
fn a_unix_socket_is_a_server() {
    let _limit = limit();
    let folder = Folder::new("memcached-socket");
    let path = folder.path("socket");
    let path = path.to_str().unwrap();
    let mut child = std::process::Command::new("memcached")
        .args(["-s", path, "-u", "root"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let backend = memcached(format!("unix:{path}"));
    eventually("the server starts", || Backend::get(&backend, "unix", b"none").is_ok());
    Backend::set(&backend, "unix", b"key", b"value", None).unwrap();
    let found = block_on(AsyncBackend::get(&backend, "unix", b"key")).unwrap();
    assert_eq!(found.unwrap().value, b"value");
    assert!(format!("{backend:?}").contains(path));
    child.kill().unwrap();
    child.wait().unwrap();
    let error = Backend::get(&backend, "unix", b"key").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn a_server_with_a_password_is_told_it() {
    let _limit = limit();
    let folder = Folder::new("memcached-password");
    let file = folder.path("users");
    std::fs::write(&file, "shop:Tr0ub4dor\n").unwrap();
    let server = Server::memcached(&["-Y", file.to_str().unwrap()]);
    for backend in [
        memcached(format!("memcached://shop:Tr0ub4dor@127.0.0.1:{}", server.port)),
        memcached(server.address()).credentials("shop", "Tr0ub4dor"),
    ] {
        Backend::set(&backend, "password", b"key", b"value", None).unwrap();
        let found = block_on(AsyncBackend::get(&backend, "password", b"key")).unwrap();
        assert_eq!(found.unwrap().value, b"value");
    }
    let wrong = memcached(server.address()).credentials("shop", "Tr0ub4dor1");
    for backend in [&memcached(server.address()), &wrong] {
        // The server is up, so the circuit breaker stays closed.
        for _ in 0..5 {
            let errors = [
                Backend::get(backend, "password", b"key"),
                block_on(AsyncBackend::get(backend, "password", b"key")),
            ];
            for error in errors.map(Result::unwrap_err) {
                assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
                assert!(!format!("{backend:?} {error} {error:?}").contains("Tr0ub4dor"));
            }
        }
    }
    // A server without passwords keeps nothing of them.
    let open = Server::memcached(&[]);
    Backend::set(&memcached(open.address()).credentials("shop", "Tr0ub4dor"), "p", b"k", b"v", None).unwrap();
    assert_eq!(open.says("get auth\r\n", "END\r\n"), "END\r\n");
}

/// A server that answers each request with one byte every so often, or never. Returns its port.
fn dribble(pause: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                _ = stream.read(&mut [0; 1024]);
                for byte in b"VA 100 c1 t-1\r\n".iter().chain(std::iter::repeat(&b'x')) {
                    std::thread::sleep(pause);
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_server_that_dribbles_is_not_waited_for() {
    let _limit = limit();
    let port = dribble(Duration::from_millis(20));
    let backend = memcached(format!("127.0.0.1:{port}")).breaker(u32::MAX, Duration::ZERO);
    for _ in 0..2 {
        for get in [&(|| Backend::get(&backend, "dribble", b"key").is_err()) as &dyn Fn() -> bool, &|| {
            block_on(AsyncBackend::get(&backend, "dribble", b"key")).is_err()
        }] {
            let begin = Instant::now();
            assert!(get());
            let took = begin.elapsed();
            assert!((200..600).contains(&took.as_millis()), "{took:?}");
        }
    }
}

#[test]
fn further_runtimes_share_a_connection_and_none_is_opened_anew() {
    let _limit = limit();
    let server = Server::memcached(&[]);
    let backend = patient(server.address());
    let (total, idle) = connections(&server);
    let runtimes: Vec<_> = (0..150_u8)
        .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
        .collect();
    for _ in 0..3 {
        for (n, runtime) in (0..).zip(&runtimes) {
            runtime.block_on(AsyncBackend::set(&backend, "runtimes", &[n], &[n], None)).unwrap();
            let found = runtime.block_on(AsyncBackend::get(&backend, "runtimes", &[n])).unwrap();
            assert_eq!(found.unwrap().value, [n]);
        }
    }
    // Of 128 runtimes, and one that the others share. Each question about the number is one more.
    assert_eq!(connections(&server).0 - total - 1, 129);
    drop(runtimes);
    eventually("connections of runtimes that have ended are closed", || connections(&server).1 <= idle + 1);
}

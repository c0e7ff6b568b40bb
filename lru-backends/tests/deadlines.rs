//! A question has one deadline, however the server spends the time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lru_backends::{memcached, redis};
use lru_core::backend::{AsyncBackend, Backend, BackendError, ErrorKind};

/// The timeout for connecting, and that for an answer.
const TIMEOUT: Duration = Duration::from_millis(250);

/// The pause of a server that sends byte by byte.
const PAUSE: Duration = Duration::from_millis(100);

/// Starts a server. `answer` returns what to send at once for the bytes received, and what to send then, byte by byte.
/// Returns its port.
fn server(pause: Duration, answer: impl Fn(&[u8]) -> (Vec<u8>, Vec<u8>) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, answer) = (connection.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = connection.read(&mut chunk) {
                    let (at_once, slowly) = answer(&chunk[..read]);
                    if connection.write_all(&at_once).is_err() {
                        return;
                    }
                    for byte in slowly {
                        thread::sleep(pause);
                        if connection.write_all(&[byte]).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

/// A server that answers byte by byte, with a pause before each. Returns its port.
fn dribbling(answer: &'static [u8], pause: Duration) -> u16 {
    server(pause, |_| (Vec::new(), answer.to_vec()))
}

/// Runs a closure, and ends the process if it takes too long. Returns how long it took.
fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let (done, wait) = mpsc::channel::<()>();
    thread::spawn(move || {
        if wait.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("the question is not given up");
            std::process::exit(101);
        }
    });
    let begin = Instant::now();
    let value = run();
    drop(done);
    (begin.elapsed(), value)
}

/// Returns how long a question takes that is given up.
fn given_up<T>(ask: impl FnOnce() -> Result<T, BackendError>) -> Duration {
    let (took, answer) = timed(ask);
    assert_eq!(answer.err().expect("no answer").kind(), ErrorKind::Timeout);
    took
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Asks a backend questions of every kind, and returns how long each takes that is given up.
fn all_given_up(backend: &(impl Backend + AsyncBackend)) -> [Duration; 8] {
    let second = Duration::from_secs(1);
    [
        given_up(|| Backend::get(backend, "n", b"key")),
        given_up(|| Backend::get_or_lease(backend, "n", b"key", second.into())),
        given_up(|| Backend::set(backend, "n", b"key", b"value", None)),
        given_up(|| Backend::delete(backend, "n", b"key")),
        given_up(|| Backend::clear(backend, "n")),
        given_up(|| block_on(AsyncBackend::get_or_lease(backend, "n", b"key", second.into()))),
        given_up(|| block_on(AsyncBackend::set(backend, "n", b"key", b"value", None))),
        given_up(|| block_on(AsyncBackend::clear(backend, "n"))),
    ]
}

#[test]
fn a_server_that_sends_byte_by_byte_is_given_up_in_time() {
    let port = dribbling(b"*3\r\n$5\r\nvalue\r\n$5\r\nvalue\r\n", PAUSE);
    // Once for the question, once for the password.
    for user in ["", ":password@"] {
        let backend = redis(format!("redis://{user}127.0.0.1:{port}/"));
        let spans = all_given_up(&backend.connect_timeout(TIMEOUT).timeout(TIMEOUT).breaker(100, TIMEOUT));
        // The time for connecting and that for the answer, on a busy machine.
        assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 4 * TIMEOUT), "{spans:?}");
    }
}

#[test]
fn a_server_that_is_frozen_is_waited_for_once() {
    let port = dribbling(b"+", Duration::from_secs(600));
    let backend = redis(format!("redis://127.0.0.1:{port}/")).timeout(TIMEOUT).breaker(100, TIMEOUT);
    for _ in 0..2 {
        let span = given_up(|| Backend::get_or_lease(&backend, "n", b"key", TIMEOUT.into()));
        assert!(span >= TIMEOUT && span < 2 * TIMEOUT, "{span:?}");
    }
}

#[test]
fn round_trips_of_an_operation_have_one_deadline() {
    // A namespace without a generation: it is looked up, created, and then the entry is stored.
    let answer = |received: &[u8]| {
        thread::sleep(Duration::from_millis(150));
        (if received.starts_with(b"mg") { b"EN\r\n".to_vec() } else { b"HD c1\r\n".to_vec() }, Vec::new())
    };
    let port = server(PAUSE, answer);
    let backend = memcached(format!("127.0.0.1:{port}")).timeout(TIMEOUT).breaker(100, TIMEOUT);
    let spans = [
        given_up(|| Backend::set(&backend, "n", b"key", b"value", None)),
        given_up(|| block_on(AsyncBackend::set(&backend, "n", b"key", b"value", None))),
    ];
    assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 2 * TIMEOUT), "{spans:?}");
}

/// Servers that begin TLS and do not end it: they say nothing, send byte by byte, or stop within a message. Their messages
/// announce more bytes than they send.
#[cfg(any(feature = "memcached-tls", feature = "redis-tls"))]
fn slow_handshakes() -> [u16; 3] {
    let hello = || [&[22, 3, 3, 16, 0, 2, 0, 15, 252, 3, 3][..], &[7; 1000]].concat();
    [
        server(PAUSE, |_| (Vec::new(), Vec::new())),
        server(PAUSE, move |_| (Vec::new(), hello())),
        server(PAUSE, move |_| (hello(), Vec::new())),
    ]
}

#[cfg(feature = "redis-tls")]
#[test]
fn tls_of_redis_that_does_not_begin_is_given_up_in_time() {
    for port in slow_handshakes() {
        let backend = redis(format!("rediss://127.0.0.1:{port}/"));
        let spans = all_given_up(&backend.connect_timeout(TIMEOUT).timeout(TIMEOUT).breaker(100, TIMEOUT));
        assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 3 * TIMEOUT), "{spans:?}");
    }
}

#[cfg(feature = "memcached-tls")]
#[test]
fn tls_of_memcached_that_does_not_begin_is_given_up_in_time() {
    for port in slow_handshakes() {
        let backend = memcached(format!("memcacheds://127.0.0.1:{port}")).breaker(100, TIMEOUT);
        let spans = all_given_up(&backend.connect_timeout(TIMEOUT).timeout(TIMEOUT));
        // On a busy machine.
        assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 4 * TIMEOUT), "{spans:?}");
    }
}

/// Answers commands of Redis, each of which is an array in its protocol. What is not known is answered byte by byte.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
fn answers(received: &[u8], known: &[(&str, String)]) -> (Vec<u8>, Vec<u8>) {
    let received = String::from_utf8_lossy(received).to_ascii_uppercase();
    let mut at_once = String::new();
    for command in received.split('*').skip(1) {
        let name = command.lines().nth(2).unwrap_or_default();
        match known.iter().find(|(known, _)| name == *known) {
            Some((_, answer)) => at_once += answer,
            None if ["AUTH", "CLIENT", "READONLY"].contains(&name) => at_once += "+OK\r\n",
            None => return (at_once.into_bytes(), b"$1000\r\nvalue value value".to_vec()),
        }
    }
    (at_once.into_bytes(), Vec::new())
}

#[cfg(feature = "redis-cluster")]
#[test]
fn a_cluster_is_given_up_in_time() {
    use lru_backends::Redis;
    use lru_backends::redis_client::cluster::ClusterClient;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering::SeqCst};

    // A cluster of one server, which answers no question about a key.
    let known = |port: u16| {
        let slots = format!("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:{port}\r\n$1\r\na\r\n");
        [("CLUSTER", slots), ("PING", "+PONG\r\n".to_owned())]
    };
    let own = Arc::new(AtomicU16::new(0));
    let told = Arc::clone(&own);
    let half = server(PAUSE, move |received| answers(received, &known(told.load(SeqCst))));
    own.store(half, SeqCst);
    let silent = server(PAUSE, |_| (Vec::new(), Vec::new()));
    let slow = dribbling(b"+OK this never ends", PAUSE);
    for port in [half, silent, slow] {
        let client = ClusterClient::new(vec![format!("redis://127.0.0.1:{port}")]).unwrap();
        let backend = Redis::cluster(client).connect_timeout(TIMEOUT).timeout(TIMEOUT).breaker(100, TIMEOUT);
        let spans = [
            timed(|| Backend::get(&backend, "n", b"key").map(drop)),
            timed(|| Backend::get_or_lease(&backend, "n", b"key", TIMEOUT.into()).map(drop)),
            timed(|| Backend::get_many(&backend, "n", &[b"key", b"other"]).map(drop)),
            timed(|| Backend::set(&backend, "n", b"key", b"value", None)),
            timed(|| block_on(AsyncBackend::get_or_lease(&backend, "n", b"key", TIMEOUT.into())).map(drop)),
            timed(|| block_on(AsyncBackend::get_many(&backend, "n", &[b"key", b"other"])).map(drop)),
        ];
        assert!(spans.iter().all(|(span, done)| done.is_err() && *span < 3 * TIMEOUT), "{spans:?}");
    }
}

#[cfg(feature = "redis-sentinel")]
#[test]
fn sentinels_are_given_up_in_time_and_the_next_one_is_asked() {
    use lru_backends::Redis;
    use lru_backends::redis_client::sentinel::{SentinelClient, SentinelServerType};

    let silent = || server(PAUSE, |_| (Vec::new(), Vec::new()));
    let slow = || dribbling(b"+OK this never ends", PAUSE);
    let main = server(PAUSE, |received| {
        let role = ("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n".to_owned());
        answers(received, &[role, ("PTTL", ":-2\r\n".to_owned()), ("GET", "$-1\r\n".to_owned())])
    });
    // The name, the address, and the state of a server.
    let masters = move || {
        let words = ["name", "main", "ip", "127.0.0.1", "port", &main.to_string(), "flags", "master"]
            .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        ("SENTINEL", format!("*1\r\n*8\r\n{}", words.concat()))
    };
    let is_sentinel = || ("ROLE", "*2\r\n$8\r\nsentinel\r\n*1\r\n$4\r\nmain\r\n".to_owned());
    let good = move || server(PAUSE, move |received| answers(received, &[is_sentinel(), masters()]));
    let backend = |ports: &[u16]| {
        let urls: Vec<_> = ports.iter().map(|port| format!("redis://127.0.0.1:{port}")).collect();
        let client = SentinelClient::build(urls, "main", None, SentinelServerType::Master);
        let backend = Redis::sentinel(client.unwrap()).breaker(u32::MAX, TIMEOUT);
        backend.connect_timeout(TIMEOUT).timeout(TIMEOUT)
    };
    for port in [silent(), slow()] {
        let backend = backend(&[port]);
        let spans = [
            timed(|| Backend::get(&backend, "n", b"key").map(drop)),
            timed(|| Backend::get_or_lease(&backend, "n", b"key", TIMEOUT.into()).map(drop)),
            timed(|| block_on(AsyncBackend::get(&backend, "n", b"key")).map(drop)),
            timed(|| block_on(AsyncBackend::set(&backend, "n", b"key", b"value", None))),
        ];
        assert!(spans.iter().all(|(span, done)| done.is_err() && *span < 3 * TIMEOUT), "{spans:?}");
    }
    // Which sentinel answers is found out in the background.
    for first in [silent(), slow()] {
        let (plain, awaited) = (backend(&[first, good()]), backend(&[first, good()]));
        let get_async = || block_on(AsyncBackend::get(&awaited, "n", b"key"));
        for get in [&(|| Backend::get(&plain, "n", b"key")) as &dyn Fn() -> Result<_, _>, &get_async] {
            let begin = Instant::now();
            loop {
                let (span, answer) = timed(get);
                assert!(span < 3 * TIMEOUT, "{span:?}");
                match answer {
                    Ok(found) => break assert_eq!(found, None),
                    Err(error) => assert!(begin.elapsed() < Duration::from_secs(30), "{error}"),
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_that_accepts_no_connection_is_given_up_in_time() {
    use socket2::{Domain, SockAddr, Socket, Type};

    let folder = std::env::temp_dir().join(format!("lru-deadlines-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let address = SockAddr::unix(&path).unwrap();
    let socket = || Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&address).unwrap();
    listener.listen(1).unwrap();
    // As many connections as wait to be accepted.
    let waiting: Vec<_> = std::iter::repeat_with(|| {
        let socket = socket();
        socket.set_nonblocking(true).unwrap();
        socket.connect(&address).is_ok().then_some(socket)
    })
    .map_while(|connected| connected)
    .collect();
    assert!(!waiting.is_empty());
    let path = path.display();
    let of_redis = redis(format!("redis+unix://{path}")).connect_timeout(TIMEOUT).breaker(100, TIMEOUT);
    let of_memcached = memcached(format!("unix:{path}")).connect_timeout(TIMEOUT).breaker(100, TIMEOUT);
    let spans = [
        given_up(|| Backend::get(&of_redis, "n", b"key")),
        given_up(|| Backend::get(&of_memcached, "n", b"key")),
        given_up(|| block_on(AsyncBackend::get(&of_memcached, "n", b"key"))),
    ];
    assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 2 * TIMEOUT), "{spans:?}");
    // This client does not wait.
    let (span, answer) = timed(|| block_on(AsyncBackend::get(&of_redis, "n", b"key")));
    assert!(answer.is_err() && span < 2 * TIMEOUT, "{span:?}");
    drop((listener, waiting));
    std::fs::remove_dir_all(folder).unwrap();
}

//! Each failure of a backend has the kind that tells what to do about it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use lru_backends::{CompareAndSwap, Sharded, disk, memcached, redis};
use lru_core::backend::{AsyncBackend, Backend, ErrorKind};

/// A server that gives the same answer to whatever it is asked; none if that is empty. Returns its port.
fn server(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            std::thread::spawn(move || {
                let mut chunk = [0; 1024];
                while connection.read(&mut chunk).is_ok_and(|read| read > 0) {
                    if connection.write_all(answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// A port at which no server listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn kind_of(backend: &impl Backend) -> ErrorKind {
    backend.get("any", b"key").unwrap_err().kind()
}

fn redis_at(port: u16) -> impl Backend {
    redis(format!("redis://127.0.0.1:{port}/")).timeout(Duration::from_millis(50))
}

fn memcached_at(port: u16) -> impl Backend {
    memcached(format!("127.0.0.1:{port}")).timeout(Duration::from_millis(50))
}

#[test]
fn a_server_that_is_down_is_unavailable_and_then_skipped() {
    let (redis, memcached) = (redis_at(free_port()), memcached_at(free_port()));
    for _ in 0..3 {
        assert_eq!((kind_of(&redis), kind_of(&memcached)), (ErrorKind::Unavailable, ErrorKind::Unavailable));
    }
    assert_eq!((kind_of(&redis), kind_of(&memcached)), (ErrorKind::CircuitOpen, ErrorKind::CircuitOpen));
    let message = memcached.get("any", b"key").unwrap_err().to_string();
    assert!(message.starts_with("circuit breaker open for memcached at 127.0.0.1:"), "{message}");
}

#[test]
fn a_server_that_does_not_answer_is_a_timeout() {
    let port = server(b"");
    assert_eq!(kind_of(&redis_at(port)), ErrorKind::Timeout);
    assert_eq!(kind_of(&memcached_at(port)), ErrorKind::Timeout);
}

#[test]
fn an_answer_that_makes_no_sense_is_a_protocol_error() {
    assert_eq!(kind_of(&redis_at(server(b"?\r\n"))), ErrorKind::Protocol);
    assert_eq!(kind_of(&memcached_at(server(b"?\r\n"))), ErrorKind::Protocol);
    assert_eq!(kind_of(&memcached_at(server(b"HD\r\nHD\r\n"))), ErrorKind::Protocol);
}

#[test]
fn an_error_of_the_server_is_a_rejection() {
    let refusing = redis_at(server(b"-NOPERM this user has no permissions\r\n".repeat(4).leak()));
    assert_eq!(kind_of(&refusing), ErrorKind::Rejected);
    let full = memcached_at(server(b"SERVER_ERROR out of memory\r\nSERVER_ERROR out of memory\r\n"));
    for _ in 0..4 {
        assert_eq!(
            kind_of(&full),
            ErrorKind::Rejected,
            "the circuit breaker counts servers that are down only"
        );
    }
}

#[test]
fn what_is_set_up_wrongly_is_a_configuration_error() {
    assert_eq!(kind_of(&redis("no URL")), ErrorKind::Configuration);
    assert_eq!(kind_of(&Sharded::<Box<dyn Backend>>::new([])), ErrorKind::Configuration);
    // Async clients of servers need a tokio runtime.
    let backend = memcached("127.0.0.1:1");
    let mut get = std::pin::pin!(AsyncBackend::get(&backend, "any", b"key"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(got) = get.as_mut().poll(&mut context) else { panic!("it waits") };
    assert_eq!(got.unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn a_file_that_cannot_be_opened_is_unavailable() {
    let folder = std::env::temp_dir().join(format!("lru-kinds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    assert_eq!(kind_of(&disk(&folder)), ErrorKind::Unavailable);
    std::fs::write(folder.join("text"), "no database").unwrap();
    assert_eq!(kind_of(&disk(folder.join("text").join("below"))), ErrorKind::Unavailable);
    assert_eq!(kind_of(&disk(folder.join("text"))), ErrorKind::Protocol);

    let backend = disk(folder.join("results.redb"));
    let unwritable = backend.update("any", b"key", None, |_: Option<Unwritable>| Unwritable);
    assert_eq!(unwritable.unwrap_err().kind(), ErrorKind::Serialization);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A value that refuses to be serialized.
#[derive(Debug)]
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("refused"))
    }
}

impl<'de> serde::Deserialize<'de> for Unwritable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("refused"))
    }
}

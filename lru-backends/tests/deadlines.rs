//! A question has one deadline, however the server spends the time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use lru_backends::redis;
use lru_core::backend::{AsyncBackend, Backend, BackendError, ErrorKind};

/// The timeout for connecting, and that for an answer.
const TIMEOUT: Duration = Duration::from_millis(250);

/// A server that answers byte by byte, with a pause before each. Returns its port.
fn dribbling(answer: &'static [u8], pause: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                let mut chunk = [0; 1024];
                while connection.read(&mut chunk).is_ok_and(|read| read > 0) {
                    for byte in answer {
                        thread::sleep(pause);
                        if connection.write_all(&[*byte]).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    port
}

/// Returns how long a question takes that is given up. It ends the process if that is too long.
fn given_up<T>(ask: impl FnOnce() -> Result<T, BackendError>) -> Duration {
    let (done, wait) = mpsc::channel::<()>();
    thread::spawn(move || {
        if wait.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("the question is not given up");
            std::process::exit(101);
        }
    });
    let begin = Instant::now();
    assert_eq!(ask().err().expect("no answer").kind(), ErrorKind::Timeout);
    drop(done);
    begin.elapsed()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_server_that_sends_byte_by_byte_is_given_up_in_time() {
    let port = dribbling(b"*3\r\n$5\r\nvalue\r\n$5\r\nvalue\r\n", Duration::from_millis(100));
    let all_ask = |url: &str| {
        let backend = redis(url).connect_timeout(TIMEOUT).timeout(TIMEOUT).breaker(100, TIMEOUT);
        let second = Duration::from_secs(1);
        [
            given_up(|| Backend::get(&backend, "n", b"key")),
            given_up(|| Backend::get_or_lease(&backend, "n", b"key", second)),
            given_up(|| Backend::set(&backend, "n", b"key", b"value", None)),
            given_up(|| Backend::delete(&backend, "n", b"key")),
            given_up(|| Backend::clear(&backend, "n")),
            given_up(|| block_on(AsyncBackend::get_or_lease(&backend, "n", b"key", second))),
        ]
    };
    // Once for the question, once for the password.
    for user in ["", ":password@"] {
        let spans = all_ask(&format!("redis://{user}127.0.0.1:{port}/"));
        // The time for connecting and that for the answer, on a busy machine.
        assert!(spans.iter().all(|span| *span >= TIMEOUT && *span < 4 * TIMEOUT), "{spans:?}");
    }
}

#[test]
fn a_server_that_is_frozen_is_waited_for_once() {
    let port = dribbling(b"+", Duration::from_secs(600));
    let backend = redis(format!("redis://127.0.0.1:{port}/")).timeout(TIMEOUT).breaker(100, TIMEOUT);
    for _ in 0..2 {
        let span = given_up(|| Backend::get_or_lease(&backend, "n", b"key", TIMEOUT));
        assert!(span >= TIMEOUT && span < 2 * TIMEOUT, "{span:?}");
    }
}

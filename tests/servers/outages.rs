//! An outage is reported once, by all functions whose backends share a server. Calls go on: no result is wrong, and
//! the in-process caches keep theirs.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use functools::backend::{self, BackendError, CircuitState, Memcached, Redis};
use functools::lru_cache;

use crate::server::{Server, eventually, limit};

/// How long an outage lasts at least: `OUTAGE=10` for ten seconds.
fn at_least() -> Duration {
    let seconds = std::env::var("OUTAGE").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.0))
}

macro_rules! reported_once {
    ($name:ident, $Client:ident, $client:expr, $start:expr, $place:expr) => {
        #[test]
        fn $name() {
            let _limit = limit();
            static PLACE: OnceLock<String> = OnceLock::new();
            static OPENINGS: AtomicU64 = AtomicU64::new(0);
            static SINGLE: AtomicU64 = AtomicU64::new(0);
            static CHANGES: AtomicU64 = AtomicU64::new(0);
            fn server() -> $Client {
                let server = $client(PLACE.get().unwrap()).breaker(3, Duration::from_millis(50));
                server.on_circuit_change(|_| _ = CHANGES.fetch_add(1, SeqCst))
            }
            fn report(error: &BackendError) {
                let kind = if error.opens_circuit() { &OPENINGS } else { &SINGLE };
                kind.fetch_add(1, SeqCst);
            }
            #[lru_cache(maxsize = 0, backend = server(), on_backend_error = report)]
            fn double(n: u64) -> u64 {
                2 * n
            }
            #[lru_cache(maxsize = 0, backend = server(), on_backend_error = report)]
            fn triple(n: u64) -> u64 {
                3 * n
            }
            static COPIED: AtomicU64 = AtomicU64::new(0);
            #[lru_cache(maxsize = 100, ttl = 3600, backend = server(), on_backend_error = report)]
            fn square(n: u64) -> u64 {
                COPIED.fetch_add(1, SeqCst);
                n * n
            }
            let mut server = $start(&[]);
            PLACE.set($place(&server)).unwrap();
            assert_eq!((double(1), triple(1), double(1), triple(1)), (2, 3, 2, 3));
            assert_eq!((0..100).map(square).sum::<u64>(), 328_350);
            let is_over = AtomicBool::new(false);
            let copied = std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while !is_over.load(SeqCst) {
                            assert_eq!((double(1), triple(1)), (2, 3));
                            assert_eq!((0..100).map(square).sum::<u64>(), 328_350);
                        }
                    });
                }
                let hits = || double::cache_info().hits + triple::cache_info().hits;
                server.kill();
                let begin = Instant::now();
                eventually("some probes fail", || CHANGES.load(SeqCst) >= 5 && begin.elapsed() >= at_least());
                assert!(double::cache_stats().backend_state > Some(CircuitState::Closed));
                // A copy goes if its own write could not be told from a change by others when the connection broke.
                let copied = COPIED.load(SeqCst);
                server.restart();
                let before = hits();
                eventually("hits again", || hits() > before + 100);
                is_over.store(true, SeqCst);
                copied
            });
            let (openings, single, changes) =
                (OPENINGS.load(SeqCst), SINGLE.load(SeqCst), CHANGES.load(SeqCst));
            println!(
                "{openings} reports that the circuit opened, {single} of other failures, {changes} changes"
            );
            assert!(
                openings >= 1 && openings + single <= changes,
                "{openings} and {single} for {changes} changes"
            );
            assert!(double::cache_stats().backend_errors > 100);
            assert_eq!(COPIED.load(SeqCst), copied, "the in-process cache keeps its copies");
            eventually("the circuit is closed", || {
                triple::cache_stats().backend_state == Some(CircuitState::Closed)
            });
        }
    };
}

reported_once! {
    an_outage_is_reported_once_by_all_functions_of_a_server,
    Memcached, backend::memcached, Server::memcached, Server::address
}
reported_once! {
    an_outage_is_reported_once_by_all_functions_of_a_url,
    Redis, backend::redis, Server::redis, Server::url
}

//! Coalesced calls whose computation returns an `Err`.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::lru_cache;

use crate::support::{Gate, Hand, finishes, tally, wait_until};

#[test]
fn an_error_that_can_be_copied_goes_to_all_who_wait() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    type Answer<T> = Result<T, String>;

    #[lru_cache]
    async fn fetch(n: u64) -> Answer<u64> {
        GATE.pass().await;
        RUNS.fetch_add(1, SeqCst);
        Err(format!("no {n}"))
    }

    #[lru_cache(single_flight = true, maxsize = 0)]
    fn fetch_in_thread(n: u64) -> Answer<u64> {
        wait_until(|| fetch_in_thread::__memo(&()).in_flight() == (1, 3));
        RUNS.fetch_add(1, SeqCst);
        Err(format!("no {n}"))
    }

    finishes(|| {
        let calls = [(); 4].map(|()| Hand::begun(fetch(1)));
        GATE.open(1);
        assert!(calls.map(Hand::end).iter().all(|answer| *answer == Err("no 1".into())));
        assert_eq!((RUNS.load(SeqCst), tally(fetch::cache_info())), (1, (3, 1, 0)));
        let threads = [(); 4].map(|()| thread::spawn(|| fetch_in_thread(1)));
        assert!(threads.into_iter().all(|thread| thread.join().unwrap().is_err()));
        assert_eq!((RUNS.load(SeqCst), tally(fetch_in_thread::cache_info())), (2, (3, 1, 0)));
        assert_eq!(fetch::__memo(&()).in_flight(), (0, 0));
    });
}

#[test]
fn after_one_that_cannot_all_who_waited_go_on_at_once() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[derive(Debug)]
    struct Refusal;

    type Answer<T, E = Refusal> = std::result::Result<T, E>;

    #[lru_cache]
    async fn fetch(n: u64) -> Answer<u64> {
        RUNS.fetch_add(1, SeqCst);
        GATE.pass().await;
        if n > 1 { Err(Refusal) } else { Ok(n) }
    }

    #[lru_cache(single_flight = true)]
    fn fetch_in_thread(n: u64) -> Answer<u64> {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            wait_until(|| fetch_in_thread::__memo(&()).in_flight() == (1, 5));
        } else {
            // The others run at the same time.
            wait_until(|| RUNS.load(SeqCst) == 6);
        }
        if n > 1 { Err(Refusal) } else { Ok(n) }
    }

    finishes(|| {
        let mut calls: Vec<_> = (0..6).map(|_| Hand::begun(fetch(2))).collect();
        assert_eq!(RUNS.load(SeqCst), 1);
        GATE.open(1);
        assert!(calls.remove(0).end().is_err());
        assert!(calls.iter().all(|call| call.woken() == 1));
        assert!(calls.iter_mut().all(|call| call.poll().is_none()));
        assert_eq!(RUNS.load(SeqCst), 6);
        // A call that comes later leads a flight of its own.
        let later = [(); 2].map(|()| Hand::begun(fetch(2)));
        assert_eq!((RUNS.load(SeqCst), fetch::__memo(&()).in_flight()), (7, (1, 1)));
        GATE.open(8);
        assert!(calls.into_iter().chain(later).all(|call| call.end().is_err()));
        assert_eq!(tally(fetch::cache_info()), (0, 8, 0));
        RUNS.store(0, SeqCst);
        let threads: Vec<_> = (0..6).map(|_| thread::spawn(|| fetch_in_thread(2).is_err())).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        assert_eq!((RUNS.load(SeqCst), tally(fetch_in_thread::cache_info())), (6, (0, 6, 0)));
        assert_eq!(fetch_in_thread::__memo(&()).in_flight(), (0, 0));
    });
}

/// Defines a function that returns a result or an error, as the test chooses, and a clock for it.
macro_rules! origin {
    ($options:tt $(, $asyncness:ident)?) => {
        static NOW: AtomicU64 = AtomicU64::new(0);
        static RUNS: AtomicU64 = AtomicU64::new(0);
        static FAILS: AtomicU64 = AtomicU64::new(0);

        fn now() -> u64 {
            NOW.load(SeqCst)
        }

        #[lru_cache $options]
        $($asyncness)? fn ask(_key: u64) -> Result<u64, String> {
            let run = RUNS.fetch_add(1, SeqCst);
            if FAILS.load(SeqCst) == 1 { Err("down".into()) } else { Ok(run) }
        }
    };
}

fn down() -> Result<u64, String> {
    Err("down".into())
}

#[test]
fn what_is_stale_stands_in_for_an_error() {
    origin!((ttl = 60, stale_if_error = 300, timer = now));

    finishes(|| {
        assert_eq!(ask(1), Ok(0));
        NOW.store(59, SeqCst);
        assert_eq!(ask(1), Ok(0));
        FAILS.store(1, SeqCst);
        NOW.store(60, SeqCst);
        assert_eq!((ask(1), RUNS.load(SeqCst)), (Ok(0), 2));
        assert!(!ask::cache_contains(1));
        assert_eq!(ask::cache_peek(1), None);
        NOW.store(359, SeqCst);
        assert_eq!((ask(1), RUNS.load(SeqCst)), (Ok(0), 3));
        assert_eq!(ask::cache_stats().stale_hits, 2);
        assert_eq!(ask::cache_stats().errors, 2);
        NOW.store(360, SeqCst);
        assert_eq!(ask(1), down());
        assert_eq!(ask(2), down());
        FAILS.store(0, SeqCst);
        assert_eq!(ask(1), Ok(5));
        assert_eq!(tally(ask::cache_info()), (1, 6, 1));
        // A new result replaces the stale one.
        NOW.store(500, SeqCst);
        assert_eq!((ask(1), ask(1)), (Ok(6), Ok(6)));
    });
}

#[test]
fn an_error_is_remembered_for_a_time_of_its_own() {
    origin!((ttl = 60, cache_errors = true, error_ttl = 5, timer = now));

    finishes(|| {
        FAILS.store(1, SeqCst);
        assert_eq!((ask(1), ask(1), RUNS.load(SeqCst)), (down(), down(), 1));
        NOW.store(4, SeqCst);
        FAILS.store(0, SeqCst);
        assert_eq!(ask(1), down());
        NOW.store(5, SeqCst);
        assert_eq!(ask(1), Ok(1));
        NOW.store(64, SeqCst);
        assert_eq!(ask(1), Ok(1));
    });
}

#[test]
fn a_remembered_error_does_not_replace_what_is_of_use() {
    origin!((ttl = 60, cache_errors = true, error_ttl = 5, stale_if_error = 300, timer = now));

    finishes(|| {
        assert_eq!(ask(1), Ok(0));
        FAILS.store(1, SeqCst);
        NOW.store(100, SeqCst);
        assert_eq!((ask(1), ask(1)), (Ok(0), Ok(0)));
        assert_eq!(ask::cache_refresh(1), down());
        assert_eq!(ask(1), Ok(0));
        NOW.store(360, SeqCst);
        let runs = RUNS.load(SeqCst);
        assert_eq!((ask(1), ask(1)), (down(), down()));
        assert_eq!(RUNS.load(SeqCst), runs + 1);
        // An explicit put may.
        ask::cache_put(2, Ok(7));
        ask::cache_put(2, down());
        assert_eq!(ask(2), down());
    });
}

#[test]
fn who_waits_for_a_refresh_that_fails_has_what_is_stale() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(ttl = 60, swr = 30, stale_if_error = 300, timer = || NOW.load(SeqCst))]
    async fn ask(_key: u64) -> Result<u64, String> {
        let now = NOW.load(SeqCst);
        GATE.pass().await;
        if now == 0 { Ok(7) } else { Err("down".into()) }
    }

    finishes(|| {
        GATE.open(1);
        assert_eq!(Hand::new(ask(1)).end(), Ok(7));
        NOW.store(80, SeqCst);
        // There is no executor here, so the call itself runs the refresh.
        let refresh = Hand::begun(ask(1));
        assert_eq!(Hand::new(ask(1)).end(), Ok(7));
        NOW.store(95, SeqCst);
        let waits = Hand::begun(ask(1));
        assert_eq!(ask::__memo().in_flight(), (1, 1));
        GATE.open(2);
        let refreshed = refresh.end();
        assert_eq!((waits.end(), refreshed), (Ok(7), Ok(7)));
    });
}

#[test]
fn errors_and_stale_ones_in_async_functions() {
    origin!((ttl = 60, stale_if_error = 300, cache_errors = true, timer = now), async);

    finishes(|| {
        assert_eq!(Hand::new(ask(1)).end(), Ok(0));
        FAILS.store(1, SeqCst);
        NOW.store(60, SeqCst);
        assert_eq!(Hand::new(ask(1)).end(), Ok(0));
        assert_eq!([(); 2].map(|()| Hand::new(ask(2)).end()), [down(), down()]);
        assert_eq!(RUNS.load(SeqCst), 3);
        NOW.store(119, SeqCst);
        Hand::new(ask(2)).end().unwrap_err();
        assert_eq!(RUNS.load(SeqCst), 3);
        NOW.store(120, SeqCst);
        Hand::new(ask(2)).end().unwrap_err();
        assert_eq!(RUNS.load(SeqCst), 4);
    });
}

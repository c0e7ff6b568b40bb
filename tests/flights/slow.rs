//! Stale-if-slow: a stale result is served if the computation takes too long, which then goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use std::time::Duration;

use functools::refresh::Task;
use functools::testing::advance;
use functools::{Source, lru_cache};

use crate::support::{Gate, Hand, alone, finishes, on_tokio, raise, raises, tally, wait_until};

const LIMIT: Duration = Duration::from_secs(5);

/// Defines a function that returns the number of its run, which begins with zero, when `MAY_END` is greater. `MODE` lets
/// it fail, or panic.
macro_rules! blocking {
    ($options:tt $result:ty, $ok:expr, $err:expr $(, $memo:expr)?) => {
        static NOW: AtomicU64 = AtomicU64::new(0);
        static RUNS: AtomicU64 = AtomicU64::new(0);
        static MAY_END: AtomicU64 = AtomicU64::new(u64::MAX);
        static MODE: AtomicU64 = AtomicU64::new(0);
        static RAN_ON: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

        fn now() -> u64 {
            NOW.load(SeqCst)
        }

        #[lru_cache $options]
        fn read(key: &str) -> $result {
            assert_eq!(key, "key");
            RAN_ON.lock().unwrap().push(thread::current().id());
            let run = RUNS.fetch_add(1, SeqCst);
            wait_until(|| MAY_END.load(SeqCst) > run);
            match MODE.load(SeqCst) {
                0 => $ok(run),
                1 => $err,
                _ => raise(),
            }
        }

        /// Waits until the run of this number has begun, and lets the limit of all calls pass.
        #[allow(dead_code)]
        fn pass_limit(run: u64) {
            wait_until(|| RUNS.load(SeqCst) > run);
            advance(LIMIT);
        }

        /// Waits until nothing is computed.
        #[allow(dead_code)]
        fn settled() {
            wait_until(|| in_flight() == (0, 0));
        }

        #[allow(dead_code)]
        fn in_flight() -> (usize, usize) {
            read::__memo($($memo)?).in_flight()
        }
    };
    ($options:tt) => { blocking!($options u64, |run| run, u64::MAX) };
}

#[test]
fn a_slow_call_gets_the_stale_result_and_the_computation_goes_on() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now));

    alone(|| {
        let here = thread::current().id();
        assert_eq!(read("key"), 0);
        assert_eq!(RAN_ON.lock().unwrap()[0], here, "there is no stale result, so the call computes");
        NOW.store(60, SeqCst);
        assert_eq!((read("key"), read::cache_contains("key")), (1, true), "it is not slow");
        assert_ne!(RAN_ON.lock().unwrap()[1], here);
        assert_eq!((read::cache_stats().stale_hits, tally(read::cache_info())), (0, (0, 2, 1)));

        NOW.store(120, SeqCst);
        MAY_END.store(2, SeqCst);
        let call = thread::spawn(|| read("key"));
        pass_limit(2);
        assert_eq!(call.join().unwrap(), 1);
        assert_eq!((RUNS.load(SeqCst), in_flight()), (3, (1, 0)));
        assert_eq!((read::cache_stats().stale_hits, tally(read::cache_info())), (1, (0, 3, 1)));
        // A later call waits for the same computation.
        let call = thread::spawn(|| read("key"));
        wait_until(|| in_flight() == (1, 1));
        pass_limit(2);
        assert_eq!(call.join().unwrap(), 1);
        assert_eq!((read::cache_stats().stale_hits, tally(read::cache_info())), (2, (1, 3, 1)));
        MAY_END.store(u64::MAX, SeqCst);
        wait_until(|| read::cache_contains("key"));
        assert_eq!((read("key"), RUNS.load(SeqCst)), (2, 3));
        settled();
    });
}

#[test]
fn a_result_is_kept_for_another_ttl() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now));

    finishes(|| {
        let here = thread::current().id();
        assert_eq!(read("key"), 0);
        NOW.store(119, SeqCst);
        assert_eq!((read("key"), RAN_ON.lock().unwrap()[1] == here), (1, false));
        NOW.store(119 + 120, SeqCst);
        assert_eq!((read("key"), RAN_ON.lock().unwrap()[2] == here), (2, true), "nothing stale is kept");
        settled();
    });
}

#[test]
fn with_stale_if_error_for_as_long_as_that_says() {
    blocking!((ttl = 60, stale_if_error = 10, stale_if_slow = LIMIT, timer = now) Result<u64, String>, Ok, Err("down".into()));

    alone(|| {
        let here = thread::current().id();
        assert_eq!(read("key"), Ok(0));
        NOW.store(69, SeqCst);
        MODE.store(1, SeqCst);
        assert_eq!(read("key"), Ok(0), "for the error");
        assert_eq!((RUNS.load(SeqCst), read::cache_stats().errors), (2, 1));
        MAY_END.store(2, SeqCst);
        let call = thread::spawn(|| read("key"));
        pass_limit(2);
        assert_eq!(call.join().unwrap(), Ok(0), "for being slow");
        MAY_END.store(u64::MAX, SeqCst);
        settled();
        assert_eq!(
            read::cache_stats().stale_hits,
            3,
            "the error that no call waited for was replaced as well"
        );
        NOW.store(70, SeqCst);
        assert_eq!(read("key"), Err("down".into()));
        assert_eq!(RAN_ON.lock().unwrap().last(), Some(&here));
    });
}

#[test]
fn an_error_or_a_panic_in_time_is_the_call_s() {
    /// Neither `Clone` nor `Sync`.
    #[derive(Debug, PartialEq)]
    struct Refusal(std::cell::Cell<u8>);

    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now) Result<u64, Refusal>, Ok, Err(Refusal(std::cell::Cell::new(7))), &());

    alone(|| {
        assert_eq!(read("key"), Ok(0));
        NOW.store(60, SeqCst);
        MODE.store(1, SeqCst);
        assert_eq!(read("key"), Err(Refusal(std::cell::Cell::new(7))));
        MODE.store(2, SeqCst);
        assert!(raises(|| read("key")));
        assert_eq!((RUNS.load(SeqCst), in_flight()), (3, (0, 0)));
        // The stale result stays.
        MAY_END.store(3, SeqCst);
        let call = thread::spawn(|| read("key"));
        pass_limit(3);
        assert_eq!(call.join().unwrap(), Ok(0));
        // A panic of which no call is told.
        MAY_END.store(u64::MAX, SeqCst);
        settled();
        MODE.store(0, SeqCst);
        assert_eq!(read("key"), Ok(4));
    });
}

#[test]
fn all_who_wait_get_the_stale_result() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now));

    alone(|| {
        read("key");
        NOW.store(60, SeqCst);
        MAY_END.store(1, SeqCst);
        let calls = [(); 4].map(|()| thread::spawn(|| read("key")));
        wait_until(|| in_flight() == (1, 3));
        pass_limit(1);
        assert!(calls.into_iter().all(|call| call.join().unwrap() == 0));
        assert_eq!((RUNS.load(SeqCst), read::cache_stats().stale_hits), (2, 4));
        assert_eq!(tally(read::cache_info()), (3, 2, 1));
        MAY_END.store(u64::MAX, SeqCst);
        settled();
        assert_eq!(read("key"), 1);
    });
}

#[test]
fn after_an_error_that_cannot_be_copied_a_follower_computes_within_its_time() {
    #[derive(Debug, PartialEq)]
    struct Refusal;

    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now) Result<u64, Refusal>, Ok, Err(Refusal), &());

    alone(|| {
        assert_eq!(read("key"), Ok(0));
        NOW.store(60, SeqCst);
        MODE.store(1, SeqCst);
        MAY_END.store(1, SeqCst);
        let leader = thread::spawn(|| read("key"));
        wait_until(|| RUNS.load(SeqCst) == 2);
        let follower = thread::spawn(|| read("key"));
        wait_until(|| in_flight() == (1, 1));
        MAY_END.store(2, SeqCst);
        assert_eq!(leader.join().unwrap(), Err(Refusal));
        pass_limit(2);
        assert_eq!(follower.join().unwrap(), Ok(0));
        MAY_END.store(u64::MAX, SeqCst);
        settled();
    });
}

#[test]
fn a_result_that_is_invalidated_meanwhile_is_not_served() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, tags = |_| [functools::tag("slow-source", 1)], timer = now));

    alone(|| {
        read("key");
        NOW.store(60, SeqCst);
        MAY_END.store(1, SeqCst);
        let calls = [(); 2].map(|()| thread::spawn(|| read("key")));
        wait_until(|| in_flight() == (1, 1));
        functools::invalidate(functools::tag("slow-source", 1));
        pass_limit(1);
        advance(LIMIT);
        MAY_END.store(u64::MAX, SeqCst);
        // The leader began before the invalidation, and the follower, too.
        assert!(calls.into_iter().all(|call| call.join().unwrap() >= 1));
        assert_eq!(read::cache_stats().stale_hits, 0);
        // A result that was invalid before is no reason to compute apart.
        let here = thread::current().id();
        functools::invalidate(functools::tag("slow-source", 1));
        read("key");
        assert_eq!(RAN_ON.lock().unwrap().last(), Some(&here));
        settled();
    });
}

#[test]
fn a_computation_that_hangs_is_taken_over() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, flight_timeout = 20, timer = now));

    alone(|| {
        read("key");
        NOW.store(60, SeqCst);
        MAY_END.store(1, SeqCst);
        let call = thread::spawn(|| read("key"));
        pass_limit(1);
        assert_eq!(call.join().unwrap(), 0);
        advance(Duration::from_secs(20));
        let call = thread::spawn(|| read("key"));
        pass_limit(2);
        assert_eq!((call.join().unwrap(), RUNS.load(SeqCst)), (0, 3));
        MAY_END.store(u64::MAX, SeqCst);
        settled();
    });
}

#[test]
fn within_swr_no_call_waits_and_after_it_for_the_limit() {
    blocking!((ttl = 60, swr = 30, stale_if_slow = LIMIT, timer = now));

    alone(|| {
        read("key");
        NOW.store(60, SeqCst);
        MAY_END.store(1, SeqCst);
        assert_eq!(read("key"), 0);
        wait_until(|| RUNS.load(SeqCst) == 2);
        NOW.store(90, SeqCst);
        let call = thread::spawn(|| read("key"));
        wait_until(|| in_flight() == (1, 1));
        pass_limit(1);
        assert_eq!((call.join().unwrap(), RUNS.load(SeqCst)), (0, 2), "it waited for the refresh");
        MAY_END.store(u64::MAX, SeqCst);
        settled();
        assert_eq!(read("key"), 1);
    });
}

#[test]
fn the_source_of_a_late_answer_is_stale() {
    blocking!((ttl = 60, stale_if_slow = LIMIT, timer = now_in_seconds));

    fn now_in_seconds() -> Duration {
        Duration::from_secs(now())
    }

    alone(|| {
        assert_eq!(read::cache_call("key").source, Source::Computed);
        NOW.store(60, SeqCst);
        assert_eq!(read::cache_call("key").source, Source::Computed);
        NOW.store(121, SeqCst);
        MAY_END.store(2, SeqCst);
        let calls = [(); 2].map(|()| thread::spawn(|| read::cache_call("key")));
        wait_until(|| in_flight() == (1, 1));
        pass_limit(2);
        for call in calls {
            let answer = call.join().unwrap();
            assert_eq!(
                (answer.value, answer.source, answer.age),
                (1, Source::Stale, Duration::from_secs(61))
            );
        }
        MAY_END.store(u64::MAX, SeqCst);
        settled();
        assert_eq!(read::cache_call("key").source, Source::Fresh);
    });
}

#[test]
fn methods_and_arguments_that_are_not_in_the_key() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static GO: AtomicU64 = AtomicU64::new(1);
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u32);

    impl Shop {
        #[lru_cache(ttl = 60, stale_if_slow = 5, timer = || NOW.load(SeqCst), weight = |_, names, _, _| names.len())]
        fn price(&self, names: &[String], #[key(skip)] factor: u32) -> u32 {
            RUNS.fetch_add(1, SeqCst);
            wait_until(|| GO.load(SeqCst) == 1);
            self.0 * factor * u32::try_from(names.len()).unwrap()
        }
    }

    alone(|| {
        let names = ["a".to_owned()];
        assert_eq!(Shop(2).price(&names, 1), 2);
        NOW.store(60, SeqCst);
        GO.store(0, SeqCst);
        let call = thread::spawn(|| Shop(2).price(&["a".to_owned()], 10));
        wait_until(|| RUNS.load(SeqCst) == 2);
        advance(LIMIT);
        assert_eq!(call.join().unwrap(), 2);
        GO.store(1, SeqCst);
        wait_until(|| Shop::price_cache_contains(&Shop(2), &names));
        assert_eq!(Shop(2).price(&names, 1), 20);
    });
}

/// Defines an async function that returns the number of its run after `GATE`.
macro_rules! awaited {
    ($options:tt) => {
        static NOW: AtomicU64 = AtomicU64::new(0);
        static RUNS: AtomicU64 = AtomicU64::new(0);
        static GATE: Gate = Gate::new();
        #[allow(dead_code)]
        static TASKS: Mutex<Vec<Task>> = Mutex::new(Vec::new());

        fn now() -> u64 {
            NOW.load(SeqCst)
        }

        #[allow(dead_code)]
        fn later(task: Task) {
            TASKS.lock().unwrap().push(task);
        }

        #[allow(dead_code)]
        fn take_task() -> Task {
            let mut tasks = TASKS.lock().unwrap();
            assert_eq!(tasks.len(), 1);
            tasks.remove(0)
        }

        #[lru_cache $options]
        async fn read(_key: &str) -> u64 {
            let run = RUNS.fetch_add(1, SeqCst);
            GATE.pass().await;
            run
        }
    };
}

#[test]
fn a_task_goes_on_when_the_call_is_answered() {
    awaited!((ttl = 60, stale_if_slow = LIMIT, spawn = later, timer = now));

    alone(|| {
        GATE.open(1);
        assert_eq!(Hand::new(read("key")).end(), 0);
        assert!(TASKS.lock().unwrap().is_empty(), "there is no stale result");
        NOW.store(60, SeqCst);
        let call = Hand::begun(read("key"));
        let follower = Hand::begun(read("key"));
        let mut task = Hand::begun(take_task());
        assert_eq!(RUNS.load(SeqCst), 2);
        advance(LIMIT);
        wait_until(|| call.woken() > 0 && follower.woken() > 0);
        assert_eq!((call.end(), follower.end()), (0, 0));
        assert_eq!((read::cache_stats().stale_hits, tally(read::cache_info())), (2, (1, 2, 1)));
        assert!(task.poll().is_none());
        GATE.open(1);
        task.end();
        assert_eq!(Hand::new(read("key")).end(), 1);
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_call_gives_a_task_that_begins_late_back_to_the_executor() {
    awaited!((ttl = 60, stale_if_slow = LIMIT, spawn = later, timer = now));

    alone(|| {
        GATE.open(1);
        Hand::new(read("key")).end();
        NOW.store(60, SeqCst);
        let mut call = Hand::begun(read("key"));
        assert_eq!(RUNS.load(SeqCst), 1, "the executor has not begun");
        advance(Duration::from_millis(100));
        wait_until(|| call.woken() > 0);
        assert!(call.poll().is_none());
        assert_eq!(RUNS.load(SeqCst), 2, "the call has");
        let woken = call.woken();
        advance(LIMIT);
        wait_until(|| call.woken() > woken);
        assert_eq!(call.end(), 0);
        assert_eq!(read::__memo().in_flight(), (1, 0));
        GATE.open(1);
        Hand::new(take_task()).end();
        assert_eq!((Hand::new(read("key")).end(), RUNS.load(SeqCst)), (1, 2));
    });
}

#[test]
fn without_an_executor_the_call_awaits_its_computation() {
    struct Nowhere;

    impl functools::refresh::Spawn for Nowhere {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            Err(task)
        }
    }

    awaited!((ttl = 60, stale_if_slow = LIMIT, spawn = Nowhere, timer = now));

    alone(|| {
        GATE.open(1);
        Hand::new(read("key")).end();
        NOW.store(60, SeqCst);
        let mut call = Hand::begun(read("key"));
        let follower = Hand::begun(read("key"));
        advance(LIMIT);
        wait_until(|| follower.woken() > 0);
        assert_eq!(follower.end(), 0);
        assert!(call.poll().is_none(), "the computation would end with the call");
        GATE.open(1);
        assert_eq!((call.end(), RUNS.load(SeqCst)), (1, 2));
    });
}

#[test]
fn with_detach_and_on_tokio() {
    awaited!((ttl = 60, stale_if_slow = LIMIT, detach = true, timer = now));

    alone(|| {
        on_tokio(async {
            GATE.open(1);
            assert_eq!(read("key").await, 0);
            NOW.store(60, SeqCst);
            let call = tokio::spawn(read::cache_call("key"));
            while RUNS.load(SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            advance(LIMIT);
            let answer = call.await.unwrap();
            assert_eq!((answer.value, answer.source), (0, Source::Stale));
            GATE.open(1);
            while !read::cache_contains("key") {
                tokio::task::yield_now().await;
            }
            assert_eq!(read("key").await, 1);
        });
    });
}

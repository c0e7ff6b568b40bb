//! Stale-while-revalidate: a stale result is served and refreshed in the background.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use functools::testing::advance;
use functools::{CacheInfo, RemovalCause, lru_cache};

use crate::support::{Gate, Hand, alone, finishes, on_tokio, raise, tally, wait_until};

#[test]
fn what_is_stale_is_served_and_refreshed_once_on_a_thread() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static VERSION: AtomicU64 = AtomicU64::new(1);
    static STARTED: AtomicU64 = AtomicU64::new(0);
    static MAY_END: AtomicU64 = AtomicU64::new(1);
    static RAN_ON: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn read(key: &str) -> u64 {
        assert_eq!(key, "key");
        STARTED.fetch_add(1, SeqCst);
        RAN_ON.lock().unwrap().push(thread::current().id());
        wait_until(|| MAY_END.load(SeqCst) == 1);
        VERSION.load(SeqCst)
    }

    finishes(|| {
        assert_eq!(read("key"), 1);
        NOW.store(59, SeqCst);
        assert_eq!((read("key"), read::cache_contains("key")), (1, true));
        VERSION.store(2, SeqCst);
        MAY_END.store(0, SeqCst);
        NOW.store(1_000_000, SeqCst);
        assert!(!read::cache_contains("key"));
        assert_eq!(read::cache_peek("key"), Some(1));
        assert_eq!(STARTED.load(SeqCst), 1);
        assert_eq!([(); 5].map(|()| read("key")), [1; 5]);
        wait_until(|| STARTED.load(SeqCst) == 2);
        assert_eq!([(); 5].map(|()| read("key")), [1; 5]);
        assert_eq!(tally(read::cache_info()), (11, 1, 1));
        MAY_END.store(1, SeqCst);
        wait_until(|| read::cache_stats().refreshes == 1 && read::__memo().in_flight() == (0, 0));
        assert_eq!((read("key"), read::cache_contains("key")), (2, true));
        assert_eq!((STARTED.load(SeqCst), read::cache_stats().stale_hits), (2, 10));
        let ran_on = RAN_ON.lock().unwrap();
        assert_ne!(ran_on[0], ran_on[1]);
    });
}

#[test]
fn beyond_its_time_it_is_not_served() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(ttl = 60, swr = 30, timer = || NOW.load(SeqCst))]
    async fn read(_key: u64) -> u64 {
        BEGUN.fetch_add(1, SeqCst);
        let now = NOW.load(SeqCst);
        GATE.pass().await;
        now
    }

    finishes(|| {
        on_tokio(async {
            GATE.open(1);
            assert_eq!(read(1).await, 0);
            NOW.store(60, SeqCst);
            assert_eq!((read(1).await, read(1).await), (0, 0));
            while BEGUN.load(SeqCst) == 1 {
                tokio::task::yield_now().await;
            }
            NOW.store(89, SeqCst);
            assert_eq!(read::cache_peek(1), Some(0));
            NOW.store(90, SeqCst);
            assert_eq!(read::cache_peek(1), None);
            // The call waits for the refresh.
            let waits = Hand::begun(read(1));
            GATE.open(1);
            while waits.woken() == 0 {
                tokio::task::yield_now().await;
            }
            assert!(waits.end() >= 60);
            assert_eq!(read::cache_stats().coalesced, 1);
            NOW.store(1000, SeqCst);
            GATE.open(1);
            assert_eq!(read(1).await, 1000);
            assert_eq!(tally(read::cache_info()), (3, 2, 1));
        });
    });
}

/// Defines an async function that returns the number of its run, fails, or panics. Its executor puts
/// refreshes into `TASKS`, and the test runs them.
macro_rules! origin {
    ($options:tt $result:ty, $ok:ident) => {
        static NOW: AtomicU64 = AtomicU64::new(0);
        static RUNS: AtomicU64 = AtomicU64::new(0);
        static MODE: AtomicU64 = AtomicU64::new(0);
        static TASKS: Mutex<Vec<functools::refresh::Task>> = Mutex::new(Vec::new());

        fn now() -> u64 {
            NOW.load(SeqCst)
        }

        fn later(task: functools::refresh::Task) {
            TASKS.lock().unwrap().push(task);
        }

        /// Runs the only task to completion.
        #[allow(dead_code)]
        fn run_task() {
            let mut tasks = std::mem::take(&mut *TASKS.lock().unwrap());
            assert_eq!(tasks.len(), 1);
            Hand::new(tasks.remove(0)).end();
        }

        #[lru_cache $options]
        async fn read(_key: u64) -> $result {
            tokio::task::yield_now().await;
            let run = RUNS.fetch_add(1, SeqCst);
            match MODE.load(SeqCst) {
                0 => $ok(run),
                1 => Err("down".into()),
                _ => raise(),
            }
        }

        /// Runs a call to completion.
        #[allow(dead_code)]
        fn call() -> $result {
            on_tokio(read(1))
        }
    };
}

#[test]
fn a_refresh_that_fails_leaves_the_stale_one_and_waits() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later) Result<u64, String>, Ok);

    fn run_on_tokio() {
        let mut tasks = std::mem::take(&mut *TASKS.lock().unwrap());
        assert_eq!(tasks.len(), 1, "exactly one refresh");
        on_tokio(tasks.remove(0));
    }

    finishes(|| {
        assert_eq!(call(), Ok(0));
        NOW.store(60, SeqCst);
        MODE.store(1, SeqCst);
        assert_eq!((call(), call()), (Ok(0), Ok(0)));
        run_on_tokio();
        assert_eq!(read::cache_stats().errors, 1);
        assert!(!read::cache_contains(1), "the entry is not fresh");
        // The length of a second is unknown for this clock: the next attempt is one `ttl` later.
        NOW.store(119, SeqCst);
        assert_eq!((call(), TASKS.lock().unwrap().len()), (Ok(0), 0));
        NOW.store(120, SeqCst);
        assert_eq!(call(), Ok(0));
        MODE.store(0, SeqCst);
        run_on_tokio();
        assert_eq!((call(), read::cache_contains(1), RUNS.load(SeqCst)), (Ok(2), true, 3));
        assert_eq!(tally(read::cache_info()), (5, 1, 1));
    });
}

#[test]
fn a_refresh_that_panics_or_is_dropped_lets_another_begin() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later) Result<u64, String>, Ok);

    finishes(|| {
        assert_eq!(call(), Ok(0));
        NOW.store(60, SeqCst);
        // A refresh that is never polled.
        assert_eq!(call(), Ok(0));
        TASKS.lock().unwrap().clear();
        assert_eq!(read::__memo().in_flight(), (0, 0));
        // A refresh that is dropped halfway.
        assert_eq!(call(), Ok(0));
        let task = TASKS.lock().unwrap().remove(0);
        drop(Hand::begun(task));
        // A refresh that panics.
        MODE.store(2, SeqCst);
        assert_eq!(call(), Ok(0));
        let task = TASKS.lock().unwrap().remove(0);
        let mut task = Hand::begun(task);
        assert!(crate::support::raises(|| task.poll()));
        drop(task);
        assert_eq!(read::__memo().in_flight(), (0, 0));
        MODE.store(0, SeqCst);
        // A panic is a failure: the next refresh is due one `ttl` later.
        assert_eq!((call(), TASKS.lock().unwrap().len()), (Ok(0), 0));
        NOW.store(120, SeqCst);
        assert_eq!(call(), Ok(0));
        let task = TASKS.lock().unwrap().remove(0);
        on_tokio(task);
        assert_eq!(call(), Ok(2));
    });
}

#[test]
fn a_refresh_is_awaited_after_three_were_dropped_before_their_end() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later) Result<u64, String>, Ok);

    finishes(|| {
        assert_eq!(call(), Ok(0));
        NOW.store(60, SeqCst);
        // As by runtimes that end with the call.
        for _ in 0..3 {
            assert_eq!(call(), Ok(0));
            drop(TASKS.lock().unwrap().remove(0));
        }
        assert_eq!((call(), TASKS.lock().unwrap().len()), (Ok(1), 0));
        NOW.store(120, SeqCst);
        assert_eq!((call(), TASKS.lock().unwrap().len()), (Ok(1), 1));
    });
}

#[test]
fn a_thread_s_refresh_that_panics_lets_another_begin() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn read(key: u64) -> u64 {
        if RUNS.fetch_add(1, SeqCst) == 1 {
            raise();
        }
        key + RUNS.load(SeqCst)
    }

    finishes(|| {
        assert_eq!(read(0), 1);
        NOW.store(60, SeqCst);
        assert_eq!(read(0), 1);
        wait_until(|| RUNS.load(SeqCst) == 2 && read::__memo().in_flight() == (0, 0));
        NOW.store(120, SeqCst);
        assert_eq!(read(0), 1);
        wait_until(|| read::cache_contains(0));
        assert_eq!((read(0), RUNS.load(SeqCst)), (3, 3));
    });
}

#[test]
fn a_thread_s_refresh_may_panic_with_what_panics_when_it_is_dropped() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);

    struct Thrown;

    impl Drop for Thrown {
        fn drop(&mut self) {
            raise();
        }
    }

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn read(_key: u64) -> u64 {
        if RUNS.fetch_add(1, SeqCst) == 1 {
            resume_unwind(Box::new(Thrown));
        }
        RUNS.load(SeqCst)
    }

    finishes(|| {
        assert_eq!(read(0), 1);
        NOW.store(60, SeqCst);
        assert_eq!(read(0), 1);
        wait_until(|| RUNS.load(SeqCst) == 2 && read::__memo().in_flight() == (0, 0));
        NOW.store(120, SeqCst);
        assert_eq!(read(0), 1);
        wait_until(|| read::cache_contains(0));
        assert_eq!(read(0), 3);
    });
}

#[test]
fn a_refresh_that_was_overtaken_is_not_stored() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later) Result<u64, String>, Ok);

    finishes(|| {
        let changes: [fn(); 3] =
            [read::cache_clear, || _ = read::cache_invalidate(1), || read::cache_put(1, Ok(100))];
        for change in changes {
            call().unwrap();
            NOW.fetch_add(60, SeqCst);
            call().unwrap();
            let task = TASKS.lock().unwrap().remove(0);
            let task = Hand::begun(task);
            change();
            let before = read::cache_peek(1);
            task.end();
            assert_eq!(read::cache_peek(1), before);
            assert_eq!(read::__memo().in_flight(), (0, 0));
            read::cache_clear();
        }
    });
}

#[test]
fn a_refresh_that_hangs_is_given_up() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later, flight_timeout = 5) Result<u64, String>, Ok);

    alone(|| {
        call().unwrap();
        NOW.store(60, SeqCst);
        call().unwrap();
        let task = TASKS.lock().unwrap().remove(0);
        let hung = Hand::begun(task);
        call().unwrap();
        assert!(TASKS.lock().unwrap().is_empty());
        advance(Duration::from_secs(5));
        assert_eq!(call(), Ok(0));
        let task = TASKS.lock().unwrap().remove(0);
        on_tokio(task);
        assert_eq!(call(), Ok(1));
        hung.end();
        assert_eq!(call(), Ok(1));
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_refresh_that_does_not_begin_is_awaited_by_a_later_call() {
    origin!((ttl = 60, swr = true, timer = now, spawn = later) Result<u64, String>, Ok);

    alone(|| {
        assert_eq!(call(), Ok(0));
        for run in 1..4 {
            NOW.fetch_add(60, SeqCst);
            assert_eq!(call(), Ok(run - 1), "the executor takes the refresh and does not run it");
            advance(Duration::from_secs(1));
            assert_eq!(call(), Ok(run));
            assert_eq!((call(), RUNS.load(SeqCst)), (Ok(run), run + 1));
        }
        // The claims are of no use any more.
        for task in std::mem::take(&mut *TASKS.lock().unwrap()) {
            Hand::new(task).end();
        }
        assert_eq!(RUNS.load(SeqCst), 4);
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn a_call_that_finds_nothing_does_not_wait_for_a_claim() {
    origin!((ttl = 60, swr = 30, timer = now, spawn = later) Result<u64, String>, Ok);

    finishes(|| {
        assert_eq!(call(), Ok(0));
        NOW.store(60, SeqCst);
        assert_eq!(call(), Ok(0));
        // Beyond the stale window, while the refresh has not begun.
        NOW.store(90, SeqCst);
        assert_eq!(call(), Ok(1));
    });
}

#[test]
fn no_more_refreshes_run_at_a_time_than_the_bound() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    const KEYS: u64 = 1_000;

    #[lru_cache(maxsize = None, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    async fn read(_key: u64) -> u64 {
        MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        RUNNING.fetch_sub(1, SeqCst);
        NOW.load(SeqCst)
    }

    finishes(|| {
        on_tokio(async {
            for key in 0..KEYS {
                read(key).await;
            }
            NOW.store(60, SeqCst);
            for key in 0..KEYS {
                assert_eq!(read(key).await, 0);
            }
            while read::cache_stats().refreshes < KEYS {
                tokio::task::yield_now().await;
            }
        });
        assert!(MOST.load(SeqCst) <= 64, "{MOST:?} refreshes at a time");
    });
}

#[test]
fn refresh_threads_bounds_the_refreshes_of_threads() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    static IS_OVER: AtomicU64 = AtomicU64::new(0);
    const KEYS: u64 = 6;

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), refresh_threads = 2)]
    fn read(_key: u64) -> u64 {
        let now = NOW.load(SeqCst);
        if now > 0 {
            MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
            wait_until(|| IS_OVER.load(SeqCst) == 1);
            RUNNING.fetch_sub(1, SeqCst);
        }
        now
    }

    finishes(|| {
        (0..KEYS).for_each(|key| assert_eq!(read(key), 0));
        NOW.store(60, SeqCst);
        for _ in 0..3 {
            // While both threads are busy, the other stale results are served.
            (0..KEYS).for_each(|key| assert_eq!(read(key), 0));
            wait_until(|| RUNNING.load(SeqCst) == 2);
        }
        IS_OVER.store(1, SeqCst);
        wait_until(|| read::cache_stats().refreshes == KEYS);
        assert_eq!(MOST.load(SeqCst), 2);
        assert!((0..KEYS).all(read::cache_contains));
    });
}

#[test]
fn refresh_threads_bounds_the_refreshes_of_tasks() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    static MOST: AtomicU64 = AtomicU64::new(0);
    const KEYS: u64 = 20;
    const TASKS: usize = 2;

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), refresh_threads = TASKS)]
    async fn read(_key: u64) -> u64 {
        let now = NOW.load(SeqCst);
        if now > 0 {
            MOST.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
            // The first one waits until there are two.
            while MOST.load(SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            RUNNING.fetch_sub(1, SeqCst);
        }
        now
    }

    finishes(|| {
        on_tokio(async {
            for key in 0..KEYS {
                read(key).await;
            }
            NOW.store(60, SeqCst);
            for key in 0..KEYS {
                assert_eq!(read(key).await, 0);
            }
            // Each waits for its turn, and has it.
            while read::cache_stats().refreshes < KEYS {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(MOST.load(SeqCst), 2);
    });
}

#[test]
fn a_task_s_refresh_that_waits_begins_when_one_that_hangs_exceeds_its_time() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static HANGING: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), flight_timeout = 5, refresh_threads = 1)]
    async fn read(key: u64) -> u64 {
        let now = NOW.load(SeqCst);
        if key < 2 && now > 0 {
            HANGING.fetch_add(1, SeqCst);
            pending::<()>().await;
        }
        now
    }

    alone(|| {
        on_tokio(async {
            for key in 0..3 {
                read(key).await;
            }
            NOW.store(60, SeqCst);
            // The first hangs; the second waits for it, hangs in turn, and the third waits for that.
            assert_eq!(read(0).await, 0);
            for hanging in 1..=2 {
                // A call of this key would await its refresh, if that has not begun by now.
                while HANGING.load(SeqCst) < hanging {
                    tokio::task::yield_now().await;
                }
                assert_eq!(read(hanging).await, 0);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                assert_eq!(HANGING.load(SeqCst), hanging, "it waits for its turn");
                // No further call is made.
                advance(Duration::from_secs(5));
            }
            while read::cache_stats().refreshes == 0 {
                tokio::task::yield_now().await;
            }
            assert!(read::cache_contains(2));
        });
    });
}

#[test]
fn a_thread_s_refresh_that_hangs_holds_up_no_other() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static IS_OVER: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), flight_timeout = 5)]
    fn read(key: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        let now = NOW.load(SeqCst);
        if key == 0 && now == 60 {
            wait_until(|| IS_OVER.load(SeqCst) == 1);
        }
        now
    }

    alone(|| {
        assert_eq!([0, 1, 2].map(read), [0, 0, 0]);
        NOW.store(60, SeqCst);
        assert_eq!(read(0), 0);
        wait_until(|| RUNS.load(SeqCst) == 4);
        assert_eq!([1, 2].map(read), [0, 0]);
        wait_until(|| [1, 2].iter().all(|&key| read::cache_contains(key)));
        assert_eq!(read(0), 0, "its refresh hangs");
        // Another call takes the hanging refresh over.
        NOW.store(61, SeqCst);
        advance(Duration::from_secs(5));
        assert_eq!(read(0), 0);
        wait_until(|| read::cache_contains(0));
        assert_eq!(read(0), 61);
        IS_OVER.store(1, SeqCst);
        wait_until(|| read::__memo().in_flight() == (0, 0));
        assert_eq!(read(0), 61);
    });
}

#[test]
fn a_result_that_is_not_remembered_ends_the_stale_one() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(ttl = 60, swr = true, cache_none = false, timer = || NOW.load(SeqCst))]
    fn find(key: u64) -> Option<u64> {
        (RUNS.fetch_add(1, SeqCst) == 0).then_some(key)
    }

    finishes(|| {
        assert_eq!(find(1), Some(1));
        NOW.store(60, SeqCst);
        assert_eq!(find(1), Some(1));
        wait_until(|| find::cache_stats().refreshes == 1 && find::__memo().in_flight() == (0, 0));
        assert_eq!((find::cache_peek(1), find(1)), (None, None));
    });
}

#[test]
fn more_refreshes_at_a_time_than_changes_are_remembered() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static VERSION: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();
    const KEYS: u64 = 3000;

    #[lru_cache(maxsize = None, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    async fn read(_key: u64) -> u64 {
        GATE.pass().await;
        VERSION.load(SeqCst)
    }

    finishes(|| {
        on_tokio(async {
            GATE.open(usize::try_from(KEYS).unwrap());
            for key in 0..KEYS {
                read(key).await;
            }
            NOW.store(60, SeqCst);
            VERSION.store(1, SeqCst);
            for key in 0..KEYS {
                assert_eq!(read(key).await, 0);
            }
            GATE.open(usize::try_from(KEYS).unwrap());
            while read::cache_stats().refreshes < KEYS || read::__memo().in_flight().0 > 0 {
                tokio::task::yield_now().await;
            }
            for key in 0..KEYS {
                assert_eq!(read::cache_peek(key), Some(1));
            }
        });
    });
}

#[test]
fn arguments_of_all_kinds_are_carried() {
    static NOW: AtomicU64 = AtomicU64::new(0);

    struct Db(u64);

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop(u64);

    impl Shop {
        #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
        fn price(&self, id: u64, tags: &[String], name: &str) -> u64 {
            self.0 + id + tags.len() as u64 + name.len() as u64 + NOW.load(SeqCst)
        }

        #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
        async fn stock(#[key(self.0)] &self, id: u64) -> u64 {
            self.0 + id + NOW.load(SeqCst)
        }
    }

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    async fn ask(#[key(skip)] db: Arc<Db>, path: &std::path::Path, ids: Vec<u64>, (a, b): (u8, u8)) -> u64 {
        db.0 + ids.len() as u64 + path.as_os_str().len() as u64 + u64::from(a + b) + NOW.load(SeqCst)
    }

    #[lru_cache(
        typed = true,
        ttl = 60,
        swr = true,
        weight = |_it, text| text.len(),
        timer = || NOW.load(SeqCst)
    )]
    fn text<T: ToString + functools::Argument + Clone + Send + 'static>(it: T) -> String {
        format!("{}{}", it.to_string(), NOW.load(SeqCst))
    }

    static OBJECT: functools::LruCache<functools::Tagged<u64>, u64> = functools::LruCache::new(Some(8));

    #[lru_cache(cache = OBJECT, single_flight = true)]
    fn in_object(n: u64) -> u64 {
        n
    }

    finishes(|| {
        let tags = ["a".to_owned(), "b".to_owned()];
        let shop = Shop(100);
        let db = Arc::new(Db(5));
        let path = std::path::Path::new("/");
        let ask_all = || {
            let (stock, asked) =
                on_tokio(async { (shop.stock(1).await, ask(Arc::clone(&db), path, vec![1], (2, 3)).await) });
            (shop.price(1, &tags, "ab"), stock, asked, text(7_u8), in_object(4))
        };
        assert_eq!(ask_all(), (105, 101, 12, "70".into(), 4));
        NOW.store(60, SeqCst);
        assert_eq!((shop.price(1, &tags, "ab"), text(7_u8)), (105, "70".into()));
        wait_until(|| shop.price_cache_contains(1, &tags, "ab") && text::cache_contains(7_u8));
        on_tokio(async {
            assert_eq!((shop.stock(1).await, ask(Arc::clone(&db), path, vec![1], (2, 3)).await), (101, 12));
            while !shop.stock_cache_contains(1) || !ask::cache_contains(path, vec![1], (2, 3)) {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(ask_all(), (165, 161, 72, "760".into(), 4));
    });
}

#[test]
fn with_other_options_beside() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static REMOVED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());

    #[lru_cache(
        maxsize = 10,
        ttl = 60,
        tti = 100,
        swr = 1000,
        weight = |_key, value| usize::try_from(*value).unwrap(),
        on_evict = |key: &u64, _: &u64, cause| REMOVED.lock().unwrap().push((*key, cause)),
        timer = || NOW.load(SeqCst)
    )]
    fn size(key: u64) -> u64 {
        if NOW.load(SeqCst) < 500 { key } else { 11 }
    }

    let refreshed =
        |times| wait_until(|| size::cache_stats().refreshes == times && size::__memo().in_flight() == (0, 0));
    finishes(move || {
        assert_eq!(size(4), 4);
        NOW.store(60, SeqCst);
        assert_eq!(size(4), 4);
        refreshed(1);
        assert_eq!(*REMOVED.lock().unwrap(), [(4, RemovalCause::Replaced)]);
        NOW.store(159, SeqCst);
        assert_eq!(size(4), 4);
        refreshed(2);
        // The time to idle is over.
        NOW.store(300, SeqCst);
        assert_eq!((size::cache_peek(4), size(4)), (None, 4));
        assert_eq!(size::cache_stats().refreshes, 2);
        // A result that is too heavy removes the stale one.
        NOW.store(399, SeqCst);
        assert_eq!(size(4), 4);
        refreshed(3);
        NOW.store(498, SeqCst);
        assert_eq!(size(4), 4);
        refreshed(4);
        NOW.store(590, SeqCst);
        assert_eq!(size(4), 4);
        refreshed(5);
        assert_eq!((size::cache_peek(4), size::cache_info().currsize), (None, 0));
    });
}

#[test]
fn jitter_and_policies_go_with_it() {
    #[lru_cache(ttl = 0.001, swr = true, jitter = 0.5, policy = lfu)]
    fn read(key: u64) -> u64 {
        key
    }

    finishes(|| {
        for _ in 0..2 {
            read(1);
            wait_until(|| !read::cache_contains(1));
        }
        assert_eq!(read(1), 1);
        wait_until(|| read::__memo().in_flight() == (0, 0));
        let CacheInfo { hits, misses, .. } = read::cache_info();
        assert_eq!((hits, misses), (2, 1));
    });
}

#[test]
fn by_the_clock_of_the_system_a_refresh_that_failed_waits_for_a_ttl_at_most() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(ttl = 0.001, swr = true)]
    fn read(key: u64) -> Result<u64, String> {
        if RUNS.fetch_add(1, SeqCst) == 0 { Ok(key) } else { Err("down".into()) }
    }

    finishes(|| {
        assert_eq!(read(1), Ok(1));
        wait_until(|| !read::cache_contains(1));
        assert_eq!(read(1), Ok(1));
        wait_until(|| read::cache_stats().errors == 1 && read::__memo().in_flight() == (0, 0));
        assert_eq!(read(1), Ok(1));
        // At most one attempt per millisecond, the `ttl`, which is the delay before a refresh is retried.
        wait_until(|| {
            read(1).unwrap();
            read::cache_stats().errors > 3
        });
    });
}

#[test]
fn however_many_refreshes_hang_the_others_go_on() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static HANGING: AtomicU64 = AtomicU64::new(0);
    static IS_OVER: AtomicU64 = AtomicU64::new(0);
    const HANG: u64 = 20;

    #[lru_cache(maxsize = None, ttl = 60, swr = true, timer = || NOW.load(SeqCst), flight_timeout = 5, refresh_threads = 1)]
    fn read(key: u64) -> u64 {
        let now = NOW.load(SeqCst);
        if key < HANG && now > 0 {
            HANGING.fetch_add(1, SeqCst);
            wait_until(|| IS_OVER.load(SeqCst) == 1);
        }
        now
    }

    alone(|| {
        assert!((0..=HANG).all(|key| read(key) == 0));
        NOW.store(60, SeqCst);
        for hanging in 1..=HANG {
            assert_eq!(read(hanging - 1), 0);
            wait_until(|| HANGING.load(SeqCst) == hanging);
            advance(Duration::from_secs(5));
        }
        assert_eq!(read(HANG), 0);
        wait_until(|| read::cache_contains(HANG));
        assert_eq!(read(HANG), 60);
        IS_OVER.store(1, SeqCst);
        wait_until(|| read::__memo().in_flight() == (0, 0));
    });
}

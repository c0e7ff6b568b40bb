//! Results that are superseded while they are computed, and results that compete for one key.

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::lru_cache;

use crate::support::{Gate, Hand, finishes, on_tokio, wait_until};

thread_local! {
    /// What the next body does before it returns.
    static DURING: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    /// What the bodies return.
    static VERSION: Cell<u64> = const { Cell::new(0) };
    static BODIES: Cell<u64> = const { Cell::new(0) };
}

/// Runs the action that is set for this body, and returns the version.
fn body() -> u64 {
    BODIES.set(BODIES.get() + 1);
    let version = VERSION.get();
    if let Some(action) = DURING.take() {
        action();
    }
    version
}

fn during_next_body(action: impl FnOnce() + 'static) {
    DURING.set(Some(Box::new(action)));
}

/// The number of changes to other keys during one body.
const MANY: u64 = 5_000;

/// A key that is not among the others.
const KEY: u64 = u64::MAX;

macro_rules! kinds {
    ($($kind:ident: ($($option:tt)*);)*) => { $(
        #[test]
        fn $kind() {
            #[lru_cache($($option)*)]
            fn version(_key: u64) -> u64 {
                body()
            }

            finishes(|| {
                // A refresh that is refused leaves no older result.
                VERSION.set(1);
                assert_eq!(version(KEY), 1);
                VERSION.set(2);
                during_next_body(|| version::cache_retain(|_, _| true));
                assert_eq!(version::cache_refresh(KEY), 2);
                assert_eq!(version(KEY), 2);
                assert_eq!(version::cache_stats().superseded, 1);
                // A refresh is stored whatever happens to other keys.
                VERSION.set(3);
                during_next_body(|| (0..MANY).for_each(|key| version::cache_put(key, 0)));
                assert_eq!(version::cache_refresh(KEY), 3);
                VERSION.set(4);
                // Some policies do not admit it beside the others.
                assert!(version(KEY) == 3 || version::cache_info().maxsize.is_some());
                // So is the result of a call.
                version::cache_clear();
                during_next_body(|| (0..MANY).for_each(|key| _ = version::cache_invalidate(key)));
                let bodies = BODIES.get();
                assert_eq!([(); 10].map(|()| version(KEY)), [4; 10]);
                assert_eq!(BODIES.get(), bodies + 1);
            });
        }
    )* };
}

kinds! {
    bounded: (maxsize = 100);
    unbounded: (maxsize = None);
    lfu: (maxsize = 100, policy = lfu);
    sieve: (maxsize = 100, policy = sieve);
    s3_fifo: (maxsize = 100, policy = s3_fifo);
    w_tinylfu: (maxsize = 100, policy = w_tinylfu);
    auto: (maxsize = 100, policy = auto);
    with_ttl: (maxsize = None, ttl = 1_000_000);
    with_idle_time: (maxsize = 100, tti = 1_000_000);
    shards: (maxsize = 100, shards = 4);
    of_a_thread: (maxsize = 100, scope = thread);
    unbounded_of_a_thread: (maxsize = None, scope = thread);
    coalesced: (maxsize = 100, single_flight = true);
    stale: (maxsize = None, ttl = 1_000_000, swr = true);
    served_on_error: (maxsize = 100, ttl = 1_000_000, stale_if_error = 10);
    weighed: (maxsize = 100, weight = |_, _| 1);
}

#[test]
fn an_async_refresh_that_is_refused_leaves_no_older_result() {
    #[lru_cache(maxsize = 10)]
    async fn version(_key: u64) -> u64 {
        body()
    }

    finishes(|| {
        VERSION.set(1);
        assert_eq!(Hand::new(version(KEY)).end(), 1);
        VERSION.set(2);
        during_next_body(|| version::cache_retain(|_, _| true));
        assert_eq!(Hand::new(version::cache_refresh(KEY)).end(), 2);
        assert_eq!(Hand::new(version(KEY)).end(), 2);
    });
}

#[test]
fn a_put_during_a_refresh_is_never_removed_by_it() {
    #[lru_cache(maxsize = 10)]
    fn version(_key: u64) -> u64 {
        body()
    }

    VERSION.set(1);
    assert_eq!(version(KEY), 1);
    during_next_body(|| {
        version::cache_put(KEY, 7);
        version::cache_retain(|_, _| true);
    });
    assert_eq!(version::cache_refresh(KEY), 1);
    assert_eq!(version::cache_peek(KEY), Some(7));
}

#[test]
fn a_result_that_is_not_kept_removes_the_one_that_it_was_to_replace() {
    #[lru_cache(maxsize = 10, cache_none = false)]
    fn found(_key: u64) -> Option<u64> {
        Some(body()).filter(|&version| version > 0)
    }

    VERSION.set(1);
    assert_eq!(found(KEY), Some(1));
    VERSION.set(0);
    assert_eq!(found::cache_refresh(KEY), None);
    assert_eq!(found(KEY), None);
    VERSION.set(2);
    assert_eq!(found(KEY), Some(2));
    found::cache_put(KEY, None);
    assert_eq!(found::cache_peek(KEY), None);
}

#[test]
fn without_a_cache_a_retain_separates_calls() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(maxsize = 0, single_flight = true)]
    async fn begun(_key: u64) -> u64 {
        let begun = BEGUN.fetch_add(1, SeqCst);
        std::future::pending::<()>().await;
        begun
    }

    let _first = Hand::begun(begun(KEY));
    begun::cache_retain(|_, _| true);
    let _second = Hand::begun(begun(KEY));
    assert_eq!(BEGUN.load(SeqCst), 2);
}

macro_rules! with_errors {
    ($($kind:ident: ($($option:tt)*);)*) => { $(
        #[test]
        fn $kind() {
            #[lru_cache(cache_errors = true, $($option)*)]
            fn parity(_key: u64) -> Result<u64, String> {
                let version = body();
                if version % 2 == 0 { Ok(version) } else { Err(version.to_string()) }
            }

            finishes(|| {
                // A late error does not replace a good result.
                VERSION.set(1);
                during_next_body(|| {
                    VERSION.set(2);
                    assert_eq!(parity(KEY), Ok(2));
                });
                assert_eq!(parity(KEY), Err(String::from("1")));
                assert_eq!(parity(KEY), Ok(2));
                // A late good result replaces an error.
                during_next_body(|| {
                    VERSION.set(3);
                    assert_eq!(parity(0), Err(String::from("3")));
                });
                assert_eq!(parity(0), Ok(2));
                assert_eq!(parity(0), Ok(2));
            });
        }
    )* };
}

with_errors! {
    bounded_errors: (maxsize = 100);
    unbounded_errors: (maxsize = None);
    errors_with_ttl: (maxsize = None, ttl = 1_000_000);
    errors_in_shards: (maxsize = 100, shards = 4);
    errors_in_unbounded_shards: (maxsize = None, shards = 4);
    errors_of_a_thread: (maxsize = None, scope = thread);
    coalesced_errors: (maxsize = 100, single_flight = true);
    errors_of_typed_keys: (maxsize = None, typed = true);
}

#[test]
fn in_a_generic_function_too_a_late_error_does_not_replace_a_good_result() {
    #[lru_cache(maxsize = None, cache_errors = true, typed = true)]
    fn parity<T: Copy + Eq + std::hash::Hash + Send + Sync + 'static>(_key: T) -> Result<u64, String> {
        let version = body();
        if version % 2 == 0 { Ok(version) } else { Err(version.to_string()) }
    }

    VERSION.set(1);
    during_next_body(|| {
        VERSION.set(2);
        assert_eq!(parity(KEY), Ok(2));
    });
    assert_eq!(parity(KEY), Err(String::from("1")));
    assert_eq!(parity(KEY), Ok(2));
}

#[test]
fn calls_share_a_computation_whatever_happens_to_other_keys() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(maxsize = None)]
    async fn slow(key: u64) -> u64 {
        BEGUN.fetch_add(1, SeqCst);
        GATE.pass().await;
        key
    }

    finishes(|| {
        let leader = Hand::begun(slow(KEY));
        for key in 0..MANY {
            slow::cache_put(key, 0);
            assert!(slow::cache_invalidate(key));
        }
        let follower = Hand::begun(slow(KEY));
        assert_eq!((BEGUN.load(SeqCst), slow::__memo().in_flight()), (1, (1, 1)));
        GATE.open(1);
        assert_eq!((leader.end(), follower.end()), (KEY, KEY));
        assert!(slow::cache_contains(KEY));
        assert_eq!(slow::cache_stats().superseded, 0);
    });
}

#[test]
fn a_stale_result_is_refreshed_whatever_happens_to_other_keys() {
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(maxsize = None, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn time(key: u64) -> u64 {
        if key == KEY {
            (0..MANY).for_each(|other| time::cache_put(other, 0));
        }
        NOW.load(SeqCst)
    }

    finishes(|| {
        assert_eq!(time(KEY), 0);
        NOW.store(60, SeqCst);
        assert_eq!(time(KEY), 0);
        wait_until(|| time::cache_contains(KEY));
        assert_eq!((time(KEY), time::cache_stats().superseded), (60, 0));
    });
}

#[test]
fn a_stale_result_is_removed_if_its_refresh_is_refused() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Mutex<Vec<functools::refresh::Task>> = Mutex::new(Vec::new());

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = |task| TASKS.lock().unwrap().push(task))]
    async fn time(_key: u64) -> u64 {
        let now = NOW.load(SeqCst);
        tokio::task::yield_now().await;
        now
    }

    finishes(|| {
        assert_eq!(on_tokio(time(KEY)), 0);
        NOW.store(60, SeqCst);
        assert_eq!(on_tokio(time(KEY)), 0);
        let refresh = Hand::begun(TASKS.lock().unwrap().remove(0));
        time::cache_retain(|_, _| true);
        refresh.end();
        assert_eq!(on_tokio(time(KEY)), 60, "the stale result is gone");
        assert_eq!(time::cache_stats().superseded, 1);
    });
}

#[test]
fn a_retain_of_an_unbounded_cache_tests_each_entry_once_and_removes_no_other() {
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Id(u64);

    #[lru_cache(maxsize = None)]
    fn of_numbers(n: u64) -> u64 {
        n
    }

    #[lru_cache(maxsize = None)]
    fn of_ids(id: Id) -> u64 {
        id.0
    }

    #[lru_cache(maxsize = None, scope = thread)]
    fn of_a_thread(n: u64) -> u64 {
        n
    }

    #[lru_cache(maxsize = None, shards = 4)]
    fn in_shards(n: u64) -> u64 {
        n
    }

    const COUNT: u64 = 2_000;
    macro_rules! retains {
        ($($function:ident($key:expr, $number:expr);)*) => { $({
            (0..COUNT).for_each(|n| _ = $function($key(n)));
            let mut tested = Vec::new();
            $function::cache_retain(|key, _| {
                tested.push($number(key));
                $number(key) % 2 == 1
            });
            tested.sort_unstable();
            assert_eq!(tested, (0..COUNT).collect::<Vec<_>>(), stringify!($function));
            assert!((0..COUNT).all(|n| $function::cache_contains($key(n)) == (n % 2 == 1)));
        })* };
    }
    retains! {
        of_numbers(|n| n, |n: &u64| *n);
        of_ids(Id, |id: &Id| id.0);
        of_a_thread(|n| n, |n: &u64| *n);
        in_shards(|n| n, |n: &u64| *n);
    }
}

#[test]
fn a_put_during_a_retain_stays_if_it_passes() {
    #[lru_cache(maxsize = None)]
    fn version(_key: u64) -> u64 {
        body()
    }

    assert_eq!(version(KEY), VERSION.get());
    version::cache_put(KEY, 10);
    let mut tested = Vec::new();
    version::cache_retain(|_, value| {
        tested.push(*value);
        if *value == 10 {
            version::cache_put(KEY, 20);
        }
        *value == 20
    });
    assert_eq!((tested, version::cache_peek(KEY)), (vec![10, 20], Some(20)));
}

#[test]
fn without_a_cache_a_refresh_separates_calls() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(maxsize = 0)]
    async fn begun(_key: u64) -> u64 {
        let begun = BEGUN.fetch_add(1, SeqCst);
        GATE.pass().await;
        begun
    }

    finishes(|| {
        let first = Hand::begun(begun(KEY));
        let refresh = Hand::begun(begun::cache_refresh(KEY));
        GATE.open(3);
        assert_eq!(refresh.end(), 1);
        assert_eq!(Hand::new(begun(KEY)).end(), 2, "it does not join the first");
        assert_eq!(first.end(), 0);
    });
}

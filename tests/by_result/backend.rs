//! What `keep`, `ttl` by the result and `ttu` decide holds in a backend too.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use functools::{isolated, lru_cache};

use crate::recorder::Recorder;

#[test]
fn a_call_a_put_and_a_refresh() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, value| (*value < 1000).then_some(*value), keep = |n, _| n % 2 == 0)]
    fn read(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (read(10), read(11), read(0), read(2000));
        assert_eq!(STORE.times(), [Some(10), None]);
        read::cache_put(10, 20).unwrap();
        assert_eq!(STORE.times(), [Some(20), None]);
        read::cache_put(10, 0).unwrap();
        assert_eq!(STORE.times(), [None], "a time of zero is stored nowhere");
        assert_eq!(read::cache_refresh(10), 10);
        assert_eq!(STORE.times(), [Some(10), None]);
    });
}

#[test]
fn a_copy_is_served_if_the_computation_is_slow() {
    static STORE: Recorder = Recorder::new();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static MAY_END: AtomicU64 = AtomicU64::new(1);

    #[lru_cache(backend = &STORE, ttl = 60, stale_if_slow = 5, timer = || NOW.load(SeqCst))]
    fn read(n: u64) -> u64 {
        let run = RUNS.fetch_add(1, SeqCst);
        let watchdog = Instant::now() + Duration::from_secs(60);
        while MAY_END.load(SeqCst) <= run && Instant::now() < watchdog {
            std::thread::yield_now();
        }
        n + run
    }

    assert_eq!(read(10), 10);
    NOW.store(60, SeqCst);
    STORE.0.lock().unwrap().clear();
    let call = std::thread::spawn(|| read(10));
    let watchdog = Instant::now() + Duration::from_secs(60);
    while RUNS.load(SeqCst) < 2 {
        assert!(Instant::now() < watchdog, "the computation begins");
        std::thread::yield_now();
    }
    functools::testing::advance(Duration::from_secs(5));
    assert_eq!(call.join().unwrap(), 10);
    assert!(STORE.times().is_empty());
    MAY_END.store(2, SeqCst);
    while STORE.times().is_empty() {
        assert!(Instant::now() < watchdog, "the computation goes on");
        std::thread::yield_now();
    }
    assert_eq!(STORE.times(), [Some(120)], "kept for another `ttl`");
    while !read::cache_contains(10) {
        assert!(Instant::now() < watchdog, "the result is stored");
        std::thread::yield_now();
    }
    assert_eq!((read(10), RUNS.load(SeqCst)), (11, 2));
}

#[test]
fn a_stale_window_comes_on_top() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, value| *value, stale_if_error = 100)]
    fn read(n: u32) -> Result<u32, String> {
        Ok(n)
    }

    isolated(|| {
        read(10).unwrap();
        assert_eq!(STORE.times(), [Some(110)]);
    });
}

#[test]
fn the_time_until_works_with_a_backend() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttu = |_, value, now| now + Duration::from_secs(*value))]
    fn read(n: u32) -> u64 {
        n.into()
    }

    #[lru_cache(backend = &STORE, namespace = "for ever", ttu = |_, _, now: Instant| now + Duration::MAX / 4)]
    fn far(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (read(10), read(0));
        assert_eq!(STORE.times(), [Some(10)]);
        _ = far;
    });
}

#[test]
fn it_is_shortened_at_random_once_for_both() {
    static STORE: Recorder = Recorder::new();

    #[lru_cache(backend = &STORE, ttl = |_, _| 100_000, jitter = 0.5)]
    fn read(n: u32) -> u32 {
        n
    }

    isolated(|| {
        (0..50).for_each(|n| _ = read(n));
        let times: Vec<_> = STORE.times().into_iter().flatten().collect();
        assert!(times.len() == 50 && times.iter().all(|time| (50_000..=100_000).contains(time)), "{times:?}");
        assert!(times.iter().any(|time| *time != times[0]), "{times:?}");
    });
}

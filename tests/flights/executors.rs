//! Executors of background refreshes of async functions.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use functools::lru_cache;
use functools::refresh::{Spawn, Task, Tokio};

use crate::support::{Gate, Hand, finishes, on_tokio, raises, tally};

#[test]
fn on_tokio_by_itself_or_if_asked() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    async fn by_itself(_key: &str) -> u64 {
        GATE.pass().await;
        NOW.load(SeqCst)
    }

    #[lru_cache(ttl = 60, swr = true, spawn = Tokio, timer = || NOW.load(SeqCst))]
    async fn by_tokio(_key: &[u8]) -> u64 {
        GATE.pass().await;
        NOW.load(SeqCst)
    }

    finishes(|| {
        on_tokio(async {
            GATE.open(2);
            assert_eq!((by_itself("a").await, by_tokio(b"a").await), (0, 0));
            NOW.store(60, SeqCst);
            for _ in 0..3 {
                assert_eq!((by_itself("a").await, by_tokio(b"a").await), (0, 0));
            }
            GATE.open(2);
            while !by_itself::cache_contains("a") || !by_tokio::cache_contains(b"a") {
                tokio::task::yield_now().await;
            }
            assert_eq!((by_itself("a").await, by_tokio(b"a").await), (60, 60));
        });
        assert_eq!(tally(by_itself::cache_info()), (4, 1, 1));
        // The shutdown of the runtime aborts the refresh: the next call starts another.
        NOW.store(120, SeqCst);
        assert_eq!(on_tokio(by_itself("a")), 60);
        assert_eq!(by_itself::__memo().in_flight(), (0, 0));
        on_tokio(async {
            assert_eq!(by_itself("a").await, 60);
            GATE.open(1);
            while !by_itself::cache_contains("a") {
                tokio::task::yield_now().await;
            }
            assert_eq!(by_itself("a").await, 120);
        });
    });
}

#[test]
fn in_tokio_s_paused_time() {
    #[lru_cache(ttl = std::time::Duration::from_secs(60), timer = || tokio::time::Instant::now().into_std(), swr = true)]
    async fn read(_key: u64) -> tokio::time::Instant {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tokio::time::Instant::now()
    }

    finishes(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let first = read(1).await;
            tokio::time::sleep(std::time::Duration::from_secs(59)).await;
            assert_eq!(read(1).await, first);
            assert!(read::cache_contains(1));
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            assert!(!read::cache_contains(1));
            assert_eq!(read(1).await, first);
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            assert!(read(1).await > first);
        });
    });
}

#[test]
fn on_smol() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(ttl = 60, swr = true, spawn = |task| smol::spawn(task).detach(), timer = || NOW.load(SeqCst))]
    async fn read(_key: u64) -> u64 {
        smol::future::yield_now().await;
        GATE.pass().await;
        NOW.load(SeqCst)
    }

    finishes(|| {
        smol::block_on(async {
            GATE.open(1);
            let calls: Vec<_> = (0..10).map(|_| smol::spawn(read(1))).collect();
            for call in calls {
                assert_eq!(call.await, 0);
            }
            assert_eq!(tally(read::cache_info()), (9, 1, 1));
            NOW.store(60, SeqCst);
            assert_eq!((read(1).await, read(1).await), (0, 0));
            GATE.open(1);
            while !read::cache_contains(1) {
                smol::future::yield_now().await;
            }
            assert_eq!(read(1).await, 60);
        });
    });
}

#[test]
fn without_a_runtime_the_call_refreshes() {
    static NOW: AtomicU64 = AtomicU64::new(0);
    static GATE: Gate = Gate::new();

    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    async fn read(_key: u64) -> Result<u64, &'static str> {
        GATE.pass().await;
        match NOW.load(SeqCst) {
            120 => Err("down"),
            now => Ok(now),
        }
    }

    finishes(|| {
        GATE.open(3);
        assert_eq!(Hand::new(read(1)).end(), Ok(0));
        NOW.store(60, SeqCst);
        assert_eq!(Hand::new(read(1)).end(), Ok(60));
        assert_eq!(tally(read::cache_info()), (1, 1, 1));
        // If the computation fails, the stale result is served.
        NOW.store(120, SeqCst);
        assert_eq!(Hand::new(read(1)).end(), Ok(60));
        assert_eq!(tally(read::cache_info()), (2, 1, 1));
        // The cache is cleared meanwhile: the call computes.
        NOW.store(180, SeqCst);
        let mut call = Hand::begun(read(1));
        read::cache_invalidate(1);
        GATE.open(1);
        assert_eq!(call.poll(), None);
        GATE.open(1);
        assert_eq!(call.end(), Ok(180));
        assert_eq!(tally(read::cache_info()), (2, 2, 1));
        assert_eq!(read::__memo().in_flight(), (0, 0));
    });
}

#[test]
fn an_executor_that_refuses_panics_or_runs_at_once() {
    static NOW: AtomicU64 = AtomicU64::new(0);

    struct Full;

    impl Spawn for Full {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            Err(task)
        }
    }

    #[lru_cache(ttl = 60, swr = true, spawn = Full, timer = || NOW.load(SeqCst))]
    async fn refused(_key: u64) -> u64 {
        NOW.load(SeqCst)
    }

    #[lru_cache(ttl = 60, swr = true, spawn = |_task: Task| crate::support::raise(), timer = || NOW.load(SeqCst))]
    async fn broken(_key: u64) -> u64 {
        NOW.load(SeqCst)
    }

    #[lru_cache(ttl = 60, swr = true, spawn = |task| smol::block_on(task), timer = || NOW.load(SeqCst))]
    async fn at_once(_key: u64) -> u64 {
        NOW.load(SeqCst)
    }

    finishes(|| {
        let first = [Hand::new(refused(1)).end(), Hand::new(broken(1)).end(), Hand::new(at_once(1)).end()];
        assert_eq!(first, [0; 3]);
        NOW.store(60, SeqCst);
        assert_eq!(Hand::new(refused(1)).end(), 60);
        assert!(raises(|| Hand::new(broken(1)).end()));
        assert_eq!(broken::__memo().in_flight(), (0, 0));
        assert_eq!([Hand::new(at_once(1)).end(), Hand::new(at_once(1)).end()], [0, 60]);
    });
}

#[test]
fn futures_that_are_not_send_share_on_one_thread() {
    static GATE: Gate = Gate::new();

    #[lru_cache]
    async fn local(n: u64) -> u64 {
        let here = Rc::new(Cell::new(n));
        GATE.pass().await;
        here.get()
    }

    finishes(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.build().unwrap();
        let tasks = tokio::task::LocalSet::new();
        runtime.block_on(tasks.run_until(async {
            let calls: Vec<_> = (0..4).map(|_| tokio::task::spawn_local(local(7))).collect();
            GATE.open(1);
            for call in calls {
                assert_eq!(call.await.unwrap(), 7);
            }
        }));
        assert_eq!(tally(local::cache_info()), (3, 1, 1));
    });
}

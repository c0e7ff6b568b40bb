//! Stale-while-revalidate for each element: stale elements are served, and one call of the body refreshes those that are due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use functools::refresh::{Spawn, Task};
use functools::{lru_cache, testing};

use crate::support::{Asked, alone, passed, poll, ready};

/// Yields to other threads until `holds` returns `true`, for two minutes at most.
#[track_caller]
fn wait_until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(120), "it has not come true after two minutes");
        thread::yield_now();
    }
}

/// An executor whose tasks a test runs.
struct Tasks(Mutex<Vec<Task>>);

impl Tasks {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Takes the only task.
    #[track_caller]
    fn one(&self) -> Task {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(tasks.len(), 1, "there is one task");
        tasks.remove(0)
    }

    /// Runs the only task, which is ready at once.
    #[track_caller]
    fn run(&self) {
        ready(self.one());
    }
}

impl Spawn for &'static Tasks {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self.0.lock().unwrap().push(task);
        Ok(())
    }
}

#[test]
fn stale_elements_are_served_and_refreshed_by_one_call_on_a_thread() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<(Vec<u32>, ThreadId)> = Asked::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
    fn times(factor: u64, ids: &[u32]) -> Vec<u64> {
        ASKED.add((ids.to_vec(), thread::current().id()));
        ids.iter().map(|id| u64::from(*id) * factor + NOW.load(SeqCst)).collect()
    }

    let here = thread::current().id();
    assert_eq!(times(10, &[1, 2]), [10, 20]);
    NOW.store(30, SeqCst);
    assert_eq!(times(10, &[3]), [60]);
    assert_eq!(ASKED.take(), [(vec![1, 2], here), (vec![3], here)]);
    // Two are stale, one is fresh, one is missing, and some are there twice.
    NOW.store(60, SeqCst);
    assert_eq!(times(10, &[2, 3, 4, 1, 2, 4]), [20, 60, 100, 10, 20, 100]);
    wait_until(|| times::cache_stats().refreshes == 2 && times::__memo().in_flight() == (0, 0));
    let mut asked = ASKED.take();
    asked.sort_by_key(|(ids, _)| ids.len());
    assert_eq!(asked[0], (vec![4], here));
    assert_eq!(asked[1].0, [2, 1]);
    assert_ne!(asked[1].1, here);
    assert_eq!(times(10, &[1, 2, 3, 4]), [70, 80, 60, 100]);
    assert_eq!(ASKED.take(), []);
    let (info, stats) = (times::cache_info(), times::cache_stats());
    assert_eq!((info.hits, info.misses, info.currsize), (5 + 4, 4, 4));
    assert_eq!((stats.stale_hits, stats.refreshes, stats.errors), (3, 2, 0));
}

#[test]
fn beyond_the_window_an_element_is_computed_by_the_call() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = 30, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: Vec<u32>) -> BTreeMap<u32, u64> {
        ASKED.add(ids.clone());
        ids.into_iter().map(|id| (id, NOW.load(SeqCst))).collect()
    }

    ready(times(vec![1]));
    NOW.store(20, SeqCst);
    ready(times(vec![2]));
    // One is beyond its window, the other within it.
    NOW.store(90, SeqCst);
    assert_eq!(ready(times(vec![1, 2])), BTreeMap::from([(1, 90), (2, 20)]));
    assert_eq!(ASKED.take(), [vec![1], vec![2], vec![1]]);
    TASKS.run();
    assert_eq!(ASKED.take(), [vec![2]]);
    assert_eq!(ready(times(vec![1, 2])), BTreeMap::from([(1, 90), (2, 90)]));
    assert_eq!((times::cache_stats().stale_hits, times::cache_info().misses), (1, 3));
}

#[test]
fn each_element_is_claimed_once() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|_| NOW.load(SeqCst)).collect()
    }

    ready(times(&[1, 2, 3, 4]));
    NOW.store(60, SeqCst);
    for ids in [&[1, 2, 1][..], &[2, 3], &[3, 1, 2], &[4]] {
        assert_eq!(ready(times(ids)), vec![0; ids.len()]);
    }
    assert_eq!((TASKS.len(), times::__memo().in_flight().0), (3, 4));
    ASKED.take();
    for task in std::mem::take(&mut *TASKS.0.lock().unwrap()) {
        ready(task);
    }
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3], vec![4]]);
    assert_eq!(ready(times(&[1, 2, 3, 4])), [60; 4]);
    assert_eq!((times::cache_stats().refreshes, times::cache_stats().stale_hits), (4, 9));
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn a_refresh_that_fails_delays_the_next() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static MODE: AtomicU32 = AtomicU32::new(0);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Result<Vec<u64>, String> {
        let now = NOW.load(SeqCst);
        match MODE.load(SeqCst) {
            0 => Ok(ids.iter().map(|_| now).collect()),
            1 => Err(String::from("down")),
            2 => resume_unwind(Box::new("panics")),
            _ => Ok(Vec::new()),
        }
    }

    let fails = || ready(TASKS.one());
    let panics = || {
        assert!(catch_unwind(AssertUnwindSafe(|| ready(TASKS.one()))).is_err());
    };
    ready(times(&[1, 2])).unwrap();
    for (mode, ends, errors) in [(1, &fails as &dyn Fn(), 1), (2, &panics, 1), (3, &panics, 2)] {
        NOW.fetch_add(60, SeqCst);
        MODE.store(mode, SeqCst);
        assert_eq!(ready(times(&[1, 2])), Ok(vec![0, 0]), "{mode}");
        ends();
        assert_eq!(times::cache_stats().errors, errors, "{mode}");
        assert_eq!(times::__memo().in_flight(), (0, 0));
        // As for calls of one element, the next is due one `ttl` later.
        NOW.fetch_add(59, SeqCst);
        assert_eq!((ready(times(&[2, 1])), TASKS.len()), (Ok(vec![0, 0]), 0), "{mode}");
        NOW.fetch_add(600, SeqCst);
    }
    MODE.store(0, SeqCst);
    assert_eq!(ready(times(&[2, 1])), Ok(vec![0, 0]));
    TASKS.run();
    assert_eq!(ready(times(&[1, 2])), Ok(vec![NOW.load(SeqCst); 2]));
    assert_eq!(times::cache_stats().refreshes, 2);
}

#[test]
fn an_element_whose_refresh_is_an_error_keeps_its_stale_result() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<Result<u64, &'static str>> {
        let now = NOW.load(SeqCst);
        ids.iter().map(|id| if *id == 0 && now == 60 { Err("no") } else { Ok(now) }).collect()
    }

    assert_eq!(ready(times(&[0, 1])), [Ok(0), Ok(0)]);
    NOW.store(60, SeqCst);
    assert_eq!(ready(times(&[0, 1])), [Ok(0), Ok(0)]);
    TASKS.run();
    assert_eq!(ready(times(&[0, 1])), [Ok(0), Ok(60)]);
    assert_eq!((TASKS.len(), times::cache_stats().errors, times::cache_stats().refreshes), (0, 1, 1));
    NOW.store(120, SeqCst);
    assert_eq!(ready(times(&[0, 1])), [Ok(0), Ok(60)]);
    TASKS.run();
    assert_eq!(ready(times(&[0, 1])), [Ok(120), Ok(120)]);
}

#[test]
fn what_was_changed_during_the_refresh_is_not_stored() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        let now = NOW.load(SeqCst);
        passed(&OPEN).await;
        vec![now; ids.len()]
    }

    type Left = [Option<u64>; 3];
    let changes: [(fn(), Left); 3] = [
        (times::cache_clear, [None; 3]),
        (|| assert!(times::cache_invalidate(2)), [Some(60), None, Some(60)]),
        (|| times::cache_put(2, 7), [Some(60), Some(7), Some(60)]),
    ];
    for (change, expected) in changes {
        NOW.store(0, SeqCst);
        ready(times(&[1, 2, 3]));
        NOW.store(60, SeqCst);
        assert_eq!(ready(times(&[1, 2, 3])), [0; 3]);
        OPEN.store(0, SeqCst);
        let mut task = TASKS.one();
        assert!(poll(&mut task.as_mut()).is_pending());
        change();
        OPEN.store(1, SeqCst);
        ready(task);
        assert_eq!([1, 2, 3].map(times::cache_peek), expected);
        assert_eq!(times::__memo().in_flight(), (0, 0));
        times::cache_clear();
    }
}

#[test]
fn a_call_after_a_clear_does_not_wait_for_the_refresh() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = 30, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        let now = NOW.load(SeqCst);
        passed(&OPEN).await;
        vec![now; ids.len()]
    }

    ready(times(&[1, 2]));
    NOW.store(60, SeqCst);
    ready(times(&[1, 2]));
    OPEN.store(0, SeqCst);
    let mut task = TASKS.one();
    assert!(poll(&mut task.as_mut()).is_pending());
    // Beyond the window, a call follows the refresh.
    NOW.store(100, SeqCst);
    let mut follows = pin!(times(&[2]));
    assert!(poll(&mut follows).is_pending());
    times::cache_clear();
    let mut computes = pin!(times(&[1, 2]));
    assert!(poll(&mut computes).is_pending());
    OPEN.store(1, SeqCst);
    assert_eq!(poll(&mut computes), Poll::Ready(vec![100; 2]));
    ready(task);
    assert_eq!(poll(&mut follows), Poll::Ready(vec![60]));
    assert_eq!(ready(times(&[1, 2])), [100; 2]);
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn a_refresh_that_is_dropped_lets_another_begin() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &BTreeSet<u32>) -> HashMap<u32, u64> {
        if OPEN.load(SeqCst) == 0 {
            pending::<()>().await;
        }
        ids.iter().map(|id| (*id, NOW.load(SeqCst))).collect()
    }

    let ids = BTreeSet::from([1, 2]);
    ready(times(&ids));
    NOW.store(60, SeqCst);
    // One that is never polled, and one that is dropped halfway.
    ready(times(&ids));
    drop(TASKS.one());
    assert_eq!(times::__memo().in_flight(), (0, 0));
    ready(times(&ids));
    OPEN.store(0, SeqCst);
    let mut task = TASKS.one();
    assert!(poll(&mut task.as_mut()).is_pending());
    drop(task);
    assert_eq!(times::__memo().in_flight(), (0, 0));
    OPEN.store(1, SeqCst);
    assert_eq!(ready(times(&ids))[&2], 0);
    TASKS.run();
    assert_eq!(ready(times(&ids)), HashMap::from([(1, 60), (2, 60)]));
}

#[test]
fn after_three_were_dropped_the_call_awaits_the_next_one() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        vec![NOW.load(SeqCst); ids.len()]
    }

    ready(times(&[1, 2]));
    NOW.store(60, SeqCst);
    for _ in 0..3 {
        assert_eq!(ready(times(&[1, 2])), [0, 0]);
        drop(TASKS.one());
    }
    assert_eq!((ready(times(&[1, 2])), TASKS.len()), (vec![60, 60], 0));
}

#[test]
fn without_an_executor_the_call_awaits_the_refresh() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();

    struct Refuses;

    impl Spawn for Refuses {
        fn spawn(&self, task: Task) -> Result<(), Task> {
            Err(task)
        }
    }

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = Refuses, shards = 4)]
    async fn times(ids: &[u32]) -> Vec<(u32, u64)> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| (*id, NOW.load(SeqCst))).collect()
    }

    ready(times(&[1, 2]));
    NOW.store(30, SeqCst);
    ready(times(&[3]));
    NOW.store(60, SeqCst);
    assert_eq!(ready(times(&[4, 2, 3, 1, 4])), [(4, 60), (2, 60), (3, 30), (1, 60), (4, 60)]);
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3], vec![2, 1], vec![4]]);
    let (info, stats) = (times::cache_info(), times::cache_stats());
    assert_eq!((info.hits, info.misses, stats.stale_hits, stats.refreshes), (4, 4, 2, 2));
}

#[test]
fn a_refresh_that_hangs_is_given_up() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS, flight_timeout = 5)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        let now = NOW.load(SeqCst);
        passed(&OPEN).await;
        vec![now; ids.len()]
    }

    ready(times(&[1, 2]));
    NOW.store(60, SeqCst);
    ready(times(&[1, 2]));
    OPEN.store(0, SeqCst);
    let mut hung = TASKS.one();
    assert!(poll(&mut hung.as_mut()).is_pending());
    NOW.store(70, SeqCst);
    ready(times(&[1, 2]));
    assert_eq!(TASKS.len(), 0);
    testing::advance(Duration::from_secs(5));
    ready(times(&[1]));
    OPEN.store(1, SeqCst);
    TASKS.run();
    assert_eq!(ready(times(&[1])), [70]);
    // What the first one brings is stored for the element that no other has taken over.
    ready(hung);
    assert_eq!(ready(times(&[1, 2])), [70, 60]);
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn a_refresh_that_does_not_begin_is_taken_over() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        ASKED.add(ids.to_vec());
        vec![NOW.load(SeqCst); ids.len()]
    }

    ready(times(&[1, 2]));
    NOW.store(60, SeqCst);
    ready(times(&[1, 2]));
    testing::advance(Duration::from_millis(100));
    assert_eq!(ready(times(&[2])), [60], "the call awaits its own refresh");
    TASKS.run();
    assert_eq!(ASKED.take(), [vec![1, 2], vec![2], vec![1]]);
    assert_eq!(ready(times(&[1, 2])), [60, 60]);
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn threads_refresh_each_element_once_at_a_time() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNNING: [AtomicU32; 20] = [const { AtomicU32::new(0) }; 20];
    static OVERLAPS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), refresh_threads = 2)]
    fn times(ids: &[usize]) -> Vec<u64> {
        for id in ids {
            OVERLAPS.fetch_add(RUNNING[*id].fetch_add(1, SeqCst), SeqCst);
        }
        thread::yield_now();
        for id in ids {
            RUNNING[*id].fetch_sub(1, SeqCst);
        }
        vec![NOW.load(SeqCst); ids.len()]
    }

    let all: Vec<usize> = (0..20).collect();
    times(&all);
    for round in 1..=20 {
        NOW.store(60 * round, SeqCst);
        let barrier = Barrier::new(4);
        thread::scope(|scope| {
            for start in 0..4 {
                let (all, barrier) = (&all, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let (from, to) = (start * 3, start * 3 + 11);
                    for time in times(&all[from..to]) {
                        assert!(time == 60 * round || time == 60 * (round - 1));
                    }
                });
            }
        });
        wait_until(|| {
            all.iter().all(|id| times::cache_contains(*id)) && times::__memo().in_flight() == (0, 0)
        });
    }
    assert_eq!(OVERLAPS.load(SeqCst), 0);
    assert!(times::cache_stats().refreshes >= 400);
}

#[test]
fn the_options_of_entries_are_made_of_the_refreshed_elements() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = names, ttl = |_, name: &String, _: &Option<u64>| name.len() as u64 * 10, swr = true,
                keep = |scale, name: &String, time: &Option<u64>| *scale == 1 && (name != "bc" || *time != Some(40)),
                timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(scale: u64, names: &[String]) -> HashMap<String, u64> {
        let known = names.iter().filter(|name| *name != "none");
        known.map(|name| (name.clone(), NOW.load(SeqCst) * scale)).chain([("other".into(), 0)]).collect()
    }

    let names = ["a", "bc", "none"].map(String::from);
    let known = |[a, bc]: [u64; 2]| HashMap::from([("a".into(), a), ("bc".into(), bc)]);
    assert_eq!(ready(times(1, &names)), known([0, 0]));
    NOW.store(10, SeqCst);
    assert_eq!(ready(times(1, &names)), known([0, 0]));
    TASKS.run();
    assert_eq!(ready(times(1, &names)), known([10, 0]));
    assert_eq!(TASKS.len(), 0);
    // All are stale; one that is not kept is removed.
    NOW.store(40, SeqCst);
    assert_eq!(ready(times(1, &names)), known([10, 0]));
    TASKS.run();
    assert_eq!(times::cache_peek(1, names[0].clone()), Some(Some(40)));
    assert_eq!(times::cache_peek(1, names[1].clone()), None);
    assert_eq!(times::cache_peek(1, names[2].clone()), Some(None));
    assert_eq!((times::cache_stats().not_kept, times::cache_stats().refreshes), (1, 4));
}

#[test]
fn methods_are_called_with_copies_of_their_receiver() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[derive(Clone)]
    struct Shop(u64);

    #[functools::memoize]
    impl Shop {
        #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
        fn prices(
            #[key(skip)] self: &Arc<Self>,
            #[key(skip)] label: &str,
            ids: Vec<u8>,
        ) -> Vec<Option<String>> {
            ids.iter().map(|id| (*id > 0).then(|| format!("{label}{}", self.0 + NOW.load(SeqCst)))).collect()
        }

        #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst))]
        async fn names(#[key(skip)] &self, ids: &BTreeSet<u8>) -> Vec<u64> {
            tokio::task::yield_now().await;
            ids.iter().map(|id| self.0 + u64::from(*id) + NOW.load(SeqCst)).collect()
        }
    }

    let shop = Arc::new(Shop(100));
    let some = |text: &str| Some(String::from(text));
    assert_eq!(shop.prices("a", vec![1, 0]), [some("a100"), None]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ids = BTreeSet::from([1, 2]);
    assert_eq!(runtime.block_on(shop.names(&ids)), [101, 102]);
    NOW.store(60, SeqCst);
    assert_eq!(shop.prices("b", vec![0, 1]), [None, some("a100")]);
    wait_until(|| Shop::prices_cache_stats().refreshes == 2);
    assert_eq!(shop.prices("c", vec![0, 1]), [None, some("b160")]);
    runtime.block_on(async {
        assert_eq!(shop.names(&ids).await, [101, 102]);
        while Shop::names_cache_stats().refreshes < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(shop.names(&ids).await, [161, 162]);
    });
}

#[test]
fn generic_functions_refresh_their_elements() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), typed = true)]
    fn times<K: Clone + Eq + std::hash::Hash + Send + Sync + 'static>(ids: &[K]) -> HashMap<K, u64> {
        ids.iter().map(|id| (id.clone(), NOW.load(SeqCst))).collect()
    }

    times(&["a".to_owned()]);
    times(&[1]);
    NOW.store(60, SeqCst);
    assert_eq!((times(&["a".to_owned()])["a"], times(&[1])[&1]), (0, 0));
    wait_until(|| times::cache_stats().refreshes == 2);
    assert_eq!((times(&["a".to_owned()])["a"], times(&[1])[&1]), (60, 60));
}

#[test]
fn calls_that_gather_refresh_apart_from_their_group() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, gather = 60, gather_max = 2, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: Vec<u32>) -> Vec<u64> {
        ASKED.add(ids.clone());
        vec![NOW.load(SeqCst); ids.len()]
    }

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        times(vec![1, 2]).await;
        NOW.store(60, SeqCst);
        ASKED.take();
        let (one, other) = tokio::join!(times(vec![1, 3]), times(vec![2, 4, 1]));
        assert_eq!((one, other), (vec![0, 60], vec![0, 60, 0]));
        assert_eq!(ASKED.take(), [vec![3, 4]]);
        assert_eq!(TASKS.len(), 2);
        for task in std::mem::take(&mut *TASKS.0.lock().unwrap()) {
            ready(task);
        }
        assert_eq!(ASKED.take(), [vec![1], vec![2]]);
        assert_eq!(times(vec![1, 2, 3, 4]).await, [60; 4]);
    });
}

#[test]
fn a_call_that_bypasses_the_cache_refreshes_nothing() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static TASKS: Tasks = Tasks::new();

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS)]
    async fn times(ids: &[u32]) -> Vec<u64> {
        vec![NOW.load(SeqCst); ids.len()]
    }

    ready(times(&[1]));
    NOW.store(60, SeqCst);
    assert_eq!(functools::bypassed(|| ready(times(&[1]))), [60]);
    assert_eq!((TASKS.len(), times::cache_stats().stale_hits), (0, 0));
}

#[test]
fn refreshed_elements_have_tags_of_their_own() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static TASKS: Tasks = Tasks::new();

    fn of_team(team: u64) -> functools::Tag {
        functools::tag("refreshed team", team)
    }

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), spawn = &TASKS,
                tags = |id, time: &u64| [functools::tag("refreshed", id), of_team(id % 2 + time)])]
    async fn times(ids: &[u64]) -> Vec<u64> {
        let now = NOW.load(SeqCst);
        passed(&OPEN).await;
        vec![now; ids.len()]
    }

    ready(times(&[1, 2, 3, 4]));
    NOW.store(60, SeqCst);
    assert_eq!(ready(times(&[1, 2, 3, 4])), [0; 4]);
    OPEN.store(0, SeqCst);
    let mut task = TASKS.one();
    assert!(poll(&mut task.as_mut()).is_pending());
    // One is invalidated by its tag before the refresh ends, and one has its tag by the new result.
    functools::invalidate(functools::tag("refreshed", 3_u64));
    functools::invalidate(of_team(60));
    OPEN.store(1, SeqCst);
    ready(task);
    assert_eq!([1, 2, 3, 4].map(times::cache_peek), [Some(60), None, None, None]);
    assert_eq!(times::__memo().in_flight(), (0, 0));
    NOW.store(70, SeqCst);
    assert_eq!(ready(times(&[1, 2, 3, 4])), [60, 70, 70, 70]);
    functools::invalidate(of_team(61));
    assert_eq!([1, 2].map(times::cache_peek), [None, Some(70)]);
}

#[test]
fn refreshed_elements_depend_on_what_the_refresh_has_read() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);

    #[lru_cache(tags = |id| functools::tag("read by a refresh", id))]
    fn read(id: u64) -> u64 {
        id + NOW.load(SeqCst)
    }

    #[lru_cache(each = ids, ttl = 60, swr = true, timer = || NOW.load(SeqCst), depends = true)]
    fn sums(ids: &[u64]) -> HashMap<u64, u64> {
        // Another element is read by the refresh than before.
        let sum: u64 = ids.iter().map(|id| read(*id + NOW.load(SeqCst))).sum();
        ids.iter().map(|id| (*id, sum)).collect()
    }

    sums(&[1, 2]);
    NOW.store(60, SeqCst);
    sums(&[1]);
    wait_until(|| sums::cache_stats().refreshes == 1 && sums::__memo().in_flight() == (0, 0));
    assert_eq!([1, 2].map(sums::cache_contains), [true, false]);
    functools::invalidate(functools::tag("read by a refresh", 2_u64));
    assert_eq!([1, 2].map(sums::cache_peek), [Some(Some(121)), None]);
    functools::invalidate(functools::tag("read by a refresh", 61_u64));
    assert_eq!([1, 2].map(sums::cache_peek), [None, None]);
}

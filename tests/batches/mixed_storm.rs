//! Many calls with overlapping elements at once, with all that can go wrong: panics, errors, dropped calls, clears, invalidations
//! of single keys, time-outs, evictions, bodies that call back, and calls of single keys of the same cache.
//!
//! `STORM_REPETITIONS` repeats each storm, with other pseudorandom numbers.

use std::collections::HashMap;
use std::env;
use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use functools::{LruCache, lru_cache, testing};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::support::{alone, in_time};

/// Each storm ends within this time, or the test fails: a call waits for ever.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Pseudorandom numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Elements that lie close together, some of them twice.
    fn ids(&mut self, keys: u64, most: u64) -> Vec<u32> {
        let (first, count) = (self.below(keys), self.below(most));
        (0..count).map(|_| ((first + self.below(2 * most)) % keys) as u32).collect()
    }
}

/// Returns the seeds of the repetitions.
fn repetitions() -> Range<u64> {
    0..env::var("STORM_REPETITIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// What results are computed from: how often all has changed, and each element.
struct Source {
    /// The changes so far, and how many of them the cache has been told of.
    changes: [AtomicU64; 2],
    of_elements: Vec<[AtomicU64; 2]>,
    changing: Mutex<()>,
}

/// A result: the changes of all and of the element that it was computed from.
type Value = (u64, u64);

impl Source {
    fn new(elements: u64) -> Self {
        let none = || [const { AtomicU64::new(0) }; 2];
        Self {
            changes: none(),
            of_elements: (0..elements).map(|_| none()).collect(),
            changing: Mutex::new(()),
        }
    }

    fn current(&self, id: u32) -> Value {
        (self.changes[0].load(SeqCst), self.of_elements[id as usize][0].load(SeqCst))
    }

    /// Returns the oldest value that a call may receive which begins now.
    fn oldest(&self, id: u32) -> Value {
        (self.changes[1].load(SeqCst), self.of_elements[id as usize][1].load(SeqCst))
    }

    /// Changes all.
    fn change(&self, clear: impl FnOnce()) {
        let _changing = self.changing.lock().unwrap();
        let change = self.changes[0].fetch_add(1, SeqCst) + 1;
        clear();
        self.changes[1].store(change, SeqCst);
    }

    /// Changes an element.
    fn change_one(&self, id: u32, invalidate: impl FnOnce(u32)) {
        let [changes, told] = &self.of_elements[id as usize];
        let change = changes.fetch_add(1, SeqCst) + 1;
        invalidate(id);
        told.fetch_max(change, SeqCst);
    }

    /// Fails if any of the values is older than it may be.
    fn assert_current(&self, ids: &[u32], oldest: &[Value], values: &[Value]) {
        assert_eq!(ids.len(), values.len());
        for ((id, oldest), value) in ids.iter().zip(oldest).zip(values) {
            assert!(value.0 >= oldest.0 && value.1 >= oldest.1, "{id}: {value:?} is older than {oldest:?}");
            let current = self.current(*id);
            assert!(value.0 <= current.0 && value.1 <= current.1, "{id}: {value:?} after {current:?}");
        }
    }
}

async fn all(tasks: Vec<JoinHandle<()>>) {
    let end = Instant::now() + WATCHDOG;
    for task in tasks {
        let left = end.saturating_duration_since(Instant::now());
        timeout(left, task).await.expect("no task waits for ever").expect("no task fails");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_element_is_computed_once_until_it_changes() {
    const KEYS: u64 = 10_000;
    /// How often each element was computed from the same, by calls that began after it had changed and ended before it changed
    /// again; and where bodies have failed, after which several calls may compute.
    static COMPUTED: Mutex<Option<HashMap<(u32, Value), u32>>> = Mutex::new(None);
    static FAILED: Mutex<Vec<(u32, Value)>> = Mutex::new(Vec::new());

    #[lru_cache(each = ids, maxsize = None)]
    async fn values(
        #[key(skip)] source: Arc<Source>,
        #[key(skip)] begun: Arc<HashMap<u32, Value>>,
        ids: &[u32],
    ) -> Vec<Value> {
        let values: Vec<Value> = ids.iter().map(|&id| source.current(id)).collect();
        yield_now().await;
        if ids.iter().map(|&id| u64::from(id)).sum::<u64>() % 50 == 0 {
            FAILED.lock().unwrap().extend(ids.iter().copied().zip(values));
            resume_unwind(Box::new("a panic of the body"));
        }
        yield_now().await;
        let mut computed = COMPUTED.lock().unwrap();
        for (&id, &value) in ids.iter().zip(&values) {
            if begun[&id] == value && source.current(id) == value {
                *computed.get_or_insert_default().entry((id, value)).or_default() += 1;
            }
        }
        values
    }

    let _time = in_time();
    for seed in repetitions() {
        let source = Arc::new(Source::new(KEYS));
        values::cache_clear();
        *COMPUTED.lock().unwrap() = None;
        FAILED.lock().unwrap().clear();
        let tasks = (0..64).map(|task| {
            let source = Arc::clone(&source);
            tokio::spawn(async move {
                let mut random = Random(seed * 64 + task);
                for _ in 0..25 {
                    let ids = random.ids(KEYS, 300);
                    let oldest: Vec<Value> = ids.iter().map(|&id| source.oldest(id)).collect();
                    let begun: HashMap<u32, Value> =
                        ids.iter().copied().zip(oldest.iter().copied()).collect();
                    let (begun, asked) = (Arc::new(begun), ids.clone());
                    let of_call = Arc::clone(&source);
                    let call = tokio::spawn(async move { values(of_call, begun, &asked).await });
                    if random.one_in(20) {
                        yield_now().await;
                        call.abort();
                    }
                    if let Ok(found) = call.await {
                        source.assert_current(&ids, &oldest, &found);
                    }
                    if random.one_in(100) {
                        source.change(values::cache_clear);
                    }
                    if random.one_in(3) {
                        let id = random.below(KEYS) as u32;
                        source.change_one(id, |id| _ = values::cache_invalidate(id));
                    }
                }
            })
        });
        all(tasks.collect()).await;
        let (computed, failed) = (COMPUTED.lock().unwrap().take().unwrap(), FAILED.lock().unwrap().clone());
        let failed: std::collections::HashSet<_> = failed.into_iter().collect();
        let twice: Vec<_> =
            computed.iter().filter(|(computed, count)| **count > 1 && !failed.contains(computed)).collect();
        assert!(twice.is_empty(), "with seed {seed}, of {}: {twice:?}", computed.len());
        assert_eq!(values::__memo(&()).in_flight(), (0, 0));
    }
}

/// A cache, and what its values are computed from.
struct World {
    cache: LruCache<u32, Value>,
    source: Source,
}

const KEYS_OF_WORLD: u64 = 2_000;

impl World {
    /// Loads many elements: bodies may fail, and call back for other elements.
    fn load(
        self: Arc<Self>,
        ids: Vec<u32>,
        depth: u32,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Value>, u32>> + Send>> {
        Box::pin(async move {
            let compute = |ids: Vec<u32>| {
                let world = Arc::clone(&self);
                async move {
                    let values = ids.iter().map(|&id| world.source.current(id)).collect();
                    yield_now().await;
                    let fate = ids.iter().map(|&id| u64::from(id)).sum::<u64>() % 60;
                    if depth < 3 && fate % 4 == 1 {
                        // Others, which another call may compute that waits for these.
                        let others =
                            ids.iter().map(|id| (id * 7 + 1) % KEYS_OF_WORLD as u32).take(20).collect();
                        _ = Arc::clone(&world).load(others, depth + 1).await;
                    }
                    yield_now().await;
                    match fate {
                        0 => resume_unwind(Box::new("a panic of the body")),
                        2 => Err(ids[0]),
                        _ => Ok(values),
                    }
                }
            };
            self.cache.get_or_try_insert_many_with_async(ids, compute).await
        })
    }

    async fn load_one(self: Arc<Self>, id: u32) -> Value {
        self.cache
            .get_or_insert_with_async(id, || async {
                let value = self.source.current(id);
                yield_now().await;
                value
            })
            .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_waits_for_ever_and_no_value_is_older_than_the_last_change() {
    const MAXSIZE: usize = 500;
    let _alone = alone();
    for seed in repetitions() {
        let cache = LruCache::builder().maxsize(MAXSIZE).flight_timeout(Duration::from_secs(7000)).build();
        let world = Arc::new(World { cache, source: Source::new(KEYS_OF_WORLD) });
        let tasks = (0..64).map(|task| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut random = Random(1_000_000 + seed * 64 + task);
                for _ in 0..25 {
                    let (ids, is_single) = (random.ids(KEYS_OF_WORLD, 200), random.one_in(3));
                    let ids = if is_single { vec![random.below(KEYS_OF_WORLD) as u32] } else { ids };
                    let oldest: Vec<Value> = ids.iter().map(|&id| world.source.oldest(id)).collect();
                    let (of_call, asked) = (Arc::clone(&world), ids.clone());
                    let call = tokio::spawn(async move {
                        if is_single {
                            Ok(vec![of_call.load_one(asked[0]).await])
                        } else {
                            of_call.load(asked, 0).await
                        }
                    });
                    if random.one_in(20) {
                        yield_now().await;
                        call.abort();
                    }
                    if let Ok(Ok(values)) = call.await {
                        world.source.assert_current(&ids, &oldest, &values);
                    }
                    match random.below(100) {
                        0 => world.source.change(|| world.cache.clear()),
                        1 | 2 => testing::advance(Duration::from_secs(7001)),
                        3..30 => {
                            let id = random.below(KEYS_OF_WORLD) as u32;
                            world.source.change_one(id, |id| _ = world.cache.remove(&id));
                        }
                        _ => {}
                    }
                    assert!(world.cache.len() <= MAXSIZE);
                }
            })
        });
        all(tasks.collect()).await;
    }
}

#[test]
fn no_thread_waits_for_ever() {
    const KEYS: u64 = 500;
    #[lru_cache(each = ids, maxsize = 200, single_flight = true, flight_timeout = 7000)]
    fn values(#[key(skip)] source: &Source, #[key(skip)] depth: u32, ids: Vec<u32>) -> HashMap<u32, Value> {
        let found: HashMap<u32, Value> = ids.iter().map(|&id| (id, source.current(id))).collect();
        thread::yield_now();
        let fate = ids.iter().map(|&id| u64::from(id)).sum::<u64>() % 60;
        if depth < 3 && fate % 4 == 1 {
            let others = ids.iter().map(|id| (id * 7 + 1) % KEYS as u32).take(20).collect();
            _ = catch_unwind(AssertUnwindSafe(|| values(source, depth + 1, others)));
        }
        if fate == 0 {
            resume_unwind(Box::new("a panic of the body"));
        }
        found
    }

    let _alone = alone();
    for seed in repetitions() {
        let source = Arc::new(Source::new(KEYS));
        values::cache_clear();
        let (sender, receiver) = mpsc::channel();
        for number in 0..16 {
            let (source, sender) = (Arc::clone(&source), sender.clone());
            thread::spawn(move || {
                let mut random = Random(2_000_000 + seed * 16 + number);
                for _ in 0..60 {
                    let ids = random.ids(KEYS, 60);
                    let oldest: Vec<Value> = ids.iter().map(|&id| source.oldest(id)).collect();
                    let call = || values(&source, 0, ids.clone());
                    if let Ok(found) = catch_unwind(AssertUnwindSafe(call)) {
                        let found: Vec<Value> = ids.iter().map(|id| found[id]).collect();
                        source.assert_current(&ids, &oldest, &found);
                    }
                    match random.below(100) {
                        0 => source.change(values::cache_clear),
                        1 | 2 => testing::advance(Duration::from_secs(7001)),
                        3..30 => source
                            .change_one(random.below(KEYS) as u32, |id| _ = values::cache_invalidate(id)),
                        _ => {}
                    }
                }
                sender.send(()).unwrap();
            });
        }
        drop(sender);
        for _ in 0..16 {
            receiver.recv_timeout(WATCHDOG).expect("no thread waits for ever, and none fails");
        }
        assert_eq!(values::__memo(&()).in_flight(), (0, 0));
    }
}

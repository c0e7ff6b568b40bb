//! Many tasks with overlapping batches, of which some are dropped, panic or fail, while the cache is cleared.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::lru_cache;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::support::in_time;

/// Pseudorandom numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn ids(&mut self, keys: u64) -> Vec<u32> {
        let (first, count) = (self.below(keys), self.below(300));
        (0..count).map(|_| u32::try_from((first + self.below(600)) % keys).unwrap()).collect()
    }
}

/// All tasks end within this time, or the test fails.
const WATCHDOG: Duration = Duration::from_secs(120);

async fn all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        timeout(WATCHDOG, task).await.expect("no task waits for ever").expect("no task fails");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_element_is_computed_once_however_many_calls_are_dropped() {
    let _time = in_time();
    static COMPUTED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

    #[lru_cache(each = ids, maxsize = None)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        yield_now().await;
        yield_now().await;
        COMPUTED.lock().unwrap().extend(ids);
        ids.iter().map(|id| id * 2).collect()
    }

    let tasks = (0..64).map(|task| {
        tokio::spawn(async move {
            let mut random = Random(task);
            for _ in 0..40 {
                let ids = random.ids(10_000);
                let expected: Vec<u32> = ids.iter().map(|id| id * 2).collect();
                let call = tokio::spawn(async move { doubled(&ids).await });
                if random.below(20) == 0 {
                    yield_now().await;
                    call.abort();
                    // A call that has ended before is not aborted.
                    let _ = call.await;
                } else {
                    assert_eq!(call.await.unwrap(), expected);
                }
            }
        })
    });
    all(tasks.collect()).await;
    let mut computed = COMPUTED.lock().unwrap().clone();
    let count = computed.len();
    computed.sort_unstable();
    computed.dedup();
    assert_eq!(computed.len(), count, "no element is computed twice");
    assert_eq!(doubled::cache_info().currsize, count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_result_is_older_than_the_last_clear() {
    let _time = in_time();
    /// The generation that bodies compute, and the last whose clear has ended.
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    static CLEARED: AtomicU64 = AtomicU64::new(0);
    static CLEARING: Mutex<()> = Mutex::new(());

    #[lru_cache(each = ids, maxsize = 500)]
    async fn generations(ids: Vec<u32>) -> Result<HashMap<u32, u64>, String> {
        let generation = GENERATION.load(SeqCst);
        yield_now().await;
        let fate = ids.iter().map(|&id| u64::from(id)).sum::<u64>() % 33;
        yield_now().await;
        match fate {
            0 => resume_unwind(Box::new("a panic of the body")),
            1 => Err("an error".to_owned()),
            _ => Ok(ids.into_iter().map(|id| (id, generation)).collect()),
        }
    }

    let tasks = (0..64).map(|task| {
        tokio::spawn(async move {
            let mut random = Random(1000 + task);
            for _ in 0..40 {
                let ids = random.ids(2_000);
                let least = CLEARED.load(SeqCst);
                let (asked, aborts) = (ids.clone(), random.below(20) == 0);
                let call = tokio::spawn(async move { generations(ids).await });
                if aborts {
                    yield_now().await;
                    call.abort();
                }
                if let Ok(Ok(found)) = call.await {
                    assert!(asked.iter().all(|id| found[id] >= least), "older than {least}");
                    assert!(found.keys().all(|id| asked.contains(id)));
                }
                if random.below(100) == 0 {
                    let _clearing = CLEARING.lock().unwrap();
                    let generation = GENERATION.fetch_add(1, SeqCst) + 1;
                    generations::cache_clear();
                    CLEARED.store(generation, SeqCst);
                }
                assert!(generations::cache_info().currsize <= 500);
            }
        })
    });
    all(tasks.collect()).await;
}

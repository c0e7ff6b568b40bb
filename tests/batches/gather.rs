//! Calls that wait for each other (`gather`): one call of the body for all.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use functools::{isolated, lru_cache, testing};

use crate::support::{Asked, alone, in_time, poll};

/// Lets the time of all open groups end.
fn end_of_windows() {
    testing::advance(Duration::from_millis(1_000_500));
}

/// A waker that counts.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Blocks the thread until the future is ready.
fn block<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park_timeout(Duration::from_secs(60)),
        }
    }
}

#[test]
fn concurrent_calls_become_one_call_of_the_body() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 2).collect()
    }

    let ids: Vec<[u32; 2]> = (0..20).map(|n| [n, n / 2]).collect();
    let mut calls: Vec<_> = ids.iter().map(|ids| Box::pin(doubled(ids))).collect();
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    assert!(ASKED.take().is_empty(), "the window is open");
    end_of_windows();
    for (call, ids) in calls.iter_mut().zip(&ids) {
        assert_eq!(poll(call), Poll::Ready(vec![ids[0] * 2, ids[1] * 2]));
    }
    assert_eq!(ASKED.take(), [(0..20).collect::<Vec<_>>()]);
    let info = doubled::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (20, 20, 20), "each element is counted once");
    assert_eq!(poll(&mut Box::pin(doubled(&[3, 1]))), Poll::Ready(vec![6, 2]), "hits do not wait");
}

#[test]
fn a_full_group_is_closed_early_and_wakes_its_driver() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, gather_max = 4)]
    async fn named(ids: Vec<u32>) -> HashMap<u32, String> {
        ASKED.add(ids.clone());
        ids.into_iter().filter(|id| id % 5 != 0).map(|id| (id, format!("{id}"))).collect()
    }

    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut driver = Box::pin(named(vec![1]));
    assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let (mut second, mut third) = (Box::pin(named(vec![5, 2])), Box::pin(named(vec![3, 2])));
    assert!(poll(&mut second).is_pending());
    assert_eq!(woken.0.load(SeqCst), 0);
    assert!(poll(&mut third).is_pending());
    assert_eq!(woken.0.load(SeqCst), 1, "the call that fills the group wakes the driver");
    // The next group.
    let mut fourth = Box::pin(named(vec![4]));
    assert!(poll(&mut fourth).is_pending());
    assert_eq!(poll(&mut driver), Poll::Ready(HashMap::from([(1, "1".into())])));
    assert_eq!(ASKED.take(), [[1, 5, 2, 3]]);
    assert_eq!(poll(&mut second), Poll::Ready(HashMap::from([(2, "2".into())])));
    assert_eq!(poll(&mut third), Poll::Ready(HashMap::from([(2, "2".into()), (3, "3".into())])));
    assert!(poll(&mut fourth).is_pending());
    assert_eq!(named::cache_peek(5), Some(None), "absent, and known to be");
}

#[test]
fn a_batch_larger_than_the_group_goes_alone() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = Duration::from_secs(1000), gather_max = 3)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 2).collect()
    }

    assert_eq!(poll(&mut Box::pin(doubled(&[1, 2, 3, 4]))), Poll::Ready(vec![2, 4, 6, 8]));
    let (mut one, mut other) = (Box::pin(doubled(&[5, 6])), Box::pin(doubled(&[7, 8, 1])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    // There is no room for two more: the first group is closed.
    assert_eq!(poll(&mut one), Poll::Ready(vec![10, 12]));
    assert!(poll(&mut other).is_pending());
    assert_eq!(ASKED.take(), [vec![1, 2, 3, 4], vec![5, 6]]);
}

#[test]
fn groups_are_of_calls_with_equal_arguments() {
    let _alone = alone();
    static ASKED: Asked<(u32, String, Vec<u32>)> = Asked::new();

    struct Db(u32);

    impl Db {
        #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
        async fn named(#[key(skip)] &self, locale: &str, ids: Vec<u32>) -> Vec<String> {
            ASKED.add((self.0, locale.into(), ids.clone()));
            ids.iter().map(|id| format!("{locale}{id}")).collect()
        }
    }

    let (one, other) = (Db(1), Db(2));
    let mut calls = [
        Box::pin(one.named("de", vec![1])),
        Box::pin(other.named("en", vec![1])),
        Box::pin(other.named("de", vec![2])),
        Box::pin(one.named("en", vec![3])),
    ];
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    end_of_windows();
    let results: Vec<_> = calls.iter_mut().map(poll).collect();
    assert_eq!(results, ["de1", "en1", "de2", "en3"].map(|name| Poll::Ready(vec![name.to_owned()])));
    let asked = ASKED.take();
    assert_eq!(asked, [(1, "de".into(), vec![1, 2]), (2, "en".into(), vec![1, 3])]);
}

#[test]
fn a_dropped_driver_leaves_its_waiters_one_new_group() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        ids.iter().map(|id| id * 2).collect()
    }

    let mut driver = Box::pin(doubled(vec![1]));
    assert!(poll(&mut driver).is_pending());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut calls: Vec<_> = (2..6).map(|id| Box::pin(doubled(vec![id, id * 10, 1]))).collect();
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    for dropped in 1..3 {
        if dropped == 1 {
            drop(std::mem::replace(&mut driver, Box::pin(doubled(Vec::new()))));
        } else {
            drop(calls.remove(0));
        }
        assert!(woken.0.swap(0, SeqCst) >= 3, "the calls that wait are woken");
        for _ in 0..2 {
            for call in &mut calls {
                assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
        }
    }
    end_of_windows();
    for (call, id) in calls.iter_mut().zip(3..) {
        assert_eq!(poll(call), Poll::Ready(vec![id * 2, id * 20, 2]));
    }
    let mut asked = ASKED.take();
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked[0].sort_unstable();
    assert_eq!(asked[0], [1, 3, 4, 5, 30, 40, 50]);
    let info = doubled::cache_info();
    assert_eq!((info.misses, info.currsize), (7, 7));
}

#[test]
fn a_driver_that_is_dropped_while_it_computes_is_replaced() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static OPEN: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: Vec<u32>) -> BTreeMap<u32, u32> {
        ASKED.add(ids.clone());
        poll_fn(|_| if OPEN.load(SeqCst) > 0 { Poll::Ready(()) } else { Poll::Pending }).await;
        ids.iter().map(|id| (*id, id * 2)).collect()
    }

    let mut driver = Box::pin(doubled(vec![1]));
    let (mut second, mut third) = (Box::pin(doubled(vec![2, 1])), Box::pin(doubled(vec![3])));
    assert!(poll(&mut driver).is_pending() && poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    end_of_windows();
    assert!(poll(&mut driver).is_pending());
    assert_eq!(ASKED.take(), [[1, 2, 3]]);
    drop(driver);
    OPEN.store(1, SeqCst);
    assert!(poll(&mut second).is_pending() && poll(&mut third).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut second), Poll::Ready(BTreeMap::from([(1, 2), (2, 4)])));
    assert_eq!(poll(&mut third), Poll::Ready(BTreeMap::from([(3, 6)])));
    let asked = ASKED.take();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[test]
fn a_dropped_waiter_leaves_its_elements_to_the_group() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 2).collect()
    }

    let mut driver = Box::pin(doubled(&[1]));
    assert!(poll(&mut driver).is_pending());
    {
        let mut waiter = Box::pin(doubled(&[2, 3]));
        assert!(poll(&mut waiter).is_pending());
    }
    let mut late = Box::pin(doubled(&[3]));
    assert!(poll(&mut late).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut driver), Poll::Ready(vec![2]));
    assert_eq!(poll(&mut late), Poll::Ready(vec![6]));
    assert_eq!(ASKED.take(), [[1, 2, 3]]);
    assert_eq!(doubled::cache_peek(2), Some(4));
}

#[test]
fn an_error_of_the_whole_goes_to_all_calls_of_the_group() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn halved(ids: &[u32]) -> Result<HashMap<u32, u32>, Arc<str>> {
        CALLS.fetch_add(1, SeqCst);
        if let Some(odd) = ids.iter().find(|id| **id % 2 == 1) {
            return Err(format!("{odd} is odd").into());
        }
        Ok(ids.iter().map(|id| (*id, id / 2)).collect())
    }

    let mut calls = [[2_u32], [7], [4], [2], [7]].map(|ids| Box::pin(async move { halved(&ids).await }));
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    end_of_windows();
    for call in &mut calls {
        assert_eq!(poll(call), Poll::Ready(Err("7 is odd".into())));
    }
    assert_eq!(CALLS.load(SeqCst), 1);
    assert_eq!((halved::cache_info().currsize, halved::cache_stats().errors), (0, 1));
    let mut again = Box::pin(halved(&[2]));
    assert!(poll(&mut again).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut again), Poll::Ready(Ok(HashMap::from([(2, 1)]))));
}

#[test]
fn each_call_has_the_errors_of_its_own_elements() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn halved(ids: &[u32]) -> Vec<Result<u32, String>> {
        CALLS.fetch_add(1, SeqCst);
        ids.iter().map(|id| if id % 2 == 0 { Ok(id / 2) } else { Err(format!("{id}")) }).collect()
    }

    let (mut good, mut bad) = (Box::pin(halved(&[2, 4])), Box::pin(halved(&[7, 2])));
    assert!(poll(&mut good).is_pending() && poll(&mut bad).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut good), Poll::Ready(vec![Ok(1), Ok(2)]));
    assert_eq!(poll(&mut bad), Poll::Ready(vec![Err("7".into()), Ok(1)]));
    assert_eq!(CALLS.load(SeqCst), 1);
    assert_eq!(halved::cache_peek(7), None);
}

#[test]
fn after_a_panic_the_calls_that_wait_compute() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        if ids.contains(&13) {
            resume_unwind(Box::new("13"));
        }
        ids.iter().map(|id| id * 2).collect()
    }

    let mut driver = Box::pin(doubled(vec![13]));
    let (mut second, mut third) = (Box::pin(doubled(vec![2])), Box::pin(doubled(vec![3, 4])));
    assert!(poll(&mut driver).is_pending() && poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    end_of_windows();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut driver))).is_err());
    drop(driver);
    assert_eq!(ASKED.take(), [[13, 2, 3, 4]]);
    for _ in 0..2 {
        assert!(poll(&mut second).is_pending() && poll(&mut third).is_pending(), "they wait for each other");
    }
    end_of_windows();
    assert_eq!(poll(&mut second), Poll::Ready(vec![4]));
    assert_eq!(poll(&mut third), Poll::Ready(vec![6, 8]));
    assert_eq!(ASKED.take(), [[2, 3, 4]]);
}

#[test]
fn a_group_that_is_open_is_current_after_a_clear() {
    let _alone = alone();
    static VERSION: AtomicU32 = AtomicU32::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn versions(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        let version = VERSION.load(SeqCst);
        poll_fn(|_| if OPEN.load(SeqCst) > 0 { Poll::Ready(()) } else { Poll::Pending }).await;
        ids.iter().map(|_| version).collect()
    }

    let mut driver = Box::pin(versions(&[1]));
    assert!(poll(&mut driver).is_pending());
    VERSION.store(1, SeqCst);
    versions::cache_clear();
    let mut second = Box::pin(versions(&[1, 2]));
    assert!(poll(&mut second).is_pending());
    end_of_windows();
    assert!(poll(&mut driver).is_pending());
    assert_eq!(ASKED.take(), [[1, 2]], "the call after the clear is in the group");
    // The body has begun: a call after a clear does not follow it.
    VERSION.store(2, SeqCst);
    versions::cache_invalidate(1);
    let mut third = Box::pin(versions(&[1]));
    assert!(poll(&mut third).is_pending());
    OPEN.store(1, SeqCst);
    assert_eq!(poll(&mut driver), Poll::Ready(vec![1]));
    assert_eq!(poll(&mut second), Poll::Ready(vec![1, 1]));
    end_of_windows();
    assert_eq!(poll(&mut third), Poll::Ready(vec![2]));
    assert_eq!(versions::cache_peek_many(&[1, 2]), [Some(2), Some(1)]);
}

#[test]
fn a_driver_that_is_not_polled_is_replaced() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut driver, mut waits) = (Box::pin(doubled(&[1])), Box::pin(doubled(&[2, 1])));
    assert!(poll(&mut driver).is_pending() && poll(&mut waits).is_pending());
    end_of_windows();
    let mut late = Box::pin(doubled(&[3]));
    assert!(poll(&mut late).is_pending(), "in a group of its own");
    testing::advance(Duration::from_secs(1));
    assert!(poll(&mut waits).is_pending(), "in that group");
    end_of_windows();
    assert_eq!(poll(&mut late), Poll::Ready(vec![6]));
    assert_eq!(poll(&mut waits), Poll::Ready(vec![4, 2]));
    assert_eq!(ASKED.take(), [[3, 2, 1]]);
    assert_eq!(poll(&mut driver), Poll::Ready(vec![2]), "what another call has stored meanwhile");
    assert!(ASKED.take().is_empty());
}

#[test]
fn options_of_entries_take_the_elements_of_other_calls() {
    let _alone = alone();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000, weight = |id, _| usize::try_from(*id).unwrap(), maxsize = 1000)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut one, mut other) = (Box::pin(doubled(vec![100])), Box::pin(doubled(vec![20, 3])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    end_of_windows();
    assert!(poll(&mut one).is_ready() && poll(&mut other).is_ready());
    assert_eq!(doubled::cache_info().currsize, 123);
}

#[test]
fn a_generic_function_has_groups_for_each_type() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000, typed = true)]
    async fn shown<K>(ids: &[K]) -> Vec<String>
    where
        K: std::fmt::Debug + Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    {
        CALLS.fetch_add(1, SeqCst);
        ids.iter().map(|id| format!("{id:?}")).collect()
    }

    let (mut one, mut other) = (Box::pin(shown(&[1_u8])), Box::pin(shown(&[2_u8])));
    let mut third = Box::pin(shown(&["x"]));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending() && poll(&mut third).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut one), Poll::Ready(vec!["1".to_owned()]));
    assert_eq!(poll(&mut other), Poll::Ready(vec!["2".to_owned()]));
    assert_eq!(poll(&mut third), Poll::Ready(vec!["\"x\"".to_owned()]));
    assert_eq!(CALLS.load(SeqCst), 2);
}

#[test]
fn a_vector_of_the_wrong_length_fails_its_call_alone() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        if CALLS.fetch_add(1, SeqCst) == 0 { Vec::new() } else { ids.iter().map(|id| id * 2).collect() }
    }

    let (mut driver, mut waits) = (Box::pin(doubled(&[1])), Box::pin(doubled(&[2])));
    assert!(poll(&mut driver).is_pending() && poll(&mut waits).is_pending());
    end_of_windows();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut driver))).is_err());
    assert!(poll(&mut waits).is_pending(), "it opens another group");
    end_of_windows();
    assert_eq!(poll(&mut waits), Poll::Ready(vec![4]));
    assert_eq!(doubled::cache_info().currsize, 1);
}

#[test]
fn a_call_that_bypasses_the_cache_does_not_wait() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        ids.iter().map(|id| id * 2).collect()
    }

    let mut driver = Box::pin(doubled(vec![1]));
    assert!(poll(&mut driver).is_pending());
    let mut bypassing = Box::pin(functools::bypassed(doubled(vec![1, 2])));
    assert_eq!(poll(&mut bypassing), Poll::Ready(vec![2, 4]));
    assert_eq!(ASKED.take(), [[1, 2]]);
    assert_eq!(doubled::cache_info().currsize, 0);
}

#[test]
fn a_cache_that_stores_nothing_gathers_all_the_same() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000, maxsize = 0)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut one, mut other) = (Box::pin(doubled(&[1, 2])), Box::pin(doubled(&[2, 3])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut one), Poll::Ready(vec![2, 4]));
    assert_eq!(poll(&mut other), Poll::Ready(vec![4, 6]));
    assert_eq!(ASKED.take(), [[1, 2, 3]]);
}

#[test]
fn a_body_that_calls_for_what_its_group_computes_does_not_wait_for_itself() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn depth(ids: Vec<u32>) -> Vec<u32> {
        if CALLS.fetch_add(1, SeqCst) == 0 {
            // One of its own, and one that another call has handed over.
            assert_eq!(Box::pin(depth(vec![2, 1])).await, [2, 1]);
        }
        ids
    }

    let (mut driver, mut waits) = (Box::pin(depth(vec![1])), Box::pin(depth(vec![2])));
    assert!(poll(&mut driver).is_pending() && poll(&mut waits).is_pending());
    end_of_windows();
    assert_eq!(poll(&mut driver), Poll::Ready(vec![1]));
    assert_eq!(poll(&mut waits), Poll::Ready(vec![2]));
    assert!(CALLS.load(SeqCst) > 1, "the inner call computes");
    assert_eq!(depth::cache_info().currsize, 2);
}

#[test]
fn no_runtime_is_needed() {
    let _time = in_time();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 0.02)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        CALLS.fetch_add(1, SeqCst);
        ids.iter().map(|id| id * 2).collect()
    }

    let (sender, receiver) = mpsc::channel();
    for id in 0..20 {
        let sender = sender.clone();
        thread::spawn(move || sender.send((id, block(doubled(vec![id / 2])))).unwrap());
    }
    for _ in 0..20 {
        let (id, result) = receiver.recv_timeout(Duration::from_secs(60)).expect("no call waits for ever");
        assert_eq!(result, [id / 2 * 2]);
    }
    assert!((1..=20).contains(&CALLS.load(SeqCst)));
    assert_eq!(doubled::cache_info().misses, 10);
}

#[test]
fn a_storm_of_calls_that_are_dropped_leaves_no_call_waiting() {
    let _time = in_time();
    static CALLS: AtomicU32 = AtomicU32::new(0);
    const ROUNDS: u32 = 300;

    #[lru_cache(each = ids, gather = 0.001, gather_max = 40)]
    async fn doubled(ids: Vec<u32>) -> Result<HashMap<u32, u32>, String> {
        CALLS.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        if ids.iter().any(|id| id % 1009 == 0) {
            return Err("1009".into());
        }
        Ok(ids.iter().map(|id| (*id, id * 2)).collect())
    }

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let (sender, receiver) = mpsc::channel();
    runtime.spawn(async move {
        for round in 0..ROUNDS {
            let mut calls = Vec::new();
            for n in 0..30 {
                let ids: Vec<u32> = (0..n % 4).map(|k| 1 + round * 30 + (n * 7 + k) % 30).collect();
                calls.push((ids.clone(), tokio::spawn(doubled(ids))));
            }
            for _ in 0..round % 40 {
                tokio::task::yield_now().await;
            }
            if round % 5 == 0 {
                doubled::cache_clear();
            }
            calls.iter().step_by(3).for_each(|(_, call)| call.abort());
            for (ids, call) in calls {
                match call.await {
                    Ok(Ok(found)) => assert_eq!(found, ids.iter().map(|id| (*id, id * 2)).collect()),
                    Ok(Err(error)) => assert_eq!(error, "1009"),
                    Err(error) => assert!(error.is_cancelled(), "{error}"),
                }
            }
        }
        sender.send(()).unwrap();
    });
    receiver
        .recv_timeout(Duration::from_secs(120))
        .expect("no call waits for ever, and all results are right");
    let calls = CALLS.load(SeqCst);
    assert!((ROUNDS..ROUNDS * 15).contains(&calls), "{calls} calls of the body for {} calls", ROUNDS * 30);
}

#[test]
fn a_shorter_flight_timeout_asks_for_no_element_twice() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 1)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        ids.iter().map(|id| id * 2).collect()
    }

    let mut calls = [Box::pin(doubled(vec![1, 2])), Box::pin(doubled(vec![2])), Box::pin(doubled(vec![1]))];
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    testing::advance(Duration::from_secs(10));
    let early: Vec<_> = calls.iter_mut().map(poll).collect();
    end_of_windows();
    let expected = [vec![2, 4], vec![4], vec![2]];
    for ((call, early), expected) in calls.iter_mut().zip(early).zip(expected) {
        let result = if early.is_ready() { early } else { poll(call) };
        assert_eq!(result, Poll::Ready(expected));
    }
    for asked in ASKED.take() {
        assert!(asked.is_sorted_by(|a, b| a < b), "{asked:?}");
    }
}

#[test]
fn calls_with_caches_of_their_own_are_in_groups_of_their_own() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000)]
    async fn doubled(ids: Vec<u32>) -> BTreeMap<u32, u32> {
        ASKED.add(ids.clone());
        ids.into_iter().map(|id| (id, id * 2)).collect()
    }

    let mut calls = [1, 2].map(|id| {
        Box::pin(isolated(async move {
            let found = doubled(vec![id]).await;
            (found, doubled::cache_info().misses)
        }))
    });
    assert!(calls.iter_mut().all(|call| poll(call).is_pending()));
    end_of_windows();
    for (call, id) in calls.iter_mut().zip([1, 2]) {
        assert_eq!(poll(call), Poll::Ready((BTreeMap::from([(id, id * 2)]), 1)));
    }
    assert_eq!(ASKED.take(), [[1], [2]]);
    assert_eq!(doubled::cache_info().misses, 0);
}

//! Single-flight for each element.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use functools::{lru_cache, testing};

use crate::support::{Asked, alone, in_time, poll};

/// A gate that bodies wait for.
struct Gate(AtomicU32);

impl Gate {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Waits until the gate is open for this element.
    async fn passed(&self, element: u32) {
        poll_fn(|_| if self.0.load(SeqCst) >= element { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn open_to(&self, element: u32) {
        self.0.store(element, SeqCst);
    }
}

#[test]
fn overlapping_calls_compute_each_element_once() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        GATE.passed(1).await;
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut one, mut other) = (pin!(doubled(&[1, 2, 3])), pin!(doubled(&[3, 4, 2, 4])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    let mut third = pin!(doubled(&[1, 4]));
    assert!(poll(&mut third).is_pending());
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![4]]);
    GATE.open_to(1);
    assert!(poll(&mut other).is_pending(), "it has computed 4, and waits for 2 and 3");
    assert_eq!(poll(&mut one), Poll::Ready(vec![2, 4, 6]));
    assert_eq!(poll(&mut other), Poll::Ready(vec![6, 8, 4, 8]));
    assert_eq!(poll(&mut third), Poll::Ready(vec![2, 8]));
    assert!(ASKED.take().is_empty());
    let info = doubled::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (3 + 2, 4, 4));
    assert_eq!(doubled::cache_stats().coalesced, 4);
}

#[test]
fn calls_that_wait_for_each_other_end() {
    let _time = in_time();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        GATE.passed(1).await;
        ids.iter().map(|id| id * 2).collect()
    }

    // One leads 1, the other 2, and the third 3; each needs an element of the next.
    let (mut one, mut other) = (pin!(doubled(&[1])), pin!(doubled(&[2, 1])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    let (mut third, mut fourth) = (pin!(doubled(&[3, 2, 1])), pin!(doubled(&[1, 2, 3])));
    assert!(poll(&mut third).is_pending() && poll(&mut fourth).is_pending());
    GATE.open_to(1);
    for _ in 0..3 {
        let _ = poll(&mut third);
        let _ = poll(&mut other);
    }
    assert_eq!(poll(&mut one), Poll::Ready(vec![2]));
    assert_eq!(poll(&mut other), Poll::Ready(vec![4, 2]));
    assert_eq!(poll(&mut third), Poll::Ready(vec![6, 4, 2]));
    assert_eq!(poll(&mut fourth), Poll::Ready(vec![2, 4, 6]));
    assert_eq!(doubled::cache_info().misses, 3);
}

#[test]
fn a_dropped_call_hands_its_elements_over() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        GATE.passed(ids[0]).await;
        ids.iter().map(|id| id * 2).collect()
    }

    let mut second = pin!(doubled(vec![2, 1, 9]));
    {
        let mut first = Box::pin(doubled(vec![1, 2, 3]));
        assert!(poll(&mut first.as_mut()).is_pending());
        assert!(poll(&mut second).is_pending());
        GATE.open_to(9);
        assert!(poll(&mut second).is_pending(), "it waits for 1 and 2");
    }
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![9]]);
    assert_eq!(poll(&mut second), Poll::Ready(vec![4, 2, 18]));
    assert_eq!(ASKED.take(), [[2, 1]], "both in one call of the body");
    assert_eq!(poll(&mut pin!(doubled(vec![3]))), Poll::Ready(vec![6]));
}

#[test]
fn after_an_error_the_calls_that_wait_compute() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: &[u32]) -> Result<Vec<u32>, &'static str> {
        ASKED.add(ids.to_vec());
        GATE.passed(1).await;
        if ids.contains(&13) { Err("13") } else { Ok(ids.iter().map(|id| id * 2).collect()) }
    }

    let (mut fails, mut waits) = (pin!(doubled(&[1, 2, 13])), pin!(doubled(&[2, 1])));
    assert!(poll(&mut fails).is_pending() && poll(&mut waits).is_pending());
    GATE.open_to(1);
    assert_eq!(poll(&mut fails), Poll::Ready(Err("13")));
    let mut result = poll(&mut waits);
    for _ in 0..2 {
        if result.is_pending() {
            result = poll(&mut waits);
        }
    }
    assert_eq!(result, Poll::Ready(Ok(vec![4, 2])));
    let asked: Vec<u32> = ASKED.take().into_iter().skip(1).flatten().collect();
    assert!(asked.contains(&1) && asked.contains(&2) && asked.len() == 2, "{asked:?}");
}

#[test]
fn after_an_error_what_it_left_is_computed_by_one_call_of_the_body() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: &[u32]) -> Result<Vec<u32>, &'static str> {
        ASKED.add(ids.to_vec());
        GATE.passed(1).await;
        if ids.contains(&13) { Err("13") } else { Ok(ids.iter().map(|id| id * 2).collect()) }
    }

    let (mut fails, mut waits) = (pin!(doubled(&[1, 2, 3, 13])), pin!(doubled(&[3, 2, 1])));
    assert!(poll(&mut fails).is_pending() && poll(&mut waits).is_pending());
    GATE.open_to(1);
    assert_eq!(poll(&mut fails), Poll::Ready(Err("13")));
    assert_eq!(poll(&mut waits), Poll::Ready(Ok(vec![6, 4, 2])));
    assert_eq!(ASKED.take(), [vec![1, 2, 3, 13], vec![3, 2, 1]]);
}

#[test]
fn the_time_of_the_own_body_is_not_time_of_waiting() {
    let _alone = alone();
    static GATES: [Gate; 3] = [const { Gate::new() }; 3];
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, flight_timeout = 7000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        GATES[ids[0] as usize].passed(1).await;
        ids.iter().map(|id| id * 2).collect()
    }

    let mut first_of_one = Box::pin(doubled(&[1]));
    let mut first_of_two = Box::pin(doubled(&[2]));
    assert!(poll(&mut first_of_one.as_mut()).is_pending() && poll(&mut first_of_two.as_mut()).is_pending());
    let (mut of_one, mut both) = (pin!(doubled(&[1])), pin!(doubled(&[1, 2])));
    assert!(poll(&mut of_one).is_pending() && poll(&mut both).is_pending());
    testing::advance(Duration::from_secs(6000));
    drop(first_of_one);
    assert!(poll(&mut of_one).is_pending(), "it has taken 1 over");
    drop(first_of_two);
    assert!(poll(&mut both).is_pending(), "it has taken 2 over");
    testing::advance(Duration::from_secs(6000));
    GATES[2].open_to(1);
    assert!(poll(&mut both).is_pending(), "it waits for 1");
    GATES[1].open_to(1);
    assert_eq!(poll(&mut of_one), Poll::Ready(vec![2]));
    assert_eq!(poll(&mut both), Poll::Ready(vec![2, 4]));
    assert_eq!(ASKED.take(), [[1], [2], [1], [2]]);
}

#[test]
fn a_panic_does_not_hold_up_the_calls_that_wait() {
    let _time = in_time();
    static GATE: Gate = Gate::new();

    #[lru_cache(each = ids)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        GATE.passed(1).await;
        if ids.contains(&13) {
            resume_unwind(Box::new("13"));
        }
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut fails, mut waits) = (pin!(doubled(&[1, 13])), pin!(doubled(&[1])));
    assert!(poll(&mut fails).is_pending() && poll(&mut waits).is_pending());
    GATE.open_to(1);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut fails))).is_err());
    assert_eq!(poll(&mut waits), Poll::Ready(vec![2]));
}

#[test]
fn an_overdue_call_is_replaced() {
    let _alone = alone();
    static GATE: Gate = Gate::new();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, flight_timeout = 7000)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        let number = u32::try_from(ids.len()).unwrap();
        ASKED.add(ids.to_vec());
        GATE.passed(number).await;
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut slow, mut waits) = (pin!(doubled(&[1, 2, 3])), pin!(doubled(&[2])));
    assert!(poll(&mut slow).is_pending() && poll(&mut waits).is_pending());
    testing::advance(Duration::from_secs(7001));
    GATE.open_to(1);
    assert_eq!(poll(&mut waits), Poll::Ready(vec![4]));
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![2]]);
    GATE.open_to(3);
    assert_eq!(poll(&mut slow), Poll::Ready(vec![2, 4, 6]));
    assert_eq!(doubled::cache_info().currsize, 3);
}

#[test]
fn a_body_that_calls_itself_for_the_same_elements_computes() {
    let _time = in_time();
    #[lru_cache(each = ids)]
    async fn depth(ids: &[u32]) -> Vec<u32> {
        // Asks for all below in one call, and for itself once.
        static CALLS: AtomicU32 = AtomicU32::new(0);
        if CALLS.fetch_add(1, SeqCst) == 0 {
            let mut more = ids.to_vec();
            more.push(7);
            let inner: Vec<u32> = Box::pin(depth(&more)).await;
            assert_eq!(inner, more);
        }
        ids.to_vec()
    }
    assert_eq!(poll(&mut pin!(depth(&[1, 2]))), Poll::Ready(vec![1, 2]));
}

#[test]
fn threads_share_computations() {
    let _time = in_time();
    static ASKED: Asked<u32> = Asked::new();

    #[lru_cache(each = ids, single_flight = true)]
    fn doubled(ids: &[u32]) -> Vec<u32> {
        for &id in ids {
            ASKED.add(id);
        }
        // A moment, in which others follow.
        thread::yield_now();
        ids.iter().map(|id| id * 2).collect()
    }

    let (sender, receiver) = mpsc::channel();
    let ready = std::sync::Arc::new(Barrier::new(8));
    for thread in 0..8_u32 {
        let (sender, ready) = (sender.clone(), ready.clone());
        thread::spawn(move || {
            for round in 0..50 {
                ready.wait();
                let ids: Vec<u32> = (0..20).map(|n| round * 40 + (n * (thread + 1)) % 40).collect();
                let expected: Vec<u32> = ids.iter().map(|id| id * 2).collect();
                assert_eq!(doubled(&ids), expected);
            }
            sender.send(()).unwrap();
        });
    }
    for _ in 0..8 {
        receiver.recv_timeout(Duration::from_secs(60)).expect("no call waits for ever");
    }
    let mut asked = ASKED.take();
    let count = asked.len();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), count, "no element is computed twice");
}

#[test]
fn a_cache_that_stores_nothing_shares_all_the_same() {
    let _time = in_time();
    static GATE: Gate = Gate::new();
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, maxsize = 0)]
    async fn doubled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        GATE.passed(1).await;
        ids.iter().map(|id| id * 2).collect()
    }

    let (mut one, mut other) = (pin!(doubled(&[1, 2])), pin!(doubled(&[2, 3])));
    assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
    GATE.open_to(1);
    assert!(poll(&mut other).is_pending());
    assert_eq!(poll(&mut one), Poll::Ready(vec![2, 4]));
    assert_eq!(poll(&mut other), Poll::Ready(vec![4, 6]));
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3]]);
}

#[test]
fn a_call_after_a_clear_does_not_follow_one_before_it() {
    let _time = in_time();
    static GATE: Gate = Gate::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids)]
    async fn versions(ids: &[u32]) -> Vec<u32> {
        let version = VERSION.load(SeqCst);
        GATE.passed(1).await;
        ids.iter().map(|_| version).collect()
    }

    let mut old = pin!(versions(&[1, 2]));
    assert!(poll(&mut old).is_pending());
    VERSION.store(1, SeqCst);
    versions::cache_invalidate(1);
    let mut new = pin!(versions(&[1]));
    assert!(poll(&mut new).is_pending());
    GATE.open_to(1);
    assert_eq!(poll(&mut new), Poll::Ready(vec![1]));
    assert_eq!(poll(&mut old), Poll::Ready(vec![0, 0]));
    assert_eq!(versions::cache_peek_many(&[1, 2]), [Some(1), Some(0)]);
}

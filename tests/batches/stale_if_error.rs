//! Stale-if-error for each element: kept results stand in for an error of the body.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use functools::lru_cache;

use crate::support::{Asked, alone, ready};

fn down<T>() -> Result<T, String> {
    Err(String::from("down"))
}

/// Defines a function that fails while `FAILS` is set, and returns the time for each element.
macro_rules! origin {
    ($options:tt $($asyncness:ident)? [$batch:ty, $result:ty] $collect:expr) => {
        static NOW: AtomicU64 = AtomicU64::new(0);
        static FAILS: AtomicU32 = AtomicU32::new(0);
        static ASKED: Asked<Vec<u32>> = Asked::new();

        fn now() -> u64 {
            NOW.load(SeqCst)
        }

        #[lru_cache $options]
        $($asyncness)? fn times(ids: $batch) -> Result<$result, String> {
            let ids: Vec<u32> = ids.iter().copied().collect();
            ASKED.add(ids.clone());
            if FAILS.load(SeqCst) == 1 { down() } else { Ok($collect(ids)) }
        }
    };
}

#[test]
fn kept_results_stand_in_for_an_error_of_the_whole() {
    let _alone = alone();
    origin!((each = ids, ttl = 60, stale_if_error = 300, timer = now) [&[u32], Vec<u64>]
        |ids: Vec<u32>| ids.iter().map(|_| now()).collect());

    assert_eq!(times(&[1, 2]), Ok(vec![0, 0]));
    NOW.store(30, SeqCst);
    assert_eq!(times(&[3]), Ok(vec![30]));
    NOW.store(60, SeqCst);
    FAILS.store(1, SeqCst);
    assert_eq!(times(&[2, 3, 1, 2]), Ok(vec![0, 30, 0, 0]));
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3], vec![2, 1]]);
    let stats = times::cache_stats();
    assert_eq!((stats.errors, stats.stale_hits), (1, 2));
    assert_eq!((times::cache_info().hits, times::cache_info().misses), (2, 3 + 2));
    assert_eq!((times::cache_contains(1), times::cache_peek(1)), (false, None));
    // An element that has none fails the call.
    assert_eq!(times(&[1, 4]), down());
    assert_eq!((times::cache_stats().errors, times::cache_stats().stale_hits), (2, 2));
    // The last moment of one, and past it.
    NOW.store(359, SeqCst);
    assert_eq!(times(&[1, 3]), Ok(vec![0, 30]));
    NOW.store(360, SeqCst);
    assert_eq!((times(&[1, 3]), times(&[3])), (down(), Ok(vec![30])));
    times::cache_invalidate(3);
    assert_eq!(times(&[3]), down());
    FAILS.store(0, SeqCst);
    assert_eq!(times(&[1, 3]), Ok(vec![360, 360]));
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn maps_of_kept_results_have_their_elements() {
    let _alone = alone();
    origin!((each = ids, ttl = 60, stale_if_error = 300, timer = now) async [Vec<u32>, BTreeMap<u32, u64>]
        |ids: Vec<u32>| ids.iter().filter(|id| **id != 3).map(|id| (*id, now())).collect());

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        times(vec![1, 2, 3]).await.unwrap();
        NOW.store(30, SeqCst);
        times(vec![4]).await.unwrap();
        NOW.store(60, SeqCst);
        FAILS.store(1, SeqCst);
        // One that is fresh, and one that the body has left out.
        assert_eq!(times(vec![3, 4, 1, 1, 2]).await, Ok(BTreeMap::from([(1, 0), (2, 0), (4, 30)])));
        assert_eq!(times(vec![1, 5]).await, down());
        FAILS.store(0, SeqCst);
        assert_eq!(times(vec![1, 5, 4]).await, Ok(BTreeMap::from([(1, 60), (4, 30), (5, 60)])));
    });
}

#[test]
fn an_error_of_one_element_is_replaced_by_its_kept_result() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);

    fn now() -> u64 {
        NOW.load(SeqCst)
    }

    fn result(id: u32) -> Result<u64, u32> {
        if id % 2 == 1 && now() > 0 { Err(id) } else { Ok(now()) }
    }

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, timer = now)]
    fn times(ids: &[u32]) -> Vec<Result<u64, u32>> {
        ids.iter().map(|id| result(*id)).collect()
    }

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, cache_errors = true, error_ttl = 5, timer = now)]
    fn stored(ids: &[u32]) -> Vec<Result<u64, u32>> {
        ids.iter().map(|id| result(*id)).collect()
    }

    times(&[1, 2]);
    stored(&[1, 2]);
    NOW.store(60, SeqCst);
    assert_eq!(times(&[1, 2, 3]), [Ok(0), Ok(60), Err(3)]);
    assert_eq!(stored(&[1, 2, 3]), [Ok(0), Ok(60), Err(3)]);
    for stats in [times::cache_stats(), stored::cache_stats()] {
        assert_eq!((stats.errors, stats.stale_hits), (2, 1));
    }
    // The stored error has not replaced the kept result, which is served again.
    assert_eq!((stored::cache_info().misses, stored(&[3, 1])), (5, vec![Err(3), Ok(0)]));
    assert_eq!(stored::cache_info().misses, 6);
}

#[test]
fn calls_that_follow_are_answered_by_what_was_kept() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, timer = || NOW.load(SeqCst))]
    async fn times(ids: &[u32]) -> Result<HashMap<u32, u64>, String> {
        ASKED.add(ids.to_vec());
        let now = NOW.load(SeqCst);
        poll_fn(|_| if OPEN.load(SeqCst) == 1 { Poll::Ready(()) } else { Poll::Pending }).await;
        if now > 0 { down() } else { Ok(ids.iter().map(|id| (*id, now)).collect()) }
    }

    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(times(&[1, 2])).poll(&mut context).is_ready());
    ASKED.take();
    NOW.store(60, SeqCst);
    OPEN.store(0, SeqCst);
    let (mut leads, mut follows) = (pin!(times(&[1, 2])), pin!(times(&[2])));
    assert!(
        leads.as_mut().poll(&mut context).is_pending() && follows.as_mut().poll(&mut context).is_pending()
    );
    OPEN.store(1, SeqCst);
    assert_eq!(leads.poll(&mut context), Poll::Ready(Ok(HashMap::from([(1, 0), (2, 0)]))));
    assert_eq!(follows.poll(&mut context), Poll::Ready(Ok(HashMap::from([(2, 0)]))));
    assert_eq!(ASKED.take(), [vec![1, 2]]);
    assert_eq!((times::cache_stats().coalesced, times::__memo().in_flight()), (1, (0, 0)));
}

#[test]
fn each_call_of_a_group_decides_for_its_own_elements() {
    let _alone = alone();
    origin!((each = ids, gather = 60, gather_max = 4, ttl = 60, stale_if_error = 300, timer = now) async [Vec<u32>, HashMap<u32, u64>]
        |ids: Vec<u32>| ids.iter().map(|id| (*id, now())).collect());

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        times(vec![1, 2, 3, 5]).await.unwrap();
        ASKED.take();
        NOW.store(60, SeqCst);
        FAILS.store(1, SeqCst);
        let some = |ids: &[u32]| Ok(ids.iter().map(|id| (*id, 0)).collect::<HashMap<_, _>>());
        // The driver has kept results, then others of its group have.
        let (one, other, third) = tokio::join!(times(vec![1, 2]), times(vec![2, 3]), times(vec![1, 4]));
        assert_eq!((one, other, third), (some(&[1, 2]), some(&[2, 3]), down()));
        let mut asked = ASKED.take();
        for ids in &mut asked {
            ids.sort_unstable();
        }
        assert_eq!(asked, [vec![1, 2, 3, 4]]);
        assert_eq!((times::cache_stats().errors, times::cache_stats().stale_hits), (1, 3));
        // The driver has not; one that follows has.
        let (one, other) = tokio::join!(times(vec![4, 1]), times(vec![3, 5]));
        assert_eq!((one, other), (down(), some(&[3, 5])));
        FAILS.store(0, SeqCst);
        let (one, other) = tokio::join!(times(vec![1, 4]), times(vec![3, 5]));
        assert_eq!(
            (one, other),
            (Ok(HashMap::from([(1, 60), (4, 60)])), Ok(HashMap::from([(3, 60), (5, 60)])))
        );
    });
    assert_eq!(times::__memo().in_flight(), (0, 0));
}

#[test]
fn what_is_stale_is_served_before_and_kept_after() {
    let _alone = alone();
    origin!((each = ids, ttl = 60, swr = 30, stale_if_error = 300, timer = now) async [&[u32], Vec<u64>]
        |ids: Vec<u32>| ids.iter().map(|_| now()).collect());

    ready(times(&[1])).unwrap();
    NOW.store(20, SeqCst);
    ready(times(&[2])).unwrap();
    FAILS.store(1, SeqCst);
    // One is beyond its window, and kept; the other is refreshed by the call itself, as there is no executor.
    NOW.store(90, SeqCst);
    assert_eq!(ready(times(&[1, 2])), Ok(vec![0, 20]));
    assert_eq!(ASKED.take(), [vec![1], vec![2], vec![2], vec![1]]);
    assert_eq!((times::cache_stats().errors, times::cache_stats().stale_hits), (2, 2));
}

#[test]
fn what_was_invalidated_by_a_tag_does_not_stand_in() {
    let _alone = alone();
    origin!((each = ids, ttl = 60, stale_if_error = 300, timer = now, tags = |id: &u32| functools::tag("kept", *id)) [&[u32], Vec<u64>]
        |ids: Vec<u32>| ids.iter().map(|_| now()).collect());

    #[lru_cache(depends = true, maxsize = None)]
    fn first(ids: Vec<u32>) -> Result<u64, String> {
        times(&ids).map(|times| times[0])
    }

    times(&[1, 2]).unwrap();
    NOW.store(60, SeqCst);
    FAILS.store(1, SeqCst);
    assert_eq!((times(&[1, 2]), first(vec![1])), (Ok(vec![0, 0]), Ok(0)));
    // What was computed from a kept result is invalidated with it.
    functools::invalidate(functools::tag("kept", 1_u32));
    assert!(!first::cache_contains(vec![1]));
    assert_eq!((times(&[1]), times(&[2]), times(&[2, 1])), (down(), Ok(vec![0]), down()));
}

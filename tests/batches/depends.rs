//! Dependencies: of what a body of many elements reads, and of what reads elements.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use functools::{bypassed, depends_on, invalidate, isolated, lru_cache, tag, testing};

use crate::support::{Asked, alone, in_time, passed, poll};

#[test]
fn all_elements_depend_on_what_their_body_reads() {
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache]
    fn factor(of: u32) -> u32 {
        VERSION.load(SeqCst) + of
    }

    #[lru_cache(tags = |name| [tag("each_setting", name)])]
    fn setting(name: &'static str) -> u32 {
        u32::try_from(name.len()).unwrap() + VERSION.load(SeqCst)
    }

    #[lru_cache(each = ids, depends = true)]
    fn scaled(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        depends_on(tag("each_scale", ()));
        factor(0);
        let sum = setting("a") + setting("b");
        ids.iter().map(|id| id * sum).collect()
    }

    assert_eq!((scaled(&[1, 2]), scaled(&[3, 2])), (vec![2, 4], vec![6, 4]));
    assert_eq!(ASKED.take(), [vec![1, 2], vec![3]]);
    VERSION.store(1, SeqCst);
    setting::cache_invalidate("b");
    assert_eq!(scaled(&[1, 2, 3]), [3, 6, 9]);
    assert_eq!(ASKED.take(), [[1, 2, 3]]);
    VERSION.store(2, SeqCst);
    drop(invalidate(tag("each_setting", "a")));
    assert!(!scaled::cache_contains(2));
    assert_eq!(scaled(&[2]), [10]);
    drop(invalidate(tag("each_scale", ())));
    assert_eq!(scaled(&[2]), [10]);
    scaled::cache_invalidate_tag(tag("each_scale", ()));
    assert_eq!(scaled(&[2]), [10]);
    assert_eq!(ASKED.take(), [[2], [2], [2]]);
}

#[test]
fn a_page_depends_on_the_elements_that_it_reads() {
    static PAGES: Asked<u32> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |id, _| [tag("each_user", id)])]
    fn users(ids: &[u32]) -> HashMap<u32, u32> {
        ids.iter().filter(|id| **id != 9).map(|id| (*id, id * 10 + VERSION.load(SeqCst))).collect()
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> u32 {
        PAGES.add(first);
        users(&[first, first + 1]).into_values().sum()
    }

    // 2 is computed for one page, and a hit for the other.
    assert_eq!((page(1), page(2), page(5), page(8)), (30, 50, 110, 80));
    assert_eq!(PAGES.take(), [1, 2, 5, 8]);
    VERSION.store(1, SeqCst);
    users::cache_invalidate(2);
    assert_eq!((page(1), page(2), page(5)), (31, 51, 110));
    assert_eq!(PAGES.take(), [1, 2]);
    drop(invalidate(tag("each_user", 3)));
    assert_eq!((page(1), page(2), page(5)), (31, 52, 110));
    assert_eq!(PAGES.take(), [2]);
    users::cache_put(6, Some(0));
    assert_eq!((page(5), page(1)), (50, 31));
    assert_eq!(PAGES.take(), [5]);
    // An element that is absent is one that was read.
    users::cache_put_many(vec![(9, Some(1)), (77, None)]);
    assert_eq!((page(8), page(1)), (81, 31));
    assert_eq!(PAGES.take(), [8]);
    users::cache_clear();
    page(1);
    assert_eq!(PAGES.take(), [1]);
}

#[test]
fn batches_depend_on_elements_of_batches() {
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, depends = true, single_flight = true)]
    fn roots(ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| id + VERSION.load(SeqCst)).collect()
    }

    #[lru_cache(each = ids, depends = true, single_flight = true, shards = 2, maxsize = 64)]
    fn leaves(ids: Vec<u32>) -> Vec<u32> {
        ASKED.add(ids.clone());
        let of_roots = roots(&ids.iter().map(|id| id / 2).collect::<Vec<_>>());
        // A call of itself, for elements of its own.
        let below = if ids[0] >= 100 { leaves(vec![ids[0] - 100])[0] } else { 0 };
        of_roots.into_iter().map(|root| root + below).collect()
    }

    assert_eq!(leaves(vec![2, 3, 4]), [1, 1, 2]);
    assert_eq!(leaves(vec![103, 8]), [52, 5]);
    assert_eq!(ASKED.take(), [vec![2, 3, 4], vec![103, 8]]);
    VERSION.store(10, SeqCst);
    roots::cache_invalidate(1);
    assert_eq!(leaves(vec![103, 8]), [62, 15], "both were computed with 3");
    assert_eq!(leaves(vec![2, 3, 4]), [11, 11, 2]);
    assert_eq!(ASKED.take(), [vec![103, 8], vec![3], vec![2, 4]]);
}

#[test]
fn a_deadline_is_taken_over_by_all_elements() {
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(depends = true, ttl = |_, _| Duration::ZERO)]
    fn over(n: u32) -> u32 {
        n
    }

    #[lru_cache(depends = true)]
    fn lasting(n: u32) -> u32 {
        n
    }

    #[lru_cache(each = ids, depends = true)]
    fn taking_over(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        ids.iter().map(|id| id + lasting(1) + lasting(1) + over(2)).collect()
    }

    assert_eq!((taking_over(&[1, 2]), taking_over(&[1, 2])), (vec![5, 6], vec![5, 6]));
    assert_eq!(ASKED.take(), [[1, 2], [1, 2]], "they expire with what they were computed from");
}

#[test]
fn failures_are_of_unknown_tags() {
    static PAGES: Asked<u32> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |_, value| [tag("each_failure", value)])]
    fn failing(ids: &[u32]) -> Result<Vec<u32>, u32> {
        let version = VERSION.load(SeqCst);
        match ids[0] {
            1 => Err(version),
            2 => Ok(Vec::new()),
            3 => std::panic::resume_unwind(Box::new(version)),
            _ => Ok(vec![version; ids.len()]),
        }
    }

    #[lru_cache(each = ids, tags = |_, value| [tag("each_failure", value)])]
    fn failing_each(ids: &[u32]) -> Vec<Result<u32, u32>> {
        ids.iter().map(|id| if *id == 4 { Err(VERSION.load(SeqCst)) } else { Ok(0) }).collect()
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> u32 {
        PAGES.add(first);
        let call = || match first {
            4 => failing_each(&[5, 4])[1].unwrap_or_else(|error| error),
            _ => failing(&[first]).map_or_else(|error| error, |values| values[0]),
        };
        let result = catch_unwind(AssertUnwindSafe(call));
        result.unwrap_or_else(|panic| panic.downcast_ref().copied().unwrap_or(VERSION.load(SeqCst) + 100))
    }

    isolated(|| {
        let pages = [1, 2, 3, 4];
        assert_eq!(pages.map(page), [0, 100, 0, 0]);
        assert_eq!((pages.map(page), PAGES.take()), ([0, 100, 0, 0], pages.to_vec()));
        VERSION.store(1, SeqCst);
        drop(invalidate(tag("each_failure", "another")));
        assert_eq!((pages.map(page), PAGES.take()), ([1, 101, 1, 1], pages.to_vec()));
    });
}

#[test]
fn a_bypassed_batch_is_recorded() {
    static PAGES: Asked<u32> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |id| [tag("each_bypass", id)])]
    fn plain(ids: &[u32]) -> Vec<u32> {
        vec![VERSION.load(SeqCst); ids.len()]
    }

    #[lru_cache(each = ids, tags = |_, _| [tag("each_bypass", "shared")], single_flight = true, maxsize = 0)]
    fn shared(ids: &[u32]) -> Vec<u32> {
        vec![VERSION.load(SeqCst); ids.len()]
    }

    #[lru_cache(depends = true)]
    fn page(number: u32) -> u32 {
        PAGES.add(number);
        match number {
            0 => bypassed(|| plain(&[1, 2, 1]))[0],
            1 => bypassed(|| shared(&[1, 2, 1]))[0],
            _ => shared(&[1])[0],
        }
    }

    let pages = [0, 1, 2];
    assert_eq!((pages.map(page), pages.map(page)), ([0; 3], [0; 3]));
    assert_eq!(PAGES.take(), pages);
    VERSION.store(1, SeqCst);
    drop(invalidate(tag("each_bypass", 2)));
    drop(invalidate(tag("each_bypass", "shared")));
    assert_eq!((pages.map(page), PAGES.take()), ([1; 3], pages.to_vec()));
}

#[test]
fn followers_depend_on_what_was_computed_for_them() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static PAGES: Asked<u32> = Asked::new();
    static GATE: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |_, value| [tag("each_followed", value)])]
    async fn values(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        passed(&GATE).await;
        ids.to_vec()
    }

    #[lru_cache(depends = true)]
    async fn page(first: u32) -> u32 {
        PAGES.add(first);
        values(&[first, first + 1]).await.into_iter().sum()
    }

    let mut leader = Box::pin(values(&[1, 2, 3]));
    assert!(poll(&mut leader).is_pending());
    let mut follower = Box::pin(page(2));
    assert!(poll(&mut follower).is_pending());
    GATE.store(1, SeqCst);
    assert_eq!(poll(&mut leader), Poll::Ready(vec![1, 2, 3]));
    assert_eq!(poll(&mut follower), Poll::Ready(5));
    assert_eq!(values::cache_stats().coalesced, 2);
    drop(invalidate(tag("each_followed", 1)));
    assert_eq!(poll(&mut Box::pin(page(2))), Poll::Ready(5));
    assert_eq!(PAGES.take(), [2]);
    drop(invalidate(tag("each_followed", 3)));
    assert_eq!(poll(&mut Box::pin(page(2))), Poll::Ready(5));
    assert_eq!((PAGES.take(), ASKED.take()), (vec![2], vec![vec![1, 2, 3], vec![3]]));
}

#[test]
fn a_follower_shares_no_result_that_was_invalidated_before_it_began() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: AtomicU32 = AtomicU32::new(0);
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, tags = |id| [tag("each_late", id)])]
    async fn versions(ids: &[u32]) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        let version = VERSION.load(SeqCst);
        passed(&GATE).await;
        vec![version; ids.len()]
    }

    let mut leader = Box::pin(versions(&[1, 2, 3]));
    assert!(poll(&mut leader).is_pending());
    VERSION.store(1, SeqCst);
    drop(invalidate(tag("each_late", 2)));
    let mut follower = Box::pin(versions(&[3, 2]));
    assert!(poll(&mut follower).is_pending());
    GATE.store(1, SeqCst);
    assert_eq!(poll(&mut leader), Poll::Ready(vec![0, 0, 0]));
    assert_eq!(poll(&mut follower), Poll::Ready(vec![0, 1]));
    assert_eq!(poll(&mut Box::pin(versions(&[1, 2, 3]))), Poll::Ready(vec![0, 1, 0]));
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![2]]);
}

#[test]
fn a_group_has_tags_for_each_call() {
    let _alone = alone();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static PAGES: Asked<u32> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, gather = 1000, flight_timeout = 100_000, tags = |id, _| [tag("each_group", id)])]
    async fn values(ids: Vec<u32>) -> Result<HashMap<u32, u32>, u32> {
        ASKED.add(ids.clone());
        let version = VERSION.load(SeqCst);
        if ids[0] == 100 {
            return Err(version);
        }
        Ok(ids.into_iter().map(|id| (id, version)).collect())
    }

    #[lru_cache(depends = true)]
    async fn page(first: u32) -> u32 {
        PAGES.add(first);
        match values(vec![first, first + 1]).await {
            Ok(values) => values.into_values().sum(),
            Err(error) => error,
        }
    }

    let group = |firsts: &[u32]| {
        let mut pages: Vec<_> = firsts.iter().map(|first| Box::pin(page(*first))).collect();
        let ready: Vec<_> = pages.iter_mut().map(poll).collect();
        testing::advance(Duration::from_millis(1_000_500));
        let mut results = Vec::new();
        for (page, ready) in pages.iter_mut().zip(ready) {
            let result = if ready.is_ready() { ready } else { poll(page) };
            let Poll::Ready(result) = result else { panic!("the window is over") };
            results.push(result);
        }
        results
    };
    isolated(|| {
        assert_eq!(group(&[1, 4]), [0, 0]);
        assert_eq!((ASKED.take(), PAGES.take()), (vec![vec![1, 2, 4, 5]], vec![1, 4]));
        VERSION.store(1, SeqCst);
        drop(invalidate(tag("each_group", 5)));
        assert_eq!(group(&[1, 4]), [0, 1], "the driver does not depend on elements of others");
        assert_eq!((ASKED.take(), PAGES.take()), (vec![vec![5]], vec![4]));
        drop(invalidate(tag("each_group", 2)));
        assert_eq!(group(&[1, 4]), [1, 1]);
        assert_eq!((ASKED.take(), PAGES.take()), (vec![vec![2]], vec![1]));
        // An error of the whole is of unknown tags, for all.
        assert_eq!(group(&[100, 200]), [1, 1]);
        VERSION.store(2, SeqCst);
        drop(invalidate(tag("each_group", "another")));
        assert_eq!(group(&[100, 200]), [2, 2]);
        assert_eq!((ASKED.take().len(), PAGES.take()), (2, vec![100, 200, 100, 200]));
    });
}

#[test]
fn a_call_that_is_dropped_records_nothing_wrong() {
    let _time = in_time();
    static GATE: AtomicU32 = AtomicU32::new(0);
    static PAGES: Asked<u32> = Asked::new();

    #[lru_cache(each = ids, depends = true)]
    async fn slow(ids: Vec<u32>) -> Vec<u32> {
        passed(&GATE).await;
        ids
    }

    #[lru_cache(depends = true)]
    async fn page(first: u32) -> u32 {
        PAGES.add(first);
        slow(vec![first]).await[0]
    }

    isolated(|| {
        {
            let mut dropped = pin!(page(1));
            assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        GATE.store(1, SeqCst);
        assert_eq!(poll(&mut Box::pin(page(1))), Poll::Ready(1));
        drop(invalidate(tag("each_dropped", ())));
        assert_eq!(poll(&mut Box::pin(page(1))), Poll::Ready(1));
        assert_eq!(PAGES.take(), [1, 1]);
    });
}

//! What holds for a function of one element, and for each element of a batch as well: results that are not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::future::poll_fn;
use std::hash::Hash;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use functools::{bypassed, invalidate, lru_cache, tag, testing};

use crate::support::{Asked, alone, poll};

#[test]
fn elements_that_are_not_kept_are_counted() {
    #[lru_cache(each = ids, keep = |_, value| value % 2 == 0)]
    fn even(ids: &[u32]) -> Vec<u32> {
        ids.to_vec()
    }

    #[lru_cache(each = ids, single_flight = true, ttl = |_, value: &Option<u32>| Duration::from_secs(value.unwrap_or(1).into()))]
    fn lived(ids: HashSet<u32>) -> HashMap<u32, u32> {
        ids.into_iter().filter(|id| *id != 7).map(|id| (id, id)).collect()
    }

    #[lru_cache(each = ids, keep = |_, value| *value > 0, force = |_| true)]
    fn forced(ids: &[u32]) -> Vec<Result<u32, u32>> {
        ids.iter().map(|id| if *id == 1 { Err(*id) } else { Ok(*id) }).collect()
    }

    even(&[1, 2, 3, 1]);
    bypassed(|| even(&[1, 5]));
    lived(HashSet::from([0, 1, 7]));
    forced(&[0, 1, 2]);
    let counted = [even::cache_stats(), lived::cache_stats(), forced::cache_stats()];
    assert_eq!(counted.map(|stats| stats.not_kept), [2, 1, 1]);
    assert_eq!((even::cache_info().currsize, lived::cache_info().currsize), (1, 2));
    assert_eq!((forced::cache_info().currsize, forced::cache_stats().errors), (1, 1));
}

#[test]
fn a_kept_result_goes_when_a_newer_one_is_not_kept() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static FAILS: AtomicU32 = AtomicU32::new(0);

    fn now() -> u64 {
        NOW.load(SeqCst)
    }

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, timer = now, cache_none = false)]
    fn users(ids: &[u32]) -> Result<HashMap<u32, u64>, String> {
        if FAILS.load(SeqCst) == 1 {
            return Err(String::from("down"));
        }
        // The user 1 is deleted.
        Ok(ids.iter().filter(|id| **id != 1 || now() == 0).map(|id| (*id, now())).collect())
    }

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, timer = now, keep = |_, time| *time == 0)]
    fn times(ids: &[u32]) -> Vec<Result<u64, u32>> {
        ids.iter().map(|id| if FAILS.load(SeqCst) == 1 { Err(*id) } else { Ok(now()) }).collect()
    }

    assert_eq!(users(&[1, 2]), Ok(HashMap::from([(1, 0), (2, 0)])));
    assert_eq!(times(&[1]), [Ok(0)]);
    NOW.store(60, SeqCst);
    assert_eq!(users(&[1]), Ok(HashMap::new()));
    assert_eq!(times(&[1]), [Ok(60)]);
    FAILS.store(1, SeqCst);
    assert_eq!(users(&[1]), Err(String::from("down")), "the deleted user does not return");
    assert_eq!(users(&[2]), Ok(HashMap::from([(2, 0)])));
    assert_eq!(times(&[1]), [Err(1)], "an earlier result does not stand in for a later one");
}

#[test]
fn results_that_are_late_are_counted() {
    let _alone = alone();
    static OPEN: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, flight_timeout = 7000, keep = |_, value| *value != 2)]
    async fn slow(ids: &[u32]) -> Vec<Result<u32, u32>> {
        let waits = ids.len() > 2;
        poll_fn(|_| if waits && OPEN.load(SeqCst) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
        ids.iter().map(|id| if *id == 1 { Err(*id) } else { Ok(*id) }).collect()
    }

    #[lru_cache(each = ids, flight_timeout = 7000, maxsize = 0)]
    async fn nowhere(ids: &[u32]) -> Vec<Result<u32, u32>> {
        let waits = ids.len() > 2;
        poll_fn(|_| if waits && OPEN.load(SeqCst) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
        ids.iter().map(|id| Err(*id)).collect()
    }

    let (mut first, mut second) = (pin!(slow(&[1, 2, 3])), pin!(slow(&[1, 2])));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    testing::advance(Duration::from_secs(7001));
    assert_eq!(poll(&mut second), Poll::Ready(vec![Err(1), Ok(2)]));
    assert_eq!((slow::cache_stats().errors, slow::cache_stats().not_kept), (1, 1));
    OPEN.store(1, SeqCst);
    assert_eq!(poll(&mut first), Poll::Ready(vec![Err(1), Ok(2), Ok(3)]));
    assert_eq!((slow::cache_stats().errors, slow::cache_stats().not_kept), (2, 2));
    OPEN.store(0, SeqCst);
    let (mut first, mut second) = (pin!(nowhere(&[1, 2, 4])), pin!(nowhere(&[1, 2])));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    testing::advance(Duration::from_secs(7001));
    assert!(poll(&mut second).is_ready());
    OPEN.store(1, SeqCst);
    assert!(poll(&mut first).is_ready());
    assert_eq!(nowhere::cache_stats().errors, 2 + 3);
}

#[test]
fn what_is_forced_is_invalidated_first_where_it_has_tags() {
    let _alone = alone();
    static OPEN: AtomicU32 = AtomicU32::new(1);
    static ASKED: Asked<Vec<u32>> = Asked::new();

    #[lru_cache(each = ids, tags = |id, _| tag("review_forced", *id), force = |_, reload| *reload, gather = 60, gather_max = 3)]
    async fn values(ids: Vec<u32>, #[key(skip)] _reload: bool) -> Vec<u32> {
        ASKED.add(ids.clone());
        let waits = ids.contains(&2);
        poll_fn(|_| if waits && OPEN.load(SeqCst) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
        ids
    }

    assert_eq!(poll(&mut pin!(values(vec![1, 2, 3], false))), Poll::Ready(vec![1, 2, 3]));
    OPEN.store(0, SeqCst);
    let mut forced = pin!(values(vec![3, 2, 3, 1], true));
    assert!(poll(&mut forced).is_pending());
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![3, 2, 1]]);
    assert!(!values::cache_contains(1));
    // A result that is invalidated while it is computed is not stored; the others are.
    invalidate(tag("review_forced", 3_u32));
    OPEN.store(1, SeqCst);
    assert_eq!(poll(&mut forced), Poll::Ready(vec![3, 2, 3, 1]));
    assert!(values::cache_contains(1) && values::cache_contains(2) && !values::cache_contains(3));
    assert_eq!((values::cache_info().hits, values::cache_info().misses), (1, 6));
    assert_eq!(values::__memo().in_flight(), (0, 0));
}

#[test]
fn a_method_gathers_refreshes_and_keeps_elements_with_tags() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static FAILS: AtomicU32 = AtomicU32::new(0);
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static PAGES: Asked<u32> = Asked::new();

    fn now() -> u64 {
        NOW.load(SeqCst)
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop {
        id: u32,
    }

    type Prices = HashMap<u32, u64>;

    impl Shop {
        #[lru_cache(
            each = ids,
            gather = 60,
            gather_max = 2,
            ttl = 60,
            swr = 30,
            stale_if_error = 300,
            timer = now,
            depends = true,
            tags = |shop, id, _| [tag("review_price", (shop.id, *id))]
        )]
        async fn prices(&self, ids: BTreeSet<u32>) -> Result<HashMap<u32, u64>, &'static str> {
            ASKED.add(ids.iter().copied().collect());
            if FAILS.load(SeqCst) == 1 {
                return Err("down");
            }
            Ok(ids.into_iter().map(|id| (id, now())).collect())
        }
    }

    let shop = Shop { id: 7 };
    let ready = |ids: &[u32]| match poll(&mut pin!(shop.prices(ids.iter().copied().collect()))) {
        Poll::Ready(prices) => prices,
        Poll::Pending => panic!("the future is not ready"),
    };
    let both = |one: u32, other: u32| {
        let mut first = pin!(shop.prices(BTreeSet::from([one])));
        assert!(poll(&mut first).is_pending());
        let mut second = pin!(shop.prices(BTreeSet::from([other])));
        assert!(poll(&mut second).is_pending());
        let first = poll(&mut first);
        [first, poll(&mut second)].map(|result| match result {
            Poll::Ready(prices) => prices.map(|prices: Prices| prices.into_values().collect::<Vec<_>>()),
            Poll::Pending => panic!("the group is full"),
        })
    };

    #[lru_cache(depends = true)]
    async fn page(first: u32) -> u64 {
        PAGES.add(first);
        let prices = Shop { id: 7 }.prices(BTreeSet::from([first, first + 1])).await;
        prices.map_or(99, |prices| prices.into_values().sum())
    }

    assert_eq!(ready(&[1, 2]), Ok(HashMap::from([(1, 0), (2, 0)])));
    assert_eq!(poll(&mut pin!(page(1))), Poll::Ready(0));
    NOW.store(60, SeqCst);
    // There is no executor: the call awaits the refresh.
    assert_eq!(ready(&[1, 2]), Ok(HashMap::from([(1, 60), (2, 60)])));
    assert_eq!(ASKED.take(), [[1, 2], [1, 2]]);
    drop(invalidate(tag("review_price", (7, 1))));
    assert_eq!(both(1, 3), [Ok(vec![60]), Ok(vec![60])]);
    assert_eq!(ASKED.take(), [[1, 3]]);
    assert_eq!(poll(&mut pin!(page(1))), Poll::Ready(120));
    FAILS.store(1, SeqCst);
    drop(invalidate(tag("review_price", (7, 2))));
    assert_eq!(both(2, 4), [Err("down"), Err("down")]);
    // Past the window of `swr`.
    NOW.store(150, SeqCst);
    assert_eq!(both(1, 3), [Ok(vec![60]), Ok(vec![60])]);
    drop(invalidate(tag("review_price", (7, 3))));
    assert_eq!(both(1, 3), [Ok(vec![60]), Err("down")]);
    assert_eq!(both(3, 1), [Err("down"), Ok(vec![60])]);
    FAILS.store(0, SeqCst);
    assert_eq!(both(3, 1), [Ok(vec![150]), Ok(vec![150])]);
    assert_eq!(ASKED.take().len(), 5);
    assert_eq!(PAGES.take(), [1, 1]);
    assert_eq!(Shop::prices_cache_stats().errors, 4);
}

#[test]
fn forced_elements_of_generic_functions_have_tags() {
    let _alone = alone();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static FAILS: AtomicU32 = AtomicU32::new(0);

    fn now() -> u64 {
        NOW.load(SeqCst)
    }

    #[lru_cache(
        each = ids,
        typed = true,
        ttl = 60,
        stale_if_error = 300,
        timer = now,
        shards = 2,
        depends = true,
        force = |reload, _| *reload,
        tags = |_, id, _| [tag("review_generic", format!("{id:?}"))]
    )]
    fn times<K: Debug + Clone + Eq + Hash + Send + Sync + 'static>(
        #[key(skip)] _reload: bool,
        ids: Vec<K>,
    ) -> Vec<Result<u64, u32>> {
        ids.iter().map(|_| if FAILS.load(SeqCst) == 1 { Err(7) } else { Ok(now()) }).collect()
    }

    #[lru_cache(
        each = ids,
        gather = 60,
        gather_max = 2,
        ttl = 60,
        stale_if_error = 300,
        timer = now,
        force = |_, reload| *reload
    )]
    async fn owned(ids: Vec<String>, #[key(skip)] _reload: bool) -> Result<BTreeMap<String, u64>, u8> {
        if FAILS.load(SeqCst) == 1 { Err(7) } else { Ok(ids.into_iter().map(|id| (id, now())).collect()) }
    }

    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let owned = |ids: &[&str], reload| poll(&mut pin!(owned(names(ids), reload)));
    let of = |pairs: &[(&str, u64)]| {
        Poll::Ready(Ok(pairs.iter().map(|(id, time)| ((*id).to_owned(), *time)).collect::<BTreeMap<_, _>>()))
    };

    assert_eq!((times(false, vec![1, 2, 3]), times(false, vec!["1"])), (vec![Ok(0); 3], vec![Ok(0)]));
    assert_eq!(owned(&["a", "b"], false), of(&[("a", 0), ("b", 0)]));
    NOW.store(30, SeqCst);
    assert_eq!(times(true, vec![2, 2]), [Ok(30), Ok(30)]);
    assert_eq!(times(false, vec![2, 1]), [Ok(30), Ok(0)]);
    assert_eq!(owned(&["b"], true), of(&[("b", 30)]));
    FAILS.store(1, SeqCst);
    // The former result is invalidated before the body runs, where it has tags.
    assert_eq!((times(true, vec![2, 3]), times(false, vec![2, 1])), (vec![Err(7); 2], vec![Err(7), Ok(0)]));
    assert_eq!(owned(&["b", "a"], true), of(&[("a", 0), ("b", 30)]));
    assert_eq!(owned(&["b", "c"], true), Poll::Ready(Err(7)));
    assert_eq!(owned(&["b"], false), of(&[("b", 30)]));
    drop(invalidate(tag("review_generic", "1")));
    assert_eq!((times(false, vec![1]), times(false, vec!["1"])), (vec![Err(7)], vec![Ok(0)]));
}

#[test]
fn a_stored_error_does_not_stand_in_for_another() {
    let _alone = alone();
    static VERSION: AtomicU32 = AtomicU32::new(0);
    static OPEN: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, ttl = 60, stale_if_error = 300, cache_errors = true, force = |_, reload| *reload)]
    async fn failing(ids: &[u32], #[key(skip)] _reload: bool) -> Vec<Result<u32, u32>> {
        poll_fn(|_| if OPEN.load(SeqCst) == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
        ids.iter().map(|id| if *id == 1 { Err(VERSION.load(SeqCst)) } else { Ok(0) }).collect()
    }

    let (mut leads, mut follows) = (pin!(failing(&[1, 2], false)), pin!(failing(&[1], false)));
    assert!(poll(&mut leads).is_pending() && poll(&mut follows).is_pending());
    OPEN.store(1, SeqCst);
    assert_eq!(poll(&mut leads), Poll::Ready(vec![Err(0), Ok(0)]));
    assert_eq!(poll(&mut follows), Poll::Ready(vec![Err(0)]));
    let stats = failing::cache_stats();
    assert_eq!((stats.coalesced, stats.stale_hits, stats.errors), (1, 0, 1));
    VERSION.store(1, SeqCst);
    assert_eq!(poll(&mut pin!(failing(&[1], false))), Poll::Ready(vec![Err(0)]));
    assert_eq!(poll(&mut pin!(failing(&[1, 2], true))), Poll::Ready(vec![Err(1), Ok(0)]));
    assert_eq!(poll(&mut pin!(failing(&[1], false))), Poll::Ready(vec![Err(1)]));
    assert_eq!((failing::cache_stats().stale_hits, failing::cache_stats().errors), (0, 2));
}

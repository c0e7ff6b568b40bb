//! `force`: which elements of a call are computed anew.

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;

use functools::{bypassed, invalidate, lru_cache, tag};

use crate::support::{Asked, in_time, poll};

#[test]
fn the_elements_for_which_it_says_so_are_computed_anew() {
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, force = |id, above| above.is_some_and(|above| *id > above))]
    fn versions(ids: &[u32], #[key(skip)] _above: Option<u32>) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        vec![VERSION.load(SeqCst); ids.len()]
    }

    assert_eq!(versions(&[1, 2, 3], None), [0, 0, 0]);
    VERSION.store(1, SeqCst);
    assert_eq!(versions(&[1, 2, 3], None), [0, 0, 0]);
    assert_eq!(versions(&[4, 3, 1, 2, 3], Some(1)), [1, 1, 0, 1, 1]);
    assert_eq!(versions(&[4, 3, 2, 1], None), [1, 1, 1, 0]);
    assert_eq!(ASKED.take(), [vec![1, 2, 3], vec![4, 3, 2]]);
    let info = versions::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (3 + 2 + 4, 3 + 3, 4));
    assert_eq!(bypassed(|| versions(&[1, 2], Some(0))), [1, 1]);
    assert_eq!(versions::cache_info(), info);
}

#[test]
fn all_is_forced_by_an_argument() {
    static ASKED: Asked<BTreeSet<String>> = Asked::new();
    static VERSION: AtomicU32 = AtomicU32::new(0);

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shop;

    impl Shop {
        #[lru_cache(each = names, force = |_, _, reload| *reload, maxsize = 2, shards = 2, cache_none = false)]
        fn prices(&self, names: BTreeSet<String>, #[key(skip)] _reload: bool) -> HashMap<String, u32> {
            ASKED.add(names.clone());
            let version = VERSION.load(SeqCst);
            names
                .into_iter()
                .filter(|name| name != "none" || version == 0)
                .map(|name| (name, version))
                .collect()
        }
    }

    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(Shop.prices(names(&["none"]), false).len(), 1);
    VERSION.store(1, SeqCst);
    assert_eq!(Shop.prices(names(&["none"]), false)["none"], 0);
    assert!(Shop.prices(names(&["none"]), true).is_empty());
    assert!(!Shop.prices_cache_contains("none".to_owned()), "what is not kept goes");
    assert_eq!(ASKED.take().len(), 2);
}

#[test]
fn a_failure_leaves_the_former_result() {
    static FAILS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, force = |_, reload| *reload)]
    fn failing(ids: &[u32], #[key(skip)] _reload: bool) -> Result<Vec<u32>, u32> {
        if FAILS.load(SeqCst) > 0 { Err(7) } else { Ok(ids.to_vec()) }
    }

    #[lru_cache(each = ids, force = |_, reload| *reload, single_flight = true)]
    fn failing_each(ids: &[u32], #[key(skip)] _reload: bool) -> Vec<Result<u32, u32>> {
        let fails = FAILS.load(SeqCst) > 0;
        ids.iter().map(|id| if fails { Err(*id) } else { Ok(*id) }).collect()
    }

    assert_eq!((failing(&[1, 2], false), failing_each(&[1, 2], false)), (Ok(vec![1, 2]), vec![Ok(1), Ok(2)]));
    FAILS.store(1, SeqCst);
    assert_eq!((failing(&[1, 2], true), failing_each(&[1, 2], true)), (Err(7), vec![Err(1), Err(2)]));
    assert_eq!((failing(&[2, 1], false), failing_each(&[2], false)), (Ok(vec![2, 1]), vec![Ok(2)]));
}

#[test]
fn it_follows_no_other_call() {
    let _time = in_time();
    static ASKED: Asked<Vec<u32>> = Asked::new();
    static GATE: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(each = ids, force = |_, reload| *reload)]
    async fn values(ids: &[u32], #[key(skip)] _reload: bool) -> Vec<u32> {
        ASKED.add(ids.to_vec());
        let gate = GATE.load(SeqCst);
        poll_fn(|_| if GATE.load(SeqCst) > gate { Poll::Ready(()) } else { Poll::Pending }).await;
        vec![gate; ids.len()]
    }

    let mut first = Box::pin(values(&[1, 2], false));
    assert!(poll(&mut first).is_pending());
    let mut forced = Box::pin(values(&[2, 3, 2], true));
    assert!(poll(&mut forced).is_pending());
    assert_eq!(ASKED.take(), [vec![1, 2], vec![2, 3]]);
    GATE.store(1, SeqCst);
    assert_eq!(poll(&mut forced), Poll::Ready(vec![0, 0, 0]));
    // Others find the result until the new one is there.
    let mut again = Box::pin(values(&[3], true));
    assert!(poll(&mut again).is_pending());
    assert_eq!(poll(&mut Box::pin(values(&[3], false))), Poll::Ready(vec![0]));
    GATE.store(2, SeqCst);
    assert_eq!(poll(&mut again), Poll::Ready(vec![1]));
    assert_eq!(poll(&mut Box::pin(values(&[3], false))), Poll::Ready(vec![1]));
    assert_eq!(poll(&mut first), Poll::Ready(vec![0, 0]));
    assert_eq!(ASKED.take(), [[3]]);
}

#[test]
fn what_was_computed_from_the_former_result_is_invalidated() {
    static PAGES: Asked<u32> = Asked::new();

    #[lru_cache(each = ids, force = |_, reload| *reload, tags = |id, _| [tag("each_forced", id)], maxsize = None)]
    fn values(ids: Vec<u32>, #[key(skip)] _reload: bool) -> Vec<u32> {
        ids
    }

    #[lru_cache(each = ids, force = |_, reload| *reload, tags = |id, _| [tag("each_forced", id)], maxsize = 0)]
    fn nowhere(ids: Vec<u32>, #[key(skip)] _reload: bool) -> Vec<u32> {
        ids
    }

    #[lru_cache(depends = true)]
    fn page(first: u32) -> u32 {
        PAGES.add(first);
        values(vec![first], false)[0] + nowhere(vec![first], false)[0]
    }

    assert_eq!((page(1), page(2)), (2, 4));
    values(vec![1, 3], true);
    assert_eq!((page(1), page(2)), (2, 4));
    nowhere(vec![2, 3], true);
    assert_eq!((page(1), page(2)), (2, 4));
    assert_eq!(PAGES.take(), [1, 2, 1, 2]);
    drop(invalidate(tag("each_forced", 1)));
    assert!(!values::cache_contains(1) && values::cache_contains(2));
}

//! `maxsize = auto(…)`: caches that set their own capacity.

// A function is defined in the test that uses it; calls are made for their effect on a cache.
#![allow(clippy::items_after_statements, clippy::unused_self)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};
use std::thread;

use functools::policy::AutoSized;
use functools::{Cache, LruCache, RemovalCause, lru_cache};

/// Calls a function with keys in turn and, each tenth time, with one that was never used.
fn turn(calls: u64, keys: u64, mut f: impl FnMut(u64)) {
    for call in 0..calls {
        f(if call % 10 == 9 { 1_000_000 + call } else { call % keys });
    }
}

/// Returns whether a capacity is about that of 40 keys in turn, and of the other ones in between.
fn is_enough(maxsize: Option<usize>) -> bool {
    (44..=60).contains(&maxsize.unwrap())
}

#[test]
fn a_function_begins_with_the_upper_bound_and_shrinks_to_what_is_enough() {
    #[lru_cache(maxsize = auto(8..=1000))]
    fn f(n: u64) -> u64 {
        n + 1
    }
    assert_eq!((f::cache_info().maxsize, f::cache_parameters().maxsize), (Some(1000), Some(1000)));
    turn(30_000, 40, |n| assert_eq!(f(n), n + 1));
    let info = f::cache_info();
    assert!(is_enough(info.maxsize), "{info}");
    assert!(info.currsize <= info.maxsize.unwrap() && info.hit_ratio() > 0.89, "{info}");
    assert_eq!(f::cache_parameters().maxsize, info.maxsize);
    assert_eq!(f::cache_insight().maxsize(), info.maxsize, "the option implies `insight`");
    turn(60_000, 300, |n| assert_eq!(f(n), n + 1));
    assert!(f::cache_info().maxsize >= Some(300), "{}", f::cache_info());
}

#[test]
fn a_capacity_that_is_set_stays_and_a_cleared_cache_goes_on() {
    #[lru_cache(maxsize = auto(8..=1000))]
    fn f(n: u64) -> u64 {
        n
    }
    f::cache_clear();
    turn(30_000, 40, |n| _ = f(n));
    assert!(is_enough(f::cache_info().maxsize), "{}", f::cache_info());
    f::cache_resize(500);
    turn(30_000, 40, |n| _ = f(n));
    assert_eq!(f::cache_info().maxsize, Some(500));
    f::cache_resize(None);
    turn(10_000, 40, |n| _ = f(n));
    assert_eq!(f::cache_info().maxsize, None);
}

#[test]
fn the_bounds_are_evaluated_once_by_the_first_use() {
    static EVALUATED: AtomicUsize = AtomicUsize::new(0);
    struct Config {
        cache_size: u32,
    }
    fn config() -> Config {
        EVALUATED.fetch_add(1, SeqCst);
        Config { cache_size: 700 }
    }
    #[lru_cache(maxsize = auto(config().cache_size / 100..=config().cache_size))]
    fn f(n: u64) -> u64 {
        n
    }
    assert_eq!(EVALUATED.load(SeqCst), 0);
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(f::cache_info().maxsize, Some(700));
            });
        }
    });
    assert_eq!((f(1), EVALUATED.load(SeqCst)), (1, 2), "each bound once");
}

#[test]
fn bounds_are_weights_where_entries_have_weights() {
    #[lru_cache(maxsize = auto(100..=100_000), weight = |_, text| text.len())]
    fn f(n: u64) -> String {
        "x".repeat(100 + usize::try_from(n % 3).unwrap())
    }
    turn(30_000, 40, |n| _ = f(n));
    let info = f::cache_info();
    assert!((4400..=6000).contains(&info.maxsize.unwrap()), "{info}");
    assert!(info.currsize <= info.maxsize.unwrap() && info.hit_ratio() > 0.89, "{info}");

    #[lru_cache(maxsize = auto(1000..=1_000_000), weight = bytes)]
    fn bytes(n: u64) -> String {
        format!("{n:0100}")
    }
    turn(30_000, 40, |n| _ = bytes(n));
    let info = bytes::cache_info();
    assert!(info.maxsize < Some(100_000) && info.hit_ratio() > 0.89, "{info}");
}

#[test]
fn a_cache_that_sets_its_own_capacity_is_in_no_budget() {
    #[lru_cache(maxsize = auto(1000..=100_000), weight = bytes)]
    fn f(n: u64) -> String {
        n.to_string()
    }
    functools::budget(5000);
    f(1);
    let maxsize = f::cache_info().maxsize;
    functools::budget(None);
    assert_eq!(maxsize, Some(100_000));
}

#[test]
fn evicted_entries_are_reported_outside_of_the_lock() {
    static EVICTED: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    #[lru_cache(maxsize = auto(8..=1000), on_evict = |&n, _, cause| {
        assert_eq!(cause, RemovalCause::Evicted);
        // Takes the lock.
        assert!(!f::cache_contains(n));
        EVICTED.lock().unwrap().push(n);
    })]
    fn f(n: u64) -> u64 {
        n
    }
    turn(30_000, 40, |n| _ = f(n));
    let info = f::cache_info();
    assert!(is_enough(info.maxsize), "{info}");
    let evicted = EVICTED.lock().unwrap().len();
    assert_eq!(evicted as u64, f::cache_stats().evictions);
    assert_eq!(evicted + info.currsize, usize::try_from(info.misses).unwrap());
}

#[test]
fn each_kind_of_function_sets_its_own_capacity() {
    #[lru_cache(maxsize = auto(8..=1000), scope = thread)]
    fn own(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = auto(8..=1000), ttl = 600, typed = true)]
    fn generic<T: Copy + Into<u64> + functools::Argument>(n: T) -> u64 {
        n.into()
    }
    #[lru_cache(maxsize = auto(8..=1000), single_flight = true)]
    fn shared(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = auto(8..=1000), each = ids)]
    fn many(ids: &[u64]) -> Vec<u64> {
        ids.to_vec()
    }
    struct Shop;
    impl Shop {
        #[lru_cache(maxsize = auto(8..=1000))]
        fn price(#[key(skip)] &self, n: u64) -> u64 {
            n
        }
    }
    turn(30_000, 40, |n| _ = (own(n), generic(n), shared(n), many(&[n]), Shop.price(n)));
    let sizes = [own::cache_info(), generic::cache_info(), shared::cache_info(), many::cache_info()];
    for info in sizes.into_iter().chain([Shop::price_cache_info()]) {
        assert!(is_enough(info.maxsize), "{info}");
    }
    thread::spawn(|| assert_eq!(own::cache_info().maxsize, Some(1000), "another thread has another cache"))
        .join()
        .unwrap();
}

#[test]
fn objects_set_their_own_capacity() {
    struct Pages {
        cache: Cache<u64, u64, AutoSized>,
    }
    let pages = Pages { cache: LruCache::builder().auto_maxsize(8..=1000).build() };
    assert_eq!(pages.cache.info().maxsize, Some(1000));
    turn(30_000, 40, |n| _ = pages.cache.get_or_insert_with(n, || n));
    assert!(is_enough(pages.cache.info().maxsize), "{}", pages.cache.info());

    let inserted = LruCache::builder().auto_maxsize(8..=1000).build();
    turn(30_000, 40, |n| {
        if inserted.get(&n).is_none() {
            inserted.insert(n, ());
        }
    });
    assert!(is_enough(inserted.info().maxsize), "{}", inserted.info());

    let fixed = Cache::<u64, u64, AutoSized>::new(Some(100));
    turn(30_000, 40, |n| _ = fixed.get_or_insert_with(n, || n));
    assert_eq!(fixed.info().maxsize, Some(100), "it has no bounds");
}

#[test]
fn concurrent_calls_stay_below_the_upper_bound() {
    #[lru_cache(maxsize = auto(8..=500))]
    fn f(n: u64) -> u64 {
        n
    }
    thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                turn(20_000, 40 + 100 * number, |n| {
                    assert_eq!(f(n), n);
                    if n % 97 == 0 {
                        let info = f::cache_info();
                        assert!(
                            info.maxsize <= Some(500) && info.currsize <= info.maxsize.unwrap(),
                            "{info}"
                        );
                    }
                });
            });
        }
    });
    let info = f::cache_info();
    assert_eq!(info.hits + info.misses, 80_000);
}

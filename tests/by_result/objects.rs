//! `tags`, `depends` and `#[invalidates(…)]` of functions that store their results in a cache object.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use functools::{
    Cache, Compute, LruCache, Tagged, invalidate, invalidates, isolated, lru_cache, memoize, policy, tag,
};

use crate::support::within;

/// A shop whose prices are in an object of its own.
struct Shop {
    prices: LruCache<u32, u32>,
    reports: LruCache<Tagged<u32>, String>,
    factor: AtomicU32,
}

#[memoize]
impl Shop {
    fn new() -> Self {
        Self {
            prices: LruCache::new(Some(100)),
            reports: LruCache::new(Some(100)),
            factor: AtomicU32::new(1),
        }
    }

    #[lru_cache(cache = self.prices, tags = |id| [tag("object price", id), tag("object group", id % 2)])]
    fn price(&self, id: u32) -> u32 {
        id * self.factor.load(SeqCst)
    }

    #[lru_cache(cache = self.reports, depends = true)]
    fn report(&self, id: u32) -> String {
        format!("{} now", self.price(id))
    }

    #[lru_cache(cache = self.reports, depends = true)]
    fn long_report(&self, id: u32) -> String {
        format!("{}!", self.report(id))
    }

    #[lru_cache(cache = self.reports, tags = |_, text| [tag("object length", text.len())])]
    fn text(&self, id: u32) -> String {
        "x".repeat(id as usize)
    }

    #[lru_cache(cache = self.reports)]
    fn plain(&self, id: u32) -> String {
        id.to_string()
    }

    #[invalidates(self.price(id), tag("object length", 3))]
    fn set(&mut self, id: u32, factor: u32) {
        *self.factor.get_mut() = factor + id - id;
    }
}

#[test]
fn a_tag_invalidates_results_in_objects_and_their_dependents() {
    isolated(|| {
        let shop = Shop::new();
        assert_eq!([1, 2, 3].map(|id| shop.price(id)), [1, 2, 3]);
        assert_eq!([1, 2].map(|id| shop.long_report(id)), ["1 now!", "2 now!"]);
        shop.factor.store(10, SeqCst);
        invalidate(tag("object group", 1)).unwrap();
        assert!(
            !shop.price_cache_contains(1) && shop.price_cache_contains(2) && !shop.price_cache_contains(3)
        );
        assert!(!shop.report_cache_contains(1) && shop.report_cache_contains(2));
        assert_eq!([1, 2, 3].map(|id| shop.price(id)), [10, 2, 30]);
        assert_eq!([1, 2].map(|id| shop.long_report(id)), ["10 now!", "2 now!"]);
        // The object's own methods do not serve an invalid result either.
        invalidate(tag("object price", 2_u64)).unwrap();
        assert_eq!((shop.prices.get(&2), shop.prices.peek(&1)), (None, Some(10)));
        assert!(!shop.prices.contains(&2) && shop.prices.contains(&3));
        assert_eq!(shop.prices.get_or_insert_with(2, || 7), 7);
    });
}

#[test]
fn tags_by_the_value_and_of_one_object() {
    isolated(|| {
        let (shop, other) = (Shop::new(), Shop::new());
        for shop in [&shop, &other] {
            _ = (shop.text(3), shop.text(4), shop.plain(3));
        }
        shop.text_cache_invalidate_tag(tag("object length", 3));
        assert!(!shop.text_cache_contains(3) && shop.text_cache_contains(4) && shop.plain_cache_contains(3));
        assert!(other.text_cache_contains(3));
        invalidate(tag("object length", 4)).unwrap();
        assert!(!other.text_cache_contains(4) && other.text_cache_contains(3));
    });
}

#[test]
fn a_changed_key_invalidates_its_dependents() {
    isolated(|| {
        let shop = Shop::new();
        let fill = || {
            _ = [1, 2].map(|id| shop.long_report(id));
            assert!(shop.long_report_cache_contains(1) && shop.long_report_cache_contains(2));
        };
        let only_second = |what: &str| {
            assert!(!shop.long_report_cache_contains(1), "{what}");
            assert!(shop.long_report_cache_contains(2), "{what}");
        };
        let changes: [(&str, &dyn Fn()); 11] = [
            ("cache_invalidate", &|| assert!(shop.price_cache_invalidate(1))),
            ("cache_put", &|| shop.price_cache_put(1, 5)),
            ("cache_refresh", &|| _ = shop.price_cache_refresh(1)),
            ("cache_retain", &|| shop.price_cache_retain(|id, _| *id != 1)),
            ("insert", &|| _ = shop.prices.insert(1, 6)),
            ("remove", &|| _ = shop.prices.remove(&1)),
            ("retain", &|| shop.prices.retain(|id, _| *id != 1)),
            ("compute, replace", &|| _ = shop.prices.compute(1, |_| Compute::Replace(8))),
            ("compute, remove", &|| _ = shop.prices.compute(1, |_| Compute::Remove)),
            ("a value of `insert`, removed", &|| {
                shop.prices.insert(1, 6);
                assert_eq!(shop.report(1), "6 now");
                shop.price_cache_invalidate(1);
            }),
            ("a value of `compute`, removed", &|| {
                shop.prices.compute(1, |_| Compute::Replace(8));
                assert_eq!(shop.report(1), "8 now");
                shop.prices.remove(&1);
            }),
        ];
        for (what, change) in changes {
            fill();
            change();
            only_second(what);
        }
        fill();
        shop.price_cache_clear();
        assert!(![1, 2].iter().any(|&id| shop.long_report_cache_contains(id)));
        fill();
        shop.prices.clear();
        assert!(![1, 2].iter().any(|&id| shop.long_report_cache_contains(id)));
    });
}

#[test]
fn an_object_that_moves_is_the_same_and_one_that_is_gone_invalidates_nothing() {
    isolated(|| {
        let shop = Shop::new();
        shop.long_report(1);
        let shop = Arc::new(shop);
        assert!(shop.price_cache_invalidate(1));
        assert!(!shop.long_report_cache_contains(1));

        static TOTALS: LruCache<u32, u32> = LruCache::new(Some(8));

        #[lru_cache(cache = TOTALS, depends = true)]
        fn total(#[key(skip)] shop: &Shop, id: u32) -> u32 {
            shop.price(id)
        }

        assert_eq!(total(&shop, 4), 4);
        drop(shop);
        // A new object may be at the same place.
        let next = Box::new(Shop::new());
        next.price(4);
        next.price_cache_invalidate(4);
        assert!(total::cache_contains(4));
        invalidate(tag("object price", 4)).unwrap();
        assert!(!total::cache_contains(4));
    });
}

#[test]
fn evicted_results_leave_their_dependents() {
    isolated(|| {
        struct Small(Cache<u32, u32, policy::Lru>, LruCache<u32, u32>);

        #[memoize]
        impl Small {
            #[lru_cache(cache = self.0, tags = |n| [tag("object small", n)])]
            fn inner(&self, n: u32) -> u32 {
                n
            }

            #[lru_cache(cache = self.1, depends = true)]
            fn outer(&self, n: u32) -> u32 {
                self.inner(n)
            }
        }

        let small = Small(Cache::builder().maxsize(1).build(), LruCache::new(None));
        _ = (small.outer(1), small.outer(2), small.outer(3));
        assert!(small.outer_cache_contains(1) && !small.inner_cache_contains(1));
        invalidate(tag("object small", 1)).unwrap();
        assert!(!small.outer_cache_contains(1) && small.outer_cache_contains(2));
        // The inner result is computed anew; what was computed from the former one stays.
        small.inner(2);
        assert!(small.outer_cache_contains(2));
    });
}

#[test]
fn invalidates_reaches_an_object_in_self() {
    isolated(|| {
        let mut shop = Shop::new();
        _ = ([1, 2].map(|id| shop.long_report(id)), shop.text(3));
        shop.set(1, 10);
        assert!(!shop.price_cache_contains(1) && shop.price_cache_contains(2));
        assert!(!shop.long_report_cache_contains(1) && shop.long_report_cache_contains(2));
        assert!(!shop.text_cache_contains(3));
        assert_eq!(shop.long_report(1), "10 now!");
    });
}

#[test]
fn room_is_reclaimed_from_invalid_results() {
    isolated(|| {
        let shop = Shop::new();
        for id in 0..100 {
            shop.price(id);
        }
        invalidate(tag("object group", 0)).unwrap();
        assert_eq!(shop.price_cache_info().currsize, 100);
        // Each insert looks at two entries, and evicts one only where there is no room.
        for id in 1000..1050 {
            shop.price(2 * id + 1);
        }
        assert!(!(0..100).any(|id| id % 2 == 0 && shop.price_cache_contains(id)));
        let stats = shop.price_cache_stats();
        assert!(stats.invalidated > 0, "{stats:?}");
    });
}

#[test]
fn what_is_in_flight_is_not_stored() {
    isolated(|| {
        static RESULTS: LruCache<u32, u32> = LruCache::new(Some(8));

        #[lru_cache(cache = RESULTS, tags = |n| [tag("object flight", n)])]
        fn overtaken(n: u32) -> u32 {
            invalidate(tag("object flight", n)).unwrap();
            n
        }

        assert_eq!(overtaken(1), 1);
        assert!(!overtaken::cache_contains(1) && RESULTS.is_empty());
        assert_eq!(overtaken::cache_stats().superseded, 1);
    });
}

#[test]
fn settings_of_functions_and_stale_results() {
    isolated(|| {
        static RATES: LruCache<u32, u32> = LruCache::new(Some(8));
        static RUNS: AtomicU32 = AtomicU32::new(0);

        #[lru_cache(cache = RATES, ttl = 600, stale_if_error = 600, tags = |n| [tag("object rate", n)])]
        fn rate(n: u32) -> Result<u32, ()> {
            if RUNS.fetch_add(1, SeqCst) == 0 { Ok(n) } else { Err(()) }
        }

        assert_eq!(rate(1), Ok(1));
        assert_eq!(rate(1), Ok(1));
        invalidate(tag("object rate", 1)).unwrap();
        // An invalid result is not served in place of an error.
        assert_eq!(rate(1), Err(()));
    });
}

#[test]
fn async_functions_and_single_flight() {
    isolated(|| {
        static TOTALS: LruCache<u32, u32> = LruCache::new(Some(8));
        static PARTS: LruCache<u32, u32> = LruCache::new(Some(8));

        #[lru_cache(cache = PARTS, single_flight = true, tags = |n, _| [tag("object part", n)])]
        async fn part(n: u32) -> u32 {
            tokio::task::yield_now().await;
            n
        }

        #[lru_cache(cache = TOTALS, depends = true)]
        async fn total(n: u32) -> u32 {
            let (first, second) = tokio::join!(part(n), part(n));
            first + second
        }

        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(within(async {
            assert_eq!(total(2).await, 4);
            assert!(total::cache_contains(2));
            invalidate(tag("object part", 2)).unwrap();
            assert!(!total::cache_contains(2) && !part::cache_contains(2));
            assert_eq!(total(2).await, 4);
            assert!(part::cache_invalidate(2));
            assert!(!total::cache_contains(2));
        }));
    });
}

#[test]
fn a_first_deadline_is_taken_over_from_an_object() {
    isolated(|| {
        static LONG: LruCache<u32, u32> = LruCache::new(Some(8));
        static SHORT: LruCache<u32, u32> = LruCache::new(Some(8));

        #[lru_cache(cache = SHORT, depends = true, ttl = |_, _| Duration::ZERO)]
        fn short(n: u32) -> u32 {
            n
        }

        #[lru_cache(cache = LONG, depends = true)]
        fn long(n: u32) -> u32 {
            short(n)
        }

        assert_eq!(long(1), 1);
        assert!(!long::cache_contains(1) && LONG.is_empty());
    });
}

#[test]
fn results_of_an_isolation_are_checked_in_its_domain() {
    let shop = Shop::new();
    isolated(|| {
        shop.price(1);
        assert!(shop.price_cache_contains(1));
        invalidate(tag("object price", 1)).unwrap();
        assert!(!shop.price_cache_contains(1));
    });
}

//! Functions with `cache = …` and expiry options of their own.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use functools::{LruCache, ManualClock, RemovalCause, Tagged, TtlCache, lru_cache};

use crate::support::tally;

type Prices = LruCache<u64, u64, ManualClock>;

const SECOND: Duration = Duration::from_secs(1);

struct Shop {
    clock: ManualClock,
    prices: Prices,
}

impl Shop {
    fn new(build: impl FnOnce(ManualClock) -> Prices) -> Self {
        let clock = ManualClock::new();
        Self { prices: build(clock.clone()), clock }
    }

    #[lru_cache(cache = self.prices)]
    fn plain(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.prices, ttl = 5)]
    fn short(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.prices, ttl = 0.5, jitter = 1.0)]
    fn scattered(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.prices, tti = Duration::from_secs(3))]
    fn while_used(&self, id: u64) -> u64 {
        id
    }

    #[lru_cache(cache = self.prices, ttu = |id, price, now| now + Duration::from_secs(id + price))]
    fn each_its_own(&self, id: u64) -> u64 {
        id
    }

    /// Returns the numbers below 100 that are stored at this time.
    fn after(&self, seconds: u32) -> Vec<u64> {
        self.clock.set(seconds * SECOND);
        let there: Vec<u64> = (0..100).filter(|id| self.prices.contains(id)).collect();
        assert_eq!((self.prices.len(), self.plain_cache_info().currsize), (there.len(), there.len()));
        there
    }
}

#[test]
fn what_a_function_stores_is_live_as_long_as_the_function_says() {
    let shop = Shop::new(|clock| LruCache::builder_with(clock).build());
    (shop.plain(1), shop.short(2), shop.while_used(3), shop.each_its_own(4));
    shop.short_cache_put(12, 0);
    shop.each_its_own_cache_put(14, 1);
    assert_eq!(shop.short_cache_refresh(22), 22);
    assert_eq!(shop.after(2), [1, 2, 3, 4, 12, 14, 22]);
    shop.while_used(3);
    assert_eq!(shop.after(4), [1, 2, 3, 4, 12, 14, 22]);
    assert_eq!(shop.after(5), [1, 4, 14]);
    assert_eq!(shop.after(7), [1, 4, 14]);
    assert_eq!(shop.after(8), [1, 14]);
    assert_eq!(shop.after(15), [1]);
    assert_eq!(tally(shop.short_cache_info()), (1, 5, 1));
}

#[test]
fn what_it_says_nothing_of_is_as_the_object_has_it() {
    let shop = Shop::new(|clock| {
        let ten = LruCache::builder_with(clock).ttl(10 * SECOND).tti(8 * SECOND);
        ten.weigher(|id, _| usize::try_from(*id).unwrap()).maxsize(100).build()
    });
    (shop.plain(1), shop.short(2), shop.while_used(3), shop.each_its_own(4));
    assert_eq!(shop.prices.info().currsize, 10);
    for second in 1..5 {
        shop.clock.set(second * SECOND);
        (shop.plain(1), shop.short(2), shop.while_used(3), shop.each_its_own(4));
    }
    let there = |seconds: u32| {
        shop.clock.set(seconds * SECOND);
        (0..5).filter(|id| shop.prices.contains(id)).collect::<Vec<u64>>()
    };
    assert_eq!(there(5), [1, 3, 4]);
    // The last use was at 4; from then on, each function extends the time to idle by its own.
    shop.plain(3);
    assert_eq!(there(8), [1, 3]);
    assert_eq!(there(9), [1, 3]);
    assert_eq!(there(10), [0; 0]);
}

#[test]
fn a_ttl_of_the_function_is_scattered_by_the_function_or_else_by_the_object() {
    let shop = Shop::new(|clock| LruCache::builder_with(clock).jitter(1.0).build());
    for id in 0..50 {
        (shop.short(id), shop.scattered(50 + id));
    }
    let soon = shop.after(0);
    assert!(soon.len() > 90, "{soon:?}");
    let later = shop.after(1);
    assert!(later.iter().all(|id| *id < 50) && later.len() > 5, "{later:?}");
    assert!(shop.after(2).len() < later.len());
}

#[test]
fn listeners_of_the_object_are_told_of_what_the_function_let_expire() {
    static REMOVED: Mutex<Vec<(u64, RemovalCause)>> = Mutex::new(Vec::new());
    let shop = Shop::new(|clock| {
        let listener = |id: &u64, _: &u64, cause| REMOVED.lock().unwrap().push((*id, cause));
        LruCache::builder_with(clock).maxsize(2).on_evict(listener).build()
    });
    (shop.short(1), shop.plain(2));
    shop.clock.set(5 * SECOND);
    (shop.plain(3), shop.short(4));
    assert_eq!(*REMOVED.lock().unwrap(), [(1, RemovalCause::Expired), (2, RemovalCause::Evicted)]);
}

#[test]
fn a_ttl_cache_is_given_its_time_when_it_is_made() {
    static PAGES: TtlCache<String, usize> = TtlCache::new(Some(2), Duration::from_secs(600));
    #[lru_cache(cache = PAGES)]
    fn length(url: &str) -> usize {
        url.len()
    }
    assert_eq!((length("/"), length("/"), PAGES.peek("/")), (1, 1, Some(1)));
    assert_eq!(tally(length::cache_info()), (1, 1, 1));

    let clock = ManualClock::new();
    let prices = TtlCache::with_clock(clock.clone(), None, 5 * SECOND);
    let double = prices.wrap(|n: u64| n * 2);
    double(1);
    clock.advance(4 * SECOND);
    assert_eq!((double(1), double(2)), (2, 4));
    assert_eq!((prices.len(), (&prices).into_iter().count()), (2, 2));
    clock.advance(SECOND);
    assert_eq!((prices.expire(), prices.info().maxsize), (vec![(1, 2)], None));
    assert!(format!("{prices:?}").starts_with("TtlCache"));
}

#[test]
fn results_in_an_object_that_no_longer_hold_are_dropped() {
    static SIZES: LruCache<(String, u64), usize> = LruCache::new(None);
    #[lru_cache(cache = SIZES)]
    fn size(name: &str, n: u64) -> Result<usize, String> {
        usize::try_from(n).map(|n| n + name.len()).map_err(|error| error.to_string())
    }
    (size("a", 1).unwrap(), size("b", 2).unwrap(), size("b", 3).unwrap());
    size::cache_retain(|(name, n), size| name == "a" || size - name.len() > 2 || *n == 3);
    assert!(size::cache_contains("a", 1) && !size::cache_contains("b", 2) && size::cache_contains("b", 3));

    let shop = Shop::new(|clock| LruCache::builder_with(clock).build());
    (shop.plain(1), shop.short(2));
    shop.plain_cache_retain(|id, price| id == price && *id == 2);
    assert_eq!(shop.after(0), [2]);

    #[lru_cache(cache = memo)]
    fn lengths(name: String, memo: &LruCache<String, usize>) -> usize {
        name.len()
    }
    let memo = LruCache::new(None);
    (lengths("a".to_owned(), &memo), lengths("bc".to_owned(), &memo));
    lengths::cache_retain(&memo, |name, length| name.len() == *length && *length > 1);
    assert_eq!(memo.len(), 1);
}

#[test]
fn of_functions_that_are_kept_apart_each_drops_its_own() {
    #[lru_cache(cache = memo)]
    fn double(n: u64, memo: &LruCache<Tagged<u64>, u64>) -> u64 {
        n * 2
    }
    #[lru_cache(cache = memo)]
    fn triple(n: u64, memo: &LruCache<Tagged<u64>, u64>) -> u64 {
        n * 3
    }
    let memo = LruCache::new(None);
    (double(1, &memo), double(2, &memo), triple(1, &memo), triple(2, &memo));
    let mut seen = HashMap::new();
    double::cache_retain(&memo, |n, value| {
        seen.insert(*n, *value);
        *n == 2
    });
    assert_eq!(seen, HashMap::from([(1, 2), (2, 4)]));
    assert!(!double::cache_contains(1, &memo) && double::cache_contains(2, &memo));
    assert!(triple::cache_contains(1, &memo) && triple::cache_contains(2, &memo));
}

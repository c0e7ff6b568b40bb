//! Functions with a backend that are not async, and their accessors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use functools::backend::{Backend, BackendError, Stored};
use functools::{LruCache, ManualClock, lru_cache};

use crate::map_backend::{MapBackend, until};

#[test]
fn what_one_process_computed_another_one_finds() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(backend = &BACKEND)]
    fn length(text: &str, more: usize) -> usize {
        text.len() + more
    }
    assert_eq!(length("abc", 1), 4);
    assert_eq!(BACKEND.take_requests(), ["get", "set"]);
    assert_eq!(length("abc", 1), 4);
    assert_eq!(BACKEND.take_requests(), [""; 0], "the cache in the process answers");
    // Like another process, with an empty L1 cache.
    let entries = BACKEND.entries().clone();
    length::cache_clear().unwrap();
    *BACKEND.entries() = entries;
    BACKEND.take_requests();
    assert_eq!(length("abc", 1), 4);
    assert_eq!(BACKEND.take_requests(), ["get"]);
    let (info, stats) = (length::cache_info(), length::cache_stats());
    assert_eq!((info.hits, info.misses, info.currsize, stats.backend_hits), (1, 0, 1, 1));
}

#[test]
fn without_a_front_every_call_asks_the_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        n * n
    }
    assert_eq!((square(3), square(3), square(4)), (9, 9, 16));
    assert_eq!(RUNS.load(SeqCst), 2);
    assert_eq!(BACKEND.take_requests(), ["get", "set", "get", "get", "set"]);
    let info = square::cache_info();
    assert_eq!((info.hits, info.misses, info.maxsize, info.currsize), (1, 2, Some(0), 0));
}

#[test]
fn each_thread_finds_outside_what_another_one_computed() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(scope = thread, backend = &BACKEND)]
    fn length(text: &str) -> usize {
        text.len()
    }
    assert_eq!((length("abc"), length("abc")), (3, 3));
    assert_eq!(BACKEND.take_requests(), ["get", "set"]);
    let elsewhere = std::thread::spawn(|| {
        assert_eq!((length("abc"), length("abc")), (3, 3));
        length::cache_info()
    });
    let info = elsewhere.join().unwrap();
    assert_eq!((info.hits, info.misses, info.currsize), (2, 0, 1));
    assert_eq!(BACKEND.take_requests(), ["get"]);
    assert_eq!(length::cache_invalidate("abc").ok(), Some(true));
    assert_eq!(BACKEND.take_requests(), ["delete"]);
}

#[test]
fn shards_stand_before_a_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(shards = 4, backend = &BACKEND)]
    fn square(n: u64) -> u64 {
        n * n
    }
    assert!((0..32).chain(0..32).all(|n| square(n) == n * n));
    assert_eq!(BACKEND.take_requests().len(), 64, "each is looked up and stored once");
    let info = square::cache_info();
    assert_eq!((info.hits, info.misses, info.currsize), (32, 32, 32));
    square::cache_clear().unwrap();
    assert_eq!((square::cache_contains(3), BACKEND.entries().len()), (false, 0));
}

#[test]
fn what_is_asked_of_the_cache_is_asked_of_both() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 1, backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    (double(1), double(2)); // 1 is in the backend only
    assert_eq!(
        (double::cache_peek(1), double::cache_peek(2), double::cache_peek(3)),
        (Some(2), Some(4), None)
    );
    assert!(double::cache_contains(1) && double::cache_contains(2) && !double::cache_contains(3));
    assert_eq!(double::cache_info().currsize, 1);

    double::cache_put(3, 7).unwrap();
    assert_eq!((double(3), BACKEND.entries().len()), (7, 3));
    assert!(double::cache_invalidate(1).unwrap(), "the backend had the entry");
    assert!(double::cache_invalidate(3).unwrap());
    assert!(!double::cache_invalidate(3).unwrap());
    assert_eq!((double::cache_peek(3), double::cache_refresh(2)), (None, 4));
    assert_eq!(double::wrapped(9), 18);
    assert_eq!(BACKEND.entries().len(), 1);
    double::cache_clear().unwrap();
    assert!(BACKEND.entries().is_empty() && double::cache_peek(2).is_none());
}

#[test]
fn functions_that_share_a_backend_share_nothing_in_it() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(backend = &BACKEND)]
    fn value(n: u64) -> u64 {
        n
    }
    struct Shop;
    impl Shop {
        #[lru_cache(backend = &BACKEND, accessors = siblings)]
        fn value(n: u64) -> u64 {
            n + 100
        }
    }
    trait Valued {
        fn value(n: u64) -> u64;
    }
    struct Other;
    impl Valued for Shop {
        #[lru_cache(backend = &BACKEND, accessors = none)]
        fn value(n: u64) -> u64 {
            n + 200
        }
    }
    impl Valued for Other {
        #[lru_cache(backend = &BACKEND, accessors = none)]
        fn value(n: u64) -> u64 {
            n + 300
        }
    }
    let all = || (value(1), Shop::value(1), <Shop as Valued>::value(1), Other::value(1));
    assert_eq!((all(), all()), ((1, 101, 201, 301), (1, 101, 201, 301)));
    let namespaces = BACKEND.namespaces();
    assert_eq!(namespaces.len(), 4, "{namespaces:?}");
    Shop::value_cache_clear().unwrap();
    assert_eq!(BACKEND.namespaces().len(), 3);
}

#[test]
fn instances_share_nothing_that_depends_on_the_type() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, typed = true, backend = &BACKEND)]
    fn size<T: functools::Argument<Stored = T> + serde::Serialize + Send + Sync + 'static, const N: usize>(
        _value: T,
    ) -> usize {
        size_of::<T>() + N
    }
    assert_eq!((size::<u8, 0>(7), size::<u16, 0>(7), size::<u64, 100>(7)), (1, 2, 108));
    assert_eq!((size::<u8, 0>(7), size::<u16, 0>(7), size::<u64, 100>(7)), (1, 2, 108));
    assert_eq!((size::cache_info().hits, BACKEND.entries().len()), (3, 3));
    size::cache_clear().unwrap();
    assert!(BACKEND.entries().is_empty());

    struct Scaled<T>(T);
    impl<T: Copy + Into<u64> + std::hash::Hash + Eq + Send + Sync + 'static> Scaled<T> {
        #[lru_cache(maxsize = 0, backend = &BACKEND)]
        fn times(#[key(self.0.into())] &self, n: u64) -> u64 {
            self.0.into() * n + size_of::<T>() as u64
        }
    }
    assert_eq!((Scaled(2_u8).times(3), Scaled(2_u32).times(3)), (7, 10));
    assert_eq!((Scaled(2_u8).times(3), Scaled(2_u32).times(3)), (7, 10));
    Scaled::<u8>::times_cache_clear().unwrap();
    assert!(BACKEND.entries().is_empty(), "all instantiations share a namespace");
}

#[test]
fn keys_are_the_arguments_that_count() {
    static BACKEND: MapBackend = MapBackend::new();
    struct Db;
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn find(#[key(skip)] _db: &Db, id: u32, tags: &[&str], near: Option<f64>) -> String {
        format!("{id} {tags:?} {near:?}")
    }
    let calls =
        || (find(&Db, 1, &["a", "b"], None), find(&Db, 1, &["ab"], None), find(&Db, 1, &["ab"], Some(0.5)));
    assert_eq!(calls(), calls());
    assert_eq!((find::cache_info().misses, BACKEND.entries().len()), (3, 3));
    assert_eq!(find::cache_peek(1, &["ab"], None).as_deref(), Some(r#"1 ["ab"] None"#));
    find::cache_put(2, &[], None, "put".into()).unwrap();
    assert!(find::cache_contains(2, &[], None) && find::cache_invalidate(2, &[], None).unwrap());
    assert!(!find::cache_contains(2, &[], None));

    #[lru_cache(maxsize = 0, key = |user, _| user.0, backend = &BACKEND)]
    fn greet(user: &(u32, String), greeting: &str) -> String {
        format!("{greeting}, {}", user.1)
    }
    let user = (7, "Ada".to_owned());
    assert_eq!(greet(&user, "Hello"), "Hello, Ada");
    assert_eq!(greet(&user, "Bye"), "Hello, Ada", "the greeting is not part of the key");
}

#[test]
fn errors_go_outside_where_they_are_remembered() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }
    assert!(parse("x").is_err());
    assert_eq!(BACKEND.entries().len(), 0);
    assert_eq!((parse("7"), parse("7")), (Ok(7), Ok(7)));
    assert_eq!(parse::cache_info().hits, 1);

    #[lru_cache(maxsize = 0, ttl = 60, cache_errors = true, error_ttl = 5, backend = &BACKEND)]
    fn checked(text: &str) -> Result<u32, String> {
        text.parse().map_err(|error| format!("{error}"))
    }
    let before = BACKEND.entries().len();
    assert!(checked("x").is_err() && checked("x").is_err());
    assert_eq!(checked::cache_info().hits, 1);
    assert_eq!(BACKEND.entries().len(), before + 1);
    checked("7").unwrap();
    let mut ttls: Vec<_> = BACKEND.entries().values().filter_map(|(_, ttl)| *ttl).collect();
    ttls.sort();
    assert_eq!(ttls, [Duration::from_secs(5), Duration::from_secs(60)]);

    #[lru_cache(maxsize = 0, cache_none = false, backend = &BACKEND)]
    fn some(n: u32) -> Option<u32> {
        (n > 1).then_some(n)
    }
    (some(1), some(2), some(1), some(2));
    assert_eq!((some::cache_info().hits, some::cache_info().misses), (1, 3));
}

#[test]
fn a_late_error_does_not_replace_a_good_result_in_the_backend() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(maxsize = None, cache_errors = true, backend = &BACKEND)]
    fn fallible(key: u64) -> Result<u64, String> {
        if RUNS.fetch_add(1, SeqCst) == 0 {
            // A call that begins later and ends earlier.
            assert_eq!(fallible(key), Ok(7));
            return Err(String::from("late"));
        }
        Ok(key)
    }
    assert_eq!(fallible(7), Err(String::from("late")));
    assert_eq!(fallible(7), Ok(7));
    let entries = BACKEND.entries().clone();
    fallible::cache_clear().unwrap();
    *BACKEND.entries() = entries;
    assert_eq!(fallible(7), Ok(7));
    assert_eq!(RUNS.load(SeqCst), 2, "the backend has the good result");
}

#[test]
fn what_comes_from_outside_is_good_no_longer_than_it_is_there() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(cache = front, backend = &BACKEND)]
    fn length(text: &str, front: &LruCache<String, usize, ManualClock>) -> usize {
        text.len()
    }
    let clock = ManualClock::new();
    let fronts = [None, Some(60), Some(5)].map(|ttl| {
        let front = LruCache::builder_with(clock.clone());
        if let Some(ttl) = ttl { front.ttl(Duration::from_secs(ttl)).build() } else { front.build() }
    });
    assert_eq!(length("abc", &LruCache::builder_with(clock.clone()).build()), 3);
    // A backend that returns the remaining time to live.
    for (_, ttl) in BACKEND.entries().values_mut() {
        *ttl = Some(Duration::from_secs(20));
    }
    assert_eq!(fronts.each_ref().map(|front| length("abc", front)), [3, 3, 3]);
    for (seconds, there) in [(4, [true, true, true]), (5, [true, true, false]), (20, [false, false, false])] {
        clock.set(Duration::from_secs(seconds));
        assert_eq!(fronts.each_ref().map(|front| front.contains("abc")), there, "after {seconds} seconds");
    }
}

#[test]
fn an_object_can_stand_in_front() {
    static BACKEND: MapBackend = MapBackend::new();
    struct Shop {
        prices: LruCache<u32, u64>,
    }
    impl Shop {
        #[lru_cache(cache = self.prices, backend = &BACKEND)]
        fn price(&self, id: u32) -> u64 {
            u64::from(id) * 10
        }
    }
    let shops = [(); 2].map(|()| Shop { prices: LruCache::new(Some(8)) });
    assert_eq!(shops.each_ref().map(|shop| shop.price(7)), [70, 70]);
    assert_eq!(shops.each_ref().map(|shop| shop.price_cache_info().hits), [0, 1]);
    assert_eq!(BACKEND.take_requests(), ["get", "set", "get"]);
    shops[0].price_cache_clear().unwrap();
    assert!(BACKEND.entries().is_empty());
}

#[test]
fn a_backend_is_opened_once_and_by_the_first_call() {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    fn open() -> Arc<MapBackend> {
        OPENED.fetch_add(1, SeqCst);
        Arc::new(MapBackend::new())
    }
    #[lru_cache(maxsize = 0, backend = open())]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!(double::cache_info().misses, 0);
    assert_eq!(OPENED.load(SeqCst), 0);
    (double(1), double(1), double::cache_peek(1));
    assert_eq!((OPENED.load(SeqCst), double::cache_info().hits), (1, 1));
}

#[test]
fn what_is_computed_across_a_clear_does_not_stay_outside() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(backend = &BACKEND)]
    fn clearing(n: u64) -> u64 {
        clearing::cache_clear().unwrap();
        n
    }
    assert_eq!(clearing(1), 1);
    assert!(BACKEND.entries().is_empty());
}

#[test]
fn what_is_changed_during_a_computation_stays_changed_without_a_front_too() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn changing(n: u64) -> u64 {
        match n {
            1 => assert!(!changing::cache_invalidate(1).unwrap()),
            2 => changing::cache_put(2, 20).unwrap(),
            _ => changing::cache_clear().unwrap(),
        }
        n
    }
    assert_eq!([1, 2].map(changing), [1, 2]);
    assert_eq!([1, 2].map(changing::cache_peek), [None, Some(20)]);
    assert_eq!((changing(3), BACKEND.entries().len()), (3, 0));
}

#[test]
fn what_is_taken_back_from_outside_is_not_left_where_it_was_fetched() {
    static BACKEND: MapBackend = MapBackend::new();
    static SETS: AtomicU64 = AtomicU64::new(0);

    /// During the first `set`, the key is invalidated, and another call fetches the value before it is
    /// deleted again.
    struct Late;

    impl Backend for Late {
        fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
            BACKEND.get(namespace, key)
        }
        fn set(&self, ns: &str, key: &[u8], value: &[u8], ttl: Option<Duration>) -> Result<(), BackendError> {
            if SETS.fetch_add(1, SeqCst) == 0 {
                number::cache_invalidate(1)?;
                BACKEND.set(ns, key, value, ttl)?;
                assert_eq!(std::thread::spawn(|| number(1)).join().unwrap(), 0);
                return Ok(());
            }
            BACKEND.set(ns, key, value, ttl)
        }
        fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
            BACKEND.delete(namespace, key)
        }
        fn clear(&self, namespace: &str) -> Result<(), BackendError> {
            BACKEND.clear(namespace)
        }
    }

    #[lru_cache(backend = Late)]
    fn number(_n: u64) -> u64 {
        SETS.load(SeqCst)
    }
    assert_eq!((number(1), BACKEND.entries().len()), (0, 0));
    assert_eq!((number(1), number(1)), (1, 1), "computed after the invalidation");
}

#[test]
fn what_another_call_fetches_during_a_clear_does_not_stay_in_the_process() {
    static BACKEND: MapBackend = MapBackend::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);

    /// Another thread calls just before an entry is removed.
    struct Late;

    fn call_from_elsewhere() {
        assert_eq!(std::thread::spawn(|| double(1)).join().unwrap(), 2);
    }

    impl Backend for Late {
        fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
            BACKEND.get(namespace, key)
        }
        fn set(&self, ns: &str, key: &[u8], value: &[u8], ttl: Option<Duration>) -> Result<(), BackendError> {
            BACKEND.set(ns, key, value, ttl)
        }
        fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
            call_from_elsewhere();
            BACKEND.delete(namespace, key)
        }
        fn clear(&self, namespace: &str) -> Result<(), BackendError> {
            call_from_elsewhere();
            BACKEND.clear(namespace)
        }
    }

    #[lru_cache(backend = Late)]
    fn double(n: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        2 * n
    }
    (double(1), double(1));
    assert!(double::cache_invalidate(1).unwrap());
    assert_eq!((double(1), RUNS.load(SeqCst)), (2, 2));
    double::cache_clear().unwrap();
    assert_eq!((double(1), RUNS.load(SeqCst)), (2, 3));
}

#[test]
fn a_copy_in_the_process_is_good_for_less() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(cache = front, ttl = 60, front_ttl = 5, backend = &BACKEND)]
    fn length(text: &str, front: &LruCache<String, usize, ManualClock>) -> usize {
        text.len()
    }
    let clock = ManualClock::new();
    let front = LruCache::builder_with(clock.clone()).build();
    length("abc", &front);
    assert_eq!(BACKEND.take_requests(), ["get", "set"]);
    for seconds in [4, 5, 9, 10] {
        clock.set(Duration::from_secs(seconds));
        length("abc", &front);
    }
    assert_eq!(BACKEND.take_requests(), ["get", "get"], "once every five seconds");
    assert_eq!(front.info().misses, 1);

    #[lru_cache(front_ttl = 3600, backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(1), double::cache_info().hits), (2, 2, 1));
}

#[test]
fn another_version_is_another_function() {
    static BACKEND: MapBackend = MapBackend::new();
    macro_rules! version {
        ($version:expr) => {{
            #[lru_cache(maxsize = 0, version = $version, backend = &BACKEND)]
            fn f(n: u64) -> String {
                format!("{n} of {}", $version)
            }
            f(1)
        }};
    }
    assert_eq!(
        (version!(1), version!("two"), version!(1)),
        ("1 of 1".into(), "1 of two".into(), "1 of 1".into())
    );
    assert!(BACKEND.namespaces().keys().any(|namespace| namespace.ends_with("#two")));
}

#[test]
fn a_stale_copy_is_first_looked_for_outside() {
    static BACKEND: MapBackend = MapBackend::new();
    static NOW: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(ttl = 60, swr = true, timer = || NOW.load(SeqCst), backend = &BACKEND)]
    fn price(id: u32) -> u64 {
        u64::from(id) + 10 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(price(1), 1);
    NOW.store(60, SeqCst); // in the backend it expires a minute later
    assert_eq!(price(1), 1);
    until(|| price::cache_stats().refreshes == 1);
    assert_eq!((price(1), RUNS.load(SeqCst)), (1, 1));
}

#[test]
fn requests_are_counted_with_their_time_and_bytes() {
    static BACKEND: MapBackend = MapBackend::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn text(n: usize) -> String {
        "x".repeat(n)
    }
    assert_eq!(text::cache_stats().backend_time, None);
    text(100);
    let (once, size) = (text::cache_stats(), BACKEND.entries().values().next().unwrap().0.len() as u64);
    assert_eq!((once.backend_requests, once.backend_bytes_read, once.backend_bytes_written), (2, 0, size));
    text(100);
    let twice = text::cache_stats();
    assert_eq!(
        (twice.backend_requests, twice.backend_bytes_read, twice.backend_bytes_written),
        (3, size, size)
    );
    assert!(twice.backend_time > once.backend_time && once.backend_time > None);
    // A request that fails takes time as well; its result is not sent.
    BACKEND.set_down(true);
    text(100);
    let failed = text::cache_stats();
    assert_eq!((failed.backend_requests, failed.backend_bytes_written), (4, size));
    BACKEND.set_down(false);
    text::cache_clear().unwrap();
    assert_eq!(text::cache_stats().backend_requests, 0);
}

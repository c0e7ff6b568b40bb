//! Backend invalidation of caches that a backend cannot reach: in objects, of threads, and of isolated tests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use functools::{LruCache, RemovalCause, Tagged, isolated, lru_cache};

use crate::asyncs::block_on;
use crate::invalidation::{Awaited, Notifying};

type Prices = LruCache<u64, u64>;

/// Counts the runs of a function.
struct Runs(AtomicU64);

impl Runs {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }
}

#[test]
fn what_others_change_leaves_every_object() {
    static BACKEND: Notifying = Notifying::new();
    static RUNS: Runs = Runs::new();
    #[lru_cache(cache = prices, backend = &BACKEND)]
    fn price(id: u64, prices: &Prices) -> u64 {
        id + 100 * RUNS.next()
    }
    let (one, other) = (Prices::new(None), Prices::new(None));
    one.insert(9, 9);
    let all = || [price(1, &one), price(2, &one), price(1, &other)];
    let is_front = || {
        BACKEND.map.take_requests();
        all();
        BACKEND.map.take_requests().is_empty()
    };
    assert_eq!(all(), [1, 102, 1]);
    assert!(is_front());
    BACKEND.remove_elsewhere(1);
    assert_eq!(all(), [201, 102, 201]);
    assert_eq!(BACKEND.map.take_requests(), ["get", "set", "get"]);
    assert!(is_front());

    // Entries of others stay.
    BACKEND.sinks()[0].1.invalidate_all();
    all();
    assert_eq!(BACKEND.map.take_requests(), ["get"; 3]);
    assert_eq!((one.get(&9), one.len()), (Some(9), 3));
    assert!(is_front());

    drop(one);
    BACKEND.remove_elsewhere(2);
    assert_eq!((price(1, &other), BACKEND.sinks().len()), (301, 1));
}

#[test]
fn functions_with_one_object_are_told_apart() {
    static BACKEND: Notifying = Notifying::new();
    static RUNS: Runs = Runs::new();
    struct Shop {
        memo: LruCache<Tagged<u64>, u64>,
    }
    impl Shop {
        #[lru_cache(cache = self.memo, ttl = 3600, backend = &BACKEND)]
        fn price(&self, id: u64) -> u64 {
            id + 100 * RUNS.next()
        }

        #[lru_cache(cache = self.memo, backend = &BACKEND, namespace = "weight")]
        fn weight(&self, id: u64) -> u64 {
            id + 100 * RUNS.next()
        }

        #[lru_cache(cache = self.memo)]
        fn stock(&self, id: u64) -> u64 {
            id + 100 * RUNS.next()
        }
    }
    static REMOVED: Mutex<Vec<RemovalCause>> = Mutex::new(Vec::new());
    let listener = |_: &_, _: &_, cause| REMOVED.lock().unwrap().push(cause);
    let shop = Shop { memo: LruCache::builder().on_evict(listener).build() };
    let all = || (shop.price(1), shop.weight(1), shop.stock(1));
    assert_eq!(all(), (1, 101, 201));
    let of_weight = || BACKEND.sinks().into_iter().find(|(namespace, _)| namespace == "weight").unwrap().1;
    of_weight().invalidate_all();
    BACKEND.map.take_requests();
    assert_eq!((all(), BACKEND.map.take_requests()), ((1, 101, 201), vec!["get"]));
    assert_eq!(*REMOVED.lock().unwrap(), [RemovalCause::Invalidated]);
}

#[test]
fn accessors_of_an_object_see_what_others_change() {
    static BACKEND: Notifying = Notifying::new();
    struct Shop(Prices);
    impl Shop {
        #[lru_cache(cache = self.0, backend = Awaited(&BACKEND))]
        async fn price(&self, id: u64) -> u64 {
            id
        }
    }
    let (one, other) = (Shop(Prices::new(None)), Shop(Prices::new(None)));
    let len = |shop: &Shop| shop.price_cache_info().currsize;
    block_on(async {
        one.price_cache_put(1, 7).await.unwrap();
        assert_eq!((one.price(1).await, other.price(1).await, len(&one), len(&other)), (7, 7, 1, 1));
        BACKEND.remove_elsewhere(1);
        assert_eq!((len(&one), len(&other)), (0, 0));
        assert_eq!((one.price_cache_peek(1).await, other.price(1).await), (None, 1));
        assert_eq!((one.price_cache_refresh(1).await, len(&one)), (1, 1));
        BACKEND.remove_elsewhere(1);
        assert!(!one.price_cache_contains(1).await);
    });
}

#[test]
fn each_thread_is_told_and_isolated_ones_too() {
    static BACKEND: Notifying = Notifying::new();
    static RUNS: Runs = Runs::new();
    #[lru_cache(scope = thread, backend = &BACKEND)]
    fn in_thread(n: u64) -> u64 {
        n + 100 * RUNS.next()
    }
    #[lru_cache(shards = 2, backend = &BACKEND)]
    fn shared(n: u64) -> u64 {
        n + 100 * RUNS.next()
    }
    let all = || (in_thread(1), shared(2));
    let steps = move || {
        let before = all();
        assert_eq!(all(), before);
        BACKEND.map.take_requests();
        BACKEND.remove_elsewhere(2);
        let after = all();
        assert!(before.0 != after.0 && before.1 != after.1, "{before:?} {after:?}");
        assert_eq!(BACKEND.map.take_requests(), ["get", "set", "get", "set"]);
        assert_eq!(all(), after);
    };
    let first = all();
    isolated(|| {
        assert_eq!(all(), first);
        steps();
        isolated(steps);
        steps();
    });
    steps();
    thread::spawn(steps).join().unwrap();
    // Its cache was dropped with the thread.
    steps();
}

//! Backends that tell what others change.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};
use functools::{LruCache, async_lru_cache, lru_cache};

use crate::asyncs::block_on;
use crate::shelf::Shelf;

type Watchers = Vec<(String, InvalidationSink)>;

/// A shelf that tells.
#[derive(Default)]
struct Telling {
    shelf: Shelf,
    watchers: Mutex<Watchers>,
    /// What happens while somebody reads, after it was read.
    meanwhile: Mutex<Option<fn()>>,
}

impl Telling {
    const fn new() -> Self {
        Self { shelf: Shelf::new(), watchers: Mutex::new(Vec::new()), meanwhile: Mutex::new(None) }
    }

    fn watchers(&self) -> Watchers {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells each watcher of a key that is there.
    fn tell(&self, tell: impl Fn(&InvalidationSink, &[u8], &[u8])) {
        let entries = self.shelf.entries().clone();
        for (of, watcher) in self.watchers() {
            for ((namespace, key), (value, _)) in &entries {
                if *namespace == of {
                    tell(&watcher, key, value);
                }
            }
        }
    }

    /// All that is there was changed, for all that is known.
    fn changed(&self) {
        self.tell(|watcher, key, _| watcher.invalidate(key));
    }
}

impl Backend for Telling {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let found = Backend::get(&self.shelf, namespace, key);
        let meanwhile = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        found
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        Backend::set(&self.shelf, namespace, key, value, ttl)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Backend::delete(&self.shelf, namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        Backend::clear(&self.shelf, namespace)
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push((namespace.to_owned(), sink));
        true
    }
}

/// The same, awaited.
struct Awaited(&'static Telling);

impl AsyncBackend for Awaited {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        self.0.get(namespace, key)
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        self.0.set(namespace, key, value, ttl)
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.0.delete(namespace, key)
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.0.clear(namespace)
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.0.watch(namespace, sink)
    }
}

#[test]
fn what_others_change_leaves_the_process_alone_and_uncounted() {
    static SHELF: Telling = Telling::new();
    #[lru_cache(maxsize = 8, backend = &SHELF)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(2), double(1), double(2)), (2, 4, 2, 4));
    let one = SHELF.shelf.entries().keys().next().cloned().unwrap();
    let (before, _) = (double::cache_info(), SHELF.shelf.asked());
    SHELF.watchers()[0].1.invalidate(&one.1);
    let after = double::cache_info();
    assert_eq!((after.hits, after.misses, after.currsize), (before.hits, before.misses, 1));
    assert_eq!((double(2), double(1), SHELF.shelf.asked()), (4, 2, vec!["get"]));
    assert_eq!((double(2), double(1), SHELF.shelf.asked()), (4, 2, vec![]));

    // Anything may have been changed.
    SHELF.watchers()[0].1.invalidate_all();
    assert_eq!(double::cache_info().currsize, 0);
    assert_eq!((double(2), double(1), SHELF.shelf.asked()), (4, 2, vec!["get", "get"]));

    // What an accessor has brought in leaves as well.
    double::cache_put(3, 7).unwrap();
    double::cache_refresh(4);
    assert_eq!(double::cache_info().currsize, 4);
    SHELF.changed();
    assert_eq!((double::cache_info().currsize, SHELF.watchers().len()), (0, 1));
}

#[test]
fn it_leaves_async_functions_too() {
    static SHELF: Telling = Telling::new();
    #[async_lru_cache(maxsize = 8, ttl = 3600, backend = Awaited(&SHELF))]
    async fn double(n: u64) -> u64 {
        2 * n
    }
    block_on(async {
        assert_eq!((double(1).await, double(1).await), (2, 2));
        double::cache_put(2, 7).await.unwrap();
        double::cache_refresh(3).await;
        assert_eq!(double::cache_info().currsize, 3);
        SHELF.changed();
        assert_eq!(double::cache_info().currsize, 0);
        assert_eq!((double(1).await, double(2).await, double(3).await), (2, 7, 6));
        assert_eq!(double::cache_stats().backend_hits, 3);
    });
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    static SHELF: Telling = Telling::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(backend = &SHELF)]
    fn number(n: u64) -> u64 {
        if n == 2 {
            // Somebody else has been faster.
            SHELF.watchers()[0].1.invalidate_all();
        }
        n + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(number(1), 1);
    SHELF.watchers()[0].1.invalidate_all();
    *SHELF.meanwhile.lock().unwrap() = Some(|| SHELF.changed());
    assert_eq!((number(1), number::cache_info().currsize), (1, 0));
    assert_eq!((number(1), number::cache_info().currsize), (1, 1));
    // What is computed goes outside all the same: that others have changed something does not make it wrong.
    assert_eq!((number(2), number::cache_info().currsize), (102, 0));
    assert_eq!((number(2), number::cache_info().currsize, RUNS.load(SeqCst)), (102, 1, 2));
}

#[test]
fn what_this_process_has_set_is_no_news() {
    static SHELF: Telling = Telling::new();
    #[lru_cache(backend = &SHELF)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    let news = || {
        SHELF.tell(|watcher, key, value| {
            assert!(watcher.may_be_own_write(key));
            watcher.invalidate_unless_equal(key, Some(value));
        });
    };
    assert_eq!(double(1), 2);
    double::cache_put(2, 5).unwrap();
    double::cache_refresh(3);
    news();
    assert_eq!(double::cache_info().currsize, 3);
    SHELF.tell(|watcher, key, _| watcher.invalidate_unless_equal(key, Some(b"foreign")));
    assert_eq!(double::cache_info().currsize, 0);
    // What was fetched is nobody's own.
    assert_eq!((double(2), double::cache_info().currsize), (5, 1));
    SHELF.tell(|watcher, key, _| assert!(!watcher.may_be_own_write(key)));
}

#[test]
fn who_wants_to_know_what_left_is_told_by_the_next_call() {
    static SHELF: Telling = Telling::new();
    static LEFT: Mutex<Vec<(u64, functools::RemovalCause)>> = Mutex::new(Vec::new());
    #[lru_cache(backend = &SHELF, on_evict = |n, _, cause| LEFT.lock().unwrap().push((*n, cause)))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(2)), (2, 4));
    SHELF.changed();
    assert_eq!(double::cache_info().currsize, 0);
    assert_eq!((double(1), double(2)), (2, 4));
    let mut left = LEFT.lock().unwrap().clone();
    left.sort_by_key(|(n, _)| *n);
    assert_eq!(left, [(1, functools::RemovalCause::Invalidated), (2, functools::RemovalCause::Invalidated)]);
}

#[test]
fn keys_of_one_hash_leave_together_and_are_found_again() {
    static SHELF: Telling = Telling::new();
    #[derive(Clone, PartialEq, Eq, serde::Serialize)]
    struct Alike(u64);
    impl std::hash::Hash for Alike {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    #[lru_cache(backend = &SHELF)]
    fn number(alike: Alike) -> u64 {
        alike.0
    }
    let all = || (0..10).for_each(|n| assert_eq!(number(Alike(n)), n));
    all();
    let one = SHELF.shelf.entries().keys().next().cloned().unwrap();
    SHELF.watchers()[0].1.invalidate(&one.1);
    assert_eq!(number::cache_info().currsize, 0);
    all();
    assert_eq!((number::cache_info().currsize, number::cache_stats().backend_hits), (10, 10));
}

#[test]
fn only_what_is_kept_in_a_static_is_watched() {
    static SHELF: Telling = Telling::new();
    static OBJECT: LruCache<u64, u64> = LruCache::new(Some(8));
    #[lru_cache(maxsize = 0, backend = &SHELF)]
    fn nothing(n: u64) -> u64 {
        n
    }
    #[lru_cache(cache = OBJECT, backend = &SHELF)]
    fn object(n: u64) -> u64 {
        n
    }
    assert_eq!((nothing(1), object(1), SHELF.watchers().len()), (1, 1, 0));

    struct Shop;
    impl Shop {
        #[lru_cache(maxsize = None, policy = lfu, backend = &SHELF, accessors = none, version = 3)]
        fn without_accessors(n: u64) -> u64 {
            n
        }

        #[lru_cache(typed = true, ttl = 60, backend = &SHELF, accessors = siblings)]
        fn generic<T: functools::Argument + serde::Serialize>(t: T) -> u64 {
            u64::try_from(std::mem::size_of_val(&t)).unwrap()
        }
    }
    for _ in 0..2 {
        assert_eq!((Shop::without_accessors(1), Shop::generic(1_u8), Shop::generic(1_u32)), (1, 1, 4));
    }
    let asked = SHELF.shelf.asked();
    let namespaces: Vec<_> = SHELF.watchers().into_iter().map(|(namespace, _)| namespace).collect();
    assert!(namespaces.len() == 2 && namespaces[0].ends_with("without_accessors#3"), "{namespaces:?}");
    SHELF.changed();
    assert_eq!((Shop::without_accessors(1), Shop::generic(1_u8), Shop::generic(1_u32)), (1, 1, 4));
    assert_eq!((asked.len(), SHELF.shelf.asked()), (10, vec!["get"; 3]));
}

//! Backend invalidation: backends that notify this process of changes by other processes.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};
use functools::{async_lru_cache, lru_cache};

use crate::asyncs::block_on;
use crate::map_backend::MapBackend;

type Sinks = Vec<(String, InvalidationSink)>;

/// A [`MapBackend`] that notifies functions of changes.
#[derive(Default)]
pub(crate) struct Notifying {
    pub(crate) map: MapBackend,
    sinks: Mutex<Sinks>,
    /// Run by the next `get`, after it has read the entry.
    meanwhile: Mutex<Option<fn()>>,
}

impl Notifying {
    pub(crate) const fn new() -> Self {
        Self { map: MapBackend::new(), sinks: Mutex::new(Vec::new()), meanwhile: Mutex::new(None) }
    }

    pub(crate) fn sinks(&self) -> Sinks {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notifies the sinks of each stored key.
    fn notify(&self, notify: impl Fn(&InvalidationSink, &[u8], &[u8])) {
        let entries = self.map.entries().clone();
        for (of, sink) in self.sinks() {
            for ((namespace, key), (value, _)) in &entries {
                if *namespace == of {
                    notify(&sink, key, value);
                }
            }
        }
    }

    /// Removes the first entries, as another process does, and notifies the sinks.
    pub(crate) fn remove_elsewhere(&self, count: usize) {
        for _ in 0..count {
            let Some(((namespace, key), _)) = self.map.entries().pop_first() else { return };
            for (of, sink) in self.sinks() {
                if namespace == of {
                    sink.invalidate(&key);
                }
            }
        }
    }

    /// Notifies that every stored key has changed.
    fn changed(&self) {
        self.notify(|sink, key, _| sink.invalidate(key));
    }
}

impl Backend for Notifying {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let found = Backend::get(&self.map, namespace, key);
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
        Backend::set(&self.map, namespace, key, value, ttl)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Backend::delete(&self.map, namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        Backend::clear(&self.map, namespace)
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).push((namespace.to_owned(), sink));
        true
    }
}

/// Like [`Notifying`], but async.
pub(crate) struct Awaited(pub(crate) &'static Notifying);

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
    static BACKEND: Notifying = Notifying::new();
    #[lru_cache(maxsize = 8, backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(2), double(1), double(2)), (2, 4, 2, 4));
    let one = BACKEND.map.entries().keys().next().cloned().unwrap();
    let (before, _) = (double::cache_info(), BACKEND.map.take_requests());
    BACKEND.sinks()[0].1.invalidate(&one.1);
    let after = double::cache_info();
    assert_eq!((after.hits, after.misses, after.currsize), (before.hits, before.misses, 1));
    assert_eq!((double(2), double(1), BACKEND.map.take_requests()), (4, 2, vec!["get"]));
    assert_eq!((double(2), double(1), BACKEND.map.take_requests()), (4, 2, vec![]));

    // Any key may have been changed.
    BACKEND.sinks()[0].1.invalidate_all();
    assert_eq!(double::cache_info().currsize, 0);
    assert_eq!((double(2), double(1), BACKEND.map.take_requests()), (4, 2, vec!["get", "get"]));

    // Entries stored by an accessor are invalidated too.
    double::cache_put(3, 7).unwrap();
    double::cache_refresh(4);
    assert_eq!(double::cache_info().currsize, 4);
    BACKEND.changed();
    assert_eq!((double::cache_info().currsize, BACKEND.sinks().len()), (0, 1));
}

#[test]
fn it_leaves_async_functions_too() {
    static BACKEND: Notifying = Notifying::new();
    #[async_lru_cache(maxsize = 8, ttl = 3600, backend = Awaited(&BACKEND))]
    async fn double(n: u64) -> u64 {
        2 * n
    }
    block_on(async {
        assert_eq!((double(1).await, double(1).await), (2, 2));
        double::cache_put(2, 7).await.unwrap();
        double::cache_refresh(3).await;
        assert_eq!(double::cache_info().currsize, 3);
        BACKEND.changed();
        assert_eq!(double::cache_info().currsize, 0);
        assert_eq!((double(1).await, double(2).await, double(3).await), (2, 7, 6));
        assert_eq!(double::cache_stats().backend_hits, 3);
    });
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    static BACKEND: Notifying = Notifying::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);
    #[lru_cache(backend = &BACKEND)]
    fn number(n: u64) -> u64 {
        if n == 2 {
            // Another process changes the key while the body runs.
            BACKEND.sinks()[0].1.invalidate_all();
        }
        n + 100 * RUNS.fetch_add(1, SeqCst)
    }
    assert_eq!(number(1), 1);
    BACKEND.sinks()[0].1.invalidate_all();
    *BACKEND.meanwhile.lock().unwrap() = Some(|| BACKEND.changed());
    assert_eq!((number(1), number::cache_info().currsize), (1, 0));
    assert_eq!((number(1), number::cache_info().currsize), (1, 1));
    // The result is still stored in the backend: a change by another process does not make it wrong.
    assert_eq!((number(2), number::cache_info().currsize), (102, 0));
    assert_eq!((number(2), number::cache_info().currsize, RUNS.load(SeqCst)), (102, 1, 2));
}

#[test]
fn what_this_process_has_set_is_no_news() {
    static BACKEND: Notifying = Notifying::new();
    #[lru_cache(backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    let notify_own = || {
        BACKEND.notify(|sink, key, value| {
            assert!(sink.may_be_own_write(key));
            sink.invalidate_unless_equal(key, Some(value));
        });
    };
    assert_eq!(double(1), 2);
    double::cache_put(2, 5).unwrap();
    double::cache_refresh(3);
    notify_own();
    assert_eq!(double::cache_info().currsize, 3);
    BACKEND.notify(|sink, key, _| sink.invalidate_unless_equal(key, Some(b"foreign")));
    assert_eq!(double::cache_info().currsize, 0);
    // A fetched entry was not written by this process.
    assert_eq!((double(2), double::cache_info().currsize), (5, 1));
    BACKEND.notify(|sink, key, _| assert!(!sink.may_be_own_write(key)));
}

/// What an isolated thread writes is a change to the cache that all threads share.
#[cfg(feature = "testing")]
#[test]
fn what_an_isolated_thread_has_set_leaves_the_shared_cache() {
    static BACKEND: Notifying = Notifying::new();
    #[lru_cache(backend = &BACKEND)]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(2)), (2, 4));
    functools::isolated(|| {
        double::cache_put(1, 5).unwrap();
        assert_eq!((double(1), double(2)), (5, 4));
    });
    BACKEND.notify(|sink, key, value| {
        if sink.may_be_own_write(key) {
            sink.invalidate_unless_equal(key, Some(value));
        } else {
            sink.invalidate(key);
        }
    });
    assert_eq!((double(1), double(2)), (5, 4));
    assert_eq!(BACKEND.sinks().len(), 1);
}

#[test]
fn who_wants_to_know_what_left_is_told_by_the_next_call() {
    static BACKEND: Notifying = Notifying::new();
    static REMOVED: Mutex<Vec<(u64, functools::RemovalCause)>> = Mutex::new(Vec::new());
    #[lru_cache(backend = &BACKEND, on_evict = |n, _, cause| REMOVED.lock().unwrap().push((*n, cause)))]
    fn double(n: u64) -> u64 {
        2 * n
    }
    assert_eq!((double(1), double(2)), (2, 4));
    BACKEND.changed();
    assert_eq!(double::cache_info().currsize, 0);
    assert_eq!((double(1), double(2)), (2, 4));
    let mut removed = REMOVED.lock().unwrap().clone();
    removed.sort_by_key(|(n, _)| *n);
    assert_eq!(
        removed,
        [(1, functools::RemovalCause::Invalidated), (2, functools::RemovalCause::Invalidated)]
    );
}

#[test]
fn keys_of_one_hash_leave_together_and_are_found_again() {
    static BACKEND: Notifying = Notifying::new();
    #[derive(Clone, PartialEq, Eq, serde::Serialize)]
    struct Alike(u64);
    impl std::hash::Hash for Alike {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    #[lru_cache(backend = &BACKEND)]
    fn number(alike: Alike) -> u64 {
        alike.0
    }
    let all = || (0..10).for_each(|n| assert_eq!(number(Alike(n)), n));
    all();
    let one = BACKEND.map.entries().keys().next().cloned().unwrap();
    BACKEND.sinks()[0].1.invalidate(&one.1);
    assert_eq!(number::cache_info().currsize, 0);
    all();
    assert_eq!((number::cache_info().currsize, number::cache_stats().backend_hits), (10, 10));
}

#[test]
fn what_is_not_kept_is_not_watched() {
    static BACKEND: Notifying = Notifying::new();
    #[lru_cache(maxsize = 0, backend = &BACKEND)]
    fn nothing(n: u64) -> u64 {
        n
    }
    #[lru_cache(maxsize = 0, scope = thread, backend = &BACKEND)]
    fn nothing_in_a_thread(n: u64) -> u64 {
        n
    }
    assert_eq!((nothing(1), nothing_in_a_thread(1), BACKEND.sinks().len()), (1, 1, 0));

    struct Shop;
    impl Shop {
        #[lru_cache(maxsize = None, policy = lfu, backend = &BACKEND, accessors = none, version = 3)]
        fn without_accessors(n: u64) -> u64 {
            n
        }

        #[lru_cache(typed = true, ttl = 60, backend = &BACKEND, accessors = siblings)]
        fn generic<T: functools::Argument + serde::Serialize>(t: T) -> u64 {
            u64::try_from(std::mem::size_of_val(&t)).unwrap()
        }
    }
    for _ in 0..2 {
        assert_eq!((Shop::without_accessors(1), Shop::generic(1_u8), Shop::generic(1_u32)), (1, 1, 4));
    }
    let requests = BACKEND.map.take_requests();
    let namespaces: Vec<_> = BACKEND.sinks().into_iter().map(|(namespace, _)| namespace).collect();
    // A function within a test has its line and column in its namespace.
    let is_first = namespaces[0].contains("::without_accessors@") && namespaces[0].ends_with("#3");
    assert!(namespaces.len() == 2 && is_first, "{namespaces:?}");
    BACKEND.changed();
    assert_eq!((Shop::without_accessors(1), Shop::generic(1_u8), Shop::generic(1_u32)), (1, 1, 4));
    assert_eq!((requests.len(), BACKEND.map.take_requests()), (10, vec!["get"; 3]));
}

//! `tags` and `depends` with a backend: what one process invalidates, no other finds there.
//!
//! An isolation has caches and tags of its own, and shares its backends with all others: so it is a process here. Functions
//! with `maxsize = 0` have no copies: what they return is computed, or found in the backend.

// A function is defined in the test that uses it.
#![allow(clippy::items_after_statements)]
// The signatures are the subject of the tests and must stay as they are.
#![allow(clippy::unused_async, clippy::unnecessary_wraps, clippy::type_complexity)]

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use functools::backend::{
    AsyncBackend, Backend, BackendError, ErrorKind, Lease, Lookup, LookupOptions, Memory, Stored, TAGS,
    memory,
};
use functools::{LruCache, Tag, depends_on, invalidate, invalidates, isolated, lru_cache, memoize, tag};

#[path = "../by_result/recorder.rs"]
mod recorder;
#[path = "../by_result/support.rs"]
#[expect(dead_code, reason = "other tests advance the time")]
mod support;

use recorder::Recorder;
use support::{until, within};

type Store = LazyLock<Memory>;

/// Returns a guard under which no other test of this program runs: an invalidation goes to the backends of all functions, and a
/// result whose tags are not known before is then not stored.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn store() -> Store {
    LazyLock::new(|| memory(1 << 20))
}

thread_local! {
    /// What the source says.
    static SOURCE: Cell<u32> = const { Cell::new(0) };
    /// What a body does after it has read the source.
    static MEANWHILE: Cell<Option<fn()>> = const { Cell::new(None) };
}

fn lose_nonces(store: &Memory) {
    Backend::clear(store, TAGS).unwrap();
}

/// Reads the source, as a body does.
fn source() -> u32 {
    let read = SOURCE.get();
    if let Some(meanwhile) = MEANWHILE.take() {
        meanwhile();
    }
    read
}

/// Changes the source, and lets another process invalidate a tag.
fn change(changed: Tag) {
    SOURCE.set(SOURCE.get() + 1);
    drop(isolated(|| invalidate(changed)));
}

// The outcome of `invalidate` is not looked at: there are backends of `async` functions, in other tests.
#[test]
fn a_tag_is_invalidated_for_all_processes() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |id| [tag("user", id), tag("all", ())])]
    fn by_arguments(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |_, value| tag("value", value % 100))]
    fn by_value(id: u32) -> u32 {
        id * 100 + source()
    }

    isolated(|| {
        let read = || (by_arguments(1), by_arguments(2), by_value(1));
        assert_eq!(read(), (100, 200, 100));
        SOURCE.set(1);
        assert_eq!(read(), (100, 200, 100), "found in the backend");
        change(tag("user", 1));
        assert_eq!(read(), (102, 200, 100));
        change(tag("all", ()));
        assert_eq!(read(), (103, 203, 100));
        change(tag("value", 1));
        assert_eq!(read(), (103, 203, 100), "another value");
        change(tag("value", 0));
        assert_eq!(read(), (103, 203, 105));
        // In its own process as well.
        SOURCE.set(9);
        drop(invalidate(tag("value", 5)));
        assert_eq!(read(), (103, 203, 109));
        assert_eq!((by_value::cache_contains(1), by_value::cache_peek(1)), (true, Some(109)));
        isolated(|| by_value::cache_invalidate_tag(tag("value", 9))).unwrap();
        assert_eq!((by_value::cache_contains(1), by_value::cache_peek(1)), (false, None));
        isolated(|| by_arguments::cache_invalidate_tag(tag("all", ()))).unwrap();
        assert_eq!(read(), (109, 209, 109));
        // The tag of another function.
        isolated(|| by_value::cache_invalidate_tag(tag("all", ()))).unwrap();
        SOURCE.set(10);
        assert_eq!(read(), (109, 209, 109));
    });
}

#[test]
fn what_is_invalidated_while_it_is_computed_is_not_found() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |_| tag("source", 1))]
    fn by_arguments(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |_, _| tag("source", 2))]
    fn by_value(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(maxsize = 0, backend = STORE.clone(), depends = true)]
    fn added(id: u32) -> u32 {
        let read = source();
        depends_on(tag("source", 3));
        id * 100 + read
    }

    #[lru_cache(backend = STORE.clone(), tags = |_, _| tag("source", 4))]
    fn copied(id: u32) -> u32 {
        id * 100 + source()
    }

    let functions: [(fn(u32) -> u32, fn()); 4] = [
        (by_arguments, || change(tag("source", 1))),
        (by_value, || change(tag("source", 2))),
        (added, || change(tag("source", 3))),
        (copied, || change(tag("source", 4))),
    ];
    for (read, changes) in functions {
        isolated(|| {
            SOURCE.set(0);
            MEANWHILE.set(Some(changes));
            assert_eq!(read(1), 100, "it began before");
            assert_eq!(isolated(|| read(1)), 101, "another process");
            SOURCE.set(2);
            assert_eq!(isolated(|| read(1)), 101, "it was stored");
        });
        // In a call that found a value it does not use.
        isolated(|| {
            changes();
            MEANWHILE.set(Some(changes));
            assert_eq!(isolated(|| read(1)), 103);
            assert_eq!(isolated(|| read(1)), 104);
            SOURCE.set(5);
            assert_eq!(isolated(|| read(1)), 104);
        });
    }
    // An invalidation of another tag does not matter, but for a result whose tags are not known before.
    for (read, again) in [(by_arguments as fn(u32) -> u32, 200), (by_value, 201)] {
        SOURCE.set(0);
        MEANWHILE.set(Some(|| change(tag("other", 1))));
        assert_eq!((isolated(|| read(2)), isolated(|| read(2))), (200, again));
    }
}

#[test]
fn dependents_are_invalidated_with_what_they_were_computed_from() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |id| [tag("user", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(maxsize = 0, backend = STORE.clone(), depends = true)]
    fn header(id: u32) -> u32 {
        user(id)
    }

    #[lru_cache(maxsize = 0, backend = STORE.clone(), depends = true)]
    fn page(id: u32) -> u32 {
        depends_on(tag("layout", ()));
        header(id)
    }

    let changes: [(&str, fn()); 7] = [
        ("tag", || drop(invalidate(tag("user", 1)))),
        ("layout", || drop(invalidate(tag("layout", ())))),
        ("invalidate", || _ = user::cache_invalidate(1).unwrap()),
        ("put", || user::cache_put(1, 100 + SOURCE.get()).unwrap()),
        ("refresh", || assert_eq!(user::cache_refresh(1), 100 + SOURCE.get())),
        ("clear", || user::cache_clear().unwrap()),
        ("tag of the function", || user::cache_invalidate_tag(tag("user", 1)).unwrap()),
    ];
    let all = || isolated(|| (user(1), header(1), page(1), page(2)));
    // Computed by one process, or each found in the backend by another one.
    for is_apart in [false, true] {
        isolated(|| {
            lose_nonces(&STORE);
            SOURCE.set(0);
            if is_apart {
                isolated(|| user(1));
                isolated(|| header(1));
                isolated(|| page(1));
            }
            assert_eq!(all(), (100, 100, 100, 200));
            for (what, change) in changes {
                let before = all();
                SOURCE.set(SOURCE.get() + 1);
                assert_eq!(all(), before, "found");
                isolated(change);
                let (user, header, page, other) = all();
                let now = 100 + SOURCE.get();
                if what == "layout" {
                    // The header is as old as before.
                    assert_eq!((user, header, page), (before.0, before.1, before.1));
                    isolated(|| drop(invalidate(tag("user", 1))));
                } else {
                    assert_eq!((user, header, page), (now, now, now), "{what}, {is_apart}");
                }
                assert!(what == "clear" || other == before.3, "{what}");
            }
        });
    }
}

#[test]
fn the_first_deadline_of_what_was_read_is_that_of_the_entry_in_the_backend() {
    let _alone = alone();
    static STORE: Recorder = Recorder::new();

    #[lru_cache(maxsize = 0, backend = &STORE, namespace = "due-price", ttl = 60, tags = |id| [tag("due", id)])]
    fn price(id: u32) -> u32 {
        id
    }

    #[lru_cache(maxsize = 0, backend = &STORE, namespace = "due-page", key = |id| (id, "page"), depends = true)]
    fn page(id: u32) -> u32 {
        price(id) + 1
    }

    #[lru_cache(maxsize = 0, backend = &STORE, namespace = "due-book", key = |id| (id, "book"), depends = true, ttl = 7)]
    fn book(id: u32) -> u32 {
        page(id) + 1
    }

    isolated(|| {
        assert_eq!(book(1), 3);
        let count = |ttl| STORE.times().into_iter().filter(|time| *time == ttl).count();
        assert_eq!([None, Some(60), Some(7)].map(count), [0, 2, 1]);
        // The other processes find what is not computed anew.
        assert_eq!(isolated(|| page::cache_refresh(1)), 2);
        assert_eq!([None, Some(7)].map(count), [0, 1]);
    });
}

#[test]
fn what_was_computed_from_a_peek_at_the_backend_is_valid_until_anything_is_invalidated() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |id| [tag("peeked", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> Option<u32> {
        user::cache_peek(id)
    }

    isolated(|| {
        assert_eq!((user(3), page(3), page(3)), (300, Some(300), Some(300)));
        assert_eq!(page::cache_info().hits, 1);
        drop(invalidate(tag("peeked", 3)));
        assert_eq!(page(3), None);
    });
}

#[test]
fn a_put_is_valid_until_its_tags_are_invalidated() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(backend = STORE.clone(), tags = |_, value| [tag("value", value)])]
    fn user(id: u32) -> u32 {
        id + source()
    }

    #[lru_cache(backend = STORE.clone(), depends = true)]
    fn page(id: u32) -> u32 {
        user(id)
    }

    isolated(|| {
        assert_eq!(page(1), 1);
        user::cache_put(1, 7).unwrap();
        assert_eq!((user(1), page(1), user::cache_info().hits), (7, 7, 2), "the copy is in the process");
        assert_eq!(isolated(|| (user(1), page(1))), (7, 7));
        SOURCE.set(5);
        assert_eq!(isolated(|| (user(1), page(1))), (7, 7), "both are in the backend");
        isolated(|| drop(invalidate(tag("value", 7))));
        assert_eq!(isolated(|| (user(1), page(1))), (6, 6));
        assert_eq!((user(1), page(1)), (7, 7), "copies, without `front_ttl`");
        drop(invalidate(tag("value", 7)));
        assert_eq!((user(1), page(1)), (6, 6));
        SOURCE.set(8);
        assert_eq!((user::cache_refresh(1), user(1), page(1)), (9, 9, 9));
        assert_eq!(isolated(|| (user(1), page(1))), (9, 9));
        SOURCE.set(0);
        user::cache_invalidate(1).unwrap();
        assert_eq!((user(1), page(1)), (1, 1));
    });
}

#[test]
fn a_copy_that_is_out_of_date_is_not_passed_off_as_new() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(backend = STORE.clone(), tags = |id| [tag("user", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(backend = STORE.clone(), depends = true)]
    fn page(id: u32) -> u32 {
        user(id)
    }

    isolated(|| {
        SOURCE.set(0);
        assert_eq!(user(1), 100);
        change(tag("user", 1));
        assert_eq!(user(1), 100, "a copy, without `front_ttl`");
        assert_eq!(page(1), 100);
        assert_eq!(isolated(|| page(1)), 101, "the page of another process");
        assert_eq!(page(1), 101, "nor was it kept here");
    });
}

#[test]
fn what_depends_on_results_in_memory_stays_in_memory() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(tags = |id| [tag("user", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(backend = STORE.clone(), depends = true)]
    fn page(id: u32) -> u32 {
        user(id)
    }

    #[lru_cache(depends = true)]
    fn book(id: u32) -> u32 {
        page(id)
    }

    isolated(|| {
        SOURCE.set(0);
        assert_eq!((book(1), page(1), page::cache_info().hits), (100, 100, 1));
        user::cache_put(1, 7);
        assert_eq!((book(1), page(1)), (7, 7));
        SOURCE.set(1);
        assert_eq!(isolated(|| page(1)), 101, "no other process finds it");
        drop(invalidate(tag("user", 1)));
        assert_eq!((book(1), page(1)), (101, 101));
        SOURCE.set(2);
        user::cache_invalidate(1);
        assert_eq!((book(1), page(1)), (102, 102));
        SOURCE.set(3);
        page::cache_invalidate(1).unwrap();
        drop(invalidate(tag("user", 1)));
        assert_eq!(book(1), 103);
    });
}

#[test]
fn a_nonce_that_is_lost_costs_a_miss() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(maxsize = 0, backend = STORE.clone(), tags = |id| [tag("user", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    isolated(|| {
        SOURCE.set(0);
        assert_eq!(user(1), 100);
        SOURCE.set(1);
        lose_nonces(&STORE);
        assert_eq!(user::cache_peek(1), None);
        assert_eq!(user(1), 101);
        // Lost while it is computed: what is stored is not found.
        lose_nonces(&STORE);
        MEANWHILE.set(Some(|| lose_nonces(&STORE)));
        assert_eq!(user(1), 101);
        SOURCE.set(2);
        assert_eq!(user(1), 102);
        SOURCE.set(3);
        assert_eq!(user(1), 102);
    });
}

#[test]
fn results_of_a_release_without_tags_are_not_found() {
    let _alone = alone();
    static STORE: Store = store();

    mod before {
        #[functools::lru_cache(maxsize = 0, backend = super::shared(), namespace = "users")]
        pub(super) fn user(id: u32) -> u32 {
            id * 100 + super::source()
        }
    }

    #[lru_cache(maxsize = 0, backend = shared(), namespace = "users", tags = |id| [tag("user", id)])]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    isolated(|| {
        _ = &*STORE;
        SOURCE.set(0);
        assert_eq!(before::user(1), 100);
        SOURCE.set(1);
        assert_eq!((before::user(1), user(1)), (100, 101));
        SOURCE.set(2);
        assert_eq!((user(1), before::user(1)), (101, 102), "nor the other way round");
    });
}

fn shared() -> Memory {
    static STORE: Store = store();
    STORE.clone()
}

/// A backend that fails, or that has no more than the four necessary methods.
struct Faulty {
    entries: Memory,
    fails: AtomicBool,
}

static FAULTY: LazyLock<Faulty> =
    LazyLock::new(|| Faulty { entries: memory(1 << 20), fails: AtomicBool::new(false) });

impl Faulty {
    fn of(&self, namespace: &str) -> Result<&Memory, BackendError> {
        let fails = self.fails.load(SeqCst) && namespace == TAGS;
        if fails { Err(BackendError::with_kind(ErrorKind::Unavailable, "down")) } else { Ok(&self.entries) }
    }
}

impl Backend for Faulty {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        Backend::get(self.of(namespace)?, namespace, key)
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        Backend::set(self.of(namespace)?, namespace, key, value, ttl)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Backend::delete(self.of(namespace)?, namespace, key)
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        Backend::clear(self.of(namespace)?, namespace)
    }
}

/// Held by tests in which backends fail, or none may: an invalidation reaches those of all tests.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn report(error: &BackendError) {
    REPORTED.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
}

#[test]
fn a_lost_invalidation_does_not_look_done() {
    let _alone = alone();
    #[lru_cache(maxsize = 0, backend = &*FAULTY, tags = |id| [tag("faulty", id)], on_backend_error = report)]
    fn user(id: u32) -> u32 {
        id * 100 + source()
    }

    #[lru_cache(maxsize = 0, backend = &*FAULTY, strict = true, tags = |id| [tag("faulty", id)])]
    fn strict(id: u32) -> Result<u32, BackendError> {
        Ok(id * 100 + source())
    }

    #[invalidates(tag("faulty", id))]
    fn rename(id: u32) -> u32 {
        id
    }

    let _alone = ALONE.blocking_lock();
    isolated(|| {
        SOURCE.set(0);
        assert_eq!((user(1), strict(1).unwrap()), (100, 100));
        SOURCE.set(1);
        assert_eq!((user(1), strict(1).unwrap()), (100, 100), "it gives no leases, and has no `add`");
        FAULTY.fails.store(true, SeqCst);
        // Nonces that cannot be read: a miss, or an error.
        assert_eq!((user(1), strict(1).unwrap_err().kind()), (101, ErrorKind::Unavailable));
        let seen = REPORTED.lock().unwrap().len();
        assert!(seen > 0);
        let failed = invalidate(tag("faulty", 1));
        assert!(!failed.is_ok());
        assert_eq!(failed.result().unwrap_err().kind(), ErrorKind::Unavailable);
        drop(invalidate(tag("faulty", 1)));
        assert!(REPORTED.lock().unwrap().len() > seen, "nobody has asked for it");
        let seen = REPORTED.lock().unwrap().len();
        assert_eq!(rename(1), 1);
        assert!(REPORTED.lock().unwrap().len() > seen);
        assert!(user::cache_invalidate_tag(tag("faulty", 1)).is_err());
        assert!(
            user::cache_invalidate(1).is_err()
                && user::cache_put(1, 1).is_err()
                && user::cache_clear().is_err()
        );
        FAULTY.fails.store(false, SeqCst);
        drop(invalidate(tag("faulty", 1)));
        SOURCE.set(2);
        assert_eq!((user(1), strict(1).unwrap()), (102, 102));
        SOURCE.set(3);
        assert_eq!((user(1), strict(1).unwrap()), (102, 102));
        rename(1);
        assert_eq!((user(1), strict(1).unwrap()), (103, 103));
    });
}

/// A backend whose answers come later.
struct Slow(Memory);

static SLOW: LazyLock<Slow> = LazyLock::new(|| Slow(memory(1 << 20)));

async fn later<T>(done: impl Future<Output = T>) -> T {
    tokio::task::yield_now().await;
    done.await
}

impl AsyncBackend for Slow {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        later(AsyncBackend::get(&self.0, namespace, key)).await
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        later(AsyncBackend::set(&self.0, namespace, key, value, ttl)).await
    }

    async fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        later(AsyncBackend::get_or_lease(&self.0, namespace, key, options)).await
    }

    async fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        later(AsyncBackend::set_leased(&self.0, namespace, key, lease, value, ttl)).await
    }

    async fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        later(AsyncBackend::end_lease(&self.0, namespace, key, lease)).await
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        later(AsyncBackend::delete(&self.0, namespace, key)).await
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        later(AsyncBackend::clear(&self.0, namespace)).await
    }
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "the test waits for no other one")]
async fn backends_of_async_functions_are_awaited() {
    let _alone = alone();
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(maxsize = 0, backend = &*SLOW, tags = |id| [tag("slow", id)])]
    async fn user(id: u32) -> u32 {
        tokio::task::yield_now().await;
        id * 100 + CALLS.fetch_add(1, SeqCst)
    }

    #[lru_cache(maxsize = 0, backend = &*SLOW, depends = true)]
    async fn page(id: u32) -> u32 {
        user(id).await + user(2).await * 1000
    }

    #[invalidates(tag("slow", id))]
    async fn rename(id: u32) -> Result<(), String> {
        tokio::task::yield_now().await;
        Ok(())
    }

    fn sends<T: Send>(future: T) -> T {
        future
    }

    within(async {
        let _alone = ALONE.lock().await;
        assert_eq!(isolated(page(1)).await, 100 + 201_000);
        assert_eq!((isolated(page(1)).await, CALLS.load(SeqCst)), (201_100, 2), "found in the backend");
        sends(invalidate(tag("slow", 1)).into_future()).await.unwrap();
        assert_eq!(isolated(page(1)).await, 102 + 201_000);
        sends(rename(2)).await.unwrap();
        assert_eq!(isolated(page(1)).await, 102 + 203_000);
        // In the background, as it is dropped.
        drop(invalidate(tag("slow", 1)));
        until(|| isolated_contains(user::cache_contains(1))).await;
        assert_eq!(isolated(page(1)).await, 104 + 203_000);
        // Not awaited, so it is not known.
        assert_eq!(invalidate(tag("slow", 1)).result().unwrap_err().kind(), ErrorKind::Unsupported);
        until(|| isolated_contains(user::cache_contains(1))).await;
        isolated(user::cache_put(2, 7)).await.unwrap();
        assert_eq!(isolated(page(1)).await, 105 + 7_000);
        isolated(user::cache_refresh(2)).await;
        assert_eq!(isolated(page(1)).await, 105 + 206_000);
        isolated(user::cache_invalidate_tag(tag("slow", 2))).await.unwrap();
        assert_eq!(isolated(page(1)).await, 105 + 207_000);
        isolated(user::cache_clear()).await.unwrap();
        assert_eq!(isolated(page(1)).await, 108 + 209_000);
    })
    .await;
}

/// Polls a future that looks whether there is a result; `true` once there is none.
fn isolated_contains(contains: impl Future<Output = bool>) -> bool {
    let mut contains = std::pin::pin!(contains);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // The backend yields a few times.
    for _ in 0..100 {
        if let std::task::Poll::Ready(contains) = contains.as_mut().poll(&mut context) {
            return !contains;
        }
    }
    panic!("the backend waits for nothing")
}

#[test]
fn without_a_runtime_it_is_told_that_an_invalidation_is_lost() {
    let _alone = alone();
    static TOLD: AtomicU32 = AtomicU32::new(0);

    #[lru_cache(maxsize = 0, backend = &*SLOW, tags = |id| [tag("untold", id)], on_backend_error = |_| _ = TOLD.fetch_add(1, SeqCst))]
    #[expect(dead_code, reason = "its accessors are used alone")]
    async fn user(id: u32) -> u32 {
        id
    }

    // Its backend is known once the function was used.
    assert!(isolated_contains(user::cache_contains(1)));
    let seen = TOLD.load(SeqCst);
    drop(invalidate(tag("untold", 1)));
    assert!(TOLD.load(SeqCst) > seen);
}

#[test]
fn a_result_that_is_fetched_passes_its_deadline_on() {
    let _alone = alone();
    static STORE: Store = store();
    const SPAN: Duration = Duration::from_millis(50);

    #[lru_cache(maxsize = 0, backend = &*STORE, namespace = "fetched-price", ttl = SPAN, depends = true)]
    fn price(id: u32) -> u32 {
        id
    }

    #[lru_cache(backend = &*STORE, namespace = "fetched-total", ttl = SPAN, tags = |id| [tag("fetched", id)])]
    fn total(id: u32) -> u32 {
        id
    }

    #[lru_cache(backend = &*STORE, namespace = "fetched-list", depends = true)]
    fn list(id: u32) -> u32 {
        total(id)
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> u32 {
        price(id) + list(id)
    }

    let until_past = |is_past: &dyn Fn() -> bool| {
        let start = std::time::Instant::now();
        while !is_past() {
            assert!(start.elapsed() < Duration::from_secs(60), "the deadline is near");
            std::thread::yield_now();
        }
    };
    isolated(|| {
        _ = (price(1), list(1));
        isolated(|| {
            assert_eq!(page(1), 2);
            until_past(&|| !page::cache_contains(1));
            // Not the value in the backend, which it would look for.
            until_past(&|| list::cache_entries().is_empty());
        });
    });
}

#[test]
fn a_value_that_was_invalidated_in_the_backend_is_given_to_the_body() {
    let _alone = alone();
    static STORE: Store = store();

    #[lru_cache(backend = &*STORE, namespace = "former", ttl = 60, tags = |id| [tag("former", id)])]
    fn page(id: u32, #[previous] old: Option<&(u32, Option<u32>)>) -> (u32, Option<u32>) {
        (source() + id, old.map(|old| old.0))
    }

    isolated(|| {
        assert_eq!(page(10), (10, None));
        change(tag("former", 10));
        // Another process finds what it must not serve.
        assert_eq!(isolated(|| page(10)), (11, Some(10)));
        assert_eq!(isolated(|| page(10)), (11, Some(10)), "found");
        lose_nonces(&STORE);
        assert_eq!(isolated(|| page(10)), (11, Some(11)));
    });
}

#[test]
fn what_was_computed_from_the_error_of_a_backend_is_valid_until_anything_is_invalidated() {
    let _alone = alone();
    static STORE: LazyLock<Faulty> =
        LazyLock::new(|| Faulty { entries: memory(1 << 20), fails: AtomicBool::new(true) });

    #[lru_cache(backend = &*STORE, namespace = "failing", strict = true, tags = |_, name| [tag("failing", name.len())])]
    fn name(id: u32) -> Result<String, BackendError> {
        Ok(id.to_string())
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> String {
        name(id).unwrap_or_default()
    }

    isolated(|| {
        assert_eq!(page(7), "");
        STORE.fails.store(false, SeqCst);
        assert!(page::cache_contains(7));
        drop(invalidate(tag("failing", 1)));
        assert_eq!(page(7), "7");
    });
}

#[test]
fn a_backend_and_an_object_in_self() {
    let _alone = alone();
    static STORE: Store = store();
    static AWAITED: Store = store();

    struct Shop(LruCache<u32, u32>, LruCache<u32, u32>);

    #[memoize]
    impl Shop {
        #[lru_cache(cache = self.0, backend = &*STORE, namespace = "shop.price", depends = true)]
        fn price(&self, id: u32) -> u32 {
            id
        }

        #[lru_cache(cache = self.1, backend = &*AWAITED, namespace = "shop.stock", tags = |_, id| [tag("stock", id)])]
        async fn stock(#[key(skip)] &self, id: u32) -> u32 {
            id
        }

        #[invalidates(self.price(id))]
        fn set(&mut self, id: u32) {
            assert_ne!(id, 2);
        }

        #[invalidates(self.stock(id), self.price(id))]
        async fn set_all(&mut self, id: u32) {
            assert_ne!(id, 0);
        }
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut shop = Shop(LruCache::new(None), LruCache::new(None));
    let fill = |shop: &Shop| {
        for id in 1..4 {
            shop.price(id);
            runtime.block_on(within(shop.stock(id)));
        }
    };
    let are_in = |shop: &Shop| [1, 2, 3].map(|id| (shop.0.contains(&id), shop.1.contains(&id)));
    fill(&shop);
    assert_eq!(are_in(&shop), [(true, true); 3]);
    shop.set(1);
    assert!(catch_unwind(AssertUnwindSafe(|| shop.set(2))).is_err());
    assert_eq!(are_in(&shop), [(false, true), (false, true), (true, true)]);
    fill(&shop);
    runtime.block_on(within(shop.set_all(3)));
    assert_eq!(are_in(&shop), [(true, true), (true, true), (false, false)]);
}

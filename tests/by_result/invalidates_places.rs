//! `#[invalidates(…)]` of functions of every kind: generic ones, methods, with a cache of each thread, in an object, in a backend.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, BackendError, Stored};
use functools::{Argument, LruCache, Tagged, invalidates, isolated, lru_cache, memoize, tag};

use crate::support::within;

#[test]
fn functions_without_parameters_and_generic_ones() {
    #[lru_cache]
    fn settings() -> u32 {
        1
    }

    #[lru_cache(typed = true)]
    fn text_of<T: ToString + Argument>(x: T) -> String {
        x.to_string()
    }

    #[lru_cache(typed = true)]
    fn default_of<T: Default + Clone + Send + Sync + 'static>(_n: u32) -> T {
        T::default()
    }

    #[invalidates(settings(), text_of(1_u8), text_of::<u16>(2), default_of::<u8>(1))]
    fn change() {}

    isolated(|| {
        settings();
        (text_of(1_u8), text_of(1_u16), text_of(2_u8), text_of(2_u16));
        (default_of::<u8>(1), default_of::<u16>(1));
        change();
        assert!(!settings::cache_contains());
        assert!(!text_of::cache_contains(1_u8) && text_of::cache_contains(1_u16));
        assert!(text_of::cache_contains(2_u8) && !text_of::cache_contains(2_u16));
        assert!(!default_of::cache_contains::<u8>(1) && default_of::cache_contains::<u16>(1));
    });
}

trait Prices {
    fn price(&self, id: u32) -> u32;
    fn limit() -> u32;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shop(u32);

#[memoize]
impl Prices for Shop {
    #[lru_cache]
    fn price(&self, id: u32) -> u32 {
        self.0 * id
    }

    #[lru_cache]
    fn limit() -> u32 {
        7
    }
}

#[memoize]
impl Shop {
    #[lru_cache]
    fn stock(#[key(skip)] &self, id: u32) -> u32 {
        self.0 + id
    }

    #[lru_cache]
    fn owned(self, id: u32) -> u32 {
        self.0 + id
    }

    #[invalidates(self.price(id), Self::limit(), self.stock(id), self.clone().owned(id))]
    fn set(&mut self, id: u32) {
        self.0 += id;
    }

    #[invalidates(Shop::price(&self, id), Shop::stock(&self, id))]
    fn sell(self, id: u32) -> u32 {
        let Self(number) = self;
        number + id
    }
}

#[test]
fn methods_with_memoize_and_with_self_left_out_of_the_key() {
    isolated(|| {
        let mut shop = Shop(2);
        let fill = |shop: &Shop| {
            (shop.price(1), shop.price(2), Shop::limit(), shop.stock(1), shop.clone().owned(1));
        };
        fill(&shop);
        shop.set(1);
        let old = Shop(2);
        assert!(!old.price_cache_contains(1) && old.price_cache_contains(2));
        assert!(!Shop::limit_cache_contains() && !Shop::stock_cache_contains(1));
        assert!(!old.clone().owned_cache_contains(1));
        fill(&shop);
        shop.clone().sell(1);
        assert!(!shop.price_cache_contains(1) && shop.price_cache_contains(2));
        assert!(!Shop::stock_cache_contains(1) && Shop::limit_cache_contains());
    });
}

#[test]
fn what_was_computed_from_an_invalidated_result_is_invalidated_too() {
    #[lru_cache(depends = true)]
    fn user(id: u32) -> u32 {
        id
    }

    #[lru_cache(depends = true)]
    fn page(id: u32) -> u32 {
        user(id)
    }

    #[invalidates(user(id))]
    fn rename(id: u32) -> Result<(), u32> {
        if id == 2 { Err(id) } else { Ok(()) }
    }

    isolated(|| {
        (page(1), page(2), page(3));
        rename(2).unwrap_err();
        rename(1).unwrap();
        assert!(!page::cache_contains(1) && page::cache_contains(2));
        // Also if the entry itself is not there any more.
        user::cache_clear();
        (page(3), user::cache_invalidate(3));
        page(3);
        rename(3).unwrap();
        assert!(!page::cache_contains(3));
    });
}

#[test]
fn the_cache_of_the_thread_that_makes_the_change() {
    #[lru_cache(scope = thread)]
    fn of_thread(n: u32) -> u32 {
        n
    }

    #[lru_cache(scope = thread, tags = |_, _| [tag("all", ())])]
    fn tagged(n: u32) -> u32 {
        n
    }

    #[invalidates(of_thread(n), tagged(n))]
    fn change(n: u32) {
        assert_ne!(n, 0);
    }

    #[invalidates(of_thread(n))]
    async fn change_slowly(n: u32) {
        tokio::task::yield_now().await;
        assert_ne!(n, 0);
    }

    fn both() -> [bool; 2] {
        [of_thread::cache_contains(1), tagged::cache_contains(1)]
    }

    (of_thread(1), tagged(1));
    let other = thread::spawn(|| {
        (of_thread(1), tagged(1));
        change(1);
        both()
    });
    assert_eq!((other.join().unwrap(), both()), ([false; 2], [true; 2]));
    change(1);
    assert_eq!(both(), [false; 2]);
    of_thread(1);
    let mut changed = pin!(change_slowly(1));
    let context = &mut Context::from_waker(Waker::noop());
    assert!(changed.as_mut().poll(context).is_pending() && of_thread::cache_contains(1));
    assert!(changed.as_mut().poll(context).is_ready() && !of_thread::cache_contains(1));
}

#[test]
fn a_cache_object_in_a_static() {
    static MEMO: LruCache<u32, u32> = LruCache::new(Some(8));
    static SHARED: LruCache<Tagged<(String, u32)>, usize> = LruCache::new(Some(8));

    #[lru_cache(cache = MEMO)]
    fn stored(n: u32) -> u32 {
        n
    }

    #[lru_cache(cache = SHARED)]
    fn one(name: &str, n: u32) -> usize {
        name.len() + n as usize
    }

    #[lru_cache(cache = SHARED)]
    fn other(name: &str, n: u32) -> usize {
        name.len() + n as usize
    }

    #[invalidates(stored(n), one(&name, n))]
    fn change(n: u32, name: String) -> Result<(), String> {
        if n > 2 { Err(name) } else { Ok(()) }
    }

    for n in 1..4 {
        (stored(n), one("a", n), other("a", n));
    }
    change(3, "a".to_owned()).unwrap_err();
    change(1, "a".to_owned()).unwrap();
    assert_eq!((1..4).filter(|n| MEMO.contains(n)).collect::<Vec<_>>(), [2, 3]);
    let found = |contains: fn(&str, u32) -> bool| (1..4).filter(|n| contains("a", *n)).collect::<Vec<_>>();
    assert_eq!((found(one::cache_contains), found(other::cache_contains)), (vec![2, 3], vec![1, 2, 3]));
}

/// A backend in memory, which fails when it is told to, and answers at the second poll.
struct Store {
    entries: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
    fails: AtomicBool,
}

impl Store {
    const fn new() -> Self {
        Self { entries: Mutex::new(Vec::new()), fails: AtomicBool::new(false) }
    }

    fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Backend for Store {
    fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.iter().find(|(other, _)| other == key).map(|(_, value)| Stored::new(value.clone())))
    }

    fn set(&self, _: &str, key: &[u8], value: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(other, _)| other != key);
        entries.push((key.to_vec(), value.to_vec()));
        Ok(())
    }

    fn delete(&self, _: &str, key: &[u8]) -> Result<bool, BackendError> {
        if self.fails.load(SeqCst) {
            return Err("it fails".into());
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = entries.len();
        entries.retain(|(other, _)| other != key);
        Ok(entries.len() < before)
    }

    fn clear(&self, _: &str) -> Result<(), BackendError> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }
}

/// Like [`Store`], awaited.
struct Awaited(Store);

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
        tokio::task::yield_now().await;
        self.0.delete(namespace, key)
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.0.clear(namespace)
    }
}

thread_local! {
    static REPORTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn report(error: &BackendError) {
    REPORTED.with_borrow_mut(|reported| reported.push(error.to_string()));
}

fn reported() -> Vec<String> {
    REPORTED.take()
}

#[test]
fn a_blocking_backend() {
    static STORE: Store = Store::new();

    #[lru_cache(backend = &STORE, on_backend_error = report)]
    fn read(n: u32) -> u32 {
        n
    }

    #[invalidates(read(n))]
    fn change(n: u32) -> Result<(), &'static str> {
        assert_ne!(n, 3);
        if n == 2 { Err("refused") } else { Ok(()) }
    }

    for n in 1..4 {
        read(n);
    }
    change(2).unwrap_err();
    assert_eq!(STORE.len(), 3);
    change(1).unwrap();
    assert!(STORE.len() == 2 && !read::cache_contains(1) && read::cache_contains(2));
    assert!(catch_unwind(|| change(3)).is_err());
    assert!(STORE.len() == 1 && !read::cache_contains(3) && reported().is_empty());
    read(1);
    STORE.fails.store(true, SeqCst);
    change(1).unwrap();
    assert_eq!(reported(), ["it fails"]);
    assert_eq!((STORE.len(), read::cache_stats().backend_errors, read::cache_info().currsize), (2, 1, 1));
}

#[test]
fn a_blocking_backend_with_a_cache_of_each_thread_or_in_an_object() {
    static STORE: Store = Store::new();
    static MEMO: LruCache<u32, u32> = LruCache::new(Some(8));

    #[lru_cache(backend = &STORE, scope = thread)]
    fn of_thread(n: u32) -> u32 {
        n
    }

    #[lru_cache(backend = &STORE, cache = MEMO)]
    fn in_object(n: u32) -> u32 {
        n
    }

    #[invalidates(of_thread(1), in_object(2))]
    fn change() {}

    (of_thread(1), in_object(2));
    assert_eq!(STORE.len(), 2);
    change();
    assert!(STORE.len() == 0 && !of_thread::cache_contains(1) && !MEMO.contains(&2));
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_async_backend_is_awaited() {
    static STORE: Awaited = Awaited(Store::new());
    static OTHER: Awaited = Awaited(Store::new());

    #[lru_cache(backend = &STORE, on_backend_error = report)]
    async fn read(n: u32) -> u32 {
        n
    }

    #[lru_cache(backend = &OTHER)]
    async fn other(n: u32) -> u32 {
        n
    }

    #[lru_cache]
    fn last(n: u32) -> u32 {
        n
    }

    #[invalidates(read(n), other(n), last(n))]
    async fn change(n: u32) -> Result<u32, u32> {
        tokio::task::yield_now().await;
        if n == 2 { Err(n) } else { Ok(n) }
    }

    fn is_send<F: Send>(future: F) -> F {
        future
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let run = |n| runtime.block_on(within(is_send(change(n))));
    let fill = || {
        runtime.block_on(within(async {
            (read(1).await, read(2).await, other(1).await);
        }));
        last(1);
    };
    let is_local = |n| read::cache_info().currsize == n;
    fill();
    assert_eq!((run(2), STORE.0.len()), (Err(2), 2));
    assert_eq!((run(1), STORE.0.len(), last::cache_contains(1)), (Ok(1), 1, false));
    assert!(is_local(1) && reported().is_empty());

    STORE.0.fails.store(true, SeqCst);
    fill();
    assert_eq!((run(1), STORE.0.len()), (Ok(1), 2));
    assert_eq!((reported(), read::cache_stats().backend_errors), (vec!["it fails".to_owned()], 1));
    STORE.0.fails.store(false, SeqCst);

    // Dropped in the body, and while the backend is asked: that is reported, and the rest is invalidated.
    for polls in 1..3 {
        fill();
        let mut dropped = Box::pin(change(1));
        for _ in 0..polls {
            assert!(poll(dropped.as_mut()).is_pending());
        }
        // While the backend is asked, the rest is done.
        assert_eq!(last::cache_contains(1), polls == 1);
        drop(dropped);
        assert!(is_local(1) && STORE.0.len() == 2 && !last::cache_contains(1));
        let reported = reported();
        assert!(reported.len() == 1 && reported[0].contains("did not end"), "{reported:?}");
    }
}

#[test]
fn all_is_evaluated_before_the_body() {
    static STEP: AtomicU32 = AtomicU32::new(0);

    fn step(expected: u32, n: u32) -> u32 {
        assert_eq!(STEP.fetch_add(1, SeqCst), expected);
        n
    }

    #[lru_cache]
    fn user(id: u32) -> u32 {
        id
    }

    #[invalidates(user(step(0, id)), tag("user", step(1, id)), user(step(2, id + 1)))]
    fn change(mut id: u32) {
        step(3, 0);
        id += 10;
        user(id);
    }

    #[invalidates(user(step(0, id)), tag("user", step(1, id)))]
    async fn change_slowly(mut id: u32) {
        step(2, 0);
        tokio::task::yield_now().await;
        id += 10;
        user(id);
    }

    isolated(|| {
        (user(1), user(2), user(11));
        change(1);
        assert_eq!(STEP.swap(0, SeqCst), 4);
        assert!(!user::cache_contains(1) && !user::cache_contains(2) && user::cache_contains(11));
        user(1);
        let mut changed = pin!(change_slowly(1));
        assert_eq!(STEP.load(SeqCst), 0, "nothing runs before the first poll");
        assert!(poll(changed.as_mut()).is_pending() && user::cache_contains(1));
        assert!(poll(changed.as_mut()).is_ready() && !user::cache_contains(1));
        assert_eq!(STEP.swap(0, SeqCst), 3);
        // What panics before the body makes no change, and invalidates nothing.
        (user(1), STEP.store(1, SeqCst));
        assert!(catch_unwind(AssertUnwindSafe(|| change(1))).is_err());
        assert!(user::cache_contains(1));
    });
}

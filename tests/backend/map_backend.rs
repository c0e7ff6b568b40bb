//! A user's own backend: a map that records its requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, BackendError, Stored};

type Entries = BTreeMap<(String, Vec<u8>), (Vec<u8>, Option<Duration>)>;

/// A backend in memory, which can be made to fail.
#[derive(Debug, Default)]
pub(crate) struct MapBackend {
    entries: Mutex<Entries>,
    requests: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
}

impl MapBackend {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            requests: Mutex::new(Vec::new()),
            is_down: AtomicBool::new(false),
        }
    }

    fn request(&self, what: &'static str) -> Result<MutexGuard<'_, Entries>, BackendError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        if self.is_down.load(SeqCst) {
            return Err("the backend is down".into());
        }
        Ok(self.entries())
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes and returns the recorded requests.
    pub(crate) fn take_requests(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, SeqCst);
    }

    /// Returns the number of recorded requests of this kind.
    pub(crate) fn count(&self, what: &str) -> usize {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|request| **request == what).count()
    }

    /// Returns the number of entries of each namespace.
    pub(crate) fn namespaces(&self) -> BTreeMap<String, usize> {
        let mut namespaces = BTreeMap::new();
        for (namespace, _) in self.entries().keys() {
            *namespaces.entry(namespace.clone()).or_default() += 1;
        }
        namespaces
    }
}

impl Backend for MapBackend {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let found = self.request("get")?.get(&(namespace.to_owned(), key.to_vec())).cloned();
        Ok(found.map(|(value, ttl)| Stored::new(value).ttl(ttl)))
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        self.request("set")?.insert((namespace.to_owned(), key.to_vec()), (value.to_vec(), ttl));
        Ok(())
    }

    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let mut entries = self.request("add")?;
        let is_free = !entries.contains_key(&(namespace.to_owned(), key.to_vec()));
        if is_free {
            entries.insert((namespace.to_owned(), key.to_vec()), (value.to_vec(), Some(ttl)));
        }
        Ok(is_free)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Ok(self.request("delete")?.remove(&(namespace.to_owned(), key.to_vec())).is_some())
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.request("clear")?.retain(|(of, _), _| of != namespace);
        Ok(())
    }
}

/// Like [`MapBackend`], but async: each request yields once before it is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow(pub(crate) &'static MapBackend);

async fn yield_once() {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl AsyncBackend for Slow {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        yield_once().await;
        self.0.get(namespace, key)
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        yield_once().await;
        self.0.set(namespace, key, value, ttl)
    }

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        yield_once().await;
        self.0.add(namespace, key, value, ttl)
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        yield_once().await;
        self.0.delete(namespace, key)
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        yield_once().await;
        self.0.clear(namespace)
    }
}

/// Waits until a condition holds, which other threads bring about.
pub(crate) fn until(is_true: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(60), "the condition does not hold after a minute");
        std::thread::yield_now();
    }
}

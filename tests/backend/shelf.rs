//! A user's own backend: a map, and what was asked of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use functools::backend::{AsyncBackend, Backend, BackendError, Stored};

type Entries = BTreeMap<(String, Vec<u8>), (Vec<u8>, Option<Duration>)>;

/// A map, which can be out of order.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    entries: Mutex<Entries>,
    asked: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
}

impl Shelf {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            asked: Mutex::new(Vec::new()),
            is_down: AtomicBool::new(false),
        }
    }

    fn ask(&self, what: &'static str) -> Result<MutexGuard<'_, Entries>, BackendError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        if self.is_down.load(SeqCst) {
            return Err("the shelf is down".into());
        }
        Ok(self.entries())
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked since this was last asked.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, SeqCst);
    }

    /// How often this was asked.
    pub(crate) fn count(&self, what: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|asked| **asked == what).count()
    }

    /// How many entries each namespace has.
    pub(crate) fn namespaces(&self) -> BTreeMap<String, usize> {
        let mut namespaces = BTreeMap::new();
        for (namespace, _) in self.entries().keys() {
            *namespaces.entry(namespace.clone()).or_default() += 1;
        }
        namespaces
    }
}

impl Backend for Shelf {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let found = self.ask("get")?.get(&(namespace.to_owned(), key.to_vec())).cloned();
        Ok(found.map(|(value, ttl)| Stored::new(value).ttl(ttl)))
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        self.ask("set")?.insert((namespace.to_owned(), key.to_vec()), (value.to_vec(), ttl));
        Ok(())
    }

    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let mut entries = self.ask("add")?;
        let is_free = !entries.contains_key(&(namespace.to_owned(), key.to_vec()));
        if is_free {
            entries.insert((namespace.to_owned(), key.to_vec()), (value.to_vec(), Some(ttl)));
        }
        Ok(is_free)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Ok(self.ask("delete")?.remove(&(namespace.to_owned(), key.to_vec())).is_some())
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.ask("clear")?.retain(|(of, _), _| of != namespace);
        Ok(())
    }
}

/// The same, after others had their turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slow(pub(crate) &'static Shelf);

async fn others_turn() {
    let mut is_ours = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_ours, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl AsyncBackend for Slow {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        others_turn().await;
        self.0.get(namespace, key)
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        others_turn().await;
        self.0.set(namespace, key, value, ttl)
    }

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        others_turn().await;
        self.0.add(namespace, key, value, ttl)
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        others_turn().await;
        self.0.delete(namespace, key)
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        others_turn().await;
        self.0.clear(namespace)
    }
}

/// Waits until something has come true, which other threads see to.
pub(crate) fn until(is_true: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never comes true");
        std::thread::yield_now();
    }
}

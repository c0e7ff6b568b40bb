//! A user's own backend: a map that records its requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use functools::backend::{
    AsyncBackend, Backend, BackendError, Item, Lease, LeasedItem, Leases, Lookup, LookupOptions, Permission,
    Stored,
};

type Place = (String, Vec<u8>);

type Entries = BTreeMap<Place, (Vec<u8>, Option<Duration>)>;

/// What was last seen at a place, a value or none, and its number.
type Seen = (Option<Vec<u8>>, u64);

/// A backend in memory that gives leases, and can be made to fail.
#[derive(Debug, Default)]
pub(crate) struct MapBackend {
    entries: Mutex<Entries>,
    /// The number of what was last seen at each place: a value, or none.
    leases: Mutex<BTreeMap<Place, Seen>>,
    requests: Mutex<Vec<&'static str>>,
    is_down: AtomicBool,
    /// The kind of requests that fail.
    failing: Mutex<Option<&'static str>>,
    /// How many answers are left out of those for many keys.
    left_out: AtomicUsize,
}

impl MapBackend {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Mutex::new(BTreeMap::new()),
            leases: Mutex::new(BTreeMap::new()),
            requests: Mutex::new(Vec::new()),
            is_down: AtomicBool::new(false),
            failing: Mutex::new(None),
            left_out: AtomicUsize::new(0),
        }
    }

    /// Makes answers for many keys shorter by this number.
    pub(crate) fn leave_out(&self, answers: usize) {
        self.left_out.store(answers, SeqCst);
    }

    /// Records one request in place of those that `each` makes.
    fn as_one<T>(
        &self,
        what: &'static str,
        each: impl FnOnce() -> Result<Vec<T>, BackendError>,
    ) -> Result<Vec<T>, BackendError> {
        drop(self.request(what)?);
        let before = self.take_requests();
        let mut all = each();
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner) = before;
        if let Ok(all) = &mut all {
            all.truncate(all.len().saturating_sub(self.left_out.load(SeqCst)));
        }
        all
    }

    fn request(&self, what: &'static str) -> Result<MutexGuard<'_, Entries>, BackendError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_down.load(SeqCst) || failing == Some(what) {
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

    /// Makes the requests of this kind fail.
    pub(crate) fn set_failing(&self, what: Option<&'static str>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Returns the number of recorded requests of this kind.
    pub(crate) fn count(&self, what: &str) -> usize {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|request| **request == what).count()
    }

    /// Removes all leases, as if they had expired.
    pub(crate) fn expire_leases(&self) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Leaves a lease, like another process.
    pub(crate) fn lease_elsewhere(&self, place: &Place) {
        self.lease_over(place, None);
    }

    /// Returns the lease over what is at this place.
    fn lease_over(&self, place: &Place, value: Option<&Vec<u8>>) -> Lease {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = leases.get(place).is_some_and(|(seen, _)| seen.as_ref() == value);
        if !is_known {
            static NUMBERS: AtomicU64 = AtomicU64::new(0);
            leases.insert(place.clone(), (value.cloned(), NUMBERS.fetch_add(1, SeqCst)));
        }
        Lease::new(leases[place].1.to_le_bytes()).new_here(!is_known && value.is_none())
    }

    /// Forgets what was seen at this place, so that every lease over it ends.
    fn changed(&self, place: &Place) {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }

    fn is_valid(&self, entries: &Entries, place: &Place, lease: &Lease) -> bool {
        let leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        let value = entries.get(place).map(|(value, _)| value);
        leases
            .get(place)
            .is_some_and(|(seen, number)| seen.as_ref() == value && lease.token() == number.to_le_bytes())
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
        let place = (namespace.to_owned(), key.to_vec());
        let mut entries = self.request("set")?;
        self.changed(&place);
        entries.insert(place, (value.to_vec(), ttl));
        Ok(())
    }

    fn get_or_lease(&self, namespace: &str, key: &[u8], _: LookupOptions) -> Result<Lookup, BackendError> {
        let place = (namespace.to_owned(), key.to_vec());
        let entries = self.request("get")?;
        let found = entries.get(&place).cloned();
        let lease = self.lease_over(&place, found.as_ref().map(|(value, _)| value));
        let found = found.map(|(value, ttl)| Stored::new(value).ttl(ttl));
        Ok(Lookup::new(found).permission(Permission::Leased(lease)))
    }

    fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        let place = (namespace.to_owned(), key.to_vec());
        let mut entries = self.request("set")?;
        if !self.is_valid(&entries, &place, lease) {
            return Ok(None);
        }
        self.changed(&place);
        entries.insert(place.clone(), (value.to_vec(), ttl));
        Ok(Some(self.lease_over(&place, Some(&value.to_vec()))))
    }

    fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        _: Duration,
    ) -> Result<bool, BackendError> {
        let place = (namespace.to_owned(), key.to_vec());
        let entries = self.request("renew")?;
        Ok(self.is_valid(&entries, &place, lease))
    }

    fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        let place = (namespace.to_owned(), key.to_vec());
        let mut entries = self.request("end")?;
        if self.is_valid(&entries, &place, lease) {
            entries.remove(&place);
            self.changed(&place);
        }
        Ok(())
    }

    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        self.as_one("get many", || keys.iter().map(|key| self.get(namespace, key)).collect())
    }

    fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        let set = |item: &Item<'_>| self.set(namespace, item.key, item.value, item.ttl);
        self.as_one("set many", || items.iter().map(set).collect()).map(|_: Vec<()>| ())
    }

    fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        self.as_one("get many", || {
            keys.iter().map(|key| self.get_or_lease(namespace, key, options)).collect()
        })
    }

    fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        let set = |LeasedItem { item, lease, .. }: &LeasedItem<'_>| {
            self.set_leased(namespace, item.key, lease, item.value, item.ttl)
        };
        self.as_one("set many", || items.iter().map(set).collect())
    }

    fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> Result<Vec<bool>, BackendError> {
        let renew = |(key, lease): &(&[u8], &Lease)| self.renew_lease(namespace, key, lease, ttl);
        self.as_one("renew many", || leases.iter().map(renew).collect())
    }

    fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
        let end = |(key, lease): &(&[u8], &Lease)| self.end_lease(namespace, key, lease);
        self.as_one("end many", || leases.iter().map(end).collect()).map(|_: Vec<()>| ())
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        let place = (namespace.to_owned(), key.to_vec());
        let mut entries = self.request("delete")?;
        self.changed(&place);
        Ok(entries.remove(&place).is_some())
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        let mut entries = self.request("clear")?;
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _), _| of != namespace);
        entries.retain(|(of, _), _| of != namespace);
        Ok(())
    }
}

impl Leases for MapBackend {}

impl Leases for Slow {}

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

    async fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        yield_once().await;
        self.0.get_or_lease(namespace, key, options)
    }

    async fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        yield_once().await;
        self.0.set_leased(namespace, key, lease, value, ttl)
    }

    async fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        yield_once().await;
        self.0.renew_lease(namespace, key, lease, ttl)
    }

    async fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        yield_once().await;
        self.0.end_lease(namespace, key, lease)
    }

    async fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        yield_once().await;
        self.0.get_many(namespace, keys)
    }

    async fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        yield_once().await;
        self.0.get_or_lease_many(namespace, keys, options)
    }

    async fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        yield_once().await;
        self.0.set_leased_many(namespace, items)
    }

    async fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> Result<Vec<bool>, BackendError> {
        yield_once().await;
        self.0.renew_leases(namespace, leases, ttl)
    }

    async fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
        yield_once().await;
        self.0.end_leases(namespace, leases)
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

//! The backend for `async` functions: operations that may wait for the disk run on a blocking thread.

use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, Item, Lease, LeasedItem, Lookup,
    LookupOptions, Stored,
};

use super::Disk;
use super::slot::SlotUser;
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

impl Disk {
    /// Returns whether a result can be stored without waiting for the disk: the file is open, and there is room.
    fn stores_at_once(&self, key: &[u8], value: &[u8]) -> bool {
        let options = &self.file.options;
        let file = self.file.user.get().filter(|_| !options.is_durable).and_then(SlotUser::open_file);
        file.is_some_and(|file| file.store.has_room(key, value))
    }

    /// Runs an operation on a blocking thread of tokio; on the calling thread if no tokio runtime is running.
    async fn run_blocking<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Self) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let this = self.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let done = runtime.spawn_blocking(move || operation(&this)).await;
                done.map_err(|stopped| BackendError::with_kind(ErrorKind::Unavailable, stopped))?
            }
            Err(_) => operation(&this),
        }
    }
}

fn owned_leases(leases: &[(&[u8], &Lease)]) -> Vec<(Vec<u8>, Lease)> {
    leases.iter().map(|(key, lease)| (key.to_vec(), (*lease).clone())).collect()
}

fn borrowed(leases: &[(Vec<u8>, Lease)]) -> Vec<(&[u8], &Lease)> {
    leases.iter().map(|(key, lease)| (key.as_slice(), lease)).collect()
}

impl AsyncBackend for Disk {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.run_blocking(move |disk| Backend::get(disk, &namespace, &key)).await
    }

    async fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        let namespace = namespace.to_owned();
        let keys: Vec<_> = keys.iter().map(|key| key.to_vec()).collect();
        self.run_blocking(move |disk| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            Backend::get_many(disk, &namespace, &keys)
        })
        .await
    }

    async fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError> {
        if self.stores_at_once(key, value) {
            return Backend::set(self, namespace, key, value, ttl);
        }
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        self.run_blocking(move |disk| Backend::set(disk, &namespace, &key, &value, ttl)).await
    }

    async fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        let namespace = namespace.to_owned();
        let owned: Vec<_> =
            items.iter().map(|item| (item.key.to_vec(), item.value.to_vec(), item.ttl)).collect();
        self.run_blocking(move |disk| {
            let items: Vec<_> =
                owned.iter().map(|(key, value, ttl)| Item::new(key, value).ttl(*ttl)).collect();
            Backend::set_many(disk, &namespace, &items)
        })
        .await
    }

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        self.run_blocking(move |disk| Backend::add(disk, &namespace, &key, &value, ttl)).await
    }

    async fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.run_blocking(move |disk| Backend::get_or_lease(disk, &namespace, &key, options)).await
    }

    async fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        if self.stores_at_once(key, value) {
            return Backend::set_leased(self, namespace, key, lease, value, ttl);
        }
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        let lease = lease.clone();
        self.run_blocking(move |disk| Backend::set_leased(disk, &namespace, &key, &lease, &value, ttl)).await
    }

    async fn put(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        let (namespace, key, value) = (namespace.to_owned(), key.to_vec(), value.to_vec());
        self.run_blocking(move |disk| Backend::put(disk, &namespace, &key, &value, ttl)).await
    }

    async fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        let (namespace, key, lease) = (namespace.to_owned(), key.to_vec(), lease.clone());
        self.run_blocking(move |disk| Backend::renew_lease(disk, &namespace, &key, &lease, ttl)).await
    }

    async fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        let (namespace, key, lease) = (namespace.to_owned(), key.to_vec(), lease.clone());
        self.run_blocking(move |disk| Backend::end_lease(disk, &namespace, &key, &lease)).await
    }

    async fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        let namespace = namespace.to_owned();
        let keys: Vec<_> = keys.iter().map(|key| key.to_vec()).collect();
        self.run_blocking(move |disk| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            Backend::get_or_lease_many(disk, &namespace, &keys, options)
        })
        .await
    }

    async fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        let namespace = namespace.to_owned();
        let owned = |LeasedItem { item, lease, .. }: &LeasedItem<'_>| {
            (item.key.to_vec(), item.value.to_vec(), item.ttl, (*lease).clone())
        };
        let owned: Vec<_> = items.iter().map(owned).collect();
        self.run_blocking(move |disk| {
            let items: Vec<_> = owned
                .iter()
                .map(|(key, value, ttl, lease)| LeasedItem::new(Item::new(key, value).ttl(*ttl), lease))
                .collect();
            Backend::set_leased_many(disk, &namespace, &items)
        })
        .await
    }

    async fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> Result<Vec<bool>, BackendError> {
        let (namespace, owned) = (namespace.to_owned(), owned_leases(leases));
        self.run_blocking(move |disk| Backend::renew_leases(disk, &namespace, &borrowed(&owned), ttl)).await
    }

    async fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
        let (namespace, owned) = (namespace.to_owned(), owned_leases(leases));
        self.run_blocking(move |disk| Backend::end_leases(disk, &namespace, &borrowed(&owned))).await
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.run_blocking(move |disk| Backend::delete(disk, &namespace, &key)).await
    }

    async fn delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
        let namespace = namespace.to_owned();
        let keys: Vec<_> = keys.iter().map(|key| key.to_vec()).collect();
        self.run_blocking(move |disk| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            Backend::delete_many(disk, &namespace, &keys)
        })
        .await
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        let namespace = namespace.to_owned();
        self.run_blocking(move |disk| Backend::clear(disk, &namespace)).await
    }

    fn circuit_state(&self) -> Option<CircuitState> {
        Backend::circuit_state(self)
    }
}

impl AsyncCompareAndSwap for Disk {
    type Version = Option<u64>;

    async fn get_versioned(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> Result<(Option<Stored>, Option<u64>), BackendError> {
        let (namespace, key) = (namespace.to_owned(), key.to_vec());
        self.run_blocking(move |disk| CompareAndSwap::get_versioned(disk, &namespace, &key)).await
    }

    async fn compare_and_swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Option<u64>,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError> {
        let (namespace, key, value, version) = (namespace.to_owned(), key.to_vec(), value.to_vec(), *version);
        self.run_blocking(move |disk| {
            CompareAndSwap::compare_and_swap(disk, &namespace, &key, &version, &value, ttl)
        })
        .await
    }
}

//! A blocking backend as an async one, so that both kinds of functions share the code of a call.

use core::time::Duration;
use std::vec::Vec;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::blocking_backend::Backend;
use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::item::{Item, LeasedItem};
use crate::backend::lease::{Lease, Lookup, LookupOptions};
use crate::backend::stored::Stored;
use crate::backend::tag_key::TagKey;
use crate::backend::tag_nonces::{TagNonces, TaggedLookup};
use crate::observe::CircuitState;

/// A blocking [`Backend`] as an [`AsyncBackend`] whose futures are ready at once.
pub struct Direct<B: 'static>(&'static B);

impl<B> Clone for Direct<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Direct<B> {}

impl<B> Direct<B> {
    pub(crate) fn new(backend: &'static B) -> Self {
        Self(backend)
    }
}

impl<B: Backend + Sync> AsyncBackend for Direct<B> {
    async fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        self.0.get(namespace, key)
    }

    async fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        self.0.get_many(namespace, keys)
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

    async fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        self.0.set_many(namespace, items)
    }

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        self.0.add(namespace, key, value, ttl)
    }

    async fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
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
        self.0.set_leased(namespace, key, lease, value, ttl)
    }

    async fn put(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Lease>, BackendError> {
        self.0.put(namespace, key, value, ttl)
    }

    async fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        self.0.renew_lease(namespace, key, lease, ttl)
    }

    async fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        self.0.end_lease(namespace, key, lease)
    }

    async fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        self.0.get_or_lease_many(namespace, keys, options)
    }

    async fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        self.0.set_leased_many(namespace, items)
    }

    async fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> Result<Vec<bool>, BackendError> {
        self.0.renew_leases(namespace, leases, ttl)
    }

    async fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
        self.0.end_leases(namespace, leases)
    }

    async fn get_or_lease_tagged(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
        tags: &[TagKey],
        life: Duration,
    ) -> Result<TaggedLookup, BackendError> {
        self.0.get_or_lease_tagged(namespace, key, options, tags, life)
    }

    async fn tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
        self.0.tag_nonces(tags, life)
    }

    async fn invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
        self.0.invalidate_tags(tags)
    }

    async fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        self.0.delete(namespace, key)
    }

    async fn delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
        self.0.delete_many(namespace, keys)
    }

    async fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        self.0.clear(namespace)
    }

    fn circuit_state(&self) -> Option<CircuitState> {
        self.0.circuit_state()
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.0.watch(namespace, sink)
    }
}

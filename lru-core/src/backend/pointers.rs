//! Backends behind pointers.

use core::future::Future;
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::backend::async_backend::AsyncBackend;
#[cfg(feature = "backend")]
use crate::backend::awaited::Awaited;
use crate::backend::blocking_backend::Backend;
use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::item::{Item, LeasedItem};
use crate::backend::lease::{Lease, Leases, Lookup, LookupOptions};
use crate::backend::stored::Stored;
use crate::backend::tag_key::TagKey;
use crate::backend::tag_nonces::{TagNonces, TaggedLookup};
use crate::observe::CircuitState;

macro_rules! for_pointers {
    ($($pointer:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<B: Backend + ?Sized> Backend for $pointer {
            fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                (**self).get(namespace, key)
            }

            fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                (**self).get_many(namespace, keys)
            }

            fn set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                (**self).set(namespace, key, value, ttl)
            }

            fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                (**self).set_many(namespace, items)
            }

            fn add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                (**self).add(namespace, key, value, ttl)
            }

            fn get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                (**self).get_or_lease(namespace, key, options)
            }

            fn set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                (**self).set_leased(namespace, key, lease, value, ttl)
            }

            fn put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                (**self).put(namespace, key, value, ttl)
            }

            fn renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                (**self).renew_lease(namespace, key, lease, ttl)
            }

            fn end_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
            ) -> Result<(), BackendError> {
                (**self).end_lease(namespace, key, lease)
            }

            fn get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                (**self).get_or_lease_many(namespace, keys, options)
            }

            fn set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                (**self).set_leased_many(namespace, items)
            }

            fn renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                (**self).renew_leases(namespace, leases, ttl)
            }

            fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                (**self).end_leases(namespace, leases)
            }

            fn get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> Result<TaggedLookup, BackendError> {
                (**self).get_or_lease_tagged(namespace, key, options, tags, life)
            }

            fn tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
                (**self).tag_nonces(tags, life)
            }

            fn invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                (**self).invalidate_tags(tags)
            }

            fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                (**self).delete(namespace, key)
            }

            fn delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                (**self).delete_many(namespace, keys)
            }

            fn clear(&self, namespace: &str) -> Result<(), BackendError> {
                (**self).clear(namespace)
            }

            fn check(&self) -> Result<(), BackendError> {
                (**self).check()
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                (**self).circuit_state()
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                (**self).watch(namespace, sink)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<B: Leases + ?Sized> Leases for $pointer {}
    )* };
}

macro_rules! for_async_pointers {
    ($($pointer:ty $(where $bound:path)?),*) => { $(
        #[diagnostic::do_not_recommend]
        impl<B: AsyncBackend $(+ $bound)?> AsyncBackend for $pointer {
            fn get(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<Option<Stored>, BackendError>> + Send {
                (**self).get(namespace, key)
            }

            fn get_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
            ) -> impl Future<Output = Result<Vec<Option<Stored>>, BackendError>> + Send {
                (**self).get_many(namespace, keys)
            }

            fn set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).set(namespace, key, value, ttl)
            }

            fn set_many(
                &self,
                namespace: &str,
                items: &[Item<'_>],
            ) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).set_many(namespace, items)
            }

            fn add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).add(namespace, key, value, ttl)
            }

            fn get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> impl Future<Output = Result<Lookup, BackendError>> + Send {
                (**self).get_or_lease(namespace, key, options)
            }

            fn set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
                (**self).set_leased(namespace, key, lease, value, ttl)
            }

            fn put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
                (**self).put(namespace, key, value, ttl)
            }

            fn renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).renew_lease(namespace, key, lease, ttl)
            }

            fn end_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
            ) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).end_lease(namespace, key, lease)
            }

            fn get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> impl Future<Output = Result<Vec<Lookup>, BackendError>> + Send {
                (**self).get_or_lease_many(namespace, keys, options)
            }

            fn set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> impl Future<Output = Result<Vec<Option<Lease>>, BackendError>> + Send {
                (**self).set_leased_many(namespace, items)
            }

            fn renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> impl Future<Output = Result<Vec<bool>, BackendError>> + Send {
                (**self).renew_leases(namespace, leases, ttl)
            }

            fn end_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
            ) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).end_leases(namespace, leases)
            }

            fn get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> impl Future<Output = Result<TaggedLookup, BackendError>> + Send {
                (**self).get_or_lease_tagged(namespace, key, options, tags, life)
            }

            fn tag_nonces(
                &self,
                tags: &[TagKey],
                life: Option<Duration>,
            ) -> impl Future<Output = Result<TagNonces, BackendError>> + Send {
                (**self).tag_nonces(tags, life)
            }

            fn invalidate_tags(
                &self,
                tags: &[TagKey],
            ) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).invalidate_tags(tags)
            }

            fn delete(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).delete(namespace, key)
            }

            fn delete_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
            ) -> impl Future<Output = Result<Vec<bool>, BackendError>> + Send {
                (**self).delete_many(namespace, keys)
            }

            fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).clear(namespace)
            }

            fn check(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).check()
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                (**self).circuit_state()
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                (**self).watch(namespace, sink)
            }
        }
    )* };
}

for_pointers! { &B Box<B> Arc<B> }
for_async_pointers! { &B, Box<B>, Arc<B> where Send }

#[cfg(feature = "backend")]
for_async_pointers! { Awaited<B> }

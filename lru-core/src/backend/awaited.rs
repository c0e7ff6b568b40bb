//! The backend of an `async` function, in its `static`.

use core::future::Future;
use core::time::Duration;
use std::vec::Vec;

use crate::backend::async_backend::AsyncBackend;
use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::lease::{Lease, Lookup};
use crate::backend::stored::Stored;

/// A reference to an [`AsyncBackend`] in a `static`. A type without a lifetime: the compiler cannot tell that a future
/// with a `&'static` reference in it is `Send`, if that depends on a bound of the reference.
pub struct Awaited<B: 'static>(&'static B);

impl<B> Awaited<B> {
    pub(crate) fn new(backend: &'static B) -> Self {
        Self(backend)
    }
}

impl<B> Clone for Awaited<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Awaited<B> {}

impl<B: AsyncBackend> AsyncBackend for Awaited<B> {
    fn get(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Stored>, BackendError>> + Send {
        self.0.get(namespace, key)
    }

    fn get_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<Stored>>, BackendError>> + Send {
        self.0.get_many(namespace, keys)
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        self.0.set(namespace, key, value, ttl)
    }

    fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        self.0.add(namespace, key, value, ttl)
    }

    fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: Duration,
    ) -> impl Future<Output = Result<Lookup, BackendError>> + Send {
        self.0.get_or_lease(namespace, key, lease)
    }

    fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
        self.0.set_leased(namespace, key, lease, value, ttl)
    }

    fn put(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
        self.0.put(namespace, key, value, ttl)
    }

    fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        self.0.renew_lease(namespace, key, lease, ttl)
    }

    fn end_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        self.0.end_lease(namespace, key, lease)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> impl Future<Output = Result<bool, BackendError>> + Send {
        self.0.delete(namespace, key)
    }

    fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
        self.0.clear(namespace)
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.0.watch(namespace, sink)
    }
}

//! A blocking backend as an async one, so that both kinds of functions share the code of a call.

use core::time::Duration;

use crate::backend::error::BackendError;
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::{AsyncBackend, Backend, Stored};

/// A blocking [`Backend`] as an [`AsyncBackend`] whose futures are ready at once.
pub struct Direct<B: 'static>(&'static B);

impl<B> Direct<B> {
    pub(crate) fn new(backend: &'static B) -> Self {
        Self(backend)
    }
}

impl<B: Backend + Sync> AsyncBackend for Direct<B> {
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

    async fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, BackendError> {
        self.0.add(namespace, key, value, ttl)
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

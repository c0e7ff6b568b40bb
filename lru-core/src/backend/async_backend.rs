//! The trait of backends for `async` functions.

use core::future::{Future, ready};
use core::time::Duration;
use std::vec::Vec;

use crate::backend::blocking_backend::{CHECKED, cannot_add};
use crate::backend::error::{BackendError, ErrorKind};
use crate::backend::invalidation_sink::InvalidationSink;
use crate::backend::item::{Item, LeasedItem};
use crate::backend::lease::{Lease, Lookup, LookupOptions, cannot_lease};
use crate::backend::many::one_by_one;
use crate::backend::stored::Stored;
use crate::backend::tag_key::TagKey;
use crate::backend::tag_nonces::{TAGS, TagNonces, TaggedLookup, nonces_by_entries};
use crate::observe::CircuitState;
use crate::tags::nonce::TagNonce;

/// A store outside the process, for `async` functions: [`Backend`](super::Backend) with methods that are awaited.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the backend of an `async fn`",
    label = "expected a type that implements `functools::backend::AsyncBackend`",
    note = "a function that is not `async` takes a `functools::backend::Backend`"
)]
pub trait AsyncBackend: Sync {
    /// Returns the entry for `key`, if there is one; see [`Backend::get`](super::Backend::get).
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed. The call of the function then computes the result, unless it
    /// has `strict = true`.
    fn get(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Stored>, BackendError>> + Send;

    /// Returns the entry for each of `keys`, in their order; see [`Backend::get_many`](super::Backend::get_many).
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed for at least one key.
    fn get_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<Stored>>, BackendError>> + Send {
        // The futures are created here and started when awaited: so `Self` need not be `Sync`.
        let all: Vec<_> = keys.iter().map(|key| self.get(namespace, key)).collect();
        async move {
            let mut found = Vec::with_capacity(all.len());
            for one in all {
                found.push(one.await?);
            }
            Ok(found)
        }
    }

    /// Sets the entry for `key`, replacing any other; see [`Backend::set`](super::Backend::set).
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Sets the entries of all `items`, replacing any others; see [`Backend::set_many`](super::Backend::set_many).
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one write failed. Any of the entries may or may not have been set.
    fn set_many(
        &self,
        namespace: &str,
        items: &[Item<'_>],
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        // As in `get_many`: `Self` need not be `Sync`.
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            all.push(self.set(namespace, item.key, item.value, item.ttl));
        }
        async move {
            let mut done = Ok(());
            for one in all {
                done = done.and(one.await);
            }
            done
        }
    }

    /// Sets the entry for `key` if there is none, atomically, and returns whether it did; see [`Backend::add`](super::Backend::add).
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        let _ = (namespace, key, value, ttl);
        ready(Err(cannot_add()))
    }

    /// Returns the entry for `key`; if there is none, leaves a lease there; see [`Backend::get_or_lease`](super::Backend::get_or_lease).
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed.
    fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> impl Future<Output = Result<Lookup, BackendError>> + Send {
        let found = options.probed().map_or_else(|| Err(self.get(namespace, key)), Ok);
        async move {
            match found {
                Ok(probed) => Ok(probed),
                Err(found) => found.await.map(Lookup::new).map_err(BackendError::without_lease),
            }
        }
    }

    /// Sets the entry for `key` if the lease is still valid, atomically; see [`Backend::set_leased`](super::Backend::set_leased).
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn set_leased(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
        let _ = (namespace, key, lease, value, ttl);
        ready(Err(cannot_lease()))
    }

    /// Returns the entry for each of `keys`, or leaves a lease there; see
    /// [`Backend::get_or_lease_many`](super::Backend::get_or_lease_many).
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed for at least one key.
    fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> impl Future<Output = Result<Vec<Lookup>, BackendError>> + Send {
        look_one_by_one_async(self, namespace, keys, options)
    }

    /// Sets each of the entries whose lease is still valid; see [`Backend::set_leased_many`](super::Backend::set_leased_many).
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one write failed. Any of the entries may or may not have been set.
    fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> impl Future<Output = Result<Vec<Option<Lease>>, BackendError>> + Send {
        set_one_by_one_async(self, namespace, items)
    }

    /// Sets the entry for `key`, and returns the lease over the new entry; see [`Backend::put`](super::Backend::put).
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn put(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<Option<Lease>, BackendError>> + Send {
        let set = self.set(namespace, key, value, ttl);
        async move { set.await.map(|()| None) }
    }

    /// Extends a lease, and returns whether it was still valid; see [`Backend::renew_lease`](super::Backend::renew_lease).
    ///
    /// # Errors
    ///
    /// Returns an error if the request failed.
    fn renew_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        let _ = (namespace, key, lease, ttl);
        ready(Err(cannot_lease()))
    }

    /// Removes what the lease was given for, if it is still there; see [`Backend::end_lease`](super::Backend::end_lease).
    ///
    /// # Errors
    ///
    /// Returns an error if the request failed. The lease then expires.
    fn end_lease(
        &self,
        namespace: &str,
        key: &[u8],
        lease: &Lease,
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        let _ = (namespace, key, lease);
        ready(Err(cannot_lease()))
    }

    /// Extends the leases of these keys; see [`Backend::renew_leases`](super::Backend::renew_leases).
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one request failed.
    fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> impl Future<Output = Result<Vec<bool>, BackendError>> + Send {
        renew_one_by_one_async(self, namespace, leases, ttl)
    }

    /// Ends the leases of these keys; see [`Backend::end_leases`](super::Backend::end_leases).
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one request failed. Such leases then expire.
    fn end_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        end_one_by_one_async(self, namespace, leases)
    }

    /// Returns the entry for `key`, or leaves a lease there, and the nonces of tags; see
    /// [`Backend::get_or_lease_tagged`](super::Backend::get_or_lease_tagged).
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed, or the nonces cannot be read.
    fn get_or_lease_tagged(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
        tags: &[TagKey],
        life: Duration,
    ) -> impl Future<Output = Result<TaggedLookup, BackendError>> + Send {
        look_tagged_async(self, (namespace, key), options, tags, life)
    }

    /// Returns the nonces of `tags`; see [`Backend::tag_nonces`](super::Backend::tag_nonces).
    ///
    /// # Errors
    ///
    /// Returns an error if the nonces cannot be read, or not be created.
    fn tag_nonces(
        &self,
        tags: &[TagKey],
        life: Option<Duration>,
    ) -> impl Future<Output = Result<TagNonces, BackendError>> + Send {
        read_nonces_async(self, tags, life)
    }

    /// Invalidates tags for all processes; see [`Backend::invalidate_tags`](super::Backend::invalidate_tags).
    ///
    /// # Errors
    ///
    /// Returns an error if a nonce may still be there.
    fn invalidate_tags(&self, tags: &[TagKey]) -> impl Future<Output = Result<(), BackendError>> + Send {
        remove_nonces_async(self, tags)
    }

    /// Removes the entry for `key` and returns whether there was one; see [`Backend::delete`](super::Backend::delete).
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case the entry may still be stored.
    fn delete(&self, namespace: &str, key: &[u8]) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Removes the entries for all `keys`, and returns for each whether there was one; see
    /// [`Backend::delete_many`](super::Backend::delete_many).
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one removal failed. Any of the entries may still be stored.
    fn delete_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<bool>, BackendError>> + Send {
        let all: Vec<_> = keys.iter().map(|key| self.delete(namespace, key)).collect();
        async move {
            let mut deleted = Vec::with_capacity(all.len());
            for one in all {
                deleted.push(one.await);
            }
            deleted.into_iter().collect()
        }
    }

    /// Removes all entries of a namespace, and none of another; see [`Backend::clear`](super::Backend::clear).
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case some entries may still be stored.
    fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Connects to the backend and makes one harmless round trip, for a check at the start of a program; see
    /// [`Backend::check`](super::Backend::check).
    ///
    /// # Errors
    ///
    /// Returns an error if the backend did not answer, or refused the lookup.
    fn check(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        let (namespace, key) = CHECKED;
        let found = self.get(namespace, key);
        async move { found.await.map(drop) }
    }

    /// Returns the state of the backend's circuit breaker; see [`Backend::circuit_state`](super::Backend::circuit_state).
    fn circuit_state(&self) -> Option<CircuitState> {
        None
    }

    /// Starts reporting every change in this namespace to `sink`, and returns whether the backend can; see
    /// [`Backend::watch`](super::Backend::watch).
    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        let _ = (namespace, sink);
        false
    }
}

one_by_one! {
    AsyncBackend, look_one_by_one_async, set_one_by_one_async, renew_one_by_one_async, end_one_by_one_async,
    [async fn] .await
}

nonces_by_entries! { AsyncBackend, read_nonces_async, look_tagged_async, remove_nonces_async, [async fn] .await }

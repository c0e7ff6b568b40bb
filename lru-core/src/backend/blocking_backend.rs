//! The trait of backends for functions that are not `async`.

use core::time::Duration;
use std::vec::Vec;

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

/// A store outside the process, for functions that are not `async`: `backend = …`.
///
/// * A key is looked up within its namespace: one key in two namespaces is two entries.
/// * An entry must not be returned after its time to live. It may be lost earlier.
/// * Several threads may call a backend at the same time.
/// * A call of the function waits for `get` and `set`, so a backend should have timeouts. A
///   `CircuitBreaker` skips a backend that keeps failing.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use functools::backend::{Backend, BackendError, Stored};
///
/// #[derive(Default)]
/// struct Memory(Mutex<HashMap<(String, Vec<u8>), Vec<u8>>>);
///
/// impl Backend for Memory {
///     fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
///         let entries = self.0.lock().map_err(|_| "poisoned")?;
///         let value = entries.get(&(namespace.to_string(), key.to_vec()));
///         Ok(value.map(|value| Stored::new(value.as_slice())))
///     }
///
///     fn set(&self, namespace: &str, key: &[u8], value: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
///         let mut entries = self.0.lock().map_err(|_| "poisoned")?;
///         entries.insert((namespace.to_string(), key.to_vec()), value.to_vec());
///         Ok(())
///     }
///
///     fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
///         let mut entries = self.0.lock().map_err(|_| "poisoned")?;
///         Ok(entries.remove(&(namespace.to_string(), key.to_vec())).is_some())
///     }
///
///     fn clear(&self, namespace: &str) -> Result<(), BackendError> {
///         self.0.lock().map_err(|_| "poisoned")?.retain(|(of, _), _| of != namespace);
///         Ok(())
///     }
/// }
///
/// let memory = Memory::default();
/// memory.set("squares", b"12", b"144", None)?;
/// assert_eq!(memory.get("squares", b"12")?.map(|found| found.value), Some(b"144".to_vec()));
/// assert_eq!(memory.get("cubes", b"12")?, None);
/// # Ok::<(), BackendError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the backend of a function that is not `async`",
    label = "expected a type that implements `functools::backend::Backend`",
    note = "an `async fn` takes a `functools::backend::AsyncBackend`"
)]
pub trait Backend {
    /// Returns the entry for `key`, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed. The call of the function then computes the result, unless it
    /// has `strict = true`.
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError>;

    /// Returns the entry for each of `keys`, in their order.
    ///
    /// The default calls [`get`](Self::get) once per key. A backend that can read several entries in one
    /// round trip should override it.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed for at least one key.
    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        keys.iter().map(|key| self.get(namespace, key)).collect()
    }

    /// Sets the entry for `key`, replacing any other; with a `ttl` of `None` it does not expire.
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
    ) -> Result<(), BackendError>;

    /// Sets the entries of all `items`, replacing any others. Of two items with one key, the last one counts.
    ///
    /// The default calls [`set`](Self::set) once per item, for all of them even if one fails. A backend that can write several
    /// entries in one round trip should override it.
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one write failed. Any of the entries may or may not have been set.
    fn set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
        let set = |item: &Item<'_>| self.set(namespace, item.key, item.value, item.ttl);
        items.iter().map(set).fold(Ok(()), Result::and)
    }

    /// Sets the entry for `key` if there is none, atomically, and returns whether it did. Memoized functions do not call it; it
    /// is for programs that use a backend directly. The default returns an error of kind [`Unsupported`](ErrorKind::Unsupported).
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let _ = (namespace, key, value, ttl);
        Err(cannot_add())
    }

    /// Returns the entry for `key`; if there is none, leaves a lease there.
    ///
    /// A call of a function looks up its result by this method. If it then computes the result, it stores it by
    /// [`set_leased`](Self::set_leased), so that a result computed before a change of the entry does not overwrite
    /// that change. The default calls [`get`](Self::get), and gives no lease: a result is then stored by
    /// [`set`](Self::set), and may overwrite a change that another process has made meanwhile.
    ///
    /// The options state how long the lease is valid, and whether the remaining time to live is needed; a backend may
    /// return it in any case.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed.
    fn get_or_lease(
        &self,
        namespace: &str,
        key: &[u8],
        options: LookupOptions,
    ) -> Result<Lookup, BackendError> {
        if let Some(probed) = options.probed() {
            return Ok(probed);
        }
        self.get(namespace, key).map(Lookup::new).map_err(BackendError::without_lease)
    }

    /// Sets the entry for `key` if what the lease was given for is still there, atomically. Returns the lease over the
    /// new entry; `None` if the entry was changed or removed meanwhile, or the lease was lost.
    ///
    /// The default returns an error of kind [`Unsupported`](ErrorKind::Unsupported).
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
    ) -> Result<Option<Lease>, BackendError> {
        let _ = (namespace, key, lease, value, ttl);
        Err(cannot_lease())
    }

    /// Returns the entry for each of `keys`, or leaves a lease there, in their order; see [`get_or_lease`](Self::get_or_lease).
    ///
    /// A call of a function with `each` looks up what it lacks by this method. The default calls `get_or_lease` once per key if
    /// the backend gives leases, and [`get_many`](Self::get_many) if not. A backend that can do it in one round trip should
    /// override it.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed for at least one key. Leases may have been left for the others.
    fn get_or_lease_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
        options: LookupOptions,
    ) -> Result<Vec<Lookup>, BackendError> {
        look_one_by_one(self, namespace, keys, options)
    }

    /// Sets each of the entries whose lease is still valid, and returns the leases over them, in their order; see
    /// [`set_leased`](Self::set_leased). The keys are distinct.
    ///
    /// The default calls `set_leased` once per item, for all of them even if one fails.
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one write failed. Any of the entries may or may not have been set.
    fn set_leased_many(
        &self,
        namespace: &str,
        items: &[LeasedItem<'_>],
    ) -> Result<Vec<Option<Lease>>, BackendError> {
        set_one_by_one(self, namespace, items)
    }

    /// Sets the entry for `key` as [`set`](Self::set) does, whatever is there, and returns the lease over the new entry.
    ///
    /// A process that keeps a copy of what it sets tells its own write by the token of this lease, if the backend
    /// [reports changes](Self::watch). The default calls `set`, and returns `None`.
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
    ) -> Result<Option<Lease>, BackendError> {
        self.set(namespace, key, value, ttl).map(|()| None)
    }

    /// Extends a lease to the time `ttl` from now, and returns whether it was still valid.
    ///
    /// It is called while a computation holds the lease for all processes: `single_flight = global`. The default returns
    /// an error of kind [`Unsupported`](ErrorKind::Unsupported).
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
    ) -> Result<bool, BackendError> {
        let _ = (namespace, key, lease, ttl);
        Err(cannot_lease())
    }

    /// Removes what the lease was given for, if it is still there: no result will be stored by it.
    ///
    /// The default returns an error of kind [`Unsupported`](ErrorKind::Unsupported).
    ///
    /// # Errors
    ///
    /// Returns an error if the request failed. The lease then expires.
    fn end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
        let _ = (namespace, key, lease);
        Err(cannot_lease())
    }

    /// Extends the leases of these keys, and returns for each whether it was still valid; see [`renew_lease`](Self::renew_lease).
    /// The default calls it once per key.
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one request failed.
    fn renew_leases(
        &self,
        namespace: &str,
        leases: &[(&[u8], &Lease)],
        ttl: Duration,
    ) -> Result<Vec<bool>, BackendError> {
        renew_one_by_one(self, namespace, leases, ttl)
    }

    /// Ends the leases of these keys; see [`end_lease`](Self::end_lease). The default calls it once per key.
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one request failed. Such leases then expire.
    fn end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
        end_one_by_one(self, namespace, leases)
    }

    /// Returns the entry for `key`, or leaves a lease there, as [`get_or_lease`](Self::get_or_lease) does; and the nonces of
    /// `tags`, and of the tags that the entry [notes](super::tags_in). Nonces of `tags` that are missing are created, and live for
    /// `life` at least; those that the entry notes need not be.
    ///
    /// A call of a function with `tags` or `depends` looks up its result by this method: the result is valid as long as the
    /// nonces are those that it notes. A backend that can read all of it in one round trip should override it. The default
    /// calls `get_or_lease`, then [`tag_nonces`](Self::tag_nonces).
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
    ) -> Result<TaggedLookup, BackendError> {
        look_tagged(self, (namespace, key), options, tags, life)
    }

    /// Returns the nonces of `tags`. With a `life`, nonces that are missing are created, and live for this time at least;
    /// without, they are left out.
    ///
    /// It must ask where [`invalidate_tags`](Self::invalidate_tags) of any process removes nonces, and return no copy from
    /// elsewhere. The default reads and adds entries in the namespace [`TAGS`](super::TAGS), by `get_many` and `add`, or else `set`.
    ///
    /// # Errors
    ///
    /// Returns an error if the nonces cannot be read, or not be created.
    fn tag_nonces(&self, tags: &[TagKey], life: Option<Duration>) -> Result<TagNonces, BackendError> {
        read_nonces(self, tags, life)
    }

    /// Invalidates tags for all processes, in this order: removes their nonces. After it returned `Ok`, no lookup returns them.
    ///
    /// A backend that cannot promise that returns an error, of kind [`Unsupported`](ErrorKind::Unsupported). The default
    /// deletes entries in the namespace [`TAGS`](super::TAGS), and stops at the first that fails.
    ///
    /// # Errors
    ///
    /// Returns an error if a nonce may still be there.
    fn invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
        remove_nonces(self, tags)
    }

    /// Removes the entry for `key` and returns whether there was one.
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case the entry may still be stored.
    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError>;

    /// Removes the entries for all `keys`, and returns for each whether there was one, in their order.
    ///
    /// The default calls [`delete`](Self::delete) once per key, for all of them even if one fails. A backend that can remove
    /// several entries in one round trip should override it.
    ///
    /// # Errors
    ///
    /// Returns the first error, if at least one removal failed. Any of the entries may still be stored.
    fn delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
        let all: Vec<_> = keys.iter().map(|key| self.delete(namespace, key)).collect();
        all.into_iter().collect()
    }

    /// Removes all entries of a namespace, and none of another.
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case some entries may still be stored.
    fn clear(&self, namespace: &str) -> Result<(), BackendError>;

    /// Connects to the backend and makes one harmless round trip, for a check at the start of a program.
    ///
    /// A backend connects when it is first used, and a call of the function computes if it cannot. A program that is not to
    /// start without its backend calls this in `main`, and so does the readiness probe of a service. The default
    /// looks up a key that no function uses; a backend that consists of several checks each of them.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend did not answer, or refused the lookup.
    fn check(&self) -> Result<(), BackendError> {
        let (namespace, key) = CHECKED;
        self.get(namespace, key).map(drop)
    }

    /// Returns the state of the backend's circuit breaker; `None` if it has none, which is the default.
    ///
    /// `cache_stats()`, the metrics and the debug page report it. It must return at once, without a request.
    /// A backend that wraps others returns the worst of their states.
    fn circuit_state(&self) -> Option<CircuitState> {
        None
    }

    /// Starts reporting every change in this namespace to `sink`, and returns whether the backend can.
    ///
    /// It is called once per function, before the function first uses the backend, if the process keeps
    /// copies. It must return quickly: slow work belongs on another thread. The default returns `false`:
    /// `front_ttl` then bounds how long a copy may be outdated.
    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        let _ = (namespace, sink);
        false
    }
}

one_by_one! { Backend, look_one_by_one, set_one_by_one, renew_one_by_one, end_one_by_one, [fn] }

nonces_by_entries! { Backend, read_nonces, look_tagged, remove_nonces, [fn] }

/// The namespace and the key that [`Backend::check`] looks up.
pub(super) const CHECKED: (&str, &[u8]) = ("functools check", b"check");

pub(super) fn cannot_add() -> BackendError {
    BackendError::with_kind(ErrorKind::Unsupported, "this backend does not implement `add`")
}

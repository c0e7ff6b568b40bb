//! Backends: stores outside the process, the second level (L2) behind the in-process cache (L1).
//!
//! A backend stores bytes under bytes, by namespace and with a time to live. It does not see arguments,
//! results or caches. A call looks up the in-process cache first, then the backend, and then computes.

#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod blocking_as_async;
#[cfg(feature = "backend")]
pub(crate) mod codec;
mod error;
#[cfg(feature = "backend")]
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod invalidation;
pub(crate) mod invalidation_sink;
#[cfg(feature = "json")]
mod json;

use core::future::Future;
use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

pub use error::{BackendError, ErrorKind};
pub use invalidation_sink::InvalidationSink;

/// An entry that a backend returns: the value and its remaining time to live.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::backend::Stored;
///
/// let for_ever = Stored::new(b"144");
/// assert_eq!((for_ever.value, for_ever.ttl), (b"144".to_vec(), None));
///
/// let for_a_minute = Stored::new(b"144").ttl(Duration::from_secs(60));
/// assert_eq!(for_a_minute.ttl, Some(Duration::from_secs(60)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The bytes that were set.
    pub value: Vec<u8>,
    /// The remaining time to live; `None` if the entry does not expire, or if the backend does not report it.
    pub ttl: Option<Duration>,
}

impl Stored {
    /// Creates an entry that does not expire.
    #[must_use]
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { value: value.into(), ttl: None }
    }

    /// Sets the remaining time to live; `None` if the entry does not expire.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }
}

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

    /// Sets the entry for `key` if there is none, atomically, and returns whether it did.
    ///
    /// It is called only for the cross-process lock of `single_flight = global`. The default returns an error
    /// of kind [`Unsupported`](ErrorKind::Unsupported); then each process computes on its own.
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let _ = (namespace, key, value, ttl);
        Err(cannot_add())
    }

    /// Removes the entry for `key` and returns whether there was one.
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case the entry may still be stored.
    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError>;

    /// Removes all entries of a namespace, and none of another.
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case some entries may still be stored.
    fn clear(&self, namespace: &str) -> Result<(), BackendError>;

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

/// A store outside the process, for `async` functions: [`Backend`] with methods that are awaited.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the backend of an `async fn`",
    label = "expected a type that implements `functools::backend::AsyncBackend`",
    note = "a function that is not `async` takes a `functools::backend::Backend`"
)]
pub trait AsyncBackend {
    /// Returns the entry for `key`, if there is one; see [`Backend::get`].
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

    /// Returns the entry for each of `keys`, in their order; see [`Backend::get_many`].
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

    /// Sets the entry for `key`, replacing any other; see [`Backend::set`].
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

    /// Sets the entry for `key` if there is none, atomically, and returns whether it did; see [`Backend::add`].
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
        core::future::ready(Err(cannot_add()))
    }

    /// Removes the entry for `key` and returns whether there was one; see [`Backend::delete`].
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case the entry may still be stored.
    fn delete(&self, namespace: &str, key: &[u8]) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Removes all entries of a namespace, and none of another; see [`Backend::clear`].
    ///
    /// # Errors
    ///
    /// Returns an error if the removal failed, in which case some entries may still be stored.
    fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// Starts reporting every change in this namespace to `sink`, and returns whether the backend can; see
    /// [`Backend::watch`].
    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        let _ = (namespace, sink);
        false
    }
}

fn cannot_add() -> BackendError {
    BackendError::with_kind(
        ErrorKind::Unsupported,
        "this backend does not implement `add`, which `single_flight = global` needs",
    )
}

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

            fn add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                (**self).add(namespace, key, value, ttl)
            }

            fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                (**self).delete(namespace, key)
            }

            fn clear(&self, namespace: &str) -> Result<(), BackendError> {
                (**self).clear(namespace)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                (**self).watch(namespace, sink)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<B: AsyncBackend> AsyncBackend for $pointer {
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

            fn add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).add(namespace, key, value, ttl)
            }

            fn delete(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).delete(namespace, key)
            }

            fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
                (**self).clear(namespace)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                (**self).watch(namespace, sink)
            }
        }
    )* };
}

for_pointers! { &B Box<B> Arc<B> }

#[cfg(test)]
mod tests;

//! Stores outside the process, behind the cache in it: bytes in, bytes out.
//!
//! A backend knows neither keys nor values nor caches. What it is given are bytes under bytes, in a
//! namespace, for some time; what it does with them is its own affair. The cache in the process is
//! asked first, and stands in front.

#[cfg(feature = "backend")]
mod codec;
#[cfg(feature = "backend")]
mod outside;

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

#[cfg(feature = "backend")]
pub use outside::{
    Direct, Lenient, Outside, Peeked, Place, Put, Strict, Strictness, done, opened, type_name_of,
};

/// What a backend has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// As it was set.
    pub value: Vec<u8>,
    /// How long it will be there yet; `None` where that is for ever, or not known.
    pub ttl: Option<Duration>,
}

/// A store outside the process, for functions that are not `async`: `backend = …`.
///
/// Keys are apart by namespace: the same key in two namespaces is two keys. What is set for a time must
/// not be found after it; it may be lost before. Other threads call while one is waiting for an answer.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use functools::backend::{Backend, BackendError, Found};
///
/// #[derive(Default)]
/// struct Memory(Mutex<HashMap<(String, Vec<u8>), Vec<u8>>>);
///
/// impl Backend for Memory {
///     fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Found>, BackendError> {
///         let entries = self.0.lock().map_err(|_| "poisoned")?;
///         let value = entries.get(&(namespace.to_string(), key.to_vec()));
///         Ok(value.map(|value| Found { value: value.clone(), ttl: None }))
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
    message = "`{Self}` is no backend of a function that is not `async`",
    label = "expected a `functools::backend::Backend`",
    note = "an `async fn` takes a `functools::backend::AsyncBackend`"
)]
pub trait Backend {
    /// What is there under a key.
    ///
    /// # Errors
    ///
    /// The backend could not be asked. The call goes on without it.
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Found>, BackendError>;

    /// Puts something under a key, in place of what was there, for some time: for ever with `None`.
    ///
    /// # Errors
    ///
    /// It may not be there.
    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<(), BackendError>;

    /// Puts something under a key for some time, only where nothing is there, and says whether it did; at
    /// once, as others see it. Asked for `single_flight = global` only. A backend that can't do it has nothing to
    /// write: then each process computes for itself.
    ///
    /// # Errors
    ///
    /// It may or may not be there.
    fn add(&self, namespace: &str, key: &[u8], value: &[u8], ttl: Duration) -> Result<bool, BackendError> {
        let _ = (namespace, key, value, ttl);
        Err(BackendError::from(CANNOT_ADD))
    }

    /// Removes what is under a key, and says whether there was anything.
    ///
    /// # Errors
    ///
    /// It may be there still.
    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError>;

    /// Removes all keys of a namespace, and none of any other.
    ///
    /// # Errors
    ///
    /// Some may be there still.
    fn clear(&self, namespace: &str) -> Result<(), BackendError>;
}

/// A store outside the process, for `async` functions: [`Backend`], awaited.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no backend of an `async fn`",
    label = "expected a `functools::backend::AsyncBackend`",
    note = "a function that is not `async` takes a `functools::backend::Backend`"
)]
pub trait AsyncBackend {
    /// As [`Backend::get`].
    ///
    /// # Errors
    ///
    /// The backend could not be asked. The call goes on without it.
    fn get(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Found>, BackendError>> + Send;

    /// As [`Backend::set`].
    ///
    /// # Errors
    ///
    /// It may not be there.
    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), BackendError>> + Send;

    /// As [`Backend::add`].
    ///
    /// # Errors
    ///
    /// It may or may not be there.
    fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        let _ = (namespace, key, value, ttl);
        core::future::ready(Err(BackendError::from(CANNOT_ADD)))
    }

    /// As [`Backend::delete`].
    ///
    /// # Errors
    ///
    /// It may be there still.
    fn delete(&self, namespace: &str, key: &[u8]) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// As [`Backend::clear`].
    ///
    /// # Errors
    ///
    /// Some may be there still.
    fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send;
}

const CANNOT_ADD: &str = "this backend can't put something only where nothing is";

macro_rules! behind {
    ($($pointer:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<B: Backend + ?Sized> Backend for $pointer {
            fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Found>, BackendError> {
                (**self).get(namespace, key)
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
        }

        #[diagnostic::do_not_recommend]
        impl<B: AsyncBackend> AsyncBackend for $pointer {
            fn get(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<Option<Found>, BackendError>> + Send {
                (**self).get(namespace, key)
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
        }
    )* };
}

behind! { &B Box<B> Arc<B> }

/// A backend could not do what it was asked to.
pub struct BackendError(Box<dyn Error + Send + Sync>);

impl BackendError {
    /// Made of what went wrong: any error, or a message.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

macro_rules! made_of {
    ($($cause:ty)*) => { $(
        impl From<$cause> for BackendError {
            fn from(cause: $cause) -> Self {
                Self::new(cause)
            }
        }
    )* };
}

made_of! { &str String std::io::Error Box<dyn Error + Send + Sync> }

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

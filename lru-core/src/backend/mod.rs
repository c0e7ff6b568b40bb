//! Stores outside the process, behind the cache in it: bytes in, bytes out.
//!
//! A backend knows neither keys nor values nor caches. What it is given are bytes under bytes, in a
//! namespace, for some time; what it does with them is its own affair. The cache in the process is
//! asked first, and stands in front.

#[cfg(feature = "backend")]
pub(crate) mod codec;
#[cfg(feature = "backend")]
pub mod invalidation;
#[cfg(feature = "json")]
mod json;

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

/// What a backend has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// As it was set.
    pub value: Vec<u8>,
    /// How long it will be there yet; `None` where that is for ever, or not known.
    pub ttl: Option<Duration>,
}

/// Who is told what others change in a backend: the copies in this process are not to be served after it.
///
/// A [backend](Backend::watch) that hears of changes tells them, from any thread and at any time.
pub trait InvalidationSink: Send + Sync {
    /// What is under this key was set or removed, or may have been.
    fn changed(&self, key: &[u8]);

    /// Whether that may be no news, as it is what this function has set itself. Then the backend may look what is
    /// there now, and tell that by [`changed_to`](Self::changed_to) in place of [`changed`](Self::changed).
    fn may_be_own(&self, key: &[u8]) -> bool {
        let _ = key;
        false
    }

    /// What is under this key was set or removed, and later on this was found there.
    fn changed_to(&self, key: &[u8], value: Option<&[u8]>) {
        let _ = value;
        self.changed(key);
    }

    /// Anything may have been changed under any key: all was removed, or changes go unheard, or did until now.
    fn lost_track(&self);
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
/// use functools::backend::{Backend, BackendError, Stored};
///
/// #[derive(Default)]
/// struct Memory(Mutex<HashMap<(String, Vec<u8>), Vec<u8>>>);
///
/// impl Backend for Memory {
///     fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
///         let entries = self.0.lock().map_err(|_| "poisoned")?;
///         let value = entries.get(&(namespace.to_string(), key.to_vec()));
///         Ok(value.map(|value| Stored { value: value.clone(), ttl: None }))
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
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError>;

    /// What is there under each of several keys, in their order: as many answers as keys. Who can asks for all
    /// at once; what stands here asks for one after the other.
    ///
    /// # Errors
    ///
    /// The backend could not be asked, for one of them at least.
    fn get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
        keys.iter().map(|key| self.get(namespace, key)).collect()
    }

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

    /// From now on tells what is changed in this namespace, by whomever, and says whether it can. A function with
    /// copies in the process asks for it once, when it first has to do with its backend. Whoever asks waits: what
    /// takes long is done elsewhere. A backend that does not hear of changes has nothing to write.
    fn watch(&self, namespace: &str, watcher: Arc<dyn InvalidationSink>) -> bool {
        let _ = (namespace, watcher);
        false
    }
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
    ) -> impl Future<Output = Result<Option<Stored>, BackendError>> + Send;

    /// As [`Backend::get_many`].
    ///
    /// # Errors
    ///
    /// The backend could not be asked, for one of them at least.
    fn get_many(
        &self,
        namespace: &str,
        keys: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<Stored>>, BackendError>> + Send {
        // They begin when they are awaited. Made here, they need no backend that threads may share.
        let all: Vec<_> = keys.iter().map(|key| self.get(namespace, key)).collect();
        async move {
            let mut found = Vec::with_capacity(all.len());
            for one in all {
                found.push(one.await?);
            }
            Ok(found)
        }
    }

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

    /// As [`Backend::watch`].
    fn watch(&self, namespace: &str, watcher: Arc<dyn InvalidationSink>) -> bool {
        let _ = (namespace, watcher);
        false
    }
}

const CANNOT_ADD: &str = "this backend can't put something only where nothing is";

macro_rules! behind {
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

            fn watch(&self, namespace: &str, watcher: Arc<dyn InvalidationSink>) -> bool {
                (**self).watch(namespace, watcher)
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

            fn watch(&self, namespace: &str, watcher: Arc<dyn InvalidationSink>) -> bool {
                (**self).watch(namespace, watcher)
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

#[cfg(test)]
mod tests {
    use core::pin::pin;
    use core::task::{Context, Poll, Waker};

    use super::*;

    /// Has what is asked for, unless that is nothing.
    struct Echo;

    fn echo(key: &[u8]) -> Result<Option<Stored>, BackendError> {
        match key {
            b"" => Err("empty".into()),
            b"none" => Ok(None),
            key => Ok(Some(Stored { value: key.to_vec(), ttl: None })),
        }
    }

    impl Backend for Echo {
        fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
            echo(key)
        }

        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Ok(())
        }

        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }
    }

    impl AsyncBackend for Echo {
        async fn get(&self, _: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
            echo(key)
        }

        async fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Ok(())
        }

        async fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        async fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }
    }

    #[test]
    fn many_are_found_in_the_order_in_which_they_are_asked_for() {
        let keys: [&[u8]; 4] = [b"b", b"none", b"a", b"b"];
        let backend = std::sync::Arc::new(Echo);
        let at_once = Backend::get_many(&backend, "any", &keys).unwrap();
        let mut awaited = pin!(AsyncBackend::get_many(&backend, "any", &keys));
        let Poll::Ready(awaited) = awaited.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("nothing is waited for");
        };
        for found in [at_once, awaited.unwrap()] {
            let values = found.iter().map(|found| found.as_ref().map(|found| found.value.as_slice()));
            assert!(values.eq([Some(&b"b"[..]), None, Some(b"a"), Some(b"b")]));
        }
        assert!(Backend::get_many(&Echo, "any", &[b"a", b""]).is_err());
        assert!(Backend::get_many(&Echo, "any", &[]).unwrap().is_empty());
    }
}

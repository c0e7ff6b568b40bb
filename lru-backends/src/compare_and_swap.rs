//! Compare-and-swap: replacing an entry only if it did not change since it was read.

use std::future::Future;
use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, ErrorKind, Stored};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The number of tries of `update`, after which it returns an error.
const TRIES: u32 = 100;

/// The pause before the next try: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// A backend that can replace an entry atomically, if no other client changed it since it was read.
pub trait CompareAndSwap: Backend {
    /// The version of an entry, or of its absence.
    type Version: Send + Sync;

    /// Returns the entry for `key`, if there is one, and the version of what was found.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed.
    fn get_versioned(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> Result<(Option<Stored>, Self::Version), BackendError>;

    /// Sets the entry for `key` if its version is still `version`, and returns whether it did.
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn compare_and_swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Self::Version,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError>;

    /// Changes a value of any type atomically, and returns the new value.
    ///
    /// `change` receives the present value, or `None` if there is no entry that can be read as a `T`. If another client
    /// changed the entry meanwhile, `change` is called again with the newer value, after a pause that grows from try
    /// to try.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend failed, if the value cannot be serialized
    /// ([`Serialization`](ErrorKind::Serialization)), or if other clients changed the entry in each of a
    /// hundred tries ([`Contention`](ErrorKind::Contention)). If the connection was lost while the new value
    /// was sent, the value may have been stored.
    fn update<T, F>(
        &self,
        namespace: &str,
        key: &[u8],
        ttl: Option<Duration>,
        mut change: F,
    ) -> Result<T, BackendError>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> T,
        Self: Sized,
    {
        for tries in 0..TRIES {
            let (found, version) = self.get_versioned(namespace, key)?;
            let (value, bytes) = changed(found, &mut change)?;
            if self.compare_and_swap(namespace, key, &version, &bytes, ttl)? {
                return Ok(value);
            }
            std::thread::sleep(pause(tries));
        }
        Err(contended())
    }
}

/// A backend that can replace an entry atomically: [`CompareAndSwap`] with methods that are awaited.
pub trait AsyncCompareAndSwap: AsyncBackend {
    /// The version of an entry, or of its absence.
    type Version: Send + Sync;

    /// Returns the entry for `key`, if there is one, and the version of what was found.
    ///
    /// # Errors
    ///
    /// Returns an error if the lookup failed.
    fn get_versioned(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<(Option<Stored>, Self::Version), BackendError>> + Send;

    /// Sets the entry for `key` if its version is still `version`, and returns whether it did.
    ///
    /// # Errors
    ///
    /// Returns an error if the write failed, in which case the entry may or may not have been set.
    fn compare_and_swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Self::Version,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Changes a value of any type atomically, and returns the new value; see [`CompareAndSwap::update`].
    ///
    /// # Errors
    ///
    /// Returns an error if the backend failed, if the value cannot be serialized, or if other clients changed
    /// the entry in each of a hundred tries.
    fn update<T, F>(
        &self,
        namespace: &str,
        key: &[u8],
        ttl: Option<Duration>,
        mut change: F,
    ) -> impl Future<Output = Result<T, BackendError>> + Send
    where
        T: Serialize + DeserializeOwned + Send,
        F: FnMut(Option<T>) -> T + Send,
        Self: Sized + Sync,
    {
        async move {
            for tries in 0..TRIES {
                let (found, version) = self.get_versioned(namespace, key).await?;
                let (value, bytes) = changed(found, &mut change)?;
                if self.compare_and_swap(namespace, key, &version, &bytes, ttl).await? {
                    return Ok(value);
                }
                sleep(pause(tries)).await;
            }
            Err(contended())
        }
    }
}

macro_rules! for_pointers {
    ($($pointer:ty $(where $bound:path)?),*) => { $(
        impl<B: CompareAndSwap> CompareAndSwap for $pointer {
            type Version = B::Version;

            fn get_versioned(&self, namespace: &str, key: &[u8]) -> Result<(Option<Stored>, B::Version), BackendError> {
                (**self).get_versioned(namespace, key)
            }

            fn compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &B::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                (**self).compare_and_swap(namespace, key, version, value, ttl)
            }
        }

        impl<B: AsyncCompareAndSwap $(+ $bound)?> AsyncCompareAndSwap for $pointer {
            type Version = B::Version;

            fn get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<(Option<Stored>, B::Version), BackendError>> + Send {
                (**self).get_versioned(namespace, key)
            }

            fn compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &B::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).compare_and_swap(namespace, key, version, value, ttl)
            }
        }
    )* };
}

for_pointers! { &B, Box<B>, std::sync::Arc<B> where Send }

/// Returns the new value and its bytes.
fn changed<T: Serialize + DeserializeOwned>(
    found: Option<Stored>,
    change: &mut impl FnMut(Option<T>) -> T,
) -> Result<(T, Vec<u8>), BackendError> {
    let old = found.and_then(|found| match postcard::take_from_bytes(&found.value) {
        Ok((value, [])) => Some(value),
        _ => None,
    });
    let value = change(old);
    let bytes = postcard::to_allocvec(&value);
    let bytes = bytes.map_err(|error| BackendError::with_kind(ErrorKind::Serialization, error))?;
    Ok((value, bytes))
}

/// Returns the error of an update that did not succeed in any try.
fn contended() -> BackendError {
    let message = format!("other clients changed the value first, {TRIES} times in a row");
    BackendError::with_kind(ErrorKind::Contention, message)
}

/// Returns the pause after so many tries: it doubles from try to try, and is shortened at random so that
/// clients spread out.
fn pause(tries: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let most = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
    let share = u32::try_from(RandomState::new().hash_one(tries) % 1024).unwrap_or(0);
    most * share / 1024
}

/// Sleeps if a tokio runtime is running. Elsewhere the round trips to the backend are the only pause.
#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
async fn sleep(pause: Duration) {
    // A runtime may have no timer.
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(pause).await;
    }
}

#[cfg(not(any(feature = "disk", feature = "memcached", feature = "redis")))]
async fn sleep(_: Duration) {
    let mut has_yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

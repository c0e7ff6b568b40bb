//! Compare-and-swap: changing what is there, if it is still what one has seen.

use std::future::Future;
use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, Stored};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Failure;

/// How often a change is tried before it is given up.
const TRIES: u32 = 100;

/// What others may take to make their change, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// A backend that can change what it has if nobody else has changed it meanwhile.
pub trait CompareAndSwap: Backend {
    /// What tells whether an entry, or its absence, is still the same.
    type Version: Send + Sync;

    /// As [`Backend::get`], with the version of what is there.
    ///
    /// # Errors
    ///
    /// The backend could not be asked.
    fn look(&self, namespace: &str, key: &[u8]) -> Result<(Option<Stored>, Self::Version), BackendError>;

    /// As [`Backend::set`], if what is there is of this version yet; says whether it was.
    ///
    /// # Errors
    ///
    /// It may be there, or not.
    fn swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Self::Version,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, BackendError>;

    /// Changes a value of any type in one step that nobody else comes between, and returns the new one.
    ///
    /// `change` is given what is there, or `None` if there is nothing that is a `T`. Where others were faster
    /// it is called again with what they made, after a pause that grows from try to try.
    ///
    /// # Errors
    ///
    /// The backend could not be asked, the value can't be serialised, or others were faster in each of a
    /// hundred tries. If the connection was lost half-way, the change may have been made all the same.
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
            let (found, version) = self.look(namespace, key)?;
            let (value, bytes) = changed(found, &mut change)?;
            if self.swap(namespace, key, &version, &bytes, ttl)? {
                return Ok(value);
            }
            std::thread::sleep(pause(tries));
        }
        Err(Failure::Contended { tries: TRIES }.into())
    }
}

/// [`CompareAndSwap`], awaited.
pub trait AsyncCompareAndSwap: AsyncBackend {
    /// As [`CompareAndSwap::Version`].
    type Version: Send + Sync;

    /// As [`CompareAndSwap::look`].
    ///
    /// # Errors
    ///
    /// The backend could not be asked.
    fn look(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<(Option<Stored>, Self::Version), BackendError>> + Send;

    /// As [`CompareAndSwap::swap`].
    ///
    /// # Errors
    ///
    /// It may be there, or not.
    fn swap(
        &self,
        namespace: &str,
        key: &[u8],
        version: &Self::Version,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// As [`CompareAndSwap::update`].
    ///
    /// # Errors
    ///
    /// As those of [`CompareAndSwap::update`].
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
                let (found, version) = self.look(namespace, key).await?;
                let (value, bytes) = changed(found, &mut change)?;
                if self.swap(namespace, key, &version, &bytes, ttl).await? {
                    return Ok(value);
                }
                rest(pause(tries)).await;
            }
            Err(Failure::Contended { tries: TRIES }.into())
        }
    }
}

macro_rules! behind {
    ($($pointer:ty)*) => { $(
        impl<B: CompareAndSwap> CompareAndSwap for $pointer {
            type Version = B::Version;

            fn look(&self, namespace: &str, key: &[u8]) -> Result<(Option<Stored>, B::Version), BackendError> {
                (**self).look(namespace, key)
            }

            fn swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &B::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                (**self).swap(namespace, key, version, value, ttl)
            }
        }

        impl<B: AsyncCompareAndSwap> AsyncCompareAndSwap for $pointer {
            type Version = B::Version;

            fn look(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> impl Future<Output = Result<(Option<Stored>, B::Version), BackendError>> + Send {
                (**self).look(namespace, key)
            }

            fn swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &B::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> impl Future<Output = Result<bool, BackendError>> + Send {
                (**self).swap(namespace, key, version, value, ttl)
            }
        }
    )* };
}

behind! { &B Box<B> std::sync::Arc<B> }

/// The new value, and its bytes.
fn changed<T: Serialize + DeserializeOwned>(
    found: Option<Stored>,
    change: &mut impl FnMut(Option<T>) -> T,
) -> Result<(T, Vec<u8>), BackendError> {
    let old = found.and_then(|found| match postcard::take_from_bytes(&found.value) {
        Ok((value, [])) => Some(value),
        _ => None,
    });
    let value = change(old);
    let bytes = postcard::to_allocvec(&value).map_err(BackendError::new)?;
    Ok((value, bytes))
}

/// What to wait after so many tries: longer from try to try, and never as long as the others.
fn pause(tries: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let most = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
    let share = u32::try_from(RandomState::new().hash_one(tries) % 1024).unwrap_or(0);
    most * share / 1024
}

/// Sleeps where there is a runtime to sleep on; elsewhere the round trips to the backend must do.
#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
async fn rest(pause: Duration) {
    // A runtime may have no timer.
    if tokio::runtime::Handle::try_current().is_ok() {
        tokio::time::sleep(pause).await;
    }
}

#[cfg(not(any(feature = "disk", feature = "memcached", feature = "redis")))]
async fn rest(_: Duration) {
    let mut is_ours = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_ours, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

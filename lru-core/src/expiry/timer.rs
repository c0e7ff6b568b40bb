//! A function as a clock.

use core::fmt;

use crate::expiry::clock::Clock;
use crate::expiry::ticks::Timestamp;

/// A clock that calls a function to read the time: the `timer` of a cache.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use functools::{LruCache, Timer};
///
/// static REQUESTS: AtomicU64 = AtomicU64::new(0);
///
/// // Entries expire after a hundred requests.
/// let pages = LruCache::builder_with(Timer::new(|| REQUESTS.load(Relaxed))).ttl(100).build();
/// pages.insert("/", "welcome");
/// REQUESTS.store(99, Relaxed);
/// assert_eq!(pages.get("/"), Some("welcome"));
/// REQUESTS.store(100, Relaxed);
/// assert_eq!(pages.get("/"), None);
/// ```
pub struct Timer<F>(F);

impl<F> Timer<F> {
    /// Creates a clock whose current time is the result of `read`.
    pub const fn new<T: Timestamp>(read: F) -> Self
    where
        F: Fn() -> T,
    {
        Self(read)
    }
}

impl<F: Fn() -> T, T: Timestamp> Clock for Timer<F> {
    type Time = T;

    #[inline]
    fn now(&self) -> T {
        (self.0)()
    }
}

impl<F> fmt::Debug for Timer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

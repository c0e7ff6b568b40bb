//! The cache whose entries have a fixed time to live.

use core::fmt;
use core::hash::Hash;
use core::ops::Deref;
use core::time::Duration;

use crate::expiry::{Clock, ExpirySettings, SystemClock, Timestamp};
use crate::object::Cache;
use crate::object::iter::CacheIter;
use crate::object::settings::Settings;
use crate::store::Lru;

/// A cache whose entries have a time to live. A full cache evicts the least recently used entry.
///
/// It dereferences to a [`Cache`], which has all other methods. A time to live together with a listener, a
/// weigher or another policy is set by [`Cache::builder`].
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::TtlCache;
///
/// static PAGES: TtlCache<&str, u64> = TtlCache::new(Some(128), Duration::from_secs(600));
///
/// PAGES.insert("/", 1);
/// assert_eq!(PAGES.get("/"), Some(1));
/// ```
///
/// With a [`ManualClock`](crate::ManualClock):
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::{ManualClock, TtlCache};
///
/// let clock = ManualClock::new();
/// let pages = TtlCache::with_clock(clock.clone(), Some(128), Duration::from_secs(5));
/// pages.insert("/", "welcome");
/// clock.advance(Duration::from_secs(4));
/// assert_eq!(pages.get("/"), Some("welcome"));
/// clock.advance(Duration::from_secs(1));
/// assert_eq!(pages.get("/"), None);
/// ```
pub struct TtlCache<K, V, C: Clock = SystemClock>(Cache<K, V, Lru, C>);

impl<K, V> TtlCache<K, V> {
    /// Creates an empty cache whose entries expire `ttl` after they were stored.
    ///
    /// `maxsize` is that of [`Cache::new`]. No memory is allocated yet; the function can initialise a
    /// `static`.
    #[must_use]
    pub const fn new(maxsize: Option<usize>, ttl: Duration) -> Self {
        Self::with_clock(SystemClock, maxsize, ttl)
    }
}

impl<K, V, C: Clock> TtlCache<K, V, C> {
    /// Creates an empty cache whose entries expire `ttl` after they were stored, by `clock`.
    #[must_use]
    pub const fn with_clock(clock: C, maxsize: Option<usize>, ttl: <C::Time as Timestamp>::Span) -> Self {
        let settings = Settings::new(clock, ExpirySettings::living(ttl), true);
        Self(Cache::with_settings(maxsize, settings))
    }
}

impl<K, V, C: Clock> Deref for TtlCache<K, V, C> {
    type Target = Cache<K, V, Lru, C>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K: Hash + Eq + Clone, V: Clone, C: Clock> IntoIterator for &TtlCache<K, V, C> {
    type Item = (K, V);
    type IntoIter = CacheIter<K, V>;

    fn into_iter(self) -> CacheIter<K, V> {
        self.iter()
    }
}

impl<K, V, C: Clock> fmt::Debug for TtlCache<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TtlCache").field("info", &self.info()).finish_non_exhaustive()
    }
}

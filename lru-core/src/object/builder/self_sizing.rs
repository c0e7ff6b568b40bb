//! Cache objects that set their own capacity.

use core::ops::RangeInclusive;

use super::CacheBuilder;
use crate::expiry::Clock;
use crate::insight::{Bounds, Insight};
use crate::object::Cache;
use crate::store::Lru;
use crate::store::policy::AutoSized;

impl<K, V, C: Clock> CacheBuilder<K, V, Lru, C> {
    /// Lets the cache set its own capacity within these bounds, by the hit ratios that it expects with other capacities. The
    /// type of the cache is then `Cache<K, V, AutoSized, C>`.
    ///
    /// It begins with the upper bound. When a value is stored, after 1000 calls or more, it takes the smallest capacity that
    /// costs at most about one point of the hit ratio; [`Cache::info`] shows it. The cost is that of
    /// [`insight`](Self::insight), and of about a hundred microseconds for each of these checks. [`Cache::resize`] sets
    /// another capacity, which then stays. Bounds in the wrong order count as the upper one; a capacity is at least 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let pages = LruCache::builder().auto_maxsize(10..=10_000).build();
    /// for n in 0..200_000_u64 {
    ///     let page = if n % 20 == 0 { n } else { n % 500 }; // of the others, 500 come often
    ///     pages.get_or_insert_with(page, || format!("page {page}"));
    /// }
    /// assert!(pages.info().maxsize < Some(2000));
    /// assert!(pages.info().hit_ratio() > 0.9);
    /// ```
    pub fn auto_maxsize(self, bounds: RangeInclusive<usize>) -> CacheBuilder<K, V, AutoSized, C> {
        let bounds = Bounds::new(*bounds.start(), *bounds.end());
        CacheBuilder {
            maxsize: Some(bounds.max()),
            settings: self.settings,
            policy: AutoSized::within(bounds),
        }
    }
}

impl<K, V, C: Clock> Cache<K, V, AutoSized, C> {
    /// Returns the hit ratio that is expected with other capacities, from which the cache chooses its own.
    ///
    /// Takes the lock, for some tens of microseconds.
    #[must_use]
    pub fn insight(&self) -> Insight {
        self.engine.insight().unwrap_or_else(|| Insight::none(self.engine.maxsize(), true))
    }
}

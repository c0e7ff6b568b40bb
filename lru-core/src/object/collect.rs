//! Conversions of a cache from and to sequences of entries.

use core::hash::Hash;

use crate::expiry::Clock;
use crate::object::Cache;
use crate::object::ttl_cache::TtlCache;
use crate::store::Policy;

/// Stores entries, the last as the most recently used. The lock is taken for each entry, not for all.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// static SQUARES: LruCache<u64, u64> = LruCache::new(Some(2));
///
/// (&SQUARES).extend((1..=3).map(|n| (n, n * n)));
/// assert!(SQUARES.iter().eq([(2, 4), (3, 9)]));
/// ```
impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Extend<(K, V)> for &Cache<K, V, P, C> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

/// Stores entries, the last as the most recently used.
impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Extend<(K, V)> for Cache<K, V, P, C> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        (&*self).extend(entries);
    }
}

/// Stores entries, the last as the most recently used.
impl<K: Hash + Eq, V: Clone, C: Clock> Extend<(K, V)> for TtlCache<K, V, C> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        (&**self).extend(entries);
    }
}

/// Creates an unbounded cache of these entries; [`Cache::resize`] sets a bound.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let squares: LruCache<u64, u64> = (1..=3).map(|n| (n, n * n)).collect();
/// squares.resize(2);
/// assert_eq!(squares.keys(), [2, 3]);
/// ```
impl<K: Hash + Eq, V: Clone, P: Policy> FromIterator<(K, V)> for Cache<K, V, P> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut cache = Self::new(None);
        cache.extend(entries);
        cache
    }
}

#[cfg(test)]
mod tests;

//! Type aliases of caches by eviction policy, with the names of Python's `cachetools`.

use crate::expiry::SystemClock;
use crate::object::Cache;
use crate::store::Lru;
use crate::store::policy::{Fifo, Lfu, Rr};

/// A cache that evicts the least recently used entry.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// static SQUARES: LruCache<u64, u64> = LruCache::new(Some(100));
///
/// assert_eq!(SQUARES.get_or_insert_with(12, || 12 * 12), 144);
/// assert_eq!(SQUARES.get(&12), Some(144));
/// assert_eq!(SQUARES.info().to_string(), "CacheInfo(hits=1, misses=1, maxsize=100, currsize=1)");
/// ```
pub type LruCache<K, V, C = SystemClock> = Cache<K, V, Lru, C>;

/// A cache that evicts the entry that was stored first (first in, first out), regardless of use.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::FifoCache;
///
/// let cache = FifoCache::new(Some(2));
/// (cache.insert(1, "one"), cache.insert(2, "two"));
/// cache.get(&1);
/// cache.insert(3, "three");
/// assert!(!cache.contains(&1) && cache.contains(&2));
/// ```
pub type FifoCache<K, V, C = SystemClock> = Cache<K, V, Fifo, C>;

/// A cache that evicts the least frequently used entry and, among equals, the least recently used one.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LfuCache;
///
/// let cache = LfuCache::new(Some(2));
/// (cache.insert(1, "one"), cache.insert(2, "two"));
/// (cache.get(&1), cache.get(&1), cache.get(&2));
/// assert_eq!(cache.pop_victim(), Some((2, "two")));
/// ```
pub type LfuCache<K, V, C = SystemClock> = Cache<K, V, Lfu, C>;

/// A cache that evicts a random entry, or one that a [victim chooser](crate::CacheBuilder::choice) selects.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::RrCache;
/// use functools::policy::Candidates;
///
/// // The smallest key is evicted.
/// let smallest = |keys: &Candidates<'_, u32>| {
///     (0..keys.len()).min_by_key(|&number| keys.get(number)).unwrap_or_default()
/// };
/// let best = RrCache::builder().maxsize(2).choice(smallest).build();
/// (best.insert(300, "Ada"), best.insert(100, "Bob"), best.insert(200, "Eve"));
/// assert!(best.contains(&300) && best.contains(&200) && !best.contains(&100));
/// ```
pub type RrCache<K, V, C = SystemClock> = Cache<K, V, Rr, C>;

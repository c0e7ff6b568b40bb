//! The cache as a plain object, with keys of any type that implements `Hash + Eq`.

pub(crate) mod aliases;
pub(crate) mod builder;
mod collect;
pub(crate) mod compute;
#[cfg(feature = "serde")]
mod contents;
mod entry_access;
pub(crate) mod function_calls;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
mod function_settings;
mod get_or_insert;
pub(crate) mod iter;
mod many;
mod revalidate;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
mod settings;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod tagged;
pub(crate) mod ttl_cache;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
pub(crate) mod type_check;
pub(crate) mod wrap;

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::vec::Vec;

use crate::engine::insert::Comparison;
use crate::engine::notify::notify;
use crate::engine::{Engine, InsertKind};
use crate::expiry::{Clock, EntryOptions, ExpirySettings, SystemClock};
use crate::insight::Insight;
use crate::key::KeyHash;
use crate::object::iter::CacheIter;
use crate::object::settings::{ObjectTypes, Settings};
use crate::observe::CacheInfo;
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::policy::Sampled;
use crate::store::{Entry, EntryOf, Lru, MaxSize, Policy};
use crate::tags::validity::Validity;

/// A thread-safe cache, shared by `&`: the engine behind `#[lru_cache]`, as a plain object.
///
/// `P` is the eviction policy; `C` is the clock by which entries expire. The [builder](Cache::builder) has
/// all settings. [`LruCache`](crate::LruCache), [`LfuCache`](crate::LfuCache),
/// [`FifoCache`](crate::FifoCache) and [`RrCache`](crate::RrCache) are aliases of this type; with other
/// [policies](crate::store::policy), write the full type: `Cache<u64, String, policy::Sieve>`. A
/// [`TtlCache`](crate::TtlCache) is a cache whose entries have a time to live.
///
/// All operations take O(1) or amortised O(log n) time, except [`Cache::clear`], [`Cache::retain`],
/// [`Cache::iter`], [`Cache::keys`] and [`Cache::values`], which take O(n). [`Cache::resize`] and [`Cache::expire`] take this time for each removed
/// entry.
///
/// User code never runs while the lock is held, except `Eq` and `Clone` of keys and values, the function
/// passed to [`Cache::with`], the test of `retain`, the clock and the victim
/// [chooser](crate::CacheBuilder::choice). These may call the cache again,
/// but must not wait for a lock that another thread may hold while it calls the cache.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let capitals = LruCache::new(Some(2));
/// capitals.insert("France".to_string(), "Paris");
/// capitals.insert("Italy".to_string(), "Rome");
/// assert_eq!(capitals.get("France"), Some("Paris"));
/// capitals.insert("Spain".to_string(), "Madrid");
/// assert_eq!(capitals.get("Italy"), None); // was the least recently used
/// ```
pub struct Cache<K, V, P: Policy = Lru, C: Clock = SystemClock> {
    engine: Engine<ObjectTypes<K, V, P>>,
    settings: Settings<K, V, C>,
}

impl<K, V, P: Policy> Cache<K, V, P> {
    /// Creates an empty cache: of at most `n` entries with `Some(n)`, unbounded with `None`.
    ///
    /// With `Some(0)`, nothing is stored. No memory is allocated yet; the function can initialise a `static`.
    #[must_use]
    pub const fn new(maxsize: Option<usize>) -> Self {
        Self::with_settings(maxsize, Settings::new(SystemClock, ExpirySettings::NONE, false))
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    const fn with_settings(maxsize: Option<usize>, settings: Settings<K, V, C>) -> Self {
        Self { engine: Engine::new(MaxSize::from_option(maxsize)), settings }
    }

    /// Returns the settings, which are the engine's lifecycle.
    fn lifecycle(&self) -> &Settings<K, V, C> {
        &self.settings
    }

    fn entry(&self, hash: KeyHash, key: K, value: V) -> Entry<ObjectTypes<K, V, P>> {
        let meta = self.settings.info(None, &key, &value, EntryOptions::NONE);
        EntryOf { hash, key, value, meta }
    }

    /// Removes all entries and sets the counters to zero. The results of computations in flight are not
    /// stored.
    ///
    /// The memory is freed. Keys and values are dropped after the lock is released.
    pub fn clear(&self) {
        self.engine.clear(&self.lifecycle());
        self.settings.number.cleared();
    }

    /// Returns hits, misses, capacity and size, read together while the lock is held.
    ///
    /// The size is the number of entries or, with a weigher, the sum of their weights. Expired entries do not
    /// count.
    #[must_use]
    pub fn info(&self) -> CacheInfo {
        self.engine.info(&self.lifecycle())
    }

    /// Returns the number of entries. Takes the lock.
    #[must_use]
    pub fn len(&self) -> usize {
        self.engine.len(&self.lifecycle())
    }

    /// Returns whether the cache has no entries. Takes the lock.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all expired entries, and returns them in the order in which they expired.
    ///
    /// Expired entries are never served. They are also removed when an entry is stored or entries are
    /// counted.
    pub fn expire(&self) -> Vec<(K, V)> {
        self.engine.take_expired(&self.lifecycle())
    }

    /// Removes and returns the entry that would be evicted next, like `popitem()` of Python's `cachetools`.
    ///
    /// Returns `None` if the cache is empty.
    pub fn pop_victim(&self) -> Option<(K, V)> {
        self.engine.pop_victim(&self.lifecycle())
    }

    /// Changes the capacity, and evicts entries until the cache is within it.
    ///
    /// The capacity is a number of entries or, with a weigher, their total weight; `None` is unbounded.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(100));
    /// (cache.insert(1, "one"), cache.insert(2, "two"), cache.insert(3, "three"));
    /// cache.resize(2);
    /// assert!(cache.iter().eq([(2, "two"), (3, "three")]));
    /// cache.resize(None); // no bound
    /// ```
    pub fn resize(&self, maxsize: impl Into<Option<usize>>) {
        let maxsize = maxsize.into();
        self.engine.resize(|| maxsize, &self.lifecycle());
    }

    /// Removes all entries for which `predicate` returns `false`.
    ///
    /// Counts neither hits nor misses. Takes O(n) time. The lock is released after each batch of entries.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(None);
    /// (cache.insert(1, "one"), cache.insert(2, "two"));
    /// cache.retain(|&number, _| number > 1);
    /// assert_eq!(cache.len(), 1);
    /// ```
    pub fn retain(&self, predicate: impl FnMut(&K, &V) -> bool) {
        if self.settings.number.known().is_some() {
            return self.__handle_tagged().retain(predicate);
        }
        self.engine.retain(predicate, &self.lifecycle());
        // A function with tags may have begun to use the object meanwhile.
        self.settings.number.cleared();
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &Engine<ObjectTypes<K, V, P>> {
        &self.engine
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns which policy chooses the victims now, with [`Auto`](crate::policy::Auto); `None` with other policies, and before anything
    /// was stored.
    #[must_use]
    pub fn leading_policy(&self) -> Option<LeadingPolicy> {
        self.engine.leading_policy()
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, Sampled<P>, C> {
    /// Returns the hit ratio that is expected with other capacities: a copy of what is known by now.
    ///
    /// Takes the lock, for some tens of microseconds.
    #[must_use]
    pub fn insight(&self) -> Insight {
        self.engine.insight().unwrap_or_else(|| Insight::none(self.engine.maxsize(), P::IS_LRU))
    }
}

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns a clone of the value for `key`; `None` if there is none.
    ///
    /// Counts a hit or a miss. A hit marks the entry as used.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.engine
            .lookup(KeyHash::of(key), |stored| stored.borrow() == key, V::clone, &self.lifecycle())
            .ok()
    }

    /// Stores `value` for `key` as the most recently used entry, and returns the value that it replaced.
    ///
    /// Counts neither a hit nor a miss.
    ///
    /// With a `maxsize` of zero, nothing is stored. A value that weighs more than `maxsize` is not stored
    /// either, and the existing entry for `key` is retained; if that has tags or dependencies, it is invalid all
    /// the same. The result of a computation that began earlier
    /// does not replace the value. A nested call, from a key's `Eq` or a value's `Clone`, removes the entry
    /// for `key` and stores nothing.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.insert_by_caller(key, value, K::eq)
    }

    /// Stores a value that the caller gives.
    pub(crate) fn insert_by_caller(
        &self,
        key: K,
        value: V,
        compare: impl Comparison<ObjectTypes<K, V, P>>,
    ) -> Option<V> {
        let hash = KeyHash::of(&key);
        let number = &self.settings.number;
        let is_known = number.changed(hash);
        let mut entry = self.entry(hash, key, value);
        self.settings.tag_put(&mut entry.meta, hash);
        let replaced = self.insert_compared(entry, InsertKind::Inserted, compare);
        if is_known {
            // The replaced entry may have had no tags, so that it is unknown which results were computed from it.
            Validity::replaced();
        } else {
            // A function with tags may have begun to use the object meanwhile.
            number.changed(hash);
        }
        replaced
    }

    /// Stores an entry and returns the value that it replaced.
    pub(crate) fn insert_compared(
        &self,
        entry: Entry<ObjectTypes<K, V, P>>,
        kind: InsertKind,
        compare: impl Comparison<ObjectTypes<K, V, P>>,
    ) -> Option<V> {
        let removed = self.engine.insert(entry, kind, compare, &self.lifecycle());
        let (key, value) = notify(removed, &self.lifecycle()).into_replaced()?;
        // Drop the key before the value is returned: if its destructor panics, the value is dropped as well.
        drop(key);
        Some(value)
    }

    /// Removes the entry for `key` and returns its value; `None` if there is none.
    ///
    /// Counts neither a hit nor a miss.
    ///
    /// The result of a computation of this key that is in flight is not stored.
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (hash, matches) = (KeyHash::of(key), |stored: &K| stored.borrow() == key);
        let removed = self.engine.take_with(hash, matches, |value| value, V::clone, &self.lifecycle());
        self.settings.number.changed(hash);
        removed
    }

    /// Returns whether there is an entry for `key`.
    ///
    /// Counts neither a hit nor a miss, and does not mark the entry as used.
    pub fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let matches = |stored: &K| stored.borrow() == key;
        self.engine.peek_with(KeyHash::of(key), matches, |_| (), &self.lifecycle()).is_some()
    }

    /// Returns a clone of the value for `key`, without marking the entry as used; `None` if there is none.
    ///
    /// Counts neither a hit nor a miss.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.engine.peek_with(KeyHash::of(key), |stored| stored.borrow() == key, V::clone, &self.lifecycle())
    }

    /// Returns an iterator over clones of all entries.
    ///
    /// The order is from least to most recently used, or the order in which the entries were stored,
    /// depending on the policy. The clones are made by this call: later changes to the cache are not visible.
    /// Takes O(n) time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let cache = LruCache::new(Some(3));
    /// for n in [1, 2, 3] {
    ///     cache.insert(n, n * n);
    /// }
    /// cache.get(&1);
    /// assert!(cache.iter().eq([(2, 4), (3, 9), (1, 1)]));
    /// assert_eq!(cache.iter().next_back(), Some((1, 1))); // the most recent
    /// ```
    pub fn iter(&self) -> CacheIter<K, V>
    where
        K: Clone,
    {
        CacheIter(self.engine.snapshot(&self.lifecycle()).into_iter())
    }
}

impl<K: Hash + Eq + Clone, V: Clone, P: Policy, C: Clock> IntoIterator for &Cache<K, V, P, C> {
    type Item = (K, V);
    type IntoIter = CacheIter<K, V>;

    fn into_iter(self) -> CacheIter<K, V> {
        self.iter()
    }
}

/// The cache is consistent at every point where user code runs, and therefore after a panic in it.
impl<K, V, P: Policy, C: Clock> RefUnwindSafe for Cache<K, V, P, C> {}
impl<K, V, P: Policy, C: Clock> UnwindSafe for Cache<K, V, P, C> {}

impl<K, V, P: Policy, C: Clock> fmt::Debug for Cache<K, V, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("info", &self.info()).finish_non_exhaustive()
    }
}

//! The cache as a plain object, keyed by whatever is `Hash + Eq`.

use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;

use crate::cache::{Cache, Origin};
use crate::key::KeyHash;
use crate::maxsize::MaxSize;

/// A thread-safe cache whose least recently used entry makes room, shared by `&`.
///
/// Another name of [`Cache`], where all methods are: `new`, `get`, `get_or_insert_with`, `insert`,
/// `remove`, `contains`, `peek`, `len`, `is_empty`, `clear`, `info` and `iter`.
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
pub type LruCache<K, V> = Cache<K, V>;

impl<K, V> Cache<K, V> {
    /// Creates an empty cache: unbounded with `None`, storing nothing with `Some(0)`, of at most
    /// `n` entries with `Some(n)`. Takes no memory yet, and can initialise a `static`.
    #[must_use]
    pub const fn new(maxsize: Option<usize>) -> Self {
        Self::with_maxsize(MaxSize::from_option(maxsize))
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// Returns a copy of the value under `key` and makes the entry the most recent. Counts a hit,
    /// or a miss.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if self.is_disabled() {
            self.miss_uncached();
            return None;
        }
        self.look(KeyHash::of(key), |stored| stored.borrow() == key, V::clone).ok()
    }

    /// Returns the value under `key`, computing and storing it where it is missing. Counts a hit,
    /// or a miss.
    ///
    /// The lock is not held while `compute` runs: it may call the cache, and two threads may
    /// compute the same key. Each returns what it computed; a bounded cache keeps the first
    /// result, an unbounded one the last. A panic in `compute` counts a miss and stores nothing.
    pub fn get_or_insert_with(&self, key: K, compute: impl FnOnce() -> V) -> V {
        if self.is_disabled() {
            self.miss_uncached();
            let value = compute();
            drop(key);
            return value;
        }
        let hash = KeyHash::of(&key);
        match self.look(hash, |stored| *stored == key, V::clone) {
            Ok(value) => {
                drop(key);
                value
            }
            Err(began) => {
                let value = compute();
                self.keep(hash, key, value.clone(), Origin::Computed(began), K::eq);
                value
            }
        }
    }

    /// Stores `value` under `key` as the most recent entry, and returns the value it replaced.
    /// Counts nothing. A cache of `Some(0)` stores nothing.
    ///
    /// No computation that began earlier replaces it. Called from within a key's `Eq` or a value's
    /// `Clone`, while the cache is read, it removes what was there and stores nothing.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.keep(KeyHash::of(&key), key, value, Origin::Put, K::eq)
    }

    /// Removes the entry under `key` and returns its value. Counts nothing. What is being computed
    /// for this key is not stored.
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.forget_with(KeyHash::of(key), |stored| stored.borrow() == key, |value| value, V::clone)
    }

    /// Whether there is an entry under `key`. Counts nothing, moves nothing.
    pub fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.peek_with(KeyHash::of(key), |stored| stored.borrow() == key, |_| ()).is_some()
    }

    /// Returns a copy of the value under `key`. Counts nothing, moves nothing.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.peek_with(KeyHash::of(key), |stored| stored.borrow() == key, V::clone)
    }

    /// Copies all entries, from least to most recently used; an unbounded cache has no order.
    ///
    /// What happens to the cache afterwards does not show in the copy. O(n).
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
    pub fn iter(&self) -> Iter<K, V>
    where
        K: Clone,
    {
        Iter(self.snapshot().collect::<Vec<_>>().into_iter())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> IntoIterator for &Cache<K, V> {
    type Item = (K, V);
    type IntoIter = Iter<K, V>;

    fn into_iter(self) -> Iter<K, V> {
        self.iter()
    }
}

/// Copies of a cache's entries, made by [`Cache::iter`].
#[derive(Clone)]
pub struct Iter<K, V>(std::vec::IntoIter<(K, V)>);

impl<K, V> Iterator for Iter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for Iter<K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        self.0.next_back()
    }
}

impl<K, V> ExactSizeIterator for Iter<K, V> {}
impl<K, V> core::iter::FusedIterator for Iter<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Iter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}

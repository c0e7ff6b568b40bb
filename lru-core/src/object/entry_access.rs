//! Reads of an entry other than by a clone of its value: in place, with its age, or of its deadline; and of all
//! keys or values.

use core::borrow::Borrow;
use core::hash::Hash;
use std::vec::Vec;

use crate::engine::Expiry;
use crate::expiry::{Clock, Ticks, Timestamp};
use crate::key::KeyHash;
use crate::object::Cache;
use crate::object::settings::ObjectTypes;
use crate::observe::cache_entry::{CacheEntry, Copies};
use crate::store::{Entry, Policy};

/// A duration of a clock: a `Duration` if the clock measures seconds.
type SpanOf<C> = <<C as Clock>::Time as Timestamp>::Span;

/// The entry of a cache object.
type EntryIn<K, V, P> = Entry<ObjectTypes<K, V, P>>;

impl<K: Hash + Eq, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Calls `read` with a reference to the value for `key`, without cloning it, and returns what `read` returns;
    /// `None` if there is no entry.
    ///
    /// Counts a hit or a miss. A hit marks the entry as used.
    ///
    /// **The lock of the whole cache is held while `read` runs**, as it is while [`get`](Cache::get) clones a value:
    /// other threads wait, and `read` must not wait for a lock that another thread may hold while it calls the cache.
    /// It may call the cache itself: such a call finds all entries; what it removes is removed when `read` has
    /// returned, and what it inserts is not stored. For a long work, store an `Arc` and use `get`.
    ///
    /// # Panics
    ///
    /// Only if `read` or a method of the key does. The cache stays as it is, and no hit is counted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let files = LruCache::new(Some(100));
    /// files.insert("a.txt", vec![0_u8; 1 << 20]);
    /// assert_eq!(files.with("a.txt", |bytes| bytes.len()), Some(1 << 20));
    /// assert_eq!(files.with("b.txt", |bytes| bytes.len()), None);
    /// ```
    pub fn with<Q: Hash + Eq + ?Sized, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
    {
        self.engine.lookup(KeyHash::of(key), |stored| stored.borrow() == key, read, &self.lifecycle()).ok()
    }

    /// Returns a clone of the value for `key`, and the time since it was stored; `None` if there is none.
    ///
    /// Counts a hit or a miss. A hit marks the entry as used, and does not change its age. Reads the clock, also in
    /// a cache whose entries never expire. With the [`SystemClock`](crate::SystemClock), the age is a `Duration`; if
    /// the clock was set back, it is zero.
    ///
    /// # Panics
    ///
    /// Only if the clock or a method of the key or the value does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let rates = LruCache::builder_with(clock.clone()).build();
    /// rates.insert("EUR", 108);
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(rates.get_with_age("EUR"), Some((108, Duration::from_secs(5))));
    /// ```
    pub fn get_with_age<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(V, SpanOf<C>)>
    where
        K: Borrow<Q>,
        V: Clone,
    {
        let now = self.now();
        let read = |entry: &EntryIn<K, V, P>| (entry.value.clone(), entry.meta.stored);
        let matches = |stored: &K| stored.borrow() == key;
        let (value, stored) =
            self.engine.lookup_entry(KeyHash::of(key), matches, read, &self.lifecycle()).ok()?;
        Some((value, C::Time::between(stored, now)))
    }

    /// Returns the time until the entry for `key` expires; `Some(None)` if it never expires, and `None` if there is
    /// no entry.
    ///
    /// That is the remaining time to live or, with a time to idle, the time until the entry expires if it is not used
    /// before. Counts neither a hit nor a miss, and does not mark the entry as used.
    ///
    /// # Panics
    ///
    /// Only if the clock or a method of the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock, TtlCache};
    ///
    /// let clock = ManualClock::new();
    /// let sessions = TtlCache::with_clock(clock.clone(), Some(100), Duration::from_secs(60));
    /// sessions.insert("ada", 1);
    /// clock.advance(Duration::from_secs(20));
    /// assert_eq!(sessions.expires_in("ada"), Some(Some(Duration::from_secs(40))));
    /// assert_eq!(sessions.expires_in("bob"), None);
    ///
    /// let squares = LruCache::new(Some(100));
    /// squares.insert(2, 4);
    /// assert_eq!(squares.expires_in(&2), Some(None));
    /// ```
    #[doc(alias = "ttl")]
    pub fn expires_in<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Option<SpanOf<C>>>
    where
        K: Borrow<Q>,
    {
        let now = self.now();
        let lifecycle = self.lifecycle();
        let deadline = |entry: &EntryIn<K, V, P>| {
            let is_live = lifecycle.check(&entry.meta, now).is_live();
            is_live.then(|| entry.meta.served_until())
        };
        let matches = |stored: &K| stored.borrow() == key;
        let deadline = self.engine.find_with(KeyHash::of(key), matches, deadline, &lifecycle)?;
        Some((deadline != Ticks::NEVER).then(|| C::Time::between(now, deadline)))
    }
}

impl<K, V, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Returns the current time by the clock of the cache.
    fn now(&self) -> Ticks {
        self.settings.clock.now().now()
    }

    /// Returns clones of all keys, in the order of [`iter`](Cache::iter).
    ///
    /// Counts neither hits nor misses. Takes O(n) time, and holds the lock while the keys are cloned.
    ///
    /// # Panics
    ///
    /// Only if the `Clone` of a key or the clock does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let squares = LruCache::new(Some(100));
    /// (squares.insert(2, 4), squares.insert(3, 9));
    /// assert_eq!(squares.keys(), [2, 3]);
    /// ```
    #[must_use]
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        // Outlives the lock, so that clones made before a panic are dropped after it is released.
        let mut keys = Vec::new();
        self.engine.for_each_live(|entry| keys.push(entry.key.clone()), &self.lifecycle());
        keys
    }

    /// Returns clones of all keys and values, each with the time since it was stored, in the order of
    /// [`iter`](Cache::iter).
    ///
    /// Counts neither hits nor misses. Takes O(n) time, and holds the lock while the entries are cloned.
    ///
    /// # Panics
    ///
    /// Only if the `Clone` of a key or a value or the clock does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use std::time::Duration;
    ///
    /// use functools::{LruCache, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let rates = LruCache::builder_with(clock.clone()).build();
    /// rates.insert("EUR", 108);
    /// clock.advance(Duration::from_secs(5));
    /// for entry in rates.entries() {
    ///     assert_eq!((entry.arguments(), entry.result()), (&"EUR", &108));
    ///     assert_eq!(entry.age(), Some(Duration::from_secs(5)));
    /// }
    /// ```
    #[must_use]
    pub fn entries(&self) -> Vec<CacheEntry<K, V>>
    where
        K: Clone,
        V: Clone,
    {
        let mut copies = Copies::NONE;
        let lifecycle = self.lifecycle();
        let copy = |entry: &EntryIn<K, V, P>| {
            copies.add(entry.key.clone(), &entry.value, lifecycle.age(&entry.meta));
        };
        self.engine.for_each_live(copy, &lifecycle);
        copies.into_entries()
    }

    /// Returns clones of all values, in the order of [`iter`](Cache::iter).
    ///
    /// Counts neither hits nor misses. Takes O(n) time, and holds the lock while the values are cloned.
    ///
    /// # Panics
    ///
    /// Only if the `Clone` of a value or the clock does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// let squares = LruCache::new(Some(100));
    /// (squares.insert(2, 4), squares.insert(3, 9));
    /// assert_eq!(squares.values(), [4, 9]);
    /// ```
    #[must_use]
    pub fn values(&self) -> Vec<V>
    where
        V: Clone,
    {
        let mut values = Vec::new();
        self.engine.for_each_live(|entry| values.push(entry.value.clone()), &self.lifecycle());
        values
    }
}

#[cfg(test)]
mod tests;

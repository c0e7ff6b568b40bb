//! The contents of a cache in the data model of `serde` (feature `serde`): a sequence of pairs.
//!
//! A sequence has an order, and its keys are of any type, which those of a map are not in every format.

use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::expiry::Clock;
use crate::object::Cache;
use crate::store::Policy;

/// Serializes the entries as a sequence of pairs of key and value, in the order of [`Cache::iter`] (feature `serde`).
///
/// Expired entries are left out; neither deadlines nor settings nor counters are serialized. The entries are cloned
/// first: the lock is not held while they are serialized.
impl<K, V, P, C> Serialize for Cache<K, V, P, C>
where
    K: Serialize + Hash + Eq + Clone,
    V: Serialize + Clone,
    P: Policy,
    C: Clock,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Creates an unbounded cache of the entries (feature `serde`); [`Cache::resize`] sets a bound.
/// [`Cache::deserialize_entries`] reads them into a cache with settings of its own.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::LruCache;
///
/// let squares: LruCache<u64, u64> = serde_json::from_str("[[2,4],[3,9]]")?;
/// assert_eq!(serde_json::to_string(&squares)?, "[[2,4],[3,9]]");
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<'de, K, V, P> Deserialize<'de> for Cache<K, V, P>
where
    K: Deserialize<'de> + Hash + Eq,
    V: Deserialize<'de> + Clone,
    P: Policy,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cache = Self::new(None);
        cache.deserialize_entries(deserializer)?;
        Ok(cache)
    }
}

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Stores the entries that are read (feature `serde`), the last as the most recently used, each with a new time
    /// to live. The lock is taken for each entry, not for all.
    ///
    /// # Errors
    ///
    /// Returns the error of the deserializer. The entries that were read before it are stored.
    ///
    /// # Panics
    ///
    /// Only if the deserializer or a method of a key or a value does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::LruCache;
    ///
    /// static SMALL: LruCache<u64, u64> = LruCache::new(Some(1));
    ///
    /// SMALL.deserialize_entries(&mut serde_json::Deserializer::from_str("[[2,4],[3,9]]"))?;
    /// assert_eq!(SMALL.keys(), [3]);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn deserialize_entries<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<(), D::Error>
    where
        K: Deserialize<'de>,
        V: Deserialize<'de>,
    {
        let insert = |(key, value)| drop(self.insert(key, value));
        deserializer.deserialize_seq(Entries { insert, entry: PhantomData })
    }
}

/// Passes each entry of a sequence to `insert`.
struct Entries<F, T> {
    insert: F,
    entry: PhantomData<fn() -> T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Entries<F, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of entries, each a pair of key and value")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            (self.insert)(entry);
        }
        Ok(())
    }
}

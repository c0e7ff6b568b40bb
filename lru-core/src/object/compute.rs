//! [`Cache::compute`]: changes an entry by a function of its value, atomically.

use core::hash::Hash;

use crate::engine::lock::{Lock, RLock};
use crate::engine::notify::notify;
use crate::engine::state::State;
use crate::engine::{Engine, InsertKind};
use crate::expiry::Clock;
use crate::key::KeyHash;
use crate::object::Cache;
use crate::object::settings::ObjectTypes;
use crate::store::{Entry, Policy};

/// How many times the function runs without the lock. After that it runs while the lock is held, so that the
/// call ends.
const ATTEMPTS: usize = 16;

/// What [`Cache::compute`] does with the entry of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the function that is passed to `compute` returns it"]
pub enum Compute<V> {
    /// Keeps the entry; if there is none, stores none.
    Keep,
    /// Stores this value in place of the entry, or as a new one.
    Replace(V),
    /// Removes the entry, if there is one.
    Remove,
}

/// A change that is to be made while the lock is held.
enum Change<K, V, P: Policy> {
    Insert(Entry<ObjectTypes<K, V, P>>),
    Remove(K),
}

impl<K, V, P: Policy> Change<K, V, P> {
    fn key(&self) -> &K {
        match self {
            Self::Insert(entry) => &entry.key,
            Self::Remove(key) => key,
        }
    }

    fn into_key(self) -> K {
        match self {
            Self::Insert(entry) => entry.key,
            Self::Remove(key) => key,
        }
    }
}

/// The engine of a cache object.
type ObjectEngine<K, V, P> = Engine<ObjectTypes<K, V, P>>;

/// The lock of a cache object, held.
type Held<'c, K, V, P> = <RLock<State<ObjectTypes<K, V, P>>> as Lock<State<ObjectTypes<K, V, P>>>>::Held<'c>;

impl<K: Hash + Eq, V: Clone, P: Policy, C: Clock> Cache<K, V, P, C> {
    /// Replaces, removes or keeps the entry for `key` as `change` decides by its value, and returns a clone of
    /// the new value; `None` if there is none.
    ///
    /// The call is atomic: no other call changes the entry between the read and the write. `change` gets `None`
    /// if there is no entry, or if it has expired.
    ///
    /// The lock is not held while `change` runs: it gets a clone of the value, may take its time, and may call
    /// the cache. **It may run more than once:** if another call has changed the entry meanwhile, or the entry was
    /// evicted or has expired, `change` runs again, with the new value. The same happens if `change` itself
    /// changes the entry of this `key`. To bound this, the seventeenth run takes place while the lock of the cache
    /// is held: like the test of [`retain`](Cache::retain), `change` must not wait for a lock that another thread
    /// may hold while it calls the cache. In that run, what `change` itself stores in the cache is not stored, and
    /// what it removes is removed afterwards.
    ///
    /// A value is stored as by [`insert`](Cache::insert): as the most recently used entry, with a new time to
    /// live, unless it is too heavy; results of computations in flight do not replace it. An entry is removed as by
    /// [`remove`](Cache::remove). An entry that is kept is not marked as used.
    ///
    /// Counts neither a hit nor a miss. Takes the time of two lookups and clones the old value and the new one.
    ///
    /// # Panics
    ///
    /// Only if `change` or a method of the key or the value does. The entry stays as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # use lru_core as functools;
    /// use functools::{Compute, LruCache};
    ///
    /// let words = LruCache::new(None);
    /// for word in "the cat and the dog and the bird".split(' ') {
    ///     words.compute(word, |count| Compute::Replace(count.map_or(1, |count| count + 1)));
    /// }
    /// assert_eq!(words.get("the"), Some(3));
    ///
    /// // Removes the words that occur once.
    /// for word in words.keys() {
    ///     words.compute(word, |count| if count == Some(&1) { Compute::Remove } else { Compute::Keep });
    /// }
    /// assert!(words.iter().eq([("the", 3), ("and", 2)]) || words.len() == 2);
    /// ```
    pub fn compute(&self, key: K, mut change: impl FnMut(Option<&V>) -> Compute<V>) -> Option<V> {
        let hash = KeyHash::of(&key);
        let mut key = key;
        for _ in 0..ATTEMPTS {
            let (old, version) =
                self.engine.peek_versioned(hash, |stored| *stored == key, V::clone, &self.lifecycle());
            let Ok((change, new)) = self.prepare(hash, key, change(old.as_ref())) else {
                // The entry was this one when it was read.
                return old;
            };
            let matches = |stored: &K| stored == change.key();
            match self.engine.hold_version(hash, matches, version, &self.lifecycle()) {
                Some(state) => {
                    self.commit(state, hash, change);
                    return new;
                }
                None => key = change.into_key(),
            }
        }
        self.compute_held(hash, key, change)
    }

    /// Holds the lock from the read to the write.
    #[cold]
    fn compute_held(
        &self,
        hash: KeyHash,
        key: K,
        change: impl FnOnce(Option<&V>) -> Compute<V>,
    ) -> Option<V> {
        // Declared before the lock is taken, and therefore dropped after it is released.
        let (old, prepared);
        let state = self.engine.hold();
        // What nested calls change is deferred.
        let reading = state.reading();
        (old, _) = self.engine.peek_versioned(hash, |stored| *stored == key, V::clone, &self.lifecycle());
        prepared = self.prepare(hash, key, change(old.as_ref()));
        drop(reading);
        match prepared {
            Ok((change, new)) => {
                self.commit(state, hash, change);
                new
            }
            Err(_key) => {
                ObjectEngine::<K, V, P>::settle(state, &self.lifecycle());
                old
            }
        }
    }

    /// Returns a change and the value after it; the key if there is nothing to change.
    #[expect(clippy::type_complexity, reason = "used in this module only")]
    fn prepare(&self, hash: KeyHash, key: K, change: Compute<V>) -> Result<(Change<K, V, P>, Option<V>), K> {
        match change {
            Compute::Keep => Err(key),
            Compute::Replace(value) => {
                let new = value.clone();
                Ok((Change::Insert(self.entry(hash, key, value)), Some(new)))
            }
            Compute::Remove => Ok((Change::Remove(key), None)),
        }
    }

    /// Makes a change, and releases the lock.
    fn commit(&self, state: Held<'_, K, V, P>, hash: KeyHash, change: Change<K, V, P>) {
        // Under the lock: the new value is valid from then on.
        self.settings.number.changed(hash);
        match change {
            Change::Insert(mut entry) => {
                self.settings.tag_put(&mut entry.meta, hash);
                let kind = InsertKind::Inserted;
                let removed = self.engine.insert_decided(state, entry, kind, &K::eq, &self.lifecycle());
                drop(notify(removed, &self.lifecycle()));
            }
            Change::Remove(key) => {
                let matches = |stored: &K| *stored == key;
                ObjectEngine::<K, V, P>::take_held(state, hash, matches, drop, |_| (), &self.lifecycle());
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The fronted placement: an unbounded cache of small plain data ([`Words`]) without deadlines, whose entries have copies that hits read
//! without the lock.
//!
//! The copies are of a bounded number of entries, those that were hit first. All others are served by the replicated placement
//! below. See [`Front`] for the protocol.

use core::cell::Cell;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use crate::engine::batch::{CountMisses, Positions, RoundMisses};
use crate::engine::lifecycle::Lifecycle;
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::NewLike;
use crate::engine::placement::replicated::{Replicated, ReplicatedLock};
use crate::engine::placement::{EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::store::lock_free::front::Front;
use crate::store::lock_free::thread_number::{ensure_thread_number, thread_number};
use crate::store::lock_free::words::Words;
use crate::store::types::{UnlockedOf, Unordered};
use crate::store::{CacheTypes, Entry, EntryMeta, EntryOf, Epoch};

/// The number of copies.
const COPIES: usize = if cfg!(test) { 8 } else { 512 };

/// The engine of one function, and copies of some of its entries.
pub struct Fronted<C: CacheTypes> {
    replicated: Replicated<C>,
    /// Made after some hits.
    front: OnceLock<Arc<Front>>,
}

impl<C: CacheTypes<Key: Words, Value: Words>> Fronted<C> {
    /// Creates an empty unbounded cache.
    pub(crate) const fn new() -> Self {
        Self { replicated: Replicated::new(), front: OnceLock::new() }
    }

    /// Reads the copy of a value, and counts a hit.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Option<R> {
        // Not closures, which could not be forced to be inlined.
        let front = self.front.get()?;
        let is_served = |meta: UnlockedOf<C>| lifecycle.serves_unlocked(meta);
        front.read::<C::Key, C::Value, _, R>(thread_number(), hash, matches, is_served, read)
    }

    /// Looks a key up under the lock, or in a read stripe, and copies what it finds to the front.
    // Out of line, as all functions with the same types share it.
    #[inline(never)]
    fn lookup_locked<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<R, Epoch> {
        let Some(front) = self.to_fill() else {
            return self.replicated.lookup(hash, matches, read, lifecycle);
        };
        let filling = Filling::new(front, hash, matches);
        let reading = |entry: &Entry<Unordered<C>>| filling.read(entry, &read);
        self.replicated
            .first(|engine| engine.lookup_entry(hash, |key| filling.matches(key), reading, lifecycle))
    }

    /// Like [`lookup_locked`](Self::lookup_locked), without counting a miss.
    #[inline(never)]
    fn lookup_uncounted_locked<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<(R, Freshness), Epoch> {
        let Some(front) = self.to_fill() else {
            return self.replicated.lookup_uncounted(hash, matches, read, lifecycle);
        };
        let filling = Filling::new(front, hash, matches);
        let reading = |entry: &Entry<Unordered<C>>| filling.read(entry, &read);
        self.replicated.first(|engine| {
            engine.lookup_entry_uncounted(hash, |key| filling.matches(key), reading, lifecycle)
        })
    }

    /// Returns the front if a lookup that it did not answer is to fill it.
    #[inline]
    fn to_fill(&self) -> Option<&Front> {
        match self.front.get() {
            None if !self.replicated.is_used() => None,
            _ => self.made(),
        }
    }

    /// Makes the front, and lets the current thread read it. Returns it if a hit changes it.
    #[cold]
    #[inline(never)]
    fn made(&self) -> Option<&Front> {
        let front = self.front.get_or_init(|| {
            let front = Arc::new(Front::new::<C::Key, (C::Value, UnlockedOf<C>)>(COPIES));
            self.replicated.set_front(Arc::clone(&front));
            front
        });
        (front.admit(ensure_thread_number()) && front.takes::<UnlockedOf<C>>()).then_some(front)
    }
}

/// A lookup under the lock that copies the entry that it finds to a front.
struct Filling<'f, K, M> {
    front: &'f Front,
    hash: KeyHash,
    matches: M,
    found: Cell<Option<K>>,
}

impl<'f, K: Words, M: Fn(&K) -> bool> Filling<'f, K, M> {
    fn new(front: &'f Front, hash: KeyHash, matches: M) -> Self {
        Self { front, hash, matches, found: Cell::new(None) }
    }

    fn matches(&self, key: &K) -> bool {
        let is_match = (self.matches)(key);
        if is_match {
            self.found.set(Some(*key));
        }
        is_match
    }

    fn read<V: Words, U: EntryMeta, R>(&self, entry: &EntryOf<K, V, U>, read: impl Fn(&V) -> R) -> R {
        if let Some(key) = self.found.get() {
            self.front.add(self.hash, &self.matches, (key, entry.value, entry.meta.unlocked()));
        }
        read(&entry.value)
    }
}

impl<C: CacheTypes<Key: Words, Value: Words>> Placement for Fronted<C> {
    type Types = Unordered<C>;
    type Lock = ReplicatedLock<State<Unordered<C>>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<R, Epoch> {
        if let Some(value) = self.read(hash, &matches, &read, lifecycle) {
            return Ok(value);
        }
        self.lookup_locked(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<(R, Freshness), Epoch> {
        if let Some(value) = self.read(hash, &matches, &read, lifecycle) {
            return Ok((value, Freshness::Fresh));
        }
        self.lookup_uncounted_locked(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read_unlocked<M: Fn(&C::Key) -> bool>(
        &self,
        keys: impl Iterator<Item = (KeyHash, M)>,
        mut read: impl FnMut(&C::Value),
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> usize {
        let Some(front) = self.front.get() else { return 0 };
        let is_served = |meta: UnlockedOf<C>| lifecycle.serves_unlocked(meta);
        let thread = thread_number();
        let mut count = 0;
        for (hash, matches) in keys {
            if front.read(thread, hash, matches, is_served, &mut read).is_none() {
                break;
            }
            count += 1;
        }
        count
    }

    /// Copies the entries that it finds to the front.
    fn lookup_round<M: Fn(&C::Key) -> bool>(
        &self,
        hashes: &[KeyHash],
        matching: impl Fn(usize) -> M,
        mut read: impl FnMut(usize, &C::Value),
        mut missed: impl FnMut(RoundMisses),
        (count, lifecycle): (CountMisses<'_>, &impl Lifecycle<Unordered<C>>),
    ) {
        let (front, found) = (self.to_fill(), Cell::new(None));
        let noting = |position| {
            let (matches, found) = (matching(position), &found);
            move |key: &C::Key| {
                let is_match = matches(key);
                if is_match {
                    found.set(Some(*key));
                }
                is_match
            }
        };
        let copying = |position: usize, entry: &Entry<Unordered<C>>| {
            if let (Some(front), Some(key)) = (front, found.get()) {
                front.add(hashes[position], matching(position), (key, entry.value, entry.meta.unlocked()));
            }
            read(position, &entry.value);
        };
        let round = (hashes, Positions::below(hashes.len()));
        missed(self.replicated.first(|engine| engine.lookup_round(round, noting, copying, count, lifecycle)));
    }

    #[inline]
    fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.replicated.at(hash, f)
    }
}

/// The engine is consistent at every point where user code runs, and therefore after a panic in it.
impl<C: CacheTypes> RefUnwindSafe for Fronted<C> {}
impl<C: CacheTypes> UnwindSafe for Fronted<C> {}

#[cfg(feature = "testing")]
impl<C: CacheTypes<Key: Words, Value: Words>> NewLike for Fronted<C> {
    fn new_like(&self) -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

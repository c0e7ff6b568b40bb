//! [`Front`]: copies of entries of an unbounded store in atomic words, guarded by a sequence number.
//!
//! A front has room for some entries, those that were hit first. Its readers take the lock for all others. An unbounded
//! store has no order of use, so a hit writes nothing but the count of its thread. Whatever replaces or removes a value
//! empties the front before the lock is released; hits fill it again.

use core::sync::atomic::AtomicU64 as HolderWord;
use std::boxed::Box;
use std::sync::OnceLock;

use super::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};
use super::stripe::HitCount;
use super::table::{Found, WordTable};
use super::thread_number::MAX_THREADS;
use super::words::Words;
use crate::key::KeyHash;

/// The copies, and the hits of each thread. The methods for the lock holder are called by one thread at a time.
pub struct Front {
    /// Odd while the lock holder writes an entry.
    sequence: AtomicU64,
    table: WordTable,
    /// The number of slots that are in use. They are taken in order.
    used: AtomicU64,
    slots: u64,
    counts: [OnceLock<Box<HitCount>>; MAX_THREADS],
    /// The hits that were taken from the counts.
    taken: HolderWord,
}

impl Front {
    /// Creates an empty front with this many slots, for keys and values of these types.
    pub(crate) fn new<K: Words, V: Words>(slots: usize) -> Self {
        Self::of(WordTable::new::<K, V>(slots), slots)
    }

    fn of(table: WordTable, slots: usize) -> Self {
        Self {
            sequence: AtomicU64::new(0),
            table,
            used: AtomicU64::new(0),
            slots: slots as u64,
            counts: [const { OnceLock::new() }; MAX_THREADS],
            taken: HolderWord::new(0),
        }
    }

    /// Looks a key up for the thread with this number, and counts a hit of an entry that `is_served` by its metadata. `None` if
    /// the lookup must take the lock.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<K: Words, V: Words, U: Words, R>(
        &self,
        thread: usize,
        hash: KeyHash,
        matches: impl Fn(&K) -> bool,
        is_served: impl Fn(U) -> bool,
        read: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let count = self.counts.get(thread)?.get()?;
        let sequence = self.sequence.load(Acquire);
        let Found::Entry(_, mut words) = self.table.find::<K, (V, U)>(hash, matches) else { return None };
        let (value, meta) = <(V, U)>::load(&mut words);
        if !is_served(meta) {
            return None;
        }
        fence(Acquire);
        if self.sequence.load(Relaxed) != sequence || sequence % 2 == 1 {
            return None;
        }
        count.hit();
        Some(read(&value))
    }

    /// Lets the current thread read, which has this number. Returns `false` if the number is out of range.
    pub(crate) fn admit(&self, thread: usize) -> bool {
        self.counts.get(thread).map(|count| count.get_or_init(Box::default)).is_some()
    }

    /// Returns whether there is no room for another entry.
    #[inline]
    fn is_full(&self) -> bool {
        self.used.load(Relaxed) >= self.slots
    }

    /// Returns whether there is something to be done for another hit under the lock, where readers see the metadata `U` of entries.
    #[inline]
    pub(crate) fn takes<U: Words>(&self) -> bool {
        U::WORDS > 0 || !self.is_full()
    }

    /// Copies an entry for readers, if there is room. If it is there, shows them the present metadata. Called by the lock
    /// holder.
    pub(crate) fn add<K: Words, V: Words, U: Words>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&K) -> bool,
        (key, value, meta): (K, V, U),
    ) {
        if !self.takes::<U>() {
            return;
        }
        if let Found::Entry(slot, _) = self.table.find::<K, (V, U)>(hash, matches) {
            self.table.write_meta(slot, meta);
            return;
        }
        if self.is_full() {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is less than the number of slots")]
        let slot = self.used.load(Relaxed) as usize;
        let sequence = self.sequence.load(Relaxed);
        self.sequence.store(sequence + 1, Relaxed);
        fence(Release);
        if let Some(next) = self.table.write(slot, key, (value, meta)) {
            self.table.link(self.table.chain_of(hash), slot, next);
        }
        self.used.store(slot as u64 + 1, Relaxed);
        self.sequence.store(sequence + 2, Release);
    }

    /// Removes all copies. Called by the lock holder before a value is replaced or removed.
    pub(crate) fn clear(&self) {
        if self.used.load(Relaxed) == 0 {
            return;
        }
        self.table.heads.iter().for_each(|head| head.store(0, Relaxed));
        self.used.store(0, Relaxed);
        self.sequence.store(self.sequence.load(Relaxed) + 2, Release);
    }

    /// Returns the hits since the last time. Called by the lock holder.
    pub(crate) fn take_hits(&self) -> u64 {
        let hits = self.counts.iter().filter_map(OnceLock::get).map(|count| count.get()).sum();
        hits - self.taken.swap(hits, core::sync::atomic::Ordering::Relaxed)
    }
}

//! [`Mirror`]: the entries of a bounded store in atomic words, guarded by a sequence number.

mod holder;

use core::sync::atomic::AtomicU64 as HolderWord;
use std::sync::OnceLock;

use super::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, fence};
use super::stripe::Stripe;
use super::table::{Found, WordTable};
use super::thread_number::MAX_THREADS;
use super::words::Words;
use crate::key::KeyHash;
use crate::store::change_log::Epoch;

/// The entries of a store for readers without its lock, and when each was used.
///
/// The methods for the lock holder are called by one thread at a time, which holds the lock of the store.
pub struct Mirror {
    sequence: Sequence,
    table: WordTable,
    /// The hits of the thread with each number.
    stripes: [OnceLock<Box<Stripe>>; MAX_THREADS],
    /// The epoch of the change log when the lock was last released.
    changes: AtomicU64,
    insertions: AtomicU64,
    holder: Holder,
}

/// The sequence number, on a cache line of its own.
#[repr(align(64))]
struct Sequence(AtomicU64);

/// What only the lock holder reads and writes.
struct Holder {
    slots: Box<[SlotState]>,
    /// A bit for each stripe that exists.
    stripes: HolderWord,
    /// The hits of each stripe when the order was last settled.
    settled_hits: [HolderWord; MAX_THREADS],
    /// The hits and misses that were taken from the stripes.
    taken_hits: HolderWord,
    taken_misses: HolderWord,
}

/// What the lock holder knows of a slot.
struct SlotState {
    /// The number of the chain that the slot is in, plus one; zero if it is in none.
    chain: HolderWord,
    /// The stamp of the last use, without the hits since the order was last settled.
    used: HolderWord,
    /// The stamp with which the slot was queued for eviction, or [`NOT_QUEUED`].
    queued: HolderWord,
}

impl SlotState {
    fn new() -> Self {
        Self { chain: HolderWord::new(0), used: HolderWord::new(0), queued: HolderWord::new(NOT_QUEUED) }
    }
}

/// What is noted for a slot that is not queued.
const NOT_QUEUED: u64 = u64::MAX;

/// The outcome of a lookup without the lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<R> {
    Hit(R),
    /// The key was missing while the entries were read, at this sequence number: see [`Mirror::missed`].
    Missing(u64),
    /// The lookup must take the lock.
    Locked,
}

/// A mirror and the hits of the current thread.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'m> {
    mirror: &'m Mirror,
    stripe: &'m Stripe,
}

impl Reader<'_> {
    /// Looks a key up, and counts a hit of an entry that `is_served` by its metadata.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<K: Words, V: Words, U: Words, R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&K) -> bool,
        is_served: impl Fn(U) -> bool,
        read: impl FnOnce(&V) -> R,
    ) -> Read<R> {
        let Self { mirror, stripe } = self;
        let sequence = mirror.sequence.0.load(Acquire);
        match mirror.table.find::<K, (V, U)>(hash, matches) {
            Found::Entry(slot, mut words) => {
                let (value, meta) = <(V, U)>::load(&mut words);
                if is_served(meta) && mirror.is_at(sequence) && stripe.hit(slot, sequence).is_some() {
                    Read::Hit(read(&value))
                } else {
                    Read::Locked
                }
            }
            Found::Missing => Read::Missing(sequence),
            Found::Unknown => Read::Locked,
        }
    }
}

impl Mirror {
    /// Creates the mirror of an empty store with this many slots, for keys and values of these types.
    pub(crate) fn new<K: Words, V: Words>(slots: usize) -> Self {
        Self::of(WordTable::new::<K, V>(slots), slots)
    }

    fn of(table: WordTable, slots: usize) -> Self {
        Self {
            sequence: Sequence(AtomicU64::new(2)),
            table,
            stripes: [const { OnceLock::new() }; MAX_THREADS],
            changes: AtomicU64::new(0),
            insertions: AtomicU64::new(0),
            holder: Holder {
                slots: (0..slots).map(|_| SlotState::new()).collect(),
                stripes: HolderWord::new(0),
                settled_hits: [const { HolderWord::new(0) }; MAX_THREADS],
                taken_hits: HolderWord::new(0),
                taken_misses: HolderWord::new(0),
            },
        }
    }

    /// Looks a key up for the thread with this number, and counts a hit of an entry that `is_served` by its metadata.
    // In debug builds an inlined copy would cost stack in recursive functions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<K: Words, V: Words, U: Words, R>(
        &self,
        thread: usize,
        hash: KeyHash,
        matches: impl Fn(&K) -> bool,
        is_served: impl Fn(U) -> bool,
        read: impl Fn(&V) -> R,
    ) -> Read<R> {
        let Some(reader) = self.reader(thread) else { return Read::Locked };
        reader.read::<K, V, U, R>(hash, matches, is_served, read)
    }

    /// Returns what the thread with this number reads by; `None` if it must take the lock.
    #[inline(always)]
    pub(crate) fn reader(&self, thread: usize) -> Option<Reader<'_>> {
        let stripe = self.stripes.get(thread)?.get()?;
        Some(Reader { mirror: self, stripe })
    }

    /// Returns the epoch of a miss that the thread with this number saw at this sequence number, and counts it if it
    /// `counts`; `None` if the lookup must take the lock.
    #[inline]
    pub(crate) fn missed(&self, thread: usize, sequence: u64, counts: bool) -> Option<Epoch> {
        let stripe = self.stripes.get(thread)?.get()?;
        let epoch = Epoch::of(self.changes.load(Relaxed), self.insertions.load(Relaxed));
        if !self.is_at(sequence) {
            return None;
        }
        if counts {
            stripe.miss();
        }
        Some(epoch)
    }

    /// Returns whether nothing changed since the sequence number was read, and nothing was being changed then.
    #[inline(always)]
    fn is_at(&self, sequence: u64) -> bool {
        fence(Acquire);
        self.sequence.0.load(Relaxed) == sequence && sequence % 2 == 0
    }
}

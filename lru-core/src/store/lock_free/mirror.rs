//! [`Mirror`]: the entries of a bounded store in atomic words, guarded by a sequence number.

mod holder;

use core::slice::Iter;
use core::sync::atomic::AtomicU64 as HolderWord;
use std::sync::OnceLock;

use super::atomic::{AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, fence};
use super::stripe::Stripe;
use super::thread_number::MAX_THREADS;
use super::words::Words;
use crate::key::KeyHash;
use crate::store::change_log::Epoch;

/// The longest chain that a lookup follows. Slots that are being changed may form a circle.
const MAX_CHAIN: usize = 16;

/// The number of chains for each slot.
const CHAINS_PER_SLOT: usize = 2;

/// The entries of a store for readers without its lock, and when each was used.
///
/// The methods for the lock holder are called by one thread at a time, which holds the lock of the store.
pub struct Mirror {
    sequence: Sequence,
    /// The first slot of each chain, plus one; zero if there is none. Their number is a power of two.
    heads: Box<[AtomicU32]>,
    /// For each slot the words of an entry: the next slot of the chain plus one, its key, its value.
    slots: Box<[AtomicU64]>,
    /// The number of words of a slot.
    stride: usize,
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

/// Where a chain leads.
enum Found<'a> {
    /// To the key in this slot. The words of its value are next.
    Entry(usize, Iter<'a, AtomicU64>),
    /// To its end.
    Missing,
    /// Too far: the entries may be changing.
    Unknown,
}

/// The outcome of a lookup without the lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<R> {
    Hit(R),
    /// The key is missing.
    Miss(Epoch),
    /// The lookup must take the lock.
    Locked,
}

fn words(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

impl Mirror {
    /// Creates the mirror of an empty store with this many slots, for keys and values of these types.
    pub(crate) fn new<K: Words, V: Words>(slots: usize) -> Self {
        let stride = Self::stride::<K, V>();
        let chains = (CHAINS_PER_SLOT * slots).next_power_of_two();
        Self {
            sequence: Sequence(AtomicU64::new(2)),
            heads: (0..chains).map(|_| AtomicU32::new(0)).collect(),
            slots: words(stride * slots),
            stride,
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

    const fn stride<K: Words, V: Words>() -> usize {
        1 + K::WORDS + V::WORDS
    }

    /// Returns the number of the chain for this hash.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
    fn chain_of(&self, hash: KeyHash) -> usize {
        hash.get() as usize & (self.heads.len() - 1)
    }

    /// Follows the chain of a hash to the key that `matches`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn find<K: Words, V: Words>(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> Found<'_> {
        let stride = Self::stride::<K, V>();
        let Some(head) = self.heads.get(self.chain_of(hash)) else { return Found::Unknown };
        let mut at = head.load(Relaxed) as usize;
        for _ in 0..MAX_CHAIN {
            let Some(slot) = at.checked_sub(1) else { return Found::Missing };
            let start = slot * stride;
            let Some(words) = self.slots.get(start..start + stride) else { return Found::Unknown };
            let mut words = words.iter();
            #[expect(clippy::cast_possible_truncation, reason = "it was made from a `u32`")]
            let next = words.next().map_or(0, |next| next.load(Relaxed) as usize);
            if matches(&K::load(&mut words)) {
                return Found::Entry(slot, words);
            }
            at = next;
        }
        Found::Unknown
    }

    /// Looks a key up for the thread with this number, and counts a hit; a miss as well if `counts_misses`.
    // In debug builds an inlined copy would cost stack in recursive functions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn read<K: Words, V: Words, R>(
        &self,
        thread: usize,
        hash: KeyHash,
        matches: impl Fn(&K) -> bool,
        read: impl Fn(&V) -> R,
        counts_misses: bool,
    ) -> Read<R> {
        let Some(stripe) = self.stripes.get(thread).and_then(OnceLock::get) else { return Read::Locked };
        let sequence = self.sequence.0.load(Acquire);
        match self.find::<K, V>(hash, matches) {
            Found::Entry(slot, mut words) => {
                let value = V::load(&mut words);
                if self.is_at(sequence) && stripe.hit(slot, sequence).is_some() {
                    Read::Hit(read(&value))
                } else {
                    Read::Locked
                }
            }
            Found::Missing => match self.missed(stripe, sequence, counts_misses) {
                Some(epoch) => Read::Miss(epoch),
                None => Read::Locked,
            },
            Found::Unknown => Read::Locked,
        }
    }

    /// Returns the epoch of a miss that was seen at this sequence number; `None` if the lookup must take the lock.
    #[inline(never)]
    fn missed(&self, stripe: &Stripe, sequence: u64, counts: bool) -> Option<Epoch> {
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

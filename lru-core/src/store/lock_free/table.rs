//! [`WordTable`]: a hash table of entries in atomic words.

use core::slice::Iter;
use std::boxed::Box;

use super::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::Release, fence};
use super::words::Words;
use crate::key::KeyHash;

/// The longest chain that a lookup follows. Slots that are being changed may form a circle. A loop of so many steps is not
/// unrolled, which would be most of the code of a memoized function.
const MAX_CHAIN: usize = if cfg!(test) { 16 } else { 1000 };

/// The number of chains for each slot.
const CHAINS_PER_SLOT: usize = 2;

/// Entries in numbered slots, each in the chain of its hash. A sequence number of the owner guards them.
pub(super) struct WordTable {
    /// The first slot of each chain, plus one; zero if there is none. Their number is a power of two.
    pub(super) heads: Box<[AtomicU32]>,
    /// For each slot the words of an entry: the next slot of the chain plus one, its key, its value, and what readers see of its
    /// metadata.
    slots: Box<[AtomicU64]>,
    /// The number of words of a slot.
    stride: usize,
}

/// Where a chain leads.
pub(super) enum Found<'a> {
    /// To the key in this slot. The words of its value are next.
    Entry(usize, Iter<'a, AtomicU64>),
    /// To its end.
    Missing,
    /// Too far: the entries may be changing.
    Unknown,
}

impl WordTable {
    /// Creates an empty table with this many slots, for keys and values of these types. The metadata of an entry is a part of
    /// its value.
    pub(super) fn new<K: Words, V: Words>(slots: usize) -> Self {
        Self::with_stride(Self::stride::<K, V>(), slots)
    }

    fn with_stride(stride: usize, slots: usize) -> Self {
        let chains = (CHAINS_PER_SLOT * slots).next_power_of_two();
        Self {
            heads: (0..chains).map(|_| AtomicU32::new(0)).collect(),
            slots: (0..stride * slots).map(|_| AtomicU64::new(0)).collect(),
            stride,
        }
    }

    const fn stride<K: Words, V: Words>() -> usize {
        1 + K::WORDS + V::WORDS
    }

    /// Returns the number of the chain for this hash.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
    pub(super) fn chain_of(&self, hash: KeyHash) -> usize {
        hash.get() as usize & (self.heads.len() - 1)
    }

    /// Follows the chain of a hash to the key that `matches`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn find<K: Words, V: Words>(&self, hash: KeyHash, matches: impl Fn(&K) -> bool) -> Found<'_> {
        let stride = Self::stride::<K, V>();
        let Some(head) = self.heads.get(self.chain_of(hash)) else { return Found::Unknown };
        // A number of 32 bits: the products below cannot overflow.
        let mut at = head.load(Relaxed);
        for _ in 0..MAX_CHAIN {
            let Some(slot) = at.checked_sub(1) else { return Found::Missing };
            let slot = slot as usize;
            let start = slot * stride;
            let Some(words) = self.slots.get(start..start + stride) else { return Found::Unknown };
            let mut words = words.iter();
            #[expect(clippy::cast_possible_truncation, reason = "it was made from a `u32`")]
            let next = words.next().map_or(0, |next| next.load(Relaxed) as u32);
            if matches(&K::load(&mut words)) {
                return Found::Entry(slot, words);
            }
            at = next;
        }
        Found::Unknown
    }

    /// Writes the key and the value of a slot, and returns its link, the next slot of its chain.
    #[inline]
    pub(super) fn write<K: Words, V: Words>(&self, slot: usize, key: K, value: V) -> Option<&AtomicU64> {
        let stride = Self::stride::<K, V>();
        let mut words = self.slots.get(slot * stride..(slot + 1) * stride)?.iter();
        let next = words.next();
        key.store(&mut words);
        value.store(&mut words);
        next
    }

    /// Writes the metadata of a slot, after the entry was written that is in it. The sequence number need not change: a reader
    /// that sees it sees the entry as well, or that the number has changed.
    #[inline]
    pub(super) fn write_meta<U: Words>(&self, slot: usize, meta: U) {
        let end = (slot + 1) * self.stride;
        if let Some(words) = self.slots.get(end - U::WORDS..end) {
            fence(Release);
            meta.store(&mut words.iter());
        }
    }

    /// Makes a slot, whose link is `next`, the first of a chain.
    #[inline]
    pub(super) fn link(&self, chain: usize, slot: usize, next: &AtomicU64) {
        let Some(head) = self.heads.get(chain) else { return };
        next.store(u64::from(head.load(Relaxed)), Relaxed);
        #[expect(clippy::cast_possible_truncation, reason = "slots are numbered by `u32`")]
        head.store(slot as u32 + 1, Relaxed);
    }

    #[inline]
    pub(super) fn next_of(&self, slot: usize) -> Option<&AtomicU64> {
        self.slots.get(slot * self.stride)
    }
}

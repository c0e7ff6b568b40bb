//! W-TinyLFU: a small window for new entries, and an admission filter by estimated frequency for the others.
//!
//! Gil Einziger, Roy Friedman and Ben Manes: "`TinyLFU`: A Highly Efficient Cache Admission Policy", ACM
//! Transactions on Storage 13(4), 2017.
//!
//! The parameters are those of the paper. The window is a list with 1 % of the entries. The others are in a
//! segmented list: 20 % on probation and 80 % protected; a hit moves an entry from probation to protected. The
//! frequency of keys is estimated by a count-min sketch: four rows of 4-bit counters, four counters per entry in each
//! row, all of which are halved after ten uses per entry. A use increments the lowest counters of its key only, the minimal
//! increment of the paper. There is no doorkeeper in front of the sketch, and the size of the window is not adapted.
//!
//! Two things make a hit cheap. The four counters of a key are in one block of 64 bytes, which one multiplication finds. And
//! a hit in the window or among the protected entries sets a mark instead of moving the entry: when the entry is the oldest,
//! it passes to the young end and the mark is cleared, as in the CLOCK policy.
//!
//! The hash of a key is seeded per process, so an attacker cannot choose the counters of a key.

use core::cell::Cell;

use super::Policy;
use super::sealed::Sealed;
use super::slot_lists::{List, Lists, share};
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

const WINDOW: List = List(0);
const PROBATION: List = List(1);
const PROTECTED: List = List(2);

/// The share of all entries in the window.
const WINDOW_PERCENT: usize = 1;

/// The share of the other entries that is protected.
const PROTECTED_PERCENT: usize = 80;

/// The number of uses per entry after which the counters are halved.
const USES_TO_AGE: usize = 10;

/// W-TinyLFU: evicts the entry that was used less often of late, a new one or the oldest of the others.
///
/// Good if some keys are more popular than others and this changes slowly: databases, search, loops over more keys
/// than the capacity. A scan passes through a small window and does not affect the other entries. The frequency of a
/// key is counted before it is stored, and decays with time, unlike with [`Lfu`](super::Lfu). Less suitable if the most
/// recent keys are the next to be used: [`Lru`](super::Lru) is better then.
///
/// Each operation takes amortized constant time; all counters are halved at intervals. The policy needs about 20
/// bytes per entry, and 8 to 16 bytes for the counters, which take 64 bytes at least. It is the policy of Java's Caffeine, with a fixed window.
///
/// Source: Einziger, Friedman and Manes, "`TinyLFU`: A Highly Efficient Cache Admission Policy", ACM
/// Transactions on Storage, 2017.
#[derive(Debug)]
pub struct WTinyLfu {
    segments: Lists<3>,
    /// Indexed by [`Slot::index`].
    hashes: Vec<KeyHash>,
    sketch: Sketch,
}

impl Sealed for WTinyLfu {}

impl Policy for WTinyLfu {
    type Stopwatch = ();
    const SLOT_BYTES: usize = 32;
    const NEW: Self = Self { segments: Lists::new(), hashes: Vec::new(), sketch: Sketch::new() };

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        self.count_use(ring, slot);
    }

    fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.segments.reserve(slot);
        if self.hashes.len() <= slot.index() {
            self.hashes.resize(slot.index() + 1, hash);
        }
        self.hashes[slot.index()] = hash;
        self.sketch.reserve(self.hashes.len());
        self.sketch.count(hash);
        self.segments.unmark(slot);
        self.segments.push(WINDOW, slot);
        self.shift(WINDOW, share(ring.len(), WINDOW_PERCENT));
    }

    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        let window_is_full = self.segments.len(WINDOW) >= share(ring.len(), WINDOW_PERCENT);
        let candidate = self.unused(WINDOW);
        let weakest = self.segments.oldest(PROBATION).or_else(|| self.unused(PROTECTED));
        let (Some(candidate), Some(weakest)) = (candidate, weakest) else { return candidate.or(weakest) };
        if window_is_full {
            if self.frequency(candidate) <= self.frequency(weakest) {
                return Some(candidate);
            }
            // Moved to probation, so that the same victim is returned again.
            self.segments.push(PROBATION, candidate);
        }
        Some(weakest)
    }

    fn removed(&mut self, slot: Slot) {
        self.segments.remove(slot);
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.segments.validate(ring);
        assert!(ring.iter().all(|slot| slot.index() < self.hashes.len()));
        self.sketch.validate();
        assert!(self.sketch.blocks.len() * BLOCK_ENTRIES >= self.hashes.len());
    }
}

impl WTinyLfu {
    /// Records a hit on the entry in `slot`, and returns the hash of its key.
    #[inline]
    pub(super) fn count_use<T>(&self, ring: &Arena<T>, slot: Slot) -> Option<KeyHash> {
        let hash = *self.hashes.get(slot.index())?;
        self.sketch.count(hash);
        if self.segments.list_of(slot)? == PROBATION {
            self.protect(slot, protected_share(ring.len()));
        } else {
            self.segments.mark(slot);
        }
        Some(hash)
    }

    /// Moves a slot from probation to protected, and the oldest ones back, until at most `most` are protected.
    #[inline(never)]
    fn protect(&self, slot: Slot, most: usize) {
        self.segments.push(PROTECTED, slot);
        self.shift(PROTECTED, most);
    }

    /// Returns the oldest slot of a segment that was not used since it was moved there. Those before it are passed to the
    /// young end.
    #[inline]
    fn unused(&self, segment: List) -> Option<Slot> {
        loop {
            let oldest = self.segments.oldest(segment)?;
            if !self.segments.unmark(oldest) {
                return Some(oldest);
            }
            self.segments.pass_oldest(segment);
        }
    }

    /// Moves the oldest slots of a segment to probation, until at most `most` are left.
    #[inline]
    fn shift(&self, segment: List, most: usize) {
        while self.segments.len(segment) > most {
            let Some(oldest) = self.unused(segment) else { return };
            self.segments.push(PROBATION, oldest);
        }
    }

    fn frequency(&self, slot: Slot) -> u64 {
        self.hashes.get(slot.index()).map_or(0, |&hash| self.sketch.frequency(hash))
    }
}

/// Returns how many of `len` entries may be protected.
#[inline]
fn protected_share(len: usize) -> usize {
    share(len.saturating_sub(share(len, WINDOW_PERCENT)), PROTECTED_PERCENT)
}

/// A count-min sketch: an estimate of the recent frequency of hashes, which is never too low except by aging.
///
/// Invariant: the number of blocks is zero or a power of two.
#[derive(Debug)]
struct Sketch {
    blocks: Vec<Block>,
    /// The number of entries that the sketch has memory for.
    entries: usize,
    /// The number of uses since the counters were halved, plus half of the number before.
    uses: Cell<usize>,
    /// The number of uses at which the counters are halved.
    most_uses: usize,
}

/// The counters of some hashes: rows of two words, with sixteen counters in each word.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Block([Cell<u64>; 2 * ROWS]);

/// The counter of a hash in one row.
#[derive(Clone, Copy, Debug)]
struct Counter<'b> {
    word: &'b Cell<u64>,
    shift: u32,
}

/// The number of rows, in each of which a hash has a counter.
const ROWS: usize = 4;

/// The number of entries that a block has counters for: sixteen for each.
const BLOCK_ENTRIES: usize = 8;

impl Counter<'_> {
    /// The largest value of a 4-bit counter.
    const MAX: u64 = 15;

    #[inline]
    fn get(self) -> u64 {
        (self.word.get() >> self.shift) & Self::MAX
    }
}

impl Block {
    /// Returns the counters of a mixed hash, one in each row.
    // Written out, because the compiler does not inline `map`.
    #[inline]
    fn counters(&self, mixed: u64) -> [Counter<'_>; ROWS] {
        [
            self.counter(0, mixed >> 8),
            self.counter(1, mixed >> 13),
            self.counter(2, mixed >> 18),
            self.counter(3, mixed >> 23),
        ]
    }

    /// Returns the counter in a row that the lowest five bits select.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to five bits")]
    fn counter(&self, row: usize, bits: u64) -> Counter<'_> {
        let word = &self.0[2 * row + (bits & 1) as usize];
        Counter { word, shift: (bits << 1) as u32 & 0x3c }
    }
}

impl Sketch {
    const fn new() -> Self {
        Self { blocks: Vec::new(), entries: 0, uses: Cell::new(0), most_uses: 0 }
    }

    /// The odd factor of mixed hashes. The upper half of the product depends on all lower bits, and selects the block.
    const FACTOR: u64 = crate::key::STEP;

    /// A mask of all bits of a word except the highest of each counter.
    const HALVES: u64 = 0x7777_7777_7777_7777;

    /// Allocates memory for a number of entries. All counts are preserved.
    fn reserve(&mut self, entries: usize) {
        if entries <= self.entries {
            return;
        }
        self.entries = entries;
        self.most_uses = entries.saturating_mul(USES_TO_AGE);
        while self.blocks.len() < entries.div_ceil(BLOCK_ENTRIES) {
            // A position has one more bit then. Both halves have the same counts, so each hash keeps its count.
            self.blocks.extend_from_within(..);
            if self.blocks.is_empty() {
                self.blocks.push(Block([const { Cell::new(0) }; 2 * ROWS]));
            }
        }
    }

    #[inline]
    fn count(&self, hash: KeyHash) {
        if let Some((block, mixed)) = self.block(hash) {
            let counters = block.counters(mixed);
            let [a, b, c, d] = counters;
            let counts = [a.get(), b.get(), c.get(), d.get()];
            let least = least(counts);
            if least < Counter::MAX {
                for (counter, count) in counters.into_iter().zip(counts) {
                    let one = u64::from(count == least) << counter.shift;
                    counter.word.set(counter.word.get() + one);
                }
            }
        }
        self.uses.set(self.uses.get() + 1);
        if self.uses.get() >= self.most_uses {
            self.age();
        }
    }

    #[cold]
    fn age(&self) {
        for word in self.blocks.iter().flat_map(|block| &block.0) {
            word.set((word.get() >> 1) & Self::HALVES);
        }
        self.uses.set(self.uses.get() / 2);
    }

    #[inline]
    fn frequency(&self, hash: KeyHash) -> u64 {
        let Some((block, mixed)) = self.block(hash) else { return 0 };
        let [a, b, c, d] = block.counters(mixed);
        least([a.get(), b.get(), c.get(), d.get()])
    }

    /// Returns the block with the counters of a hash, and the mixed hash, which selects them.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked by the number of blocks")]
    fn block(&self, hash: KeyHash) -> Option<(&Block, u64)> {
        let mixed = hash.get().wrapping_mul(Self::FACTOR);
        let block = self.blocks.get((mixed >> 32) as usize & self.blocks.len().wrapping_sub(1))?;
        Some((block, mixed))
    }

    #[cfg(any(test, fuzzing))]
    fn validate(&self) {
        assert!(self.blocks.is_empty() || self.blocks.len().is_power_of_two());
        assert!(self.blocks.len() < 2 * self.entries.div_ceil(BLOCK_ENTRIES).max(1));
        assert!(self.uses.get() <= self.entries * USES_TO_AGE);
        assert_eq!(self.most_uses, self.entries * USES_TO_AGE);
    }
}

#[inline]
fn least([a, b, c, d]: [u64; ROWS]) -> u64 {
    a.min(b).min(c.min(d))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AnyVictim, Random, Toy, agree};
    use super::*;

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    fn keys(toy: &Toy<WTinyLfu>, segment: List) -> Vec<u64> {
        toy.policy.segments.iter(segment).map(|slot| *toy.ring.get(slot).unwrap()).collect()
    }

    #[test]
    fn stays_whole_whatever_comes() {
        agree::<WTinyLfu, AnyVictim>();
    }

    #[test]
    fn a_full_cache_has_segments_of_the_right_size() {
        let mut toy = Toy::<WTinyLfu>::new(1000);
        let mut random = Random(3);
        for _ in 0..100_000 {
            // The smaller of two numbers: some keys are more popular than others.
            let key = random.below(3000).min(random.below(3000));
            if !toy.hit(key) {
                toy.insert(key);
            }
            let len = |segment| toy.policy.segments.len(segment);
            assert!(len(WINDOW) <= 10 && len(PROTECTED) <= 792);
        }
        assert_eq!(toy.policy.segments.len(WINDOW), 10);
        assert_eq!(toy.policy.segments.len(PROTECTED), 792);
    }

    #[test]
    fn a_scan_passes_through_the_window() {
        let mut toy = Toy::<WTinyLfu>::new(100);
        for _ in 0..3 {
            for key in 0..99 {
                if !toy.hit(key) {
                    toy.insert(key);
                }
            }
        }
        for key in 1000..1200 {
            toy.insert(key);
        }
        let stayed = (0..99).filter(|&key| toy.hit(key)).count();
        // A few keys of the scan share all counters with others, and have a high estimate.
        assert!(stayed >= 90, "{stayed}");
    }

    #[test]
    fn a_key_that_returns_often_enough_is_admitted() {
        let mut toy = Toy::<WTinyLfu>::new(100);
        for key in 0..100 {
            toy.insert(key);
        }
        // It is evicted before it is hit, but counted.
        for key in 0..40 {
            toy.insert(1000);
            toy.insert(2000 + key);
            if keys(&toy, PROBATION).contains(&1000) {
                return;
            }
        }
        panic!("the key is never admitted");
    }

    /// A full cache of four keys, each of which was used once and has an exact estimate. The last is in the window.
    fn four_keys() -> (Toy<WTinyLfu>, [u64; 5]) {
        let exact = (0..).map(|n| {
            let mut toy = Toy::<WTinyLfu>::new(4);
            let keys = [0, 1, 2, 3, 4].map(|key| 5 * n + key);
            for &key in &keys[..4] {
                toy.insert(key);
            }
            let estimates = keys.map(|key| toy.policy.sketch.frequency(hash(key)));
            (estimates == [1, 1, 1, 1, 0]).then_some((toy, keys))
        });
        exact.flatten().next().expect("some keys share no counters")
    }

    #[test]
    fn of_equally_frequent_keys_the_new_one_is_evicted() {
        let (mut toy, [first, .., last, new]) = four_keys();
        assert_eq!((keys(&toy, WINDOW), toy.next_victim(new)), (vec![last], Some(last)));
        assert!(toy.hit(last));
        assert_eq!(toy.next_victim(new), Some(first));
    }

    #[test]
    fn a_hit_moves_an_entry_from_probation_to_protected_and_the_oldest_back_when_that_is_full() {
        let (toy, [first, second, third, last, _]) = four_keys();
        assert_eq!(keys(&toy, PROBATION), [first, second, third]);
        // Of three entries beside the window, two may be protected.
        for key in [first, second] {
            assert!(toy.hit(key));
        }
        assert_eq!((keys(&toy, PROBATION), keys(&toy, PROTECTED)), (vec![third], vec![first, second]));
        // The first is used once more, and passed over.
        for key in [first, third] {
            assert!(toy.hit(key));
        }
        assert_eq!((keys(&toy, PROBATION), keys(&toy, PROTECTED)), (vec![second], vec![third, first]));
        assert!(toy.hit(last));
        assert_eq!(keys(&toy, WINDOW), [last]);
    }

    #[test]
    fn asked_again_the_victim_is_the_same() {
        let mut toy = Toy::<WTinyLfu>::new(50);
        let mut random = Random(4);
        for _ in 0..2000 {
            let key = random.below(100);
            if !toy.hit(key) {
                let victim = toy.next_victim(key);
                assert_eq!(toy.next_victim(key), victim);
                if toy.ring.len() == 50 {
                    assert_eq!(toy.insert(key), victim);
                } else {
                    toy.insert(key);
                }
            }
        }
    }

    #[test]
    fn the_sketch_never_estimates_too_low_and_seldom_too_high() {
        let mut sketch = Sketch::new();
        sketch.reserve(1000);
        for n in 0..1000 {
            for _ in 0..=n % 5 {
                sketch.count(hash(n));
            }
        }
        let wrong = (0..1000).filter(|&n| {
            let (estimate, count) = (sketch.frequency(hash(n)), n % 5 + 1);
            assert!(estimate >= count);
            estimate > count
        });
        assert!(wrong.count() < 100);
    }

    #[test]
    fn counts_are_halved_with_age_and_kept_when_there_is_more_room() {
        let mut sketch = Sketch::new();
        sketch.reserve(4);
        for _ in 0..38 {
            sketch.count(hash(1));
        }
        assert_eq!(sketch.frequency(hash(1)), 15, "the largest value of four bits");
        sketch.reserve(1000);
        assert_eq!(sketch.frequency(hash(1)), 15);
        sketch.age();
        assert_eq!((sketch.frequency(hash(1)), sketch.uses.get()), (7, 19));
    }
}

//! W-TinyLFU: a small window for new entries, and an admission filter by estimated frequency for the others.
//!
//! Gil Einziger, Roy Friedman and Ben Manes: "`TinyLFU`: A Highly Efficient Cache Admission Policy", ACM
//! Transactions on Storage 13(4), 2017.
//!
//! The parameters are those of the paper. The window is an LRU list with 1 % of the entries. The others are in a
//! segmented LRU list: 20 % on probation and 80 % protected; a hit moves an entry from probation to protected. The
//! frequency of keys is estimated by a count-min sketch: four rows of 4-bit counters, four counters per entry in each
//! row, all of which are halved after ten uses per entry. There is no doorkeeper in front of the sketch, and the
//! size of the window is not adapted.
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
/// bytes per entry, and 8 to 16 bytes for the counters. It is the policy of Java's Caffeine, with a fixed window.
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

    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        let (Some(segment), Some(&hash)) = (self.segments.list_of(slot), self.hashes.get(slot.index()))
        else {
            return;
        };
        self.sketch.count(hash);
        if segment == WINDOW {
            self.segments.push(WINDOW, slot);
        } else {
            self.segments.push(PROTECTED, slot);
            self.shift(PROTECTED, protected_share(ring.len()));
        }
    }

    fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.segments.reserve(slot);
        if self.hashes.len() <= slot.index() {
            self.hashes.resize(slot.index() + 1, hash);
        }
        self.hashes[slot.index()] = hash;
        self.sketch.reserve(self.hashes.len());
        self.sketch.count(hash);
        self.segments.push(WINDOW, slot);
        self.shift(WINDOW, share(ring.len(), WINDOW_PERCENT));
    }

    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        let window_is_full = self.segments.len(WINDOW) >= share(ring.len(), WINDOW_PERCENT);
        let candidate = self.segments.oldest(WINDOW);
        let weakest = self.segments.oldest(PROBATION).or_else(|| self.segments.oldest(PROTECTED));
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
        assert!(self.sketch.words.len() >= self.hashes.len());
    }
}

impl WTinyLfu {
    /// Moves the oldest slots of a segment to probation, until at most `most` are left.
    #[inline]
    fn shift(&self, segment: List, most: usize) {
        while self.segments.len(segment) > most {
            let Some(oldest) = self.segments.oldest(segment) else { return };
            self.segments.push(PROBATION, oldest);
        }
    }

    fn frequency(&self, slot: Slot) -> u8 {
        self.hashes.get(slot.index()).map_or(0, |&hash| self.sketch.frequency(hash))
    }
}

/// Returns how many of `len` entries may be protected.
fn protected_share(len: usize) -> usize {
    share(len.saturating_sub(share(len, WINDOW_PERCENT)), PROTECTED_PERCENT)
}

/// A count-min sketch: an estimate of the recent frequency of hashes, which is never too low except by aging.
///
/// Invariant: the number of words is zero or a power of two.
#[derive(Debug)]
struct Sketch {
    /// Each word has sixteen counters, four of each row.
    words: Vec<Cell<u64>>,
    /// The number of entries that the sketch has memory for.
    entries: usize,
    /// The number of uses since the counters were halved, plus half of the number before.
    uses: Cell<usize>,
}

/// The position of the counter of a hash in one row.
#[derive(Clone, Copy, Debug)]
struct Place {
    word: usize,
    shift: u32,
}

impl Sketch {
    const fn new() -> Self {
        Self { words: Vec::new(), entries: 0, uses: Cell::new(0) }
    }

    /// The odd factors by which the rows map hashes to different counters. The upper half of the product is used,
    /// which depends on all lower bits.
    const ROWS: [u64; 4] =
        [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];

    /// The largest value of a 4-bit counter.
    const MAX_COUNT: u64 = 15;

    /// A mask of all bits of a word except the highest of each counter.
    const HALVES: u64 = 0x7777_7777_7777_7777;

    /// Allocates memory for a number of entries. All counts are preserved.
    fn reserve(&mut self, entries: usize) {
        self.entries = entries.max(self.entries);
        while self.words.len() < entries {
            // A position has one more bit then. Both halves have the same counts, so each hash keeps its count.
            self.words.extend_from_within(..);
            if self.words.is_empty() {
                self.words.push(Cell::new(0));
            }
        }
    }

    #[inline]
    fn count(&self, hash: KeyHash) {
        for place in self.places(hash) {
            if let Some(word) = self.words.get(place.word) {
                let one = u64::from((word.get() >> place.shift) & Self::MAX_COUNT != Self::MAX_COUNT);
                word.set(word.get() + (one << place.shift));
            }
        }
        self.uses.set(self.uses.get() + 1);
        if self.uses.get() >= self.entries.saturating_mul(USES_TO_AGE) {
            self.age();
        }
    }

    #[cold]
    fn age(&self) {
        for word in &self.words {
            word.set((word.get() >> 1) & Self::HALVES);
        }
        self.uses.set(self.uses.get() / 2);
    }

    #[inline]
    fn frequency(&self, hash: KeyHash) -> u8 {
        let counts = self.places(hash).filter_map(|place| {
            let word = self.words.get(place.word)?.get();
            Some(((word >> place.shift) & Self::MAX_COUNT) as u8)
        });
        counts.min().unwrap_or(0)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked by the number of words, or to two bits")]
    fn places(&self, hash: KeyHash) -> impl Iterator<Item = Place> {
        let mask = self.words.len().saturating_sub(1);
        (0..).zip(Self::ROWS).map(move |(row, factor)| {
            let mixed = hash.get().wrapping_mul(factor);
            let column = (mixed >> 30) as u32 & 3;
            Place { word: (mixed >> 32) as usize & mask, shift: 16 * row + 4 * column }
        })
    }

    #[cfg(any(test, fuzzing))]
    fn validate(&self) {
        assert!(self.words.is_empty() || self.words.len().is_power_of_two());
        assert!(self.words.len() < 2 * self.entries.max(1));
        assert!(self.uses.get() <= self.entries * USES_TO_AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Model, Random, Toy, agree};
    use super::*;

    fn hash(n: u64) -> KeyHash {
        KeyHash::of(&n)
    }

    fn keys(toy: &Toy<WTinyLfu>, segment: List) -> Vec<u64> {
        toy.policy.segments.iter(segment).map(|slot| *toy.ring.get(slot).unwrap()).collect()
    }

    /// A model that approves any victim.
    #[derive(Default)]
    struct AnyVictim;

    impl Model for AnyVictim {
        fn used(&mut self, _: u64) {}
        fn admitted(&mut self, _: u64) {}
        fn approves(&mut self, _: u64) -> bool {
            true
        }
        fn removed(&mut self, _: u64) {}
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
        for key in [first, second, third, second] {
            assert!(toy.hit(key));
        }
        assert_eq!((keys(&toy, PROBATION), keys(&toy, PROTECTED)), (vec![first], vec![third, second]));
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
            let (estimate, count) = (u64::from(sketch.frequency(hash(n))), n % 5 + 1);
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

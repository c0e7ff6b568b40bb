//! W-TinyLFU: a newcomer waits in a small window, and stays if it comes up more often than who would
//! have to leave for it.
//!
//! Gil Einziger, Roy Friedman and Ben Manes: "`TinyLFU`: A Highly Efficient Cache Admission Policy", ACM
//! Transactions on Storage 13(4), 2017.
//!
//! The parameters are the paper's. The window is an LRU list of 1 % of the entries. The others are in
//! a segmented LRU list: 20 % on probation and 80 % protected, where those come that are used on
//! probation. How often keys come up is estimated by a count-min sketch: four rows of 4-bit counters,
//! four counters in each for every entry, all halved after ten times as many uses as there are
//! entries. There is no doorkeeper in front of the sketch, and the window keeps its size.
//!
//! The hash of a key is seeded for each process, so who chooses the keys can't choose where they are
//! counted.

use core::cell::Cell;

use super::Policy;
use super::slot_lists::{List, Lists, share};
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

const WINDOW: List = List(0);
const PROBATION: List = List(1);
const PROTECTED: List = List(2);

/// How much of all entries is the window.
const WINDOW_PERCENT: usize = 1;

/// How much of all others is protected.
const PROTECTED_PERCENT: usize = 80;

/// So many uses for each entry, and the sketch is aged.
const USES_TO_AGE: usize = 10;

/// W-TinyLFU: those entries stay that are used most often of late, even before they were stored.
///
/// Good where some keys are more popular than others and that changes slowly: databases, searches,
/// loops over more keys than there is room for. Scans pass through a small window and leave the rest
/// alone. Not so good where what came last is what comes next: there [`Lru`](super::Lru) does better.
///
/// Each operation takes constant time, amortised: now and then all counters are halved. It takes
/// some 20 bytes an entry, and 8 to 16 for the counters. Unlike [`Lfu`](super::Lfu), it forgets what was
/// popular once.
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

impl Policy for WTinyLfu {
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
        self.segments.make_room_for(slot);
        if self.hashes.len() <= slot.index() {
            self.hashes.resize(slot.index() + 1, hash);
        }
        self.hashes[slot.index()] = hash;
        self.sketch.make_room_for(self.hashes.len());
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
            // It has its place now: asked again, the answer is the same.
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
    /// Puts on probation what a segment has too much.
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

/// How many of `len` entries may be protected.
fn protected_share(len: usize) -> usize {
    share(len.saturating_sub(share(len, WINDOW_PERCENT)), PROTECTED_PERCENT)
}

/// A count-min sketch: estimates how often hashes came up of late, never too low but for its age.
///
/// Invariant: a power of two of words, once there is one.
#[derive(Debug)]
struct Sketch {
    /// Sixteen counters each, four of every row.
    words: Vec<Cell<u64>>,
    /// How many entries the sketch is for.
    entries: usize,
    /// Uses since it was last aged, half of those before, and so on.
    uses: Cell<usize>,
}

/// Where the counter of a hash lies in one row.
#[derive(Clone, Copy, Debug)]
struct Place {
    word: usize,
    shift: u32,
}

impl Sketch {
    const fn new() -> Self {
        Self { words: Vec::new(), entries: 0, uses: Cell::new(0) }
    }

    /// A row chooses other counters than the next by multiplying with another odd number, and takes the
    /// higher half of the product, which depends on all bits below.
    const ROWS: [u64; 4] =
        [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];

    /// As much as four bits hold.
    const MOST: u64 = 15;

    /// All bits of a word but the highest of each counter.
    const HALVES: u64 = 0x7777_7777_7777_7777;

    /// Takes the memory for so many entries. What was counted stays counted.
    fn make_room_for(&mut self, entries: usize) {
        self.entries = entries.max(self.entries);
        while self.words.len() < entries {
            // The place of a hash tells one more bit then: it finds the same count either way.
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
                let one = u64::from((word.get() >> place.shift) & Self::MOST != Self::MOST);
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
            Some(((word >> place.shift) & Self::MOST) as u8)
        });
        counts.min().unwrap_or(0)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked by the number of words, or two bits")]
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

    /// A model that finds any victim right.
    #[derive(Default)]
    struct Anyone;

    impl Model for Anyone {
        fn used(&mut self, _: u64) {}
        fn admitted(&mut self, _: u64) {}
        fn approves(&mut self, _: u64) -> bool {
            true
        }
        fn removed(&mut self, _: u64) {}
    }

    #[test]
    fn stays_whole_whatever_comes() {
        agree::<WTinyLfu, Anyone>();
    }

    #[test]
    fn a_full_cache_has_segments_of_the_right_size() {
        let mut toy = Toy::<WTinyLfu>::new(1000);
        let mut random = Random(3);
        for _ in 0..100_000 {
            // Of two numbers the smaller: some keys are more popular than others.
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
        // Few of the scan have only counters that others have too, and look popular.
        assert!(stayed >= 90, "{stayed}");
    }

    #[test]
    fn who_comes_back_often_enough_is_let_in() {
        let mut toy = Toy::<WTinyLfu>::new(100);
        for key in 0..100 {
            toy.insert(key);
        }
        // Never in long enough to hit, but remembered.
        for key in 0..40 {
            toy.insert(1000);
            toy.insert(2000 + key);
            if keys(&toy, PROBATION).contains(&1000) {
                return;
            }
        }
        panic!("it stays outside");
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
        sketch.make_room_for(1000);
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
        sketch.make_room_for(4);
        for _ in 0..38 {
            sketch.count(hash(1));
        }
        assert_eq!(sketch.frequency(hash(1)), 15, "as much as four bits hold");
        sketch.make_room_for(1000);
        assert_eq!(sketch.frequency(hash(1)), 15);
        sketch.age();
        assert_eq!((sketch.frequency(hash(1)), sketch.uses.get()), (7, 19));
    }
}

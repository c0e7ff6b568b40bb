//! The rule, with a cache of keys.

use std::vec::Vec;

use super::*;
use crate::insight::tests::hash_of;

/// A cache of the keys that were used last, without entries, that sets its own capacity.
struct Toy {
    sampler: Sampler,
    sizing: SelfSizing,
    size: usize,
    /// From least to most recently used.
    keys: Vec<u64>,
    counted: (u64, u64),
    sizes: Vec<usize>,
}

impl Toy {
    fn new(min: usize, max: usize) -> Self {
        let (sampler, sizing) = (Sampler::new(), SelfSizing::new());
        sizing.set_bounds(Some(Bounds::new(min, max)));
        Self { sampler, sizing, size: max, keys: Vec::new(), counted: (0, 0), sizes: Vec::new() }
    }

    fn call(&mut self, key: u64) {
        let hash = hash_of(key);
        if let Some(at) = self.keys.iter().position(|&known| known == key) {
            self.keys.remove(at);
            self.keys.push(key);
            self.counted.0 += 1;
            return self.sampler.hit(hash, || 1);
        }
        self.counted.1 += 1;
        self.sampler.miss(hash);
        self.keys.push(key);
        self.sampler.stored(hash, 1);
        if self.sizing.is_due(self.counted, self.keys.len()) {
            if let Some(size) = self.sizing.check(self.counted, self.size, &self.sampler) {
                assert_ne!(size, self.size);
                self.size = size;
                self.sizes.push(size);
            }
        }
        self.keys.drain(..self.keys.len().saturating_sub(self.size));
    }

    /// Calls keys in turn, and another one that is new each tenth time: a result is stored.
    fn turn(&mut self, calls: u64, keys: u64) {
        for call in 0..calls {
            let is_new = call % 10 == 9;
            self.call(if is_new { self.counted.0 + self.counted.1 + (1 << 40) } else { call % keys });
        }
    }
}

#[test]
fn the_capacity_shrinks_by_half_at_most_to_what_is_enough() {
    let mut cache = Toy::new(8, 1000);
    cache.turn(1900, 40);
    assert!(cache.sizes.is_empty(), "two checks are needed");
    cache.turn(60_000, 40);
    assert_eq!(cache.sizes[..3], [500, 250, 125]);
    // Between two uses of one of the 40 keys there are four of the new ones.
    assert!((44..=60).contains(&cache.size), "{:?}", cache.sizes);
    let changes = cache.sizes.len();
    cache.turn(50_000, 40);
    assert_eq!(cache.sizes.len(), changes, "it does not change any more");
}

#[test]
fn the_capacity_grows_when_the_calls_need_more() {
    let mut cache = Toy::new(8, 1000);
    cache.turn(40_000, 20);
    assert!(cache.size < 40, "{:?}", cache.sizes);
    cache.turn(60_000, 300);
    assert!((330..=500).contains(&cache.size), "{:?}", cache.sizes);
    assert!(cache.sizes.windows(2).all(|sizes| sizes[1] <= 4 * sizes[0]), "{:?}", cache.sizes);
}

#[test]
fn the_capacity_stays_within_the_bounds() {
    let mut once = Toy::new(100, 200);
    once.turn(20_000, u64::MAX);
    assert_eq!(once.sizes, [100], "no capacity has hits");
    let mut many = Toy::new(100, 200);
    many.turn(20_000, 170);
    assert!(many.sizes.is_empty(), "each of the 170 keys comes again");
    let mut few = Toy::new(100, 200);
    few.turn(20_000, 10);
    assert_eq!(few.sizes, [100]);
}

#[test]
fn a_capacity_that_a_caller_has_set_stays() {
    let mut cache = Toy::new(8, 1000);
    cache.sizing.set_bounds(None);
    cache.turn(60_000, 40);
    assert!(cache.sizes.is_empty());
}

#[test]
fn a_check_is_due_after_counters_are_reset() {
    let cache = Toy::new(8, 1000);
    assert!(!cache.sizing.is_due((999, 0), 10) && cache.sizing.is_due((500, 500), 10));
    assert!(!cache.sizing.is_due((3000, 0), 1000) && cache.sizing.is_due((4000, 0), 1000));
    assert_eq!(cache.sizing.check((5000, 0), 1000, &cache.sampler), None);
    assert!(!cache.sizing.is_due((5999, 0), 10) && cache.sizing.is_due((0, 0), 10));
}

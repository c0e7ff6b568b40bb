//! The cache against a model of it that does everything the slow way.
//!
//! Operations come as bytes, from a seeded generator in the tests or from a fuzzer. After each
//! operation cache and model must tell the same; at the end the ring is walked both ways, and the
//! free list.

use crate::cache::{Cache, Origin};
use crate::info::CacheInfo;
use crate::key::KeyHash;
use crate::maxsize::MaxSize;

/// What a cache is, in a `Vec`: the last entry is the most recent.
#[derive(Debug)]
struct Model {
    maxsize: Option<usize>,
    entries: Vec<(u8, u32)>,
    hits: u64,
    misses: u64,
    /// The computations that run, innermost last: their keys, and whether they were overtaken.
    running: Vec<(u8, bool)>,
}

impl Model {
    fn new(maxsize: Option<usize>) -> Self {
        Self { maxsize, entries: Vec::new(), hits: 0, misses: 0, running: Vec::new() }
    }

    fn position(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|&(stored, _)| stored == key)
    }

    fn peek(&self, key: u8) -> Option<u32> {
        self.position(key).map(|at| self.entries[at].1)
    }

    fn look(&mut self, key: u8) -> Option<u32> {
        let Some(at) = self.position(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        Some(entry.1)
    }

    fn begin(&mut self, key: u8) {
        self.running.push((key, false));
    }

    fn end(&mut self, value: u32, refreshes: bool) {
        let (key, overtaken) = self.running.pop().expect("a computation runs");
        if overtaken {
            return;
        }
        if refreshes {
            self.put(key, value);
        } else if self.position(key).is_none() || self.maxsize.is_none() {
            self.store(key, value);
        }
    }

    fn put(&mut self, key: u8, value: u32) -> Option<u32> {
        self.overtake(|running| running == key);
        self.store(key, value)
    }

    fn store(&mut self, key: u8, value: u32) -> Option<u32> {
        if self.maxsize == Some(0) {
            return None;
        }
        let old = self.position(key).map(|at| self.entries.remove(at).1);
        self.entries.push((key, value));
        if self.maxsize.is_some_and(|maxsize| self.entries.len() > maxsize) {
            self.entries.remove(0);
        }
        old
    }

    fn remove(&mut self, key: u8) -> Option<u32> {
        self.overtake(|running| running == key);
        self.position(key).map(|at| self.entries.remove(at).1)
    }

    fn clear(&mut self) {
        self.overtake(|_| true);
        self.entries.clear();
        (self.hits, self.misses) = (0, 0);
    }

    fn overtake(&mut self, whom: impl Fn(u8) -> bool) {
        self.running.iter_mut().filter(|(key, _)| whom(*key)).for_each(|(_, overtaken)| *overtaken = true);
    }

    fn info(&self) -> CacheInfo {
        let (currsize, maxsize) = (self.entries.len(), self.maxsize);
        CacheInfo { hits: self.hits, misses: self.misses, maxsize, currsize }
    }
}

/// A cache and its model, and the bytes that say what happens to both.
struct Trial<I> {
    cache: Cache<u8, u32>,
    model: Model,
    bytes: I,
    /// Every value stored is a new one.
    serial: u32,
}

impl<I: Iterator<Item = u8>> Trial<I> {
    /// Does one operation, and those inside it. `None` when the bytes are used up.
    fn step(&mut self, depth: u32) -> Option<()> {
        let (operation, key) = (self.bytes.next()?, self.bytes.next()?);
        let hash = KeyHash::of(&key);
        self.serial += 1;
        let value = self.serial;
        match operation % 32 {
            0..=11 => self.call(key, depth),
            12..=14 => self.refresh(key, depth),
            15..=18 => {
                assert_eq!(self.cache.get(&key), self.model.look(key));
            }
            19..=21 => assert_eq!(self.cache.insert(key, value), self.model.put(key, value)),
            22..=24 => assert_eq!(self.cache.remove(&key), self.model.remove(key)),
            25..=26 => assert_eq!(self.cache.contains(&key), self.model.peek(key).is_some()),
            27..=28 => assert_eq!(self.cache.peek(&key), self.model.peek(key)),
            29 => assert_eq!(
                self.cache.peek_with(hash, |stored| *stored == key, |value| *value),
                self.model.peek(key)
            ),
            30 => self.compare_entries(),
            // Rarely, or nothing would ever be there.
            _ if key < 16 => {
                self.cache.clear();
                self.model.clear();
            }
            _ => {}
        }
        assert_eq!(self.cache.info(), self.model.info());
        Some(())
    }

    /// A call: a hit, or a computation with operations inside.
    fn call(&mut self, key: u8, depth: u32) {
        if self.model.maxsize == Some(0) {
            self.cache.miss_uncached();
            assert_eq!(self.model.look(key), None);
            return;
        }
        let hash = KeyHash::of(&key);
        let looked = self.cache.look(hash, |stored| *stored == key);
        assert_eq!(looked.ok(), self.model.look(key));
        if let Err(began) = looked {
            self.compute(key, Origin::Computed(began), depth);
        }
    }

    fn refresh(&mut self, key: u8, depth: u32) {
        if self.model.maxsize == Some(0) {
            return;
        }
        self.model.misses += 1;
        let began = self.cache.begin();
        self.compute(key, Origin::Refreshed(began), depth);
    }

    fn compute(&mut self, key: u8, origin: Origin, depth: u32) {
        self.model.begin(key);
        let inside = if depth < 8 { self.bytes.next().unwrap_or(0) % 4 } else { 0 };
        for _ in 0..inside {
            if self.step(depth + 1).is_none() {
                break;
            }
        }
        self.serial += 1;
        self.cache.keep(KeyHash::of(&key), key, self.serial, origin, u8::eq);
        self.model.end(self.serial, matches!(origin, Origin::Refreshed(_)));
    }

    fn compare_entries(&self) {
        let mut entries: Vec<_> = self.cache.iter().collect();
        let mut expected = self.model.entries.clone();
        if self.model.maxsize.is_none() {
            entries.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(entries, expected);
    }
}

/// The bounds that are tried.
const MAXSIZES: [Option<usize>; 8] = [Some(0), Some(1), Some(2), Some(3), Some(7), Some(64), Some(200), None];

/// Runs what a fuzzer found: the first byte chooses the bound, the others are the operations.
///
/// # Panics
///
/// As [`run`].
pub fn run_found(bytes: &[u8]) {
    if let Some((&first, operations)) = bytes.split_first() {
        run(MAXSIZES[usize::from(first) % MAXSIZES.len()], operations.iter().copied());
    }
}

/// Runs the operations that the bytes spell on a cache of this `maxsize` and on its model.
///
/// # Panics
///
/// Where the two differ, and where the cache is not whole at the end.
pub fn run(maxsize: Option<usize>, bytes: impl Iterator<Item = u8>) {
    let cache = Cache::with_maxsize(MaxSize::from_option(maxsize));
    let mut trial = Trial { cache, model: Model::new(maxsize), bytes, serial: 0 };
    while trial.step(0).is_some() {}
    trial.compare_entries();
    trial.cache.validate();
}

#[cfg(test)]
mod tests {
    use super::{MAXSIZES, run, run_found};

    /// Bytes from a seed; the keys among them come from `0..universe`.
    fn bytes(seed: u64, universe: u8) -> impl Iterator<Item = u8> {
        let mut state = seed;
        core::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)).to_le_bytes()[0]
        })
        .enumerate()
        .map(move |(place, byte)| if place % 2 == 1 { byte % universe } else { byte })
    }

    #[test]
    fn what_a_fuzzer_found_still_holds() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds/model");
        let seeds = std::fs::read_dir(seeds).expect("the seeds are kept");
        let count = seeds.map(|seed| run_found(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert_eq!(count, 60);
    }

    #[test]
    fn the_cache_does_what_the_model_does() {
        // Millions of operations where they are fast.
        let length = if cfg!(debug_assertions) { 60_000 } else { 3_000_000 };
        for maxsize in MAXSIZES {
            for (seed, universe) in [(1, 5), (2, 12), (3, 80), (4, 250)] {
                run(maxsize, bytes(seed, universe).take(length));
            }
        }
    }
}

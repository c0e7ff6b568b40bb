//! The misses of a cache that stores nothing, which are counted without the lock.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::boxed::Box;
use std::sync::OnceLock;

use crate::store::read_stripes::{NO_THREAD, thread_number};

/// One miss in this many is sampled for the number of its thread.
const SAMPLE_INTERVAL: u64 = 64;

/// The number of counters among which several threads are divided.
const STRIPES: usize = 16;

/// A counter on a cache line of its own; processors fetch lines in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

/// A number of misses. While one thread counts, it is one word; counters for several threads are created when two have
/// been seen.
pub(super) struct MissCounter {
    one: AtomicU64,
    /// The number of the thread that was sampled last.
    last: AtomicUsize,
    stripes: OnceLock<Box<[Stripe; STRIPES]>>,
    /// What had been counted at the last reset.
    at_reset: AtomicU64,
}

impl MissCounter {
    pub(super) const fn new() -> Self {
        let (one, last) = (AtomicU64::new(0), AtomicUsize::new(NO_THREAD));
        Self { one, last, stripes: OnceLock::new(), at_reset: AtomicU64::new(0) }
    }

    /// Counts a miss. `count` increments the word of one thread, and returns what it was.
    #[inline]
    pub(super) fn add(&self, count: impl Fn(&AtomicU64) -> u64) {
        match self.stripes.get() {
            None if count(&self.one) % SAMPLE_INTERVAL == 0 => self.sample(),
            None => {}
            Some(stripes) => _ = stripes[thread_number() % STRIPES].0.fetch_add(1, Relaxed),
        }
    }

    #[cold]
    #[inline(never)]
    fn sample(&self) {
        let number = thread_number();
        let last = self.last.swap(number, Relaxed);
        if last != number && last != NO_THREAD {
            self.stripes.get_or_init(Box::default);
        }
    }

    fn all(&self) -> impl Iterator<Item = &AtomicU64> {
        let stripes = self.stripes.get().into_iter().flat_map(|stripes| stripes.iter());
        core::iter::once(&self.one).chain(stripes.map(|stripe| &stripe.0))
    }

    /// Returns the misses since the last reset.
    pub(super) fn get(&self) -> u64 {
        self.lifetime().saturating_sub(self.at_reset.load(Relaxed))
    }

    /// Returns the misses since the start of the program.
    pub(super) fn lifetime(&self) -> u64 {
        self.all().map(|misses| misses.load(Relaxed)).sum()
    }

    /// Takes back a miss, unless the counter was reset in between.
    #[cfg(feature = "backend")]
    pub(super) fn revert(&self) {
        let take = |misses: &AtomicU64| {
            misses.fetch_update(Relaxed, Relaxed, |misses| misses.checked_sub(1)).is_ok()
        };
        _ = self.get() > 0 && self.all().any(take);
    }

    pub(super) fn reset(&self) {
        self.at_reset.store(self.lifetime(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn the_misses_of_all_threads_are_counted() {
        let counter = Arc::new(MissCounter::new());
        let count = |counter: &MissCounter| counter.add(|misses| misses.fetch_add(1, Relaxed));
        (0..1000).for_each(|_| count(&counter));
        assert!(counter.stripes.get().is_none(), "one thread needs no stripes");
        for _ in 0..3 {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let counter = Arc::clone(&counter);
                    thread::spawn(move || (0..1000).for_each(|_| count(&counter)))
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
        }
        assert_eq!(counter.get(), 13_000);
        assert!(counter.stripes.get().is_some());
        counter.reset();
        assert_eq!((counter.get(), counter.lifetime()), (0, 13_000));
        count(&counter);
        assert_eq!((counter.get(), counter.lifetime()), (1, 13_001));
    }
}

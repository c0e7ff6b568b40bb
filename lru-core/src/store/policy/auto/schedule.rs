//! The schedule of the duel: which calls are sampled, and when the shadows rest.
//!
//! The sample is spatial: a key is sampled by its hash, so that a shadow that is smaller than the cache by some factor sees
//! all calls of so many fewer keys (Waldspurger, Park, Garthwaite and Ahmad: "Efficient MRC Construction with SHARDS", FAST
//! 2015).
//!
//! After a burst of sampled calls the shadows rest: no call is sampled, and they are frozen. The end of a rest is counted in
//! misses, not in calls, because a cache that hardly misses has nothing to gain: a miss pays for a few sampled calls. If the
//! leader stays the same from burst to burst, rests become longer. After a rest, the content of the shadows is out of date:
//! at first, sampled calls only warm them up.

use core::cell::Cell;

/// How many sampled calls make a burst, by entry of a shadow.
const BURST: u32 = 16;

/// How many sampled calls warm the shadows up, by entry of a shadow.
const WARM_UP: u32 = 2;

/// The number of entries for which a burst is long enough at least.
const LEAST_ENTRIES: u32 = 512;

/// How many sampled calls a miss pays for.
const CALLS_OF_MISS: u32 = 4;

/// After how many bursts with the same leader there are rests.
const LEARNING: u32 = 4;

/// How many times as many misses a rest has than a burst, at most.
const LONGEST_REST: u32 = 15;

/// Which calls are sampled.
#[derive(Debug)]
pub(super) struct Schedule {
    /// The share of the keys that is sampled in a burst, times 2^32.
    rate: u64,
    /// The share that is sampled now: zero in a rest.
    sampled: Cell<u64>,
    /// The number of sampled calls in a burst, and how many of these warm the shadows up after a rest.
    burst: u32,
    warm_up: u32,
    /// The number of sampled calls in this burst.
    calls: Cell<u32>,
    /// The number of misses in this burst, or until the end of this rest.
    misses: Cell<u32>,
    /// The number of bursts with the same leader.
    bursts: Cell<u32>,
    has_rested: Cell<bool>,
}

impl Schedule {
    /// No call is sampled.
    pub(super) const NEVER: Self = Self {
        rate: 0,
        sampled: Cell::new(0),
        burst: 0,
        warm_up: 0,
        calls: Cell::new(0),
        misses: Cell::new(0),
        bursts: Cell::new(0),
        has_rested: Cell::new(false),
    };

    /// Samples the calls of a cache for shadows of fewer entries, or as many.
    pub(super) fn new(shadow: usize, capacity: usize) -> Self {
        // At most 2^31 entries are stored.
        let rate = ((shadow as u64) << 32) / (capacity as u64).max(1);
        let entries = u32::try_from(shadow).unwrap_or(u32::MAX);
        Self {
            rate,
            sampled: Cell::new(rate),
            burst: entries.max(LEAST_ENTRIES).saturating_mul(BURST),
            warm_up: entries.saturating_mul(WARM_UP),
            ..Self::NEVER
        }
    }

    /// Returns whether the calls of a key are sampled, by its mixed hash.
    #[inline]
    pub(super) fn samples(&self, mixed: u64) -> bool {
        mixed >> 32 < self.sampled.get()
    }

    /// Counts a sampled call, and returns whether it counts: calls that warm the shadows up do not. Begins to rest at the end
    /// of the burst.
    pub(super) fn count_call(&self) -> bool {
        let calls = self.calls.get() + 1;
        let counts = !self.has_rested.get() || calls > self.warm_up;
        if calls < self.burst {
            self.calls.set(calls);
        } else {
            self.end_burst();
        }
        counts
    }

    fn end_burst(&self) {
        let (misses, bursts) = (self.misses.get(), self.bursts.get());
        let rest = bursts.checked_sub(LEARNING).map_or(0, |more| LONGEST_REST.min(1 << more.min(4)));
        let unpaid = (self.burst / CALLS_OF_MISS).saturating_sub(misses);
        let misses = misses.saturating_mul(rest).max(unpaid);
        self.calls.set(0);
        self.misses.set(misses);
        self.bursts.set(bursts.saturating_add(1));
        self.has_rested.set(misses > 0);
        if misses > 0 {
            self.sampled.set(0);
        }
    }

    /// Counts a miss. Begins the next burst at the end of a rest.
    #[inline]
    pub(super) fn count_miss(&self) {
        let misses = self.misses.get();
        if self.sampled.get() > 0 {
            self.misses.set(misses.saturating_add(1));
        } else if misses > 0 {
            self.misses.set(misses - 1);
            if misses == 1 {
                self.sampled.set(self.rate);
            }
        }
    }

    /// Puts off the next rests, because another policy leads.
    pub(super) fn leader_changed(&self) {
        self.bursts.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX;

    /// Makes sampled calls, some of which are misses, until the shadows rest. Returns how many of the calls counted.
    fn burst(schedule: &Schedule, calls_of_miss: u32) -> u32 {
        let mut counted = 0;
        for call in 1..=schedule.burst {
            assert!(schedule.samples(0), "a burst has no rests");
            if call % calls_of_miss == 0 {
                schedule.count_miss();
            }
            counted += u32::from(schedule.count_call());
        }
        counted
    }

    /// Counts misses until the rest ends.
    fn rest(schedule: &Schedule) -> u32 {
        let mut misses = 0;
        while !schedule.samples(0) {
            schedule.count_miss();
            misses += 1;
        }
        misses
    }

    #[test]
    fn a_cache_of_the_size_of_a_shadow_has_all_keys_sampled() {
        assert!(Schedule::new(10, 10).samples(ALL));
        let half = Schedule::new(1 << 20, 1 << 21);
        assert!(half.samples(ALL / 2 - 1) && !half.samples(ALL / 2 + 1));
        assert!(!Schedule::NEVER.samples(0));
    }

    #[test]
    fn rests_become_longer_while_nothing_changes() {
        let schedule = Schedule::new(512, 512);
        assert_eq!(schedule.burst, 8192);
        // Every second call is a miss, so misses have paid for all.
        for _ in 0..LEARNING {
            assert_eq!((burst(&schedule, 2), rest(&schedule)), (8192, 0));
        }
        assert_eq!((burst(&schedule, 2), rest(&schedule)), (8192, 4096));
        // Each of the next bursts begins with 1,024 calls that do not count.
        let rests: Vec<_> = (0..5).map(|_| (burst(&schedule, 2), rest(&schedule) / 4096)).collect();
        assert_eq!(rests, [(7168, 2), (7168, 4), (7168, 8), (7168, 15), (7168, 15)]);
        schedule.leader_changed();
        assert_eq!((burst(&schedule, 2), rest(&schedule)), (7168, 0));
    }

    #[test]
    fn a_cache_without_misses_is_left_alone() {
        let schedule = Schedule::new(256, 256);
        burst(&schedule, u32::MAX);
        assert_eq!(rest(&schedule), 8192 / 4);
        // 16 misses of 8,192 calls pay for 64.
        burst(&schedule, 512);
        assert_eq!(rest(&schedule), 8192 / 4 - 16);
    }
}

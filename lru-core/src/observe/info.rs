//! [`CacheInfo`] and [`CacheParameters`], and the counters that are kept under the lock of a cache.

use core::cell::Cell;
use core::fmt;

use crate::observe::stats::CacheStats;

/// Cache statistics: hits, misses, capacity and current size, as returned by `cache_info()`.
///
/// The four values are read under one lock, so they are consistent with each other. `Display` prints them in the
/// format of Python's `functools.lru_cache`. See [`CacheStats`](crate::CacheStats) for further counters.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::CacheInfo;
///
/// let info = CacheInfo { hits: 28, misses: 31, maxsize: None, currsize: 31 };
/// assert_eq!(info.to_string(), "CacheInfo(hits=28, misses=31, maxsize=None, currsize=31)");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CacheInfo {
    /// The number of calls that were answered without running the function.
    pub hits: u64,
    /// The number of calls that ran the function, those that panicked included.
    pub misses: u64,
    /// The capacity in entries (or in weight): `None` if unbounded, `Some(0)` if caching is off.
    pub maxsize: Option<usize>,
    /// The current number of entries or, with weights, their total weight.
    pub currsize: usize,
}

impl CacheInfo {
    /// Returns the share of hits among all calls, from 0 to 1; 0 if there were no calls.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts needs no more than 53 bits")]
    pub fn hit_ratio(&self) -> f64 {
        let (hits, misses) = (self.hits as f64, self.misses as f64);
        if self.hits == 0 { 0.0 } else { hits / (hits + misses) }
    }
}

impl fmt::Display for CacheInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, misses, maxsize, currsize } = self;
        write!(f, "CacheInfo(hits={hits}, misses={misses}, maxsize=")?;
        match maxsize {
            Some(maxsize) => write!(f, "{maxsize}")?,
            None => f.write_str("None")?,
        }
        write!(f, ", currsize={currsize})")
    }
}

/// Converts to a tuple in the order of Python's named tuple: hits, misses, `maxsize`, `currsize`.
impl From<CacheInfo> for (u64, u64, Option<usize>, usize) {
    fn from(info: CacheInfo) -> Self {
        (info.hits, info.misses, info.maxsize, info.currsize)
    }
}

/// The options that a function was memoized with, as returned by `cache_parameters()` (as in Python 3.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CacheParameters {
    /// The capacity in entries (or in weight): `None` if unbounded, `Some(0)` if caching is off.
    pub maxsize: Option<usize>,
    /// Whether equal arguments of different types have separate entries.
    pub typed: bool,
}

impl CacheParameters {
    /// Creates parameters, to compare them with those of a function.
    #[must_use]
    pub const fn new(maxsize: Option<usize>, typed: bool) -> Self {
        Self { maxsize, typed }
    }
}

/// The number of counters that are guarded by the lock of a cache.
pub(super) const LOCKED: usize = 7;

/// The counters of a cache that are guarded by its lock. They are cells because nested calls of the lock holder
/// count through a shared reference.
pub(crate) struct LockedCounters {
    hits: Cell<u64>,
    misses: Cell<u64>,
    evictions: Cell<u64>,
    expiries: Cell<u64>,
    superseded: Cell<u64>,
    invalidated: Cell<u64>,
    invalidated_dependents: Cell<u64>,
    /// What was counted before the last reset, in the same order.
    #[cfg(feature = "registry")]
    before_reset: Cell<[u64; LOCKED]>,
}

impl LockedCounters {
    pub(crate) const fn new() -> Self {
        Self {
            hits: Cell::new(0),
            misses: Cell::new(0),
            evictions: Cell::new(0),
            expiries: Cell::new(0),
            superseded: Cell::new(0),
            invalidated: Cell::new(0),
            invalidated_dependents: Cell::new(0),
            #[cfg(feature = "registry")]
            before_reset: Cell::new([0; LOCKED]),
        }
    }

    /// Counts a hit and returns the number of hits.
    #[inline]
    pub(crate) fn hit(&self) -> u64 {
        self.hits_by(1)
    }

    /// Counts this many hits and returns the number of hits.
    #[inline]
    pub(crate) fn hits_by(&self, count: u64) -> u64 {
        let hits = self.hits.get() + count;
        self.hits.set(hits);
        hits
    }

    pub(crate) fn revert_hit(&self) {
        self.hits.set(self.hits.get().saturating_sub(1));
    }

    /// Adds hits and misses that were counted without the lock.
    pub(crate) fn add(&self, (hits, misses): (u64, u64)) {
        self.hits.set(self.hits.get() + hits);
        self.misses.set(self.misses.get() + misses);
    }

    #[inline]
    pub(crate) fn hits(&self) -> u64 {
        self.hits.get()
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.get()
    }

    /// Returns the hits and the misses.
    #[inline]
    pub(crate) fn calls(&self) -> (u64, u64) {
        (self.hits.get(), self.misses.get())
    }

    pub(crate) fn miss(&self) {
        self.misses.set(self.misses.get() + 1);
    }

    /// Takes back a counted miss. The counter stays at zero if the cache was cleared in between.
    pub(crate) fn revert_miss(&self) {
        self.misses.set(self.misses.get().saturating_sub(1));
    }

    pub(crate) fn eviction(&self) {
        self.evictions.set(self.evictions.get() + 1);
    }

    /// Counts entries that were removed.
    pub(crate) fn add_removals(&self, evictions: u64, expiries: u64) {
        self.evictions.set(self.evictions.get() + evictions);
        self.expiries.set(self.expiries.get() + expiries);
    }

    /// Counts a result that was not stored because a later change superseded it.
    pub(crate) fn superseded(&self) {
        self.superseded.set(self.superseded.get() + 1);
    }

    /// Counts an entry that is removed because a tag of it was invalidated.
    pub(crate) fn invalidated(&self) {
        self.invalidated.set(self.invalidated.get() + 1);
    }

    /// Counts an entry that is removed because what it was computed from is invalid.
    pub(crate) fn dependent_invalidated(&self) {
        self.invalidated_dependents.set(self.invalidated_dependents.get() + 1);
    }

    /// Adds the counters other than hits and misses to `stats`.
    pub(crate) fn report(&self, stats: &mut CacheStats) {
        stats.evictions += self.evictions.get();
        stats.expiries += self.expiries.get();
        stats.superseded += self.superseded.get();
        stats.invalidated += self.invalidated.get();
        stats.invalidated_dependents += self.invalidated_dependents.get();
    }

    fn all(&self) -> [&Cell<u64>; LOCKED] {
        let Self { hits, misses, evictions, expiries, superseded, invalidated, .. } = self;
        [hits, misses, evictions, expiries, superseded, invalidated, &self.invalidated_dependents]
    }

    /// Returns what was counted since the start of the program: hits, misses, evictions, expiries, superseded results,
    /// and invalidated entries, those invalidated by their own tags first.
    #[cfg(feature = "registry")]
    pub(crate) fn lifetime(&self) -> [u64; LOCKED] {
        let [mut sums, counts] = [self.before_reset.get(), self.all().map(Cell::get)];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        sums
    }

    pub(crate) fn reset(&self) {
        #[cfg(feature = "registry")]
        self.before_reset.set(self.lifetime());
        for counter in self.all() {
            counter.set(0);
        }
    }

    pub(crate) fn read(&self, maxsize: Option<usize>, currsize: usize) -> CacheInfo {
        CacheInfo { hits: self.hits.get(), misses: self.misses.get(), maxsize, currsize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_python_does() {
        let info = CacheInfo { hits: 1, misses: 5, maxsize: Some(128), currsize: 5 };
        assert_eq!(info.to_string(), "CacheInfo(hits=1, misses=5, maxsize=128, currsize=5)");
    }

    #[test]
    fn invalidated_entries_are_reported_and_reset() {
        let (counters, mut stats) = (LockedCounters::new(), CacheStats::default());
        counters.invalidated();
        counters.dependent_invalidated();
        counters.dependent_invalidated();
        counters.report(&mut stats);
        assert_eq!((stats.invalidated, stats.invalidated_dependents), (1, 2));
        counters.reset();
        counters.invalidated();
        #[cfg(feature = "registry")]
        assert_eq!(counters.lifetime(), [0, 0, 0, 0, 0, 2, 2]);
        let mut after = CacheStats::default();
        counters.report(&mut after);
        assert_eq!((after.invalidated, after.invalidated_dependents), (1, 0));
    }

    #[test]
    fn ratio_of_no_calls_is_zero() {
        assert_eq!(CacheInfo::default().hit_ratio().to_bits(), 0.0_f64.to_bits());
        let info = CacheInfo { hits: 3, misses: 1, ..CacheInfo::default() };
        assert!((info.hit_ratio() - 0.75).abs() < f64::EPSILON);
    }
}

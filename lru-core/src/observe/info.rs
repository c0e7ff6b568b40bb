//! What a cache tells about itself, and the counters behind it.

use core::cell::Cell;
use core::fmt;

/// How often a cache answered, how often it did not, and how full it is.
///
/// The four numbers are read together: no call is half counted. `Display` prints them as Python
/// prints `functools.lru_cache`'s.
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
    /// Calls answered without running the function.
    pub hits: u64,
    /// Calls that ran the function, or set out to.
    pub misses: u64,
    /// The bound on entries: `None` where there is none, `Some(0)` where nothing is stored.
    pub maxsize: Option<usize>,
    /// The entries there are now.
    pub currsize: usize,
}

impl CacheInfo {
    /// The share of calls that were hits, from 0 to 1; 0 where there was no call.
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

/// In the order in which Python's named tuple has them.
impl From<CacheInfo> for (u64, u64, Option<usize>, usize) {
    fn from(info: CacheInfo) -> Self {
        (info.hits, info.misses, info.maxsize, info.currsize)
    }
}

/// The options a function was memoized with, as `cache_parameters()` tells them (Python 3.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CacheParameters {
    /// The bound on entries: `None` where there is none, `Some(0)` where nothing is stored.
    pub maxsize: Option<usize>,
    /// Whether arguments of different types are remembered apart.
    pub typed: bool,
}

/// What is counted under the lock. Cells, because nested calls count too; the lock keeps other threads out.
#[derive(Debug)]
pub(crate) struct LockedCounters {
    hits: Cell<u64>,
    misses: Cell<u64>,
    evictions: Cell<u64>,
    expiries: Cell<u64>,
}

impl LockedCounters {
    pub(crate) const fn new() -> Self {
        Self { hits: Cell::new(0), misses: Cell::new(0), evictions: Cell::new(0), expiries: Cell::new(0) }
    }

    /// Counts a hit. Returns how many there are.
    #[inline]
    pub(crate) fn hit(&self) -> u64 {
        let hits = self.hits.get() + 1;
        self.hits.set(hits);
        hits
    }

    pub(crate) fn uncount_hit(&self) {
        self.hits.set(self.hits.get().saturating_sub(1));
    }

    /// Hits that were counted elsewhere.
    pub(crate) fn add_hits(&self, hits: u64) {
        self.hits.set(self.hits.get() + hits);
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.get()
    }

    pub(crate) fn miss(&self) {
        self.misses.set(self.misses.get() + 1);
    }

    /// It was no miss; zero stays where all was cleared meanwhile.
    #[cfg(feature = "backend")]
    pub(crate) fn no_miss(&self) {
        self.misses.set(self.misses.get().saturating_sub(1));
    }

    pub(crate) fn eviction(&self) {
        self.evictions.set(self.evictions.get() + 1);
    }

    /// So many were evicted and so many expired.
    pub(crate) fn left(&self, evictions: u64, expiries: u64) {
        self.evictions.set(self.evictions.get() + evictions);
        self.expiries.set(self.expiries.get() + expiries);
    }

    /// How many were evicted, and how many expired.
    pub(crate) fn leavers(&self) -> (u64, u64) {
        (self.evictions.get(), self.expiries.get())
    }

    pub(crate) fn reset(&self) {
        self.hits.set(0);
        self.misses.set(0);
        self.evictions.set(0);
        self.expiries.set(0);
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
    fn ratio_of_no_calls_is_zero() {
        assert_eq!(CacheInfo::default().hit_ratio().to_bits(), 0.0_f64.to_bits());
        let info = CacheInfo { hits: 3, misses: 1, ..CacheInfo::default() };
        assert!((info.hit_ratio() - 0.75).abs() < f64::EPSILON);
    }
}

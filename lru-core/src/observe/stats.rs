//! What a cache counts beside hits and misses.

use core::fmt;
use core::ops::AddAssign;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;

/// What happened in a cache beside hits and misses: `cache_stats()`.
///
/// Counted since the program began, or since the cache was last cleared. The numbers are read one after
/// the other, while others may count on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Calls that were answered by what another call computed meanwhile, under `single_flight`. They are
    /// hits, too.
    pub coalesced: u64,
    /// Calls that were answered by a stale result, under `swr` or `stale_if_error`.
    pub stale_hits: u64,
    /// Refreshes of stale results that came to something.
    pub refreshes: u64,
    /// Computations that came to an `Err`, those of refreshes among them.
    pub errors: u64,
    /// Calls that were answered by a backend. They are hits, too.
    pub backend_hits: u64,
    /// What a backend was asked and could not do.
    pub backend_errors: u64,
    /// Results that left because their time was over.
    pub expiries: u64,
    /// Results that made room for others.
    pub evictions: u64,
    /// How long computations took, all together. Measured where calls may wait for each other or for a
    /// refresh: under `single_flight`, `swr` and `stale_if_error`. Elsewhere no clock is read, and this is
    /// zero.
    pub computing: Duration,
}

impl AddAssign for CacheStats {
    fn add_assign(&mut self, other: Self) {
        self.coalesced += other.coalesced;
        self.stale_hits += other.stale_hits;
        self.refreshes += other.refreshes;
        self.errors += other.errors;
        self.backend_hits += other.backend_hits;
        self.backend_errors += other.backend_errors;
        self.expiries += other.expiries;
        self.evictions += other.evictions;
        self.computing += other.computing;
    }
}

impl fmt::Display for CacheStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { coalesced, stale_hits, refreshes, errors, expiries, evictions, computing, .. } = self;
        let Self { backend_hits, backend_errors, .. } = self;
        write!(f, "CacheStats(coalesced={coalesced}, stale_hits={stale_hits}, refreshes={refreshes}, ")?;
        write!(f, "errors={errors}, backend_hits={backend_hits}, backend_errors={backend_errors}, ")?;
        write!(f, "expiries={expiries}, evictions={evictions}, computing={computing:?})")
    }
}

/// The counters behind [`CacheStats`] of what happens without the lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) coalesced: AtomicU64,
    pub(crate) stale_hits: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) backend_hits: AtomicU64,
    pub(crate) backend_errors: AtomicU64,
    pub(crate) nanoseconds: AtomicU64,
}

impl Counters {
    pub(crate) fn computed(&self, took: Duration) {
        add(&self.nanoseconds, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn reset(&self) {
        let Self { coalesced, stale_hits, refreshes, errors, backend_hits, backend_errors, nanoseconds } =
            self;
        for tally in [coalesced, stale_hits, refreshes, errors, backend_hits, backend_errors, nanoseconds] {
            tally.store(0, Relaxed);
        }
    }

    pub(crate) fn read(&self) -> CacheStats {
        CacheStats {
            coalesced: self.coalesced.load(Relaxed),
            stale_hits: self.stale_hits.load(Relaxed),
            refreshes: self.refreshes.load(Relaxed),
            errors: self.errors.load(Relaxed),
            backend_hits: self.backend_hits.load(Relaxed),
            backend_errors: self.backend_errors.load(Relaxed),
            computing: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            ..CacheStats::default()
        }
    }
}

/// Counts so many more.
pub(crate) fn add(tally: &AtomicU64, more: u64) {
    tally.fetch_add(more, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_all_that_it_counts() {
        let stats = CacheStats { coalesced: 1, computing: Duration::from_millis(5), ..CacheStats::default() };
        let expected = "CacheStats(coalesced=1, stale_hits=0, refreshes=0, errors=0, backend_hits=0, \
                        backend_errors=0, expiries=0, evictions=0, computing=5ms)";
        assert_eq!(stats.to_string(), expected);
    }

    #[test]
    fn what_is_counted_is_read_and_reset() {
        let tallies = Counters::default();
        tallies.computed(Duration::from_secs(1));
        add(&tallies.errors, 2);
        assert_eq!((tallies.read().errors, tallies.read().computing), (2, Duration::from_secs(1)));
        tallies.reset();
        assert_eq!(tallies.read(), CacheStats::default());
    }
}

//! [`Counts`]: all that is counted of a function, at one time.

use core::ops::AddAssign;

use super::histogram::TimeHistogram;
use super::info::LOCKED;
use super::stats::{CacheStats, Counters};
use crate::observe::count::Count;

/// All counters of a function, as returned by [`Function::counts`](super::registry::Function::counts).
///
/// They count from the start of the program: neither `cache_clear()` nor a reset takes anything back. What was
/// counted between two times is their difference, [`since`](Self::since).
///
/// # Examples
///
/// What each function has done since the last time, for an exporter of your own:
///
/// ```
/// # mod functools { pub use lru_core::registry; }
/// use functools::registry;
///
/// let mut published: Vec<_> = registry::functions().map(|function| (function, function.counts())).collect();
/// for (function, last) in &mut published {
///     let now = function.counts();
///     println!("{}: {} new calls, {} in total", function.path(), now.since(last).calls(), now.calls());
///     *last = now;
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The number of calls that were answered without running the function.
    pub hits: u64,
    /// The number of calls that ran the function. With a backend, a call counts as a miss until the backend has
    /// answered it.
    pub misses: u64,
    /// The counters of `cache_stats()`.
    pub stats: CacheStats,
    /// How long the function ran. It is measured with `single_flight` (the default of an `async fn`), `swr`,
    /// `stale_if_error`, `stale_if_slow` and `backend` only.
    pub computing: TimeHistogram,
    /// How long the requests to the backend took, failed ones included.
    pub backend: TimeHistogram,
}

impl Counts {
    /// Creates counts from those that are [guarded by a lock](super::info::LockedCounters::lifetime), and from misses
    /// and other counters that are not.
    pub(crate) fn of(locked: [u64; LOCKED], misses: u64, others: Option<&Counters>) -> Self {
        let [hits, locked_misses, evictions, expiries, superseded, invalidated, invalidated_dependents] =
            locked;
        let mut counts = Self { hits, misses: locked_misses + misses, ..Self::default() };
        if let Some(others) = others {
            counts.stats = others.read_by(Count::lifetime);
            counts.computing = (&others.computing).into();
            counts.backend = (&others.backend_times).into();
            counts.hits += counts.stats.coalesced + counts.stats.backend_hits;
            #[cfg(feature = "backend")]
            {
                counts.stats.backend_state = others.circuit.read();
            }
        }
        let measured = |times: &TimeHistogram| Some(times.total()).filter(|total| !total.is_zero());
        counts.stats.computing = measured(&counts.computing);
        counts.stats.backend_time = measured(&counts.backend);
        counts.stats = CacheStats {
            expiries,
            evictions,
            superseded,
            invalidated,
            invalidated_dependents,
            ..counts.stats
        };
        counts
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.hits + self.misses
    }

    /// Returns the share of hits among all calls; `None` without a call.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts needs no more than 53 bits")]
    pub fn hit_ratio(&self) -> Option<f64> {
        (self.calls() > 0).then(|| self.hits as f64 / self.calls() as f64)
    }

    /// Returns what was counted after `earlier` was read, and the present state of the circuit breaker.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            stats: self.stats.since(&earlier.stats),
            computing: self.computing.since(&earlier.computing),
            backend: self.backend.since(&earlier.backend),
        }
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.stats += other.stats;
        self.computing += &other.computing;
        self.backend += &other.backend;
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::observe::circuit_state::CircuitState;
    use crate::observe::info::LockedCounters;

    #[test]
    fn nothing_is_taken_back() {
        let (locked, others) = (LockedCounters::new(), Counters::default());
        let counted = || Counts::of(locked.lifetime(), 0, Some(&others));
        locked.hit();
        locked.miss();
        locked.eviction();
        others.errors.add(1);
        others.coalesced.add(1);
        others.computing.record(Duration::from_secs(1));
        let before = counted();
        assert_eq!(
            (before.hits, before.misses, before.calls(), before.hit_ratio()),
            (2, 1, 3, Some(2.0 / 3.0))
        );
        locked.reset();
        others.reset();
        assert_eq!((counted(), others.read()), (before.clone(), CacheStats::default()));
        locked.hit();
        others.computing.record(Duration::from_secs(2));
        let since = counted().since(&before);
        assert_eq!((since.hits, since.misses, since.stats.errors), (1, 0, 0));
        assert_eq!((since.stats.computing, since.computing.count()), (Some(Duration::from_secs(2)), 1));
        assert_eq!((counted().hits, counted().stats.evictions), (3, 1));
    }

    #[test]
    fn differences_have_the_present_state() {
        let mut now = Counts { hits: 3, misses: 1, ..Counts::default() };
        now.stats.backend_state = Some(CircuitState::Open);
        let earlier = Counts { hits: 1, misses: 2, ..Counts::default() };
        let growth = now.since(&earlier);
        assert_eq!((growth.hits, growth.misses), (2, 0), "a miss that became a hit of the backend");
        assert_eq!(growth.stats.backend_state, Some(CircuitState::Open));
        assert_eq!((now.since(&now).calls(), Counts::default().hit_ratio()), (0, None));
    }
}

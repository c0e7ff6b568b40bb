//! Clocks: sources of the current time.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;

#[cfg(target_os = "linux")]
use crate::expiry::ticks;
use crate::expiry::ticks::{Ticks, Timestamp, nanoseconds};
use crate::time::Instant;

/// A source of the current time.
///
/// The type of the time determines the type of a `ttl`: see [`Timestamp`]. A cache whose entries may expire
/// reads the clock at each lookup and insert. The clock may stop, jump or go backwards: an entry has expired
/// if its deadline is not later than the time that the clock returns.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::{Duration, SystemTime};
///
/// use functools::{Clock, LruCache};
///
/// /// The time of day, which may be set back.
/// struct WallClock;
///
/// impl Clock for WallClock {
///     type Time = SystemTime;
///
///     fn now(&self) -> SystemTime {
///         SystemTime::now()
///     }
/// }
///
/// let pages = LruCache::builder_with(WallClock).ttl(Duration::from_secs(60)).build();
/// pages.insert("/", "welcome");
/// assert_eq!(pages.get("/"), Some("welcome"));
/// ```
pub trait Clock {
    /// The type of a point in time.
    type Time: Timestamp;

    /// Returns the current time.
    fn now(&self) -> Self::Time;

    /// Whether it is the monotonic clock of the system.
    #[doc(hidden)]
    const IS_SYSTEM: bool = false;

    /// Whether [`about_now`](Self::about_now) is cheaper than [`now`](Self::now), and not exact.
    #[doc(hidden)]
    const IS_COARSE_CHEAPER: bool = false;

    /// Returns a time that differs from the current one by less than [`Ticks::COARSE`].
    #[doc(hidden)]
    #[inline]
    fn about_now(&self) -> Ticks {
        self.now().now()
    }
}

/// A borrowed clock.
impl<C: Clock> Clock for &C {
    type Time = C::Time;

    #[inline]
    fn now(&self) -> C::Time {
        (**self).now()
    }

    const IS_SYSTEM: bool = C::IS_SYSTEM;

    const IS_COARSE_CHEAPER: bool = C::IS_COARSE_CHEAPER;

    #[inline]
    fn about_now(&self) -> Ticks {
        (**self).about_now()
    }
}

/// The monotonic clock of the system, which returns an [`Instant`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    type Time = Instant;

    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    const IS_SYSTEM: bool = true;

    #[cfg(target_os = "linux")]
    const IS_COARSE_CHEAPER: bool = true;

    #[cfg(target_os = "linux")]
    #[inline]
    fn about_now(&self) -> Ticks {
        ticks::coarse()
    }
}

impl SystemClock {
    /// Returns whether a time has come. Near it, the exact clock is read, otherwise the coarse one.
    pub(crate) fn has_reached(self, time: Ticks) -> bool {
        self.about_now().plus(Ticks::COARSE) >= time && time <= Timestamp::now(self.now())
    }
}

/// Calls a function out of line: the exact clock is read near a deadline only.
#[cold]
#[inline(never)]
pub(crate) fn seldom<R>(read: impl FnOnce() -> R) -> R {
    read()
}

/// A manually advanced clock, for tests. Clones share one time.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::time::Duration;
///
/// use functools::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let hand = clock.clone();
/// hand.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Creates a clock at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Advances the clock by `span`. The time saturates at 584 years.
    pub fn advance(&self, span: Duration) {
        let span = nanoseconds(span);
        let later = |now: u64| Some(now.saturating_add(span));
        // One atomic update: other threads may advance the clock at the same time.
        _ = self.0.fetch_update(Relaxed, Relaxed, later);
    }

    /// Sets the clock to `time`, which may be earlier than the current time.
    pub fn set(&self, time: Duration) {
        self.0.store(nanoseconds(time), Relaxed);
    }
}

impl Clock for ManualClock {
    type Time = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::object::Cache;
    use crate::store::Lru;

    const SECOND: u64 = 1_000_000_000;

    /// A clock with a coarse reading, which is late by `lag`.
    #[derive(Clone, Default)]
    struct Coarse {
        now: Rc<Cell<u64>>,
        lag: Rc<Cell<u64>>,
        exact_readings: Rc<Cell<u32>>,
    }

    impl Clock for Coarse {
        type Time = Duration;

        fn now(&self) -> Duration {
            self.exact_readings.set(self.exact_readings.get() + 1);
            Duration::from_nanos(self.now.get())
        }

        const IS_COARSE_CHEAPER: bool = true;

        fn about_now(&self) -> Ticks {
            Duration::from_nanos(self.now.get() - self.lag.get()).now()
        }
    }

    #[test]
    fn the_exact_clock_is_read_near_a_deadline_only() {
        let clock = Coarse::default();
        clock.now.set(SECOND);
        let cache: Cache<_, _, Lru, _> =
            Cache::builder_with(clock.clone()).ttl(Duration::from_secs(10)).build();
        cache.insert('a', 1);
        let readings = |wanted: Option<u8>| {
            let before = clock.exact_readings.get();
            assert_eq!(cache.get(&'a'), wanted);
            clock.exact_readings.get() - before
        };
        assert_eq!(readings(Some(1)), 0);
        clock.now.set(10 * SECOND + SECOND / 2);
        assert_eq!(readings(Some(1)), 0);
        // By the exact clock, an entry is served until the last nanosecond, and no longer.
        clock.lag.set(Ticks::COARSE - 1);
        clock.now.set(11 * SECOND - 1);
        assert_eq!(readings(Some(1)), 1);
        clock.now.set(11 * SECOND);
        assert_eq!(readings(None), 1);
    }

    #[test]
    fn a_use_that_postpones_a_deadline_has_the_exact_time() {
        let clock = Coarse::default();
        clock.now.set(SECOND);
        let cache: Cache<_, _, Lru, _> =
            Cache::builder_with(clock.clone()).tti(Duration::from_secs(10)).build();
        cache.insert('a', 1);
        clock.lag.set(Ticks::COARSE / 2);
        clock.now.set(5 * SECOND);
        assert_eq!(cache.get(&'a'), Some(1));
        clock.now.set(15 * SECOND - 1);
        assert_eq!(cache.get(&'a'), Some(1));
        clock.now.set(25 * SECOND - 1);
        assert_eq!(cache.get(&'a'), None);
    }

    #[test]
    fn the_coarse_clock_of_the_system_is_close_to_the_exact_one() {
        for _ in 0..1000 {
            let before = SystemClock.now().now();
            let about = SystemClock.about_now().get();
            let after = SystemClock.now().now();
            // A bound that holds on a machine that delays its timer too: the coarse clock is not another clock.
            assert!(about < after.get() + Ticks::COARSE && before.get() < about + 50 * Ticks::COARSE);
        }
    }
}

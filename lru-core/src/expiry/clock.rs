//! Clocks: sources of the current time.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;

use crate::expiry::ticks::{Timestamp, nanoseconds};
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
}

/// A borrowed clock.
impl<C: Clock> Clock for &C {
    type Time = C::Time;

    #[inline]
    fn now(&self) -> C::Time {
        (**self).now()
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

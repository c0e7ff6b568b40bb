//! The stopwatch of computations, which runs while a budget is set.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::time::Instant;

/// Whether a budget is set.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Records whether a budget is set, so that computations are measured from now on.
pub(crate) fn measure(is_set: bool) {
    IS_SET.store(is_set, Relaxed);
}

/// Returns whether computations are measured.
pub(crate) fn is_measuring() -> bool {
    IS_SET.load(Relaxed)
}

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// By the clock of the system.
    At(Instant),
    /// By the clock of a test, in nanoseconds.
    #[cfg(feature = "testing")]
    Given(u64),
}

#[cfg(feature = "testing")]
static GIVEN: std::sync::OnceLock<fn() -> u64> = std::sync::OnceLock::new();

/// Sets the clock by which the computations of functions in a budget are measured, in nanoseconds, for tests.
#[cfg(feature = "testing")]
pub fn set_budget_clock(clock: fn() -> u64) {
    _ = GIVEN.set(clock);
}

impl Start {
    pub(crate) fn now() -> Self {
        #[cfg(feature = "testing")]
        if let Some(now) = GIVEN.get() {
            return Self::Given(now());
        }
        Self::At(Instant::now())
    }

    /// Returns the nanoseconds since then.
    pub(crate) fn elapsed(self) -> u64 {
        match self {
            Self::At(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            #[cfg(feature = "testing")]
            Self::Given(start) => GIVEN.get().map_or(0, |now| now().saturating_sub(start)),
        }
    }
}

//! [`Stopwatch`]: how long a computation takes, for policies that ask for it.

use core::time::Duration;

use crate::budget::clock::{Start, is_measuring};
use crate::time::Instant;

/// The time of a computation. For policies that do not ask for it, it is `()`, and no clock is read.
pub trait Stopwatch: Copy {
    /// The stopwatch of the same policy in a cache that may share a budget.
    type InBudget: Stopwatch;

    /// Starts to measure.
    fn start() -> Self;

    /// Measures from a time that was read before.
    fn since(start: Instant) -> Self;

    /// Ends the measurement.
    #[must_use]
    fn stop(self) -> Self;

    /// Returns the time when it was stopped, in nanoseconds; zero if it is not known.
    fn nanoseconds(self) -> u64;
}

impl Stopwatch for () {
    type InBudget = WhileBudget;

    #[inline]
    fn start() -> Self {}

    #[inline]
    fn since(_: Instant) -> Self {}

    #[inline]
    fn stop(self) -> Self {}

    #[inline]
    fn nanoseconds(self) -> u64 {
        0
    }
}

/// A stopwatch that measures.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    start: Instant,
    nanoseconds: u64,
}

impl Measured {
    /// Returns one that was stopped after this time.
    pub(crate) fn of(took: Duration) -> Self {
        // A time of zero would mean that it is not known.
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { nanoseconds, ..Self::since(Instant::now()) }
    }
}

impl Stopwatch for Measured {
    type InBudget = Self;

    fn start() -> Self {
        Self::since(Instant::now())
    }

    fn since(start: Instant) -> Self {
        Self { start, nanoseconds: 0 }
    }

    fn stop(self) -> Self {
        Self { start: self.start, ..Self::of(self.start.elapsed()) }
    }

    fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }
}

/// A stopwatch that measures while a budget is set, and reads no clock otherwise.
#[derive(Clone, Copy, Debug)]
pub struct WhileBudget {
    start: Option<Start>,
    nanoseconds: u64,
}

impl Stopwatch for WhileBudget {
    type InBudget = Self;

    fn start() -> Self {
        Self { start: is_measuring().then(Start::now), nanoseconds: 0 }
    }

    fn since(start: Instant) -> Self {
        Self { start: is_measuring().then_some(Start::At(start)), nanoseconds: 0 }
    }

    fn stop(self) -> Self {
        // A time of zero would mean that it is not known.
        Self { nanoseconds: self.start.map_or(0, |start| start.elapsed().max(1)), ..self }
    }

    fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }
}

//! Times as integers: the times of a clock are converted to [`Ticks`], which are compared and stored.
//!
//! The engine uses no other representation of time. Each type that a clock returns is mapped to a `u64` that
//! preserves the order. Nothing here panics, and a deadline that is too late for the integer is never
//! reached.

use core::fmt;
use core::time::Duration;
use std::sync::LazyLock;

use crate::expiry::duration::Span;
use crate::time::{Instant, SystemTime};

/// A point in time as an integer: later times of one clock have more ticks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(u64);

impl Ticks {
    /// The earliest time. As a deadline, it has passed by every clock; as the current time, no later deadline
    /// has passed.
    pub const START: Self = Self(0);

    /// The deadline that no clock reaches.
    pub const NEVER: Self = Self(u64::MAX);

    /// The latest time that a clock can show: [`Ticks::NEVER`] is still later.
    const LATEST: Self = Self(u64::MAX - 1);

    /// More than the coarse clock of the system may differ from the exact one, in nanoseconds: its grain is 1 to 10 ms,
    /// and the rest is for a processor that is late to advance it.
    pub(crate) const COARSE: u64 = 100_000_000;

    /// The middle of the range: the zero of times that may be negative.
    const MIDDLE: u64 = 1 << 63;

    /// Returns the time that is later by `ticks`, or [`Ticks::NEVER`].
    pub(crate) const fn plus(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// Returns the integer, for the entry store.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// Returns the time of an integer that [`get`](Self::get) has returned.
    pub(crate) const fn new(ticks: u64) -> Self {
        Self(ticks)
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NEVER => f.write_str("never"),
            Self(ticks) => ticks.fmt(f),
        }
    }
}

/// A point in time that a clock returns: an integer or a float in any unit, a [`Duration`] since any start,
/// an [`Instant`] or a [`SystemTime`].
///
/// The trait is sealed: it is implemented for these types, and cannot be implemented by other crates.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time that a cache can store",
    label = "expected an integer, a float, a `Duration`, an `Instant` or a `SystemTime`",
    note = "for a type of another crate, return what it converts to, such as `.timestamp_millis()` of `chrono`"
)]
pub trait Timestamp: Copy + sealed::Sealed {
    /// The type of a `ttl` with such a clock: a [`Duration`] if the type measures seconds, otherwise a number
    /// in the unit of the clock (`u64` for integers, `f64` for floats).
    type Span: Span;

    /// Returns the time as a deadline.
    #[doc(hidden)]
    fn ticks(self) -> Ticks;

    /// Returns the time as the current one. By a NaN, every deadline but [`Ticks::NEVER`] has passed.
    #[doc(hidden)]
    #[inline]
    fn now(self) -> Ticks {
        self.ticks().min(Ticks::LATEST)
    }

    /// Returns the deadline that is `span` later than `now`.
    #[doc(hidden)]
    fn later(now: Ticks, span: Self::Span) -> Ticks;

    /// Returns the time from `start` to `end`, or zero if `end` is earlier.
    #[doc(hidden)]
    fn between(start: Ticks, end: Ticks) -> Self::Span;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! timestamps {
    ($span:ty, $span_ticks:expr, $ticks_span:expr; $($type:ty => $ticks:expr;)*) => { $(
        impl sealed::Sealed for $type {}

        #[diagnostic::do_not_recommend]
        impl Timestamp for $type {
            type Span = $span;

            #[inline]
            fn ticks(self) -> Ticks {
                let ticks: fn($type) -> u64 = $ticks;
                Ticks(ticks(self))
            }

            #[inline]
            fn later(now: Ticks, span: $span) -> Ticks {
                let ticks: fn($span) -> u64 = $span_ticks;
                now.plus(ticks(span))
            }

            fn between(start: Ticks, end: Ticks) -> $span {
                let span: fn(u64) -> $span = $ticks_span;
                span(end.0.saturating_sub(start.0))
            }
        }
    )* };
}

timestamps! { u64, |ticks| ticks, |ticks| ticks;
    u8 => u64::from;
    u16 => u64::from;
    u32 => u64::from;
    u64 => |time| time;
    usize => |time| u64::try_from(time).unwrap_or(u64::MAX);
    u128 => |time| u64::try_from(time).unwrap_or(u64::MAX);
    i8 => |time| signed(time.into());
    i16 => |time| signed(time.into());
    i32 => |time| signed(time.into());
    i64 => |time| signed(time.into());
    isize => |time| i64::try_from(time).map_or(u64::MAX, |time| signed(time.into()));
    i128 => signed;
}

timestamps! { Duration, nanoseconds, Duration::from_nanos;
    Duration => nanoseconds;
    Instant => |time| since(
        time.checked_duration_since(ORIGIN.exact),
        ORIGIN.exact.checked_duration_since(time),
    );
    SystemTime => |time| since(
        time.duration_since(SystemTime::UNIX_EPOCH).ok(),
        SystemTime::UNIX_EPOCH.duration_since(time).ok(),
    );
}

/// The instant from which the ticks of [`Instant`]s are counted, by each clock. Earlier instants have fewer ticks.
static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::now);

struct Origin {
    exact: Instant,
    #[cfg(target_os = "linux")]
    coarse: coarsetime::Instant,
}

impl Origin {
    fn now() -> Self {
        Self {
            exact: Instant::now(),
            #[cfg(target_os = "linux")]
            coarse: coarsetime::Instant::now_without_cache_update(),
        }
    }
}

/// Returns the ticks of an [`Instant`] that differs from the current one by less than [`Ticks::COARSE`].
///
/// The clock (`CLOCK_MONOTONIC_COARSE`) advances as the exact one does, once in each interval of the kernel's timer.
// Not inlined: in a hit it would take registers from caches whose entries never expire.
#[cfg(target_os = "linux")]
#[inline(never)]
pub(crate) fn coarse() -> Ticks {
    let since = coarsetime::Instant::now_without_cache_update().duration_since(ORIGIN.coarse);
    Ticks(Ticks::MIDDLE + since.as_nanos())
}

/// Returns the ticks of a number that may be negative.
fn signed(number: i128) -> u64 {
    let number = number.clamp(i64::MIN.into(), i64::MAX.into());
    u64::try_from(number - i128::from(i64::MIN)).unwrap_or(u64::MAX)
}

/// Returns the ticks of a time that is `after` an origin, or `before` it.
#[inline]
fn since(after: Option<Duration>, before: Option<Duration>) -> u64 {
    match (after, before) {
        (Some(after), _) => Ticks::MIDDLE.saturating_add(nanoseconds(after)),
        (None, before) => Ticks::MIDDLE.saturating_sub(before.map_or(0, nanoseconds)),
    }
}

/// Returns the nanoseconds of a duration, or `u64::MAX` if there are more.
#[inline]
pub(super) fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

macro_rules! float_timestamps {
    ($($type:ty)*) => { $(
        impl sealed::Sealed for $type {}

        #[diagnostic::do_not_recommend]
        impl Timestamp for $type {
            type Span = f64;

            fn ticks(self) -> Ticks {
                encode(self.into())
            }

            fn now(self) -> Ticks {
                if self.is_nan() { Ticks::LATEST } else { self.ticks().min(Ticks::LATEST) }
            }

            fn later(now: Ticks, span: f64) -> Ticks {
                if now == Ticks::NEVER { now } else { encode(decode(now) + span) }
            }

            fn between(start: Ticks, end: Ticks) -> f64 {
                // Zero also if the clock showed NaN.
                (decode(end) - decode(start)).max(0.0)
            }
        }
    )* };
}

float_timestamps! { f32 f64 }

/// Maps a float to ticks that preserve the order. NaN is a deadline that has passed; infinity is never
/// reached.
fn encode(time: f64) -> Ticks {
    let bits = time.to_bits();
    if time.is_nan() {
        Ticks::START
    } else if time == f64::INFINITY {
        Ticks::NEVER
    } else if time.is_sign_negative() {
        Ticks(!bits)
    } else {
        Ticks(bits | Ticks::MIDDLE)
    }
}

/// Maps ticks back to a float: NaN if the clock showed NaN.
fn decode(Ticks(ticks): Ticks) -> f64 {
    f64::from_bits(if ticks >= Ticks::MIDDLE { ticks - Ticks::MIDDLE } else { !ticks })
}

#[cfg(test)]
mod tests;

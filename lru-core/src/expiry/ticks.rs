//! Times as integers: what a clock shows becomes [`Ticks`], which are compared and stored.
//!
//! The engine knows no other time. Whatever type a clock returns is mapped to a `u64` that keeps the
//! order; nothing here panics, and a time that is too late for the integer never comes.

use core::fmt;
use core::time::Duration;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use crate::expiry::duration::Span;

/// A point in time as an integer: later times of one clock have more ticks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(u64);

impl Ticks {
    /// The earliest time: a deadline that has passed by every clock, and a reading by which nothing else
    /// has.
    pub const START: Self = Self(0);

    /// The deadline that no clock reaches.
    pub const NEVER: Self = Self(u64::MAX);

    /// The latest time that a clock can show: [`Ticks::NEVER`] is still ahead of it.
    const LATEST: Self = Self(u64::MAX - 1);

    /// The middle of the range: where times that may be negative are zero.
    const MIDDLE: u64 = 1 << 63;

    /// The time that is later by so many ticks, or [`Ticks::NEVER`].
    const fn plus(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// The integer, for the entry store.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    #[cfg(test)]
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

/// A point in time as a clock shows it: an integer or a float of any unit, a [`Duration`] since any start, an
/// [`Instant`] or a [`SystemTime`].
///
/// Implemented for these types alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time that a cache can store",
    label = "expected an integer, a float, a `Duration`, an `Instant` or a `SystemTime`",
    note = "for a type of another crate, return what it converts to, such as `.timestamp_millis()` of `chrono`"
)]
pub trait Timestamp: Copy + sealed::Sealed {
    /// A length of time: what a `ttl` is with such a clock. A [`Duration`] where the type has seconds, else
    /// a number of the clock's own unit: `u64` for integers, `f64` for floats.
    type Span: Span;

    /// The time as a deadline.
    #[doc(hidden)]
    fn ticks(self) -> Ticks;

    /// The time as the current one. No deadline is ahead of a NaN.
    #[doc(hidden)]
    #[inline]
    fn now(self) -> Ticks {
        self.ticks().min(Ticks::LATEST)
    }

    /// The deadline that is later than `now` by `span`.
    #[doc(hidden)]
    fn later(now: Ticks, span: Self::Span) -> Ticks;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! timestamps {
    ($span:ty, $span_ticks:expr; $($type:ty => $ticks:expr;)*) => { $(
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
        }
    )* };
}

timestamps! { u64, |ticks| ticks;
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

timestamps! { Duration, nanoseconds;
    Duration => nanoseconds;
    Instant => |time| since(
        time.checked_duration_since(*ORIGIN),
        ORIGIN.checked_duration_since(time),
    );
    SystemTime => |time| since(
        time.duration_since(SystemTime::UNIX_EPOCH).ok(),
        SystemTime::UNIX_EPOCH.duration_since(time).ok(),
    );
}

/// Where the ticks of [`Instant`]s are counted from. Some are earlier: they have fewer ticks.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The ticks of a number that may be negative.
fn signed(number: i128) -> u64 {
    let number = number.clamp(i64::MIN.into(), i64::MAX.into());
    u64::try_from(number - i128::from(i64::MIN)).unwrap_or(u64::MAX)
}

/// The ticks of a time that is so long `after` an origin, or so long `before` it.
#[inline]
fn since(after: Option<Duration>, before: Option<Duration>) -> u64 {
    match (after, before) {
        (Some(after), _) => Ticks::MIDDLE.saturating_add(nanoseconds(after)),
        (None, before) => Ticks::MIDDLE.saturating_sub(before.map_or(0, nanoseconds)),
    }
}

/// As many as there can be, at most.
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
        }
    )* };
}

float_timestamps! { f32 f64 }

/// The bits of a float, in the order of the numbers. NaN has passed, and infinity never comes.
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

/// The float that has these ticks: NaN where the clock showed that.
fn decode(Ticks(ticks): Ticks) -> f64 {
    f64::from_bits(if ticks >= Ticks::MIDDLE { ticks - Ticks::MIDDLE } else { !ticks })
}

#[cfg(test)]
mod tests;

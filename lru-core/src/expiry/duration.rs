//! Durations: as users write them, and in the unit of a clock.

use core::fmt;
use core::time::Duration;

/// A duration in the unit of a clock: a [`Duration`], or a number of the clock's own unit.
///
/// Implemented for `Duration`, `u64` and `f64` only.
pub trait Span:
    IntoSpan<Self> + Copy + PartialOrd + fmt::Debug + Send + Sync + sealed::Sealed + 'static
{
    /// Converts a [`Duration`]; `None` if the clock's unit is one of the user's own.
    #[doc(hidden)]
    fn of(duration: Duration) -> Option<Self>;

    /// Returns the [`Duration`]; `None` if the clock's unit is one of the user's own.
    #[doc(hidden)]
    fn duration(self) -> Option<Duration> {
        None
    }

    /// Returns whether the duration is zero or less.
    #[doc(hidden)]
    fn is_nothing(self) -> bool;

    /// Returns a fraction of the duration; `part` is from 0 to 1.
    #[doc(hidden)]
    fn part(self, part: f64) -> Self;

    /// Converts a number of the unit: of seconds, or of the clock's own unit.
    #[doc(hidden)]
    fn of_number(number: f64) -> Self;

    /// Converts the duration to an integer.
    #[doc(hidden)]
    fn into_bits(self) -> u64;

    /// Returns the duration of an integer that [`into_bits`](Self::into_bits) has returned.
    #[doc(hidden)]
    fn from_bits(bits: u64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Duration {}
impl sealed::Sealed for u64 {}
impl sealed::Sealed for f64 {}

impl Span for Duration {
    #[inline]
    fn of(duration: Duration) -> Option<Self> {
        Some(duration)
    }

    fn duration(self) -> Option<Duration> {
        Some(self)
    }

    #[inline]
    fn is_nothing(self) -> bool {
        self.is_zero()
    }

    fn part(self, part: f64) -> Self {
        Self::try_from_secs_f64(self.as_secs_f64() * part).unwrap_or(self)
    }

    fn of_number(number: f64) -> Self {
        seconds(number)
    }

    /// In nanoseconds. A duration of more than 584 years becomes the longest one.
    fn into_bits(self) -> u64 {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX)
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        if bits == u64::MAX { Self::MAX } else { Self::from_nanos(bits) }
    }
}

impl Span for u64 {
    fn of(_: Duration) -> Option<Self> {
        None
    }

    #[inline]
    fn is_nothing(self) -> bool {
        self == 0
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a part at random need not be exact, and `as` saturates"
    )]
    fn part(self, part: f64) -> Self {
        (self as f64 * part) as Self
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    fn of_number(number: f64) -> Self {
        number.ceil() as Self
    }

    fn into_bits(self) -> u64 {
        self
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        bits
    }
}

impl Span for f64 {
    fn of(_: Duration) -> Option<Self> {
        None
    }

    /// NaN is no time.
    #[inline]
    fn is_nothing(self) -> bool {
        self.is_nan() || self <= 0.0
    }

    fn part(self, part: f64) -> Self {
        self * part
    }

    fn of_number(number: f64) -> Self {
        number
    }

    fn into_bits(self) -> u64 {
        self.to_bits()
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

/// A value that can be given as a duration of type `S`: a number of seconds or a [`Duration`]; with a clock
/// that shows numbers, a number of its unit.
#[diagnostic::on_unimplemented(
    message = "expected a duration, found `{Self}`",
    label = "pass a number of seconds or a `std::time::Duration`; with a `timer` of numbers, a number of its unit"
)]
pub trait IntoSpan<S> {
    /// Returns the duration in the unit of the clock. A negative number and NaN become zero.
    fn into_span(self) -> S;
}

#[diagnostic::do_not_recommend]
impl IntoSpan<Self> for Duration {
    #[inline]
    fn into_span(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($span:ty: $($type:ty => $into_span:expr;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl IntoSpan<$span> for $type {
            #[inline]
            fn into_span(self) -> $span {
                let into_span: fn($type) -> $span = $into_span;
                into_span(self)
            }
        }
    )* };
}

numbers! { Duration:
    u8 => |it| Duration::from_secs(it.into());
    u16 => |it| Duration::from_secs(it.into());
    u32 => |it| Duration::from_secs(it.into());
    u64 => Duration::from_secs;
    usize => |it| Duration::from_secs(saturated(it));
    i8 => |it| Duration::from_secs(saturated(it));
    i16 => |it| Duration::from_secs(saturated(it));
    i32 => |it| Duration::from_secs(saturated(it));
    i64 => |it| Duration::from_secs(saturated(it));
    isize => |it| Duration::from_secs(saturated(it));
    f32 => |it| seconds(it.into());
    f64 => seconds;
}

numbers! { u64:
    u8 => u64::from;
    u16 => u64::from;
    u32 => u64::from;
    u64 => |it| it;
    u128 => saturated;
    usize => saturated;
    i8 => saturated;
    i16 => saturated;
    i32 => saturated;
    i64 => saturated;
    i128 => saturated;
    isize => saturated;
}

numbers! { f64:
    u8 => f64::from;
    u16 => f64::from;
    u32 => f64::from;
    i8 => f64::from;
    i16 => f64::from;
    i32 => f64::from;
    f32 => f64::from;
    f64 => |it| it;
}

/// Returns the nearest `u64`.
#[inline]
fn saturated<T: TryInto<u64> + PartialOrd + Default>(number: T) -> u64 {
    let least = if number < T::default() { 0 } else { u64::MAX };
    number.try_into().unwrap_or(least)
}

/// Converts a number of seconds. A negative number and NaN become zero, and a number that is too large
/// becomes the longest duration.
fn seconds(seconds: f64) -> Duration {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seconds_and_never_out_of_range() {
        let spans: [Duration; 6] = [
            5_u8.into_span(),
            (-5).into_span(),
            0.25.into_span(),
            f64::NAN.into_span(),
            (-0.5_f32).into_span(),
            7_usize.into_span(),
        ];
        assert_eq!(spans.map(|span| span.as_millis()), [5000, 0, 250, 0, 0, 7000]);
        let longest: Duration = f64::INFINITY.into_span();
        assert_eq!(longest, Duration::MAX);
        let counts: [u64; 4] =
            [5_i8.into_span(), (-5_i128).into_span(), u128::MAX.into_span(), i64::MAX.into_span()];
        assert_eq!(counts, [5, 0, u64::MAX, i64::MAX.abs_diff(0)]);
        let units: [f64; 2] = [5.into_span(), 0.5_f32.into_span()];
        assert_eq!(units.map(|units| units.to_string()), ["5", "0.5"]);
    }

    #[test]
    fn every_span_has_parts() {
        assert_eq!(Duration::from_secs(8).part(0.25), Duration::from_secs(2));
        assert_eq!(
            (8_u64.part(0.25), u64::MAX.part(1.0), 8.0.part(0.25).to_string()),
            (2, u64::MAX, "2".to_owned())
        );
        assert_eq!(Duration::MAX.part(1.0), Duration::MAX, "longer than a float can tell");
    }
}

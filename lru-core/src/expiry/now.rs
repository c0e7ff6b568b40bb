//! The current time as `ttu` gets it: additions saturate.

use core::ops::Add;
use core::time::Duration;

use crate::time::{Instant, SystemTime};

/// The current time, to which a duration is added. A sum that the type of the time cannot represent is a time that is
/// never reached: the standard library's additions would panic, or wrap around.
#[derive(Clone, Copy, Debug)]
pub struct Now<T>(pub T);

/// A duration after which, in [`Ticks`](crate::expiry::ticks::Ticks), no time is reached.
const FAR: Duration = Duration::from_secs(300 * 366 * 24 * 60 * 60);

macro_rules! instants {
    ($($type:ty)*) => { $(
        impl Add<Duration> for Now<$type> {
            type Output = $type;

            fn add(self, span: Duration) -> $type {
                self.0.checked_add(span.min(FAR)).or_else(|| self.0.checked_add(FAR)).unwrap_or(self.0)
            }
        }
    )* };
}

instants! { Instant SystemTime }

macro_rules! numbers {
    ($add:ident: $($type:ty)*) => { $(
        impl Add<$type> for Now<$type> {
            type Output = $type;

            fn add(self, span: $type) -> $type {
                self.0.$add(span)
            }
        }

        impl Add<&$type> for Now<$type> {
            type Output = $type;

            fn add(self, span: &$type) -> $type {
                self.0.$add(*span)
            }
        }
    )* };
}

numbers! { saturating_add: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
numbers! { add: f32 f64 }

impl Add<Duration> for Now<Duration> {
    type Output = Duration;

    fn add(self, span: Duration) -> Duration {
        self.0.saturating_add(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expiry::ticks::{Ticks, Timestamp};

    #[test]
    fn a_sum_that_is_too_large_is_never_reached() {
        assert_eq!((Now(Instant::now()) + Duration::MAX).ticks(), Ticks::NEVER);
        assert_eq!((Now(SystemTime::now()) + Duration::MAX).ticks(), Ticks::NEVER);
        assert_eq!((Now(Duration::MAX) + Duration::MAX).ticks(), Ticks::NEVER);
        assert_eq!((Now(7_u64) + u64::MAX).ticks(), Ticks::NEVER);
        assert_eq!((Now(i64::MAX) + 1).ticks(), Ticks::NEVER);
    }

    #[test]
    fn any_other_sum_is_that_of_the_standard_library() {
        let (instant, time, span) = (Instant::now(), SystemTime::now(), Duration::from_secs(60));
        assert_eq!(Now(instant) + span, instant + span);
        assert_eq!(Now(time) + span, time + span);
        assert_eq!(Now(span) + span, span + span);
        let three = &3_i64;
        assert_eq!((Now(5) + 3_u8, Now(-5_i64) + three), (8, -2));
        assert!((Now(0.5_f64) + 0.25 - 0.75).abs() < f64::EPSILON);
    }
}

//! Time as a parameter: anything that can be read, compared and added to.

use core::any::Any;
use core::cmp::Ordering;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Add;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Tells what time it is.
///
/// A clock may stand still, jump and go backwards; nothing is lost by that but the right time.
pub trait Clock {
    /// A point in time. It is compared and copied while the store is being changed: its `PartialOrd` and
    /// `Clone` must not call the cache, and must not panic.
    type Time: Clone + PartialOrd;
    /// A length of time.
    type Span: Clone;

    /// What time it is now.
    fn now(&self) -> Self::Time;

    /// The time so much later; `None` if that is never.
    fn later(&self, time: &Self::Time, span: &Self::Span) -> Option<Self::Time>;

    /// The time so much later than now.
    fn ahead(&self, span: &Self::Span) -> Option<Self::Time> {
        self.later(&self.now(), span)
    }

    /// The time that is later than now by two lengths of time.
    fn ahead_by_both(&self, first: &Self::Span, second: &Self::Span) -> Option<Self::Time> {
        self.later(&self.ahead(first)?, second)
    }

    /// How long not to ask again what has failed so many times in a row, where answers are good for
    /// `ttl`. Clocks that can tell seconds say one second, and twice as long after each failure, up to a
    /// minute; never more than `ttl`, which is what the others say.
    fn backoff(&self, ttl: &Self::Span, _failures: u32) -> Self::Span {
        ttl.clone()
    }

    /// A length of time as this clock has it; `None` where it has none that are so called.
    fn span_of(&self, _span: Duration) -> Option<Self::Span> {
        None
    }

    /// A part of a length of time. Clocks whose spans can't be divided give the whole.
    fn part(&self, span: &Self::Span, _part: f64) -> Self::Span {
        span.clone()
    }

    /// Whether a time is yet to come.
    #[inline]
    fn is_ahead(&self, time: &Self::Time) -> bool {
        self.now() < *time
    }
}

/// A clock that is borrowed.
impl<C: Clock> Clock for &C {
    type Time = C::Time;
    type Span = C::Span;

    #[inline]
    fn now(&self) -> C::Time {
        (**self).now()
    }

    fn later(&self, time: &C::Time, span: &C::Span) -> Option<C::Time> {
        (**self).later(time, span)
    }

    fn ahead(&self, span: &C::Span) -> Option<C::Time> {
        (**self).ahead(span)
    }

    fn ahead_by_both(&self, first: &C::Span, second: &C::Span) -> Option<C::Time> {
        (**self).ahead_by_both(first, second)
    }

    fn backoff(&self, ttl: &C::Span, failures: u32) -> C::Span {
        (**self).backoff(ttl, failures)
    }

    fn span_of(&self, span: Duration) -> Option<C::Span> {
        (**self).span_of(span)
    }

    fn part(&self, span: &C::Span, part: f64) -> C::Span {
        (**self).part(span, part)
    }

    #[inline]
    fn is_ahead(&self, time: &C::Time) -> bool {
        (**self).is_ahead(time)
    }
}

/// The clock of the system, which never goes backwards: [`Instant`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    type Time = Instant;
    type Span = Duration;

    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn later(&self, time: &Instant, span: &Duration) -> Option<Instant> {
        time.checked_add(*span)
    }

    fn part(&self, span: &Duration, part: f64) -> Duration {
        part_of(*span, part)
    }

    fn span_of(&self, span: Duration) -> Option<Duration> {
        Some(span)
    }

    fn backoff(&self, ttl: &Duration, failures: u32) -> Duration {
        backoff_of(*ttl, failures)
    }
}

/// A clock that is moved by hand: for tests. Clones show the same time.
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
    /// A clock that shows zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves it forwards. It stops at the end of time, after 584 years.
    pub fn advance(&self, span: Duration) {
        let span = nanoseconds(span);
        let later = |now: u64| Some(now.saturating_add(span));
        // In one step: others may move it too.
        _ = self.0.fetch_update(Relaxed, Relaxed, later);
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, time: Duration) {
        self.0.store(nanoseconds(time), Relaxed);
    }
}

impl Clock for ManualClock {
    type Time = Duration;
    type Span = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }

    fn later(&self, time: &Duration, span: &Duration) -> Option<Duration> {
        time.checked_add(*span)
    }

    fn part(&self, span: &Duration, part: f64) -> Duration {
        part_of(*span, part)
    }

    fn span_of(&self, span: Duration) -> Option<Duration> {
        Some(span)
    }

    fn backoff(&self, ttl: &Duration, failures: u32) -> Duration {
        backoff_of(*ttl, failures)
    }
}

/// As many as there can be, at most.
fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn part_of(span: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * part).unwrap_or(span)
}

fn backoff_of(ttl: Duration, failures: u32) -> Duration {
    let seconds = 1_u64 << failures.saturating_sub(1).min(6);
    Duration::from_secs(seconds.min(60)).min(ttl)
}

/// `time + span`; `None` where that is later than the type can tell, for the numbers and times of the
/// standard library. Others add as they do.
fn sum<T, D>(time: T, span: D) -> Option<T>
where
    T: Add<D, Output = T> + 'static,
    D: 'static,
{
    macro_rules! checked {
        ($($time:ty, $span:ty;)*) => { $(
            if let (Some(time), Some(span)) =
                ((&time as &dyn Any).downcast_ref::<$time>(), (&span as &dyn Any).downcast_ref::<$span>())
            {
                let mut sum = time.checked_add(*span);
                return (&mut sum as &mut dyn Any).downcast_mut::<Option<T>>()?.take();
            }
        )* };
    }
    checked! {
        u64, u64; u32, u32; usize, usize; u128, u128; u16, u16; u8, u8;
        i64, i64; i32, i32; isize, isize; i128, i128; i16, i16; i8, i8;
        Duration, Duration; Instant, Duration; SystemTime, Duration;
    }
    Some(time + span)
}

/// The time it is, to which a length of time is added as it is written: `now + span`. `None` is never.
#[derive(Clone, Copy, Debug)]
pub struct Now<T>(pub(crate) T);

impl<T, D> Add<D> for Now<T>
where
    T: Add<D, Output = T> + 'static,
    D: 'static,
{
    type Output = Option<T>;

    fn add(self, span: D) -> Option<T> {
        sum(self.0, span)
    }
}

/// A function as a clock: whatever it returns is the time, and `D` is what can be added to that. Where
/// the sum of two numbers, or of two of the standard library's times, is later than the type can tell,
/// it never comes.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// use functools::{Clock, Timer};
///
/// static REQUESTS: AtomicU64 = AtomicU64::new(7);
///
/// let clock = Timer::new(|| REQUESTS.load(Relaxed));
/// assert_eq!(clock.later(&clock.now(), &3), Some(10));
/// ```
pub struct Timer<F, D> {
    read: F,
    spans: PhantomData<fn(D)>,
}

impl<F, D> Timer<F, D> {
    /// The clock that `read` reads.
    pub const fn new(read: F) -> Self {
        Self { read, spans: PhantomData }
    }
}

impl<F, T, D> Clock for Timer<F, D>
where
    F: Fn() -> T,
    T: Clone + PartialOrd + Add<D, Output = T> + 'static,
    D: Clone + 'static,
{
    type Time = T;
    type Span = D;

    fn now(&self) -> T {
        (self.read)()
    }

    fn later(&self, time: &T, span: &D) -> Option<T> {
        sum(time.clone(), span.clone())
    }
}

impl<F, D> fmt::Debug for Timer<F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

/// What a clock shows, without the type: for a `static`, which can't name what a function returns.
#[derive(Clone)]
pub struct Reading(Shown);

#[derive(Clone)]
enum Shown {
    Integer(i128),
    Float(f64),
    Duration(Duration),
    Instant(Instant),
    System(SystemTime),
    Other(Arc<dyn Any + Send + Sync>, fn(&dyn Any, &dyn Any) -> Option<Ordering>),
}

/// Compares two readings of a clock that shows `T`.
fn compare<T: PartialOrd + 'static>(one: &dyn Any, other: &dyn Any) -> Option<Ordering> {
    one.downcast_ref::<T>()?.partial_cmp(other.downcast_ref()?)
}

impl Reading {
    pub(crate) fn new<T: PartialOrd + Clone + Send + Sync + 'static>(time: &T) -> Self {
        macro_rules! among {
            ($($type:ty => $it:ident $shown:expr;)*) => { $(
                if let Some($it) = (time as &dyn Any).downcast_ref::<$type>() {
                    return Self($shown);
                }
            )* };
        }
        among! {
            u64 => it Shown::Integer(i128::from(*it));
            u32 => it Shown::Integer(i128::from(*it));
            i64 => it Shown::Integer(i128::from(*it));
            i32 => it Shown::Integer(i128::from(*it));
            f64 => it Shown::Float(*it);
            f32 => it Shown::Float(f64::from(*it));
            Duration => it Shown::Duration(*it);
            Instant => it Shown::Instant(*it);
            SystemTime => it Shown::System(*it);
        }
        Self(Shown::Other(Arc::new(time.clone()), compare::<T>))
    }

    /// Whether it is later than `now`, a time of the same clock. Allocates nothing.
    pub(crate) fn is_after<T: PartialOrd + Clone + Send + Sync + 'static>(&self, now: &T) -> bool {
        match &self.0 {
            Shown::Other(shown, _) => shown.downcast_ref::<T>().is_some_and(|shown| *now < *shown),
            _ => Self::new(now) < *self,
        }
    }
}

impl PartialOrd for Reading {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (&self.0, &other.0) {
            (Shown::Integer(one), Shown::Integer(other)) => one.partial_cmp(other),
            (Shown::Float(one), Shown::Float(other)) => one.partial_cmp(other),
            (Shown::Duration(one), Shown::Duration(other)) => one.partial_cmp(other),
            (Shown::Instant(one), Shown::Instant(other)) => one.partial_cmp(other),
            (Shown::System(one), Shown::System(other)) => one.partial_cmp(other),
            (Shown::Other(one, compare), Shown::Other(other, _)) => compare(&**one, &**other),
            _ => None,
        }
    }
}

impl PartialEq for Reading {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shown::Integer(time) => time.fmt(f),
            Shown::Float(time) => time.fmt(f),
            Shown::Duration(time) => time.fmt(f),
            Shown::Instant(time) => time.fmt(f),
            Shown::System(time) => time.fmt(f),
            Shown::Other(..) => f.write_str("_"),
        }
    }
}

/// A clock whose time is kept as a [`Reading`].
#[derive(Debug)]
pub struct Read<C>(pub C);

impl<C> Clock for Read<C>
where
    C: Clock<Time: Send + Sync + 'static>,
{
    type Time = Reading;
    /// What is to be added to the time, as it is read.
    type Span = C::Span;

    fn now(&self) -> Reading {
        Reading::new(&self.0.now())
    }

    /// Counted from now: a reading can't be added to.
    fn later(&self, _: &Reading, span: &C::Span) -> Option<Reading> {
        self.ahead(span)
    }

    fn ahead(&self, span: &C::Span) -> Option<Reading> {
        self.0.ahead(span).map(|time| Reading::new(&time))
    }

    fn ahead_by_both(&self, first: &C::Span, second: &C::Span) -> Option<Reading> {
        self.0.ahead_by_both(first, second).map(|time| Reading::new(&time))
    }

    fn span_of(&self, span: Duration) -> Option<C::Span> {
        self.0.span_of(span)
    }

    fn backoff(&self, ttl: &C::Span, failures: u32) -> C::Span {
        self.0.backoff(ttl, failures)
    }

    #[inline]
    fn is_ahead(&self, time: &Reading) -> bool {
        time.is_after(&self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_again_and_again_is_asked_half_as_often_each_time() {
        let (clock, ttl) = (ManualClock::new(), Duration::from_secs(3600));
        let waits =
            [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|failures| clock.backoff(&ttl, failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let ttl = Duration::from_secs(3);
        assert_eq!([1, 2, 3].map(|failures| SystemClock.backoff(&ttl, failures).as_secs()), [1, 2, 3]);
    }
}

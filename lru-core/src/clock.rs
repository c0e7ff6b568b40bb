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
    type Time: Clone + PartialOrd + fmt::Debug;
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
        let now = self.now().saturating_add(span);
        self.set(now);
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
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
}

fn part_of(span: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * part).unwrap_or(span)
}

/// A function as a clock: whatever it returns is the time, and `D` is what can be added to that.
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
    T: Clone + PartialOrd + fmt::Debug + Add<D, Output = T>,
    D: Clone,
{
    type Time = T;
    type Span = D;

    fn now(&self) -> T {
        (self.read)()
    }

    fn later(&self, time: &T, span: &D) -> Option<T> {
        Some(time.clone() + span.clone())
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

    #[inline]
    fn is_ahead(&self, time: &Reading) -> bool {
        time.is_after(&self.0.now())
    }
}

//! [`TimeHistogram`]: how many computations, or requests to a backend, took how long.
//!
//! All histograms have the buckets of [`Times`], so they can be added and subtracted.

use core::fmt;
use core::ops::AddAssign;
use core::time::Duration;
use std::vec::Vec;

use super::times::{Times, bound_of};

/// The number of times in a bucket, and their sum in nanoseconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Bucket {
    count: u64,
    nanoseconds: u64,
}

/// A histogram of how long the computations of a function took, or the requests to its backend.
///
/// Times from a microsecond to a minute are counted in buckets that are at most half as wide as their least
/// time. Each bucket has the sum of its times as well, so [`total`](Self::total) and [`mean`](Self::mean)
/// are exact.
///
/// # Examples
///
/// ```
/// # mod functools { pub use lru_core::registry; }
/// use functools::registry;
///
/// for function in registry::functions() {
///     let times = function.counts().computing;
///     println!("{}: {:?} on average, 99 % within {:?}", function.path(), times.mean(), times.quantile(0.99));
/// }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TimeHistogram {
    /// The buckets up to the last one that has times.
    buckets: Vec<Bucket>,
}

impl TimeHistogram {
    /// Returns the number of times.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.count).sum()
    }

    /// Returns the sum of all times.
    #[must_use]
    pub fn total(&self) -> Duration {
        let nanoseconds =
            self.buckets.iter().fold(0_u64, |sum, bucket| sum.saturating_add(bucket.nanoseconds));
        Duration::from_nanos(nanoseconds)
    }

    /// Returns the average time; `None` if there is none.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let nanoseconds = u64::try_from(self.total().as_nanos()).unwrap_or(u64::MAX);
        nanoseconds.checked_div(self.count()).map(Duration::from_nanos)
    }

    /// Returns the time that a share of the times, from 0 to 1, does not exceed: the median for 0.5. `None`
    /// if there is no time.
    ///
    /// The answer is the average of the bucket that has this time, and so is less than half of it away.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among so many times needs no more than 53 bits"
    )]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((share * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0;
        let found = self.buckets.iter().find(|bucket| {
            below += bucket.count;
            below >= rank
        })?;
        found.nanoseconds.checked_div(found.count).map(Duration::from_nanos)
    }

    /// Returns the buckets that have times, from short to long times.
    pub fn buckets(&self) -> impl Iterator<Item = TimeBucket> + '_ {
        let buckets = self.buckets.iter().enumerate().filter(|(_, bucket)| bucket.count > 0);
        buckets.map(|(number, &Bucket { count, nanoseconds })| TimeBucket {
            below: bound_of(number).map(Duration::from_nanos),
            count,
            total: Duration::from_nanos(nanoseconds),
        })
    }

    /// Returns what was added after `earlier` was read.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut buckets = self.buckets.clone();
        for (bucket, earlier) in buckets.iter_mut().zip(&earlier.buckets) {
            bucket.count = bucket.count.saturating_sub(earlier.count);
            bucket.nanoseconds = bucket.nanoseconds.saturating_sub(earlier.nanoseconds);
        }
        Self::of(buckets)
    }

    fn of(mut buckets: Vec<Bucket>) -> Self {
        let used = buckets.iter().rposition(|bucket| bucket.count > 0).map_or(0, |last| last + 1);
        buckets.truncate(used);
        buckets.shrink_to_fit();
        Self { buckets }
    }
}

impl AddAssign<&Self> for TimeHistogram {
    fn add_assign(&mut self, other: &Self) {
        self.buckets.resize(self.buckets.len().max(other.buckets.len()), Bucket::default());
        for (bucket, other) in self.buckets.iter_mut().zip(&other.buckets) {
            bucket.count += other.count;
            bucket.nanoseconds = bucket.nanoseconds.saturating_add(other.nanoseconds);
        }
    }
}

/// Shows the buckets that have times.
impl fmt::Debug for TimeHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.buckets()).finish()
    }
}

/// The times of one bucket of a [`TimeHistogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeBucket {
    /// The bound below which these times are; `None` for those of about a minute and more.
    pub below: Option<Duration>,
    /// The number of these times.
    pub count: u64,
    /// The sum of these times.
    pub total: Duration,
}

impl From<&Times> for TimeHistogram {
    fn from(times: &Times) -> Self {
        Self::of(times.buckets().map(|(count, nanoseconds)| Bucket { count, nanoseconds }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(milliseconds: impl IntoIterator<Item = u64>) -> Times {
        let times = Times::default();
        milliseconds.into_iter().for_each(|time| times.record(Duration::from_millis(time)));
        times
    }

    fn histogram(milliseconds: impl IntoIterator<Item = u64>) -> TimeHistogram {
        (&recorded(milliseconds)).into()
    }

    #[test]
    fn mean_and_total_are_exact_and_quantiles_are_near() {
        let times = histogram(1..=100);
        assert_eq!((times.count(), times.total()), (100, Duration::from_millis(5050)));
        assert_eq!(times.mean(), Some(Duration::from_micros(50_500)));
        for (share, exact) in [(0.0, 1), (0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100)] {
            let (found, exact) = (times.quantile(share).unwrap(), Duration::from_millis(exact));
            assert!(found.abs_diff(exact) < exact / 2, "{share}: {found:?}");
        }
        assert_eq!(histogram([7; 5]).quantile(0.99), Some(Duration::from_millis(7)));
    }

    #[test]
    fn without_times_nothing_is_known() {
        let times = histogram([]);
        assert_eq!((times.mean(), times.quantile(0.5), times.buckets().count()), (None, None, 0));
        assert_eq!((times.count(), times.total()), (0, Duration::ZERO));
    }

    #[test]
    fn histograms_are_subtracted_and_added() {
        let times = recorded([1, 1, 100]);
        let earlier = TimeHistogram::from(&times);
        times.record(Duration::from_millis(1));
        times.record(Duration::from_secs(1000));
        let now = TimeHistogram::from(&times);
        let growth = now.since(&earlier);
        let of = |bucket: TimeBucket| (bucket.count, bucket.total.as_millis());
        assert_eq!(growth.buckets().map(of).collect::<Vec<_>>(), [(1, 1), (1, 1_000_000)]);
        assert_eq!(growth.buckets().last().unwrap().below, None);
        let mut sum = earlier.clone();
        sum += &growth;
        assert_eq!(sum, now);
        assert_eq!(now.since(&now), TimeHistogram::default());
    }
}

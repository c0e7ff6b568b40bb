//! [`Times`]: how long computations, or requests to a backend, took, in atomics.
//!
//! The buckets are fixed: two for each power of two from about a microsecond to about a minute. Recording a
//! time takes two atomic additions.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::boxed::Box;
use std::sync::OnceLock;

/// Times below this power of two, in nanoseconds, are in the first bucket: 1.024 µs.
const LEAST: u32 = 10;

/// Times from this power of two on, in nanoseconds, are in the last bucket: 68.7 s.
const GREATEST: u32 = 36;

/// The number of buckets.
const BUCKETS: usize = 2 * (GREATEST - LEAST) as usize + 2;

/// Returns the bucket of a time in nanoseconds.
const fn bucket_of(nanoseconds: u64) -> usize {
    if nanoseconds < 1 << LEAST {
        return 0;
    }
    let power = nanoseconds.ilog2();
    if power >= GREATEST {
        return BUCKETS - 1;
    }
    let is_upper_half = nanoseconds >> (power - 1) & 1;
    1 + 2 * (power - LEAST) as usize + is_upper_half as usize
}

/// Returns the bound below which the times of a bucket are, in nanoseconds; `None` for the last bucket.
#[cfg(any(test, feature = "registry"))]
pub(super) const fn bound_of(bucket: usize) -> Option<u64> {
    match bucket {
        0 => Some(1 << LEAST),
        _ if bucket == BUCKETS - 1 => None,
        _ => {
            let half = 1_u64 << (LEAST as usize + (bucket - 1) / 2 - 1);
            Some(if bucket % 2 == 1 { 3 * half } else { 4 * half })
        }
    }
}

/// How many times were recorded in each bucket, and their sums. They take no memory until the first one is
/// recorded.
#[derive(Default)]
pub(crate) struct Times {
    /// All times since the start of the program.
    buckets: OnceLock<Box<[Bucket; BUCKETS]>>,
    /// The sum of the times before the last reset.
    at_reset: AtomicU64,
}

/// The number of times in a bucket, and their sum.
struct Bucket {
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Bucket {
    const fn empty() -> Self {
        Self { count: AtomicU64::new(0), nanoseconds: AtomicU64::new(0) }
    }
}

impl Times {
    /// Records a time: at least a nanosecond, because a total of zero means that none was measured.
    pub(crate) fn record(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
        let buckets = self.buckets.get_or_init(|| Box::new([const { Bucket::empty() }; BUCKETS]));
        let bucket = &buckets[bucket_of(nanoseconds)];
        bucket.count.fetch_add(1, Relaxed);
        bucket.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    /// Returns all times since the start of the program: the number of those in each bucket, and their sum in
    /// nanoseconds.
    #[cfg(feature = "registry")]
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.recorded().map(|bucket| (bucket.count.load(Relaxed), bucket.nanoseconds.load(Relaxed)))
    }

    fn recorded(&self) -> impl Iterator<Item = &Bucket> {
        self.buckets.get().into_iter().flat_map(|buckets| buckets.iter())
    }

    fn nanoseconds(&self) -> u64 {
        self.recorded().map(|bucket| bucket.nanoseconds.load(Relaxed)).fold(0, u64::saturating_add)
    }

    /// Returns the sum of the times since the last reset; `None` if there is none.
    pub(crate) fn total(&self) -> Option<Duration> {
        let total = self.nanoseconds().saturating_sub(self.at_reset.load(Relaxed));
        (total > 0).then(|| Duration::from_nanos(total))
    }

    pub(crate) fn reset(&self) {
        self.at_reset.store(self.nanoseconds(), Relaxed);
    }
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.total().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_where_the_next_one_begins() {
        for bucket in 0..BUCKETS - 1 {
            let bound = bound_of(bucket).expect("only the last one has no bound");
            assert_eq!((bucket_of(bound - 1), bucket_of(bound)), (bucket, bucket + 1), "{bound}");
        }
        assert_eq!(bound_of(BUCKETS - 1), None);
        assert_eq!((bucket_of(0), bucket_of(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn the_total_is_what_was_recorded_since_the_reset() {
        let times = Times::default();
        assert_eq!(times.total(), None);
        times.record(Duration::ZERO);
        assert_eq!(times.total(), Some(Duration::from_nanos(1)));
        times.record(Duration::from_secs(100));
        assert_eq!(times.total(), Some(Duration::new(100, 1)));
        times.reset();
        assert_eq!(times.total(), None);
        times.record(Duration::from_secs(1));
        assert_eq!(times.total(), Some(Duration::from_secs(1)));
    }
}

//! The history of each function: hits and misses of the last hour, and all counters of the last five minutes.
//!
//! It is made of counts since the start of the program, which go on when a cache is cleared. It knows no clock: the time is
//! an argument. Its memory is bounded: a sample takes eight bytes for each function, and a snapshot is made only of
//! counters that have changed.

use core::iter;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use lru_core::registry::Counts;

/// The time between two samples.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// The number of samples that are kept: those of an hour.
const SAMPLES: usize = 360;

/// The longest window but for that of all time.
const LONGEST: Duration = Duration::from_secs(300);

/// The hits and misses between two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) hits: u32,
    pub(crate) misses: u32,
}

impl Sample {
    fn of(growth: &Counts) -> Self {
        let [hits, misses] =
            [growth.hits, growth.misses].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        Self { hits, misses }
    }
}

/// What was counted in a window of time.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) counts: Counts,
    /// How long the window is: from the last sample before its begin, or from the first one, or from the
    /// last reset.
    pub(crate) length: Duration,
    /// The calls in this time. There may be more in `counts`, from before the first sample.
    pub(crate) calls: u64,
}

/// The histories of all functions, each by a key.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The number of samples that were ever taken.
    taken: u64,
    /// The times of the samples that are kept.
    times: VecDeque<Instant>,
    series: HashMap<usize, Series>,
}

/// The history of a function.
#[derive(Debug)]
struct Series {
    /// The present counts.
    counts: Counts,
    /// The counts at the last sample.
    sampled: Counts,
    /// The last samples, of which the last one has the last time of the history.
    samples: VecDeque<Sample>,
    /// The counts at the samples of the longest window at which they had changed, after those at its begin or before.
    snapshots: VecDeque<(Instant, Counts)>,
    /// The begin of the window of all time.
    begin: Instant,
    /// What was counted before that window: nothing until the first reset.
    before: Counts,
    /// The calls at the begin of that window. They are in it until the first reset, and took place at an unknown time.
    calls_at_begin: u64,
}

impl Series {
    /// Creates the history of a function that begins with these counts.
    fn new(counts: Counts, now: Instant) -> Self {
        Self {
            calls_at_begin: counts.calls(),
            sampled: counts.clone(),
            samples: VecDeque::new(),
            snapshots: VecDeque::from([(now, counts.clone())]),
            begin: now,
            before: Counts::default(),
            counts,
        }
    }

    fn reset(&mut self, now: Instant) {
        self.begin = now;
        self.before = self.counts.clone();
        self.calls_at_begin = self.counts.calls();
        self.snapshots = VecDeque::from([(now, self.counts.clone())]);
    }

    /// Returns the sample that is not taken yet.
    fn pending(&self) -> Sample {
        Sample::of(&self.counts.since(&self.sampled))
    }

    fn sample(&mut self, now: Instant) {
        self.samples.push_back(self.pending());
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        if self.sampled != self.counts {
            self.snapshots.push_back((now, self.counts.clone()));
            self.sampled.clone_from(&self.counts);
        }
        let is_before = |(at, _): &(Instant, Counts)| now.saturating_duration_since(*at) >= LONGEST;
        while self.snapshots.get(1).is_some_and(is_before) {
            self.snapshots.pop_front();
        }
    }

    /// Returns the counts at a sample.
    fn at(&self, time: Instant) -> Option<&Counts> {
        let before = self.snapshots.iter().rev().find(|(at, _)| *at <= time);
        before.or_else(|| self.snapshots.front()).map(|(_, counts)| counts)
    }
}

impl History {
    /// Sets the present counts of a function.
    pub(crate) fn observe(&mut self, key: usize, counts: Counts, now: Instant) {
        if let Some(series) = self.series.get_mut(&key) {
            series.counts = counts;
        } else {
            self.series.insert(key, Series::new(counts, now));
        }
    }

    /// Takes a sample of what was observed.
    pub(crate) fn sample(&mut self, now: Instant) {
        self.taken += 1;
        self.times.push_back(now);
        if self.times.len() > SAMPLES {
            self.times.pop_front();
        }
        self.series.values_mut().for_each(|series| series.sample(now));
    }

    /// Begins all windows of a function anew. Its samples stay.
    pub(crate) fn reset(&mut self, key: usize, now: Instant) {
        if let Some(series) = self.series.get_mut(&key) {
            series.reset(now);
        }
    }

    /// Returns what was counted in a window that ends now; without a length, since the begin or the last
    /// reset.
    pub(crate) fn window(&self, key: usize, length: Option<Duration>, now: Instant) -> Option<Window> {
        let series = self.series.get(&key)?;
        let Some(length) = length else {
            return Some(Window {
                counts: series.counts.since(&series.before),
                length: now.saturating_duration_since(series.begin),
                calls: series.counts.calls().saturating_sub(series.calls_at_begin),
            });
        };
        let is_before = |at: &&Instant| now.saturating_duration_since(**at) >= length;
        let begin =
            self.times.iter().rev().find(is_before).copied().unwrap_or(series.begin).max(series.begin);
        let counts = series.counts.since(series.at(begin)?);
        Some(Window { calls: counts.calls(), counts, length: now.saturating_duration_since(begin) })
    }

    /// Returns the number of samples that were ever taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns how long ago the samples were taken after the first `after` ones, and then zero, for the one
    /// that is not taken yet.
    pub(crate) fn ages(&self, after: u64, now: Instant) -> impl Iterator<Item = Duration> {
        let ages = self.times.iter().skip(self.known(after));
        ages.map(move |at| now.saturating_duration_since(*at)).chain(iter::once(Duration::ZERO))
    }

    /// Returns the samples of a function that belong to [`ages`](Self::ages).
    pub(crate) fn samples(&self, key: usize, after: u64) -> impl Iterator<Item = Sample> {
        let series = self.series.get(&key);
        // A function that was loaded later has fewer samples.
        let missing = self.times.len() - series.map_or(0, |series| series.samples.len());
        let samples = series.into_iter().flat_map(|series| series.samples.iter().copied());
        let samples = iter::repeat_n(Sample::default(), missing).chain(samples).skip(self.known(after));
        samples.chain(iter::once(series.map_or_else(Sample::default, Series::pending)))
    }

    /// Returns how many of the samples that are kept are among the first `after`. All of them are new to a
    /// client that has more: it knows another process.
    fn known(&self, after: u64) -> usize {
        let forgotten = self.taken - self.times.len() as u64;
        let after = if after > self.taken { 0 } else { after };
        usize::try_from(after.saturating_sub(forgotten)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: usize = 1;
    const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

    /// A history of one function, and its counters.
    struct Function {
        history: History,
        counts: Counts,
        now: Instant,
    }

    impl Function {
        fn new() -> Self {
            let (history, counts, now) = (History::default(), Counts::default(), Instant::now());
            let mut this = Self { history, counts, now };
            this.observe();
            this
        }

        fn observe(&mut self) {
            self.history.observe(KEY, self.counts.clone(), self.now);
        }

        fn call(&mut self, hits: u64, misses: u64) {
            self.counts.hits += hits;
            self.counts.misses += misses;
        }

        fn pass(&mut self, intervals: u32) {
            for _ in 0..intervals {
                self.now += INTERVAL;
                self.observe();
                self.history.sample(self.now);
            }
        }

        /// Returns the hits and calls of a window, and its seconds.
        fn window(&mut self, length: Option<Duration>) -> (u64, u64, u64) {
            self.observe();
            let window = self.history.window(KEY, length, self.now).unwrap();
            (window.counts.hits, window.calls, window.length.as_secs())
        }

        fn samples(&mut self, after: u64) -> Vec<(u32, u32)> {
            self.observe();
            self.history.samples(KEY, after).map(|one| (one.hits, one.misses)).collect()
        }
    }

    #[test]
    fn a_window_has_what_was_counted_in_it() {
        let mut function = Function::new();
        function.call(1, 2);
        assert_eq!(function.window(MINUTE), (1, 3, 0));
        function.pass(6);
        assert_eq!((function.window(MINUTE), function.window(None)), ((1, 3, 60), (1, 3, 60)));
        function.pass(1);
        assert_eq!((function.window(MINUTE), function.window(None)), ((0, 0, 60), (1, 3, 70)));
        function.call(5, 0);
        function.now += INTERVAL / 2;
        assert_eq!((function.window(MINUTE), function.window(None)), ((5, 5, 65), (6, 8, 75)));
        assert_eq!(function.window(Some(LONGEST)), (6, 8, 75));
        function.pass(100);
        assert_eq!((function.window(Some(LONGEST)), function.window(None)), ((0, 0, 300), (6, 8, 1075)));
    }

    #[test]
    fn a_window_of_all_time_has_the_calls_from_before_the_first_sample() {
        let mut function = Function::new();
        (function.history, function.counts.hits) = (History::default(), 7);
        function.observe();
        function.pass(1);
        function.call(1, 0);
        assert_eq!((function.window(MINUTE), function.window(None)), ((1, 1, 10), (8, 1, 10)));
    }

    #[test]
    fn misses_that_become_hits_of_a_backend_are_not_counted_twice() {
        let mut function = Function::new();
        for _ in 0..10 {
            function.call(0, 1);
            function.observe();
            function.call(1, 0);
            function.counts.misses -= 1;
            function.observe();
        }
        assert_eq!((function.window(MINUTE), function.samples(0)), ((10, 10, 0), vec![(10, 0)]));
    }

    #[test]
    fn a_reset_begins_anew_and_leaves_the_samples() {
        let mut function = Function::new();
        function.call(3, 4);
        function.pass(2);
        function.call(1, 0);
        function.observe();
        function.history.reset(KEY, function.now);
        assert_eq!((function.window(MINUTE), function.window(None)), ((0, 0, 0), (0, 0, 0)));
        function.call(2, 0);
        function.pass(1);
        assert_eq!((function.window(MINUTE), function.window(None)), ((2, 2, 10), (2, 2, 10)));
        assert_eq!(function.samples(0), [(3, 4), (0, 0), (3, 0), (0, 0)]);
    }

    #[test]
    fn samples_are_those_of_the_last_hour() {
        let mut function = Function::new();
        for hits in 0..400 {
            function.call(hits, 1);
            function.pass(1);
        }
        function.call(7, 0);
        let samples = function.samples(0);
        assert_eq!((samples.len(), samples[0], samples[SAMPLES]), (SAMPLES + 1, (40, 1), (7, 0)));
        assert_eq!(
            (function.samples(398), function.history.taken()),
            (vec![(398, 1), (399, 1), (7, 0)], 400)
        );
        assert_eq!(function.samples(400), [(7, 0)]);
        assert_eq!(function.samples(401).len(), SAMPLES + 1, "the client knows another process");
        let ages: Vec<_> = function.history.ages(398, function.now).map(|age| age.as_secs()).collect();
        assert_eq!(ages, [10, 0, 0]);
        assert_eq!(function.history.ages(0, function.now).count(), SAMPLES + 1);
        let series = &function.history.series[&KEY];
        assert!(series.snapshots.len() <= 32, "{}", series.snapshots.len());
    }

    #[test]
    fn what_is_not_called_takes_one_snapshot() {
        let mut function = Function::new();
        function.pass(100);
        assert_eq!(function.history.series[&KEY].snapshots.len(), 1);
    }

    #[test]
    fn a_function_that_is_loaded_later_has_no_samples_from_before() {
        let mut function = Function::new();
        function.pass(2);
        function.history.observe(2, Counts::default(), function.now);
        function.pass(1);
        let samples = |key| function.history.samples(key, 0).count();
        assert_eq!((samples(KEY), samples(2), samples(3)), (4, 4, 4));
    }
}

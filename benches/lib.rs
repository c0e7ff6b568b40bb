//! Shared code of the benches: the order of calls, the settings of criterion, and contests.
//!
//! The measured functions are in `subjects`, a module of each bench and not of this library, so that calls
//! can be inlined as in a user's crate.

mod machine;

use std::hint::black_box;
use std::iter;
use std::time::{Duration, Instant};

use criterion::Criterion;

pub use machine::machine;

/// The number of entries in the caches that hits are measured on.
pub const ENTRIES: u64 = 128;

/// The number of calls in a batch: those of [`draws`].
pub const CALLS: usize = 1024;

/// Returns each of the numbers `0..ENTRIES` equally often, in a shuffled order that is always the same.
pub fn draws() -> Vec<u64> {
    let mut draws: Vec<_> = (0..ENTRIES).cycle().take(CALLS).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    draws.sort_by_cached_key(|_| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    });
    draws
}

/// Returns Zipf-distributed numbers of `0..ENTRIES`: the frequency of `n` is proportional to `1 / (n + 1)`.
/// Each seed gives another order.
pub fn zipf(seed: u64) -> Vec<u64> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let shares: Vec<_> = (0..ENTRIES).map(|n| 1.0 / (n + 1) as f64).collect();
    let all: f64 = shares.iter().sum();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
    let draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        #[expect(clippy::cast_precision_loss, reason = "a draw between 0 and 1")]
        let mut rest = (random >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let number = shares.iter().position(|share| {
            rest -= share;
            rest < 0.0
        });
        number.map_or(ENTRIES - 1, |n| n as u64)
    };
    iter::repeat_with(draw).take(CALLS).collect()
}

/// Makes a call with each argument; the compiler can neither predict the argument nor remove the call.
#[inline]
pub fn each<T, R>(arguments: impl IntoIterator<Item = T>, mut call: impl FnMut(T) -> R) {
    for argument in arguments {
        black_box(call(black_box(argument)));
    }
}

/// Returns criterion with short measurement times.
pub fn criterion() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

/// Returns a string of `length` bytes for each number; these differ only in their last characters.
pub fn text(n: u64, length: usize) -> String {
    format!("{n:x>length$}")
}

/// Returns the verdict on a bar, as it appears in a table.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// The head of a table of bars. `cargo xtask bench` collects these tables at the top of its page.
pub const BARS: &str = "| bar | measured | |\n|---|--:|---|\n";

/// Returns a line of a table of bars.
pub fn bar(claim: &str, measured: f64, digits: usize, is_met: impl Fn(f64) -> bool) -> String {
    // The verdict is on the rounded number, which is the one shown.
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or_default());
    let met = is_met((scale * measured).round() / scale);
    format!("| {claim} | {measured:.digits$} | {} |\n", verdict(met))
}

/// A contestant: an operation that is measured in each round of a contest.
pub struct Contestant<'a> {
    /// The name of the operation.
    pub name: &'static str,
    prepare: Box<dyn FnMut() + 'a>,
    round: Box<dyn FnMut() -> f64 + 'a>,
    operations: usize,
    rounds: Vec<f64>,
}

impl<'a> Contestant<'a> {
    /// Creates a contestant whose round is a batch of [`CALLS`] equal operations.
    pub fn new(name: &'static str, mut batch: impl FnMut() + 'a) -> Self {
        Self::timed(name, move || {
            let start = Instant::now();
            batch();
            nanoseconds(start.elapsed())
        })
        .of(CALLS)
    }

    /// Creates a contestant whose round returns the nanoseconds per operation.
    pub fn timed(name: &'static str, round: impl FnMut() -> f64 + 'a) -> Self {
        Self { name, prepare: Box::new(|| ()), round: Box::new(round), operations: 1, rounds: Vec::new() }
    }

    /// Sets the number of operations in a batch.
    #[must_use]
    pub fn of(self, operations: usize) -> Self {
        Self { operations, ..self }
    }

    /// Runs `prepare` before each round, outside the measured time.
    #[must_use]
    pub fn after(self, prepare: impl FnMut() + 'a) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Runs a round that does not count.
    pub fn play(&mut self) {
        (self.prepare)();
        (self.round)();
    }

    /// Runs a round that does not count under `measure`, and returns the result of `measure`.
    pub fn play_for<R>(&mut self, measure: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
        (self.prepare)();
        measure(&mut || _ = (self.round)())
    }

    /// Returns the nanoseconds per operation in the best round.
    pub fn nanoseconds(&self) -> f64 {
        self.rounds.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
    }

    /// Returns the median over the rounds of the nanoseconds per operation. For operations of several
    /// threads, whose best round is one in which the threads did not overlap.
    pub fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_unstable_by(f64::total_cmp);
        rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.2} ns", self.name, self.nanoseconds())
    }
}

/// Returns a time in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
pub fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// Runs `rounds` rounds, in each of which every contestant takes a turn. A disturbance of the machine then
/// slows all of them, and the best of many short rounds is an undisturbed one.
#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
pub fn contest(contestants: &mut [Contestant<'_>], rounds: usize) {
    for contestant in &mut *contestants {
        contestant.rounds = Vec::with_capacity(rounds);
    }
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            (contestant.prepare)();
            let took = (contestant.round)();
            contestant.rounds.push(took / contestant.operations as f64);
        }
    }
}

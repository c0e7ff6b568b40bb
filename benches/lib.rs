//! What the benches share: the order of the calls, the settings of criterion, and contests.
//!
//! The functions they measure stand in `subjects`, a module of each bench and not of this
//! library, so that calls may be inlined as they may be in a user's crate.

mod machine;

use std::hint::black_box;
use std::iter;
use std::time::{Duration, Instant};

use criterion::Criterion;

pub use machine::machine;

/// How many entries the caches hold that hits are measured on.
pub const ENTRIES: u64 = 128;

/// How many calls are made on end: those of [`draws`].
pub const CALLS: usize = 1024;

/// Draws each of the numbers `0..ENTRIES` equally often, in an order that is shuffled but
/// the same each time.
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

/// Draws of `0..ENTRIES` after Zipf: the number `n` is drawn as often as `1 / (n + 1)` tells. Each
/// seed has an order of its own.
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
        let mut left = (random >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let number = shares.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        number.map_or(ENTRIES - 1, |n| n as u64)
    };
    iter::repeat_with(draw).take(CALLS).collect()
}

/// Makes a call with each argument; the compiler can't guess the argument or leave the call out.
#[inline]
pub fn each<T, R>(arguments: impl IntoIterator<Item = T>, mut call: impl FnMut(T) -> R) {
    for argument in arguments {
        black_box(call(black_box(argument)));
    }
}

/// Criterion, set to be quick: each bench asks one question.
pub fn criterion() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

/// A text of that many bytes for each number; they differ in their last letters only.
pub fn text(n: u64, length: usize) -> String {
    format!("{n:x>length$}")
}

/// What a table says of a bar.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// What a table of bars begins with. `cargo xtask bench` gathers these tables at the top of its page.
pub const BARS: &str = "| bar | measured | |\n|---|--:|---|\n";

/// A line of a table of bars.
pub fn bar(claim: &str, measured: f64, digits: usize, is_met: impl Fn(f64) -> bool) -> String {
    // What is shown is what is judged.
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or_default());
    let met = is_met((scale * measured).round() / scale);
    format!("| {claim} | {measured:.digits$} | {} |\n", verdict(met))
}

/// One who takes part in a contest: in each round it says what an operation took.
pub struct Contestant<'a> {
    /// What the operation is.
    pub name: &'static str,
    prepare: Box<dyn FnMut() + 'a>,
    round: Box<dyn FnMut() -> f64 + 'a>,
    operations: usize,
    rounds: Vec<f64>,
}

impl<'a> Contestant<'a> {
    /// Enters a contest with a batch of [`CALLS`] equal operations.
    pub fn new(name: &'static str, mut batch: impl FnMut() + 'a) -> Self {
        Self::timed(name, move || {
            let start = Instant::now();
            batch();
            nanoseconds(start.elapsed())
        })
        .of(CALLS)
    }

    /// Enters a contest with a round that says itself how many nanoseconds an operation took.
    pub fn timed(name: &'static str, round: impl FnMut() -> f64 + 'a) -> Self {
        Self { name, prepare: Box::new(|| ()), round: Box::new(round), operations: 1, rounds: Vec::new() }
    }

    /// Says how many operations are in a batch.
    #[must_use]
    pub fn of(self, operations: usize) -> Self {
        Self { operations, ..self }
    }

    /// Does this before each round, off the clock.
    #[must_use]
    pub fn after(self, prepare: impl FnMut() + 'a) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Plays a round that is no part of the contest.
    pub fn play(&mut self) {
        (self.prepare)();
        (self.round)();
    }

    /// Has another thing measure a round, prepared before.
    pub fn play_for<R>(&mut self, measure: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
        (self.prepare)();
        measure(&mut || _ = (self.round)())
    }

    /// Nanoseconds per operation in the best round.
    pub fn nanoseconds(&self) -> f64 {
        self.rounds.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
    }

    /// Nanoseconds per operation in the middle one of the rounds: for operations of several
    /// threads, whose best round is one in which the threads missed each other.
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

/// A time as a number.
#[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
pub fn nanoseconds(time: Duration) -> f64 {
    time.as_nanos() as f64
}

/// Lets the contestants take turns: what slows the machine for a while slows all of them, and the
/// best of many short rounds is one in which nothing disturbed.
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

//! What the benches share: the order of the calls, the settings of criterion, and contests.
//!
//! The functions they measure stand in `subjects`, a module of each bench and not of this
//! library, so that calls may be inlined as they may be in a user's crate.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;

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

/// One who takes part in a contest: a batch of [`CALLS`] equal operations.
pub struct Contestant<'a> {
    /// What the operation is.
    pub name: &'static str,
    /// Does the operation [`CALLS`] times.
    pub batch: Box<dyn FnMut() + 'a>,
    /// The shortest time that a batch has taken.
    pub best: Duration,
}

impl<'a> Contestant<'a> {
    /// Enters a contest with a batch of [`CALLS`] equal operations.
    pub fn new(name: &'static str, batch: impl FnMut() + 'a) -> Self {
        Self { name, batch: Box::new(batch), best: Duration::MAX }
    }

    /// Nanoseconds per operation in the best round.
    #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
    pub fn nanoseconds(&self) -> f64 {
        self.best.as_nanos() as f64 / CALLS as f64
    }
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.2} ns", self.name, self.nanoseconds())
    }
}

/// Lets the contestants take turns: what slows the machine for a while slows all of them, and the
/// best of many short rounds is one in which nothing disturbed.
pub fn contest(contestants: &mut [Contestant<'_>], rounds: u32) {
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            let start = Instant::now();
            (contestant.batch)();
            contestant.best = contestant.best.min(start.elapsed());
        }
    }
}

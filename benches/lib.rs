//! What the benches share: the order of the calls, the settings of criterion, and contests.
//!
//! The functions they measure stand in `subjects`, a module of each bench and not of this
//! library, so that calls may be inlined as they may be in a user's crate.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};
use std::{env, fs, thread};

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

/// A text of that many bytes for each number; they differ in their last letters only.
pub fn text(n: u64, length: usize) -> String {
    format!("{n:x>length$}")
}

/// What a table says of a bar.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// When and on what this runs, but not where.
pub fn machine() -> String {
    let read = |path: &str, key: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').to_owned())
    };
    let processor = read("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.into());
    let system = read("/etc/os-release", "PRETTY_NAME").unwrap_or_else(|| env::consts::OS.into());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output().map_or_else(
        |_| "rustc of unknown version".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{}, {processor} ({cores} cores), {system}, {rustc}",
        date(UNIX_EPOCH.elapsed().unwrap_or_default())
    )
}

/// The day, in UTC, that comes so long after the beginning of 1970.
fn date(since: Duration) -> String {
    let is_leap = |year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut month, mut day) = (1970, 1, since.as_secs() / 86_400);
    loop {
        let days = match month {
            2 => 28 + u64::from(is_leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return format!("{year}-{month:02}-{:02}", day + 1);
        }
        day -= days;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}

/// One who takes part in a contest: a batch of equal operations, [`CALLS`] unless said otherwise.
pub struct Contestant<'a> {
    /// What the operation is.
    pub name: &'static str,
    /// Does the operations.
    pub batch: Box<dyn FnMut() + 'a>,
    prepare: Box<dyn FnMut() + 'a>,
    operations: usize,
    times: Vec<Duration>,
}

impl<'a> Contestant<'a> {
    /// Enters a contest with a batch of [`CALLS`] equal operations.
    pub fn new(name: &'static str, batch: impl FnMut() + 'a) -> Self {
        let (batch, prepare) = (Box::new(batch), Box::new(|| ()));
        Self { name, batch, prepare, operations: CALLS, times: Vec::new() }
    }

    /// Says how many operations are in a batch.
    #[must_use]
    pub fn of(self, operations: usize) -> Self {
        Self { operations, ..self }
    }

    /// Does this before each batch, off the clock.
    #[must_use]
    pub fn after(self, prepare: impl FnMut() + 'a) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// Nanoseconds per operation in the best round.
    pub fn nanoseconds(&self) -> f64 {
        self.per_operation(self.times.iter().min())
    }

    /// Nanoseconds per operation in the middle one of the rounds: for operations of several
    /// threads, whose best round is one in which the threads missed each other.
    pub fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        self.per_operation(times.get(times.len() / 2))
    }

    #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
    fn per_operation(&self, time: Option<&Duration>) -> f64 {
        time.map_or(f64::NAN, |time| time.as_nanos() as f64 / self.operations as f64)
    }
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:.2} ns", self.name, self.nanoseconds())
    }
}

/// Lets the contestants take turns: what slows the machine for a while slows all of them, and the
/// best of many short rounds is one in which nothing disturbed.
pub fn contest(contestants: &mut [Contestant<'_>], rounds: usize) {
    for contestant in &mut *contestants {
        contestant.times.reserve(rounds);
    }
    for _ in 0..rounds {
        for contestant in &mut *contestants {
            (contestant.prepare)();
            let start = Instant::now();
            (contestant.batch)();
            contestant.times.push(start.elapsed());
        }
    }
}

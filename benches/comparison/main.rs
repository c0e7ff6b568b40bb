//! What does a call cost, compared with the same call with other libraries?
//!
//! `memoized` has the contestants, `calls`, `threads`, `traces` and `memory` the measurements, `page` and
//! `plot` the presentation. Within one column all contestants take turns, so their ratios are valid even when
//! the machine's speed varies; `CPython` runs in a process of its own. Prints a part of `RESULTS.md` and
//! draws plots; without cargo's `--bench` it runs everything once.

use std::env;

use allocation_counter::measure;
use benches::{Contestant, contest};
use memoized::{body, peers};

mod calls;
mod memoized;
mod memory;
mod page;
mod plot;
mod python;
#[path = "../subjects.rs"]
mod subjects;
mod threads;
#[path = "../../examples/hit_ratio/src/trace.rs"]
#[expect(dead_code, reason = "the example uses more of it")]
mod trace;
mod traces;

const LOCK: &str = "`ReentrantMutex`, lock and unlock";
const BARE: &str = "`hashbrown::HashMap`, find";

/// The amount of measurement.
#[derive(Clone, Copy)]
enum Effort {
    /// A full bench.
    Bench,
    /// Everything once, with little data, to see that it works.
    Try,
}

impl Effort {
    /// Returns `much` for a bench, `little` for a try.
    fn of<T>(self, much: T, little: T) -> T {
        match self {
            Self::Bench => much,
            Self::Try => little,
        }
    }
}

/// The reason of a failure, as text.
#[derive(Debug)]
struct Failure(String);

/// The measurements of one contestant.
struct Figure {
    name: &'static str,
    nanoseconds: f64,
    /// The median of all rounds, where the best one is shown beside it.
    median: Option<f64>,
    /// Allocations and runs of the body in one round, where they were counted.
    counted: Option<Counted>,
}

#[derive(Clone, Copy)]
struct Counted {
    allocations: u64,
    computed: u64,
}

/// The measurements of all contestants of one contest: a column of a table.
struct Column {
    title: String,
    /// The number of calls in a round.
    calls: usize,
    figures: Vec<Figure>,
}

impl Column {
    fn find(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// Returns the nanoseconds per call.
    fn time(&self, name: &str) -> f64 {
        self.find(name).map_or(f64::NAN, |figure| figure.nanoseconds)
    }

    /// Returns the allocations per call.
    fn allocations(&self, name: &str) -> Option<f64> {
        Some(self.per_call(self.find(name)?.counted?.allocations))
    }

    /// Returns the share of calls that were answered without running the body.
    fn hit_ratio(&self, name: &str) -> Option<f64> {
        Some(1.0 - self.per_call(self.find(name)?.counted?.computed))
    }

    #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
    fn per_call(&self, count: u64) -> f64 {
        count as f64 / self.calls as f64
    }
}

/// All measurements.
struct Figures {
    hits: Vec<Column>,
    misses: Vec<Column>,
    unbounded: Vec<Column>,
    disabled: Vec<Column>,
    recursion: Column,
    threads: Vec<threads::Crowds>,
    traces: Vec<Column>,
    memory: Vec<memory::Held>,
}

/// Measures the contestants: the best time of `rounds` rounds, and the allocations and computations of one
/// round. `before` rounds come first, which fill the caches and warm up adaptive policies.
fn measured(contestants: &mut [Contestant<'_>], before: usize, rounds: usize) -> Vec<Figure> {
    contest(contestants, before);
    let count = |contestant: &mut Contestant<'_>| {
        let before = body::runs();
        let allocations = contestant.play_for(|round| measure(round)).count_total;
        Counted { allocations, computed: body::runs() - before }
    };
    let counts: Vec<_> = contestants.iter_mut().map(count).collect();
    contest(contestants, rounds);
    let figure = |(one, counted): (&Contestant<'_>, _)| Figure {
        name: one.name,
        nanoseconds: one.nanoseconds(),
        median: Some(one.median()),
        counted: Some(counted),
    };
    contestants.iter().zip(counts).map(figure).collect()
}

fn main() {
    let is_measured = env::args().any(|argument| argument == "--bench");
    let effort = if is_measured { Effort::Bench } else { Effort::Try };
    let peers = peers();
    let python = python::figures(effort);

    let figures = Figures {
        hits: calls::columns(&peers, &calls::HIT, &python, effort),
        misses: calls::columns(&peers, &calls::MISS, &python, effort),
        unbounded: calls::columns(&peers, &calls::UNBOUNDED, &python, effort),
        disabled: calls::columns(&peers, &calls::DISABLED, &python, effort),
        recursion: calls::recursion(&peers, &python, effort),
        threads: threads::crowds(&peers, &python, effort),
        traces: traces::columns(&peers, &python, effort),
        memory: memory::held(&peers, &python, effort), // last: it fills all caches
    };

    println!("{}", page::page(&figures));
    if let Err(error) = plot::plots(&figures, effort) {
        panic!("cannot draw the plots: {error}");
    }
}

//! What does a call cost beside the same call as engineers write it today?
//!
//! One matrix: who is compared stands in `memoized`, what they are asked in `calls`, `threads`, `traces`
//! and `memory`, what is made of the figures in `page` and `plot`. Within one column all contestants take
//! turns, so their ratios hold where nanoseconds drift; `CPython` is a process of its own. Prints a part
//! of `RESULTS.md` and draws plots; without cargo's `--bench` it only tries everything once.

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
#[path = "../../examples/hit_ratio/trace.rs"]
#[expect(dead_code, reason = "the example asks traces more than how to read them")]
mod trace;
mod traces;

const LOCK: &str = "`ReentrantMutex`, lock and unlock";
const BARE: &str = "`hashbrown::HashMap`, find";

/// How much is measured.
#[derive(Clone, Copy)]
enum Effort {
    /// All of it.
    Bench,
    /// Everything once, in small: does it work?
    Try,
}

impl Effort {
    /// So much in a bench, so little in a try.
    fn of<T>(self, much: T, little: T) -> T {
        match self {
            Self::Bench => much,
            Self::Try => little,
        }
    }
}

/// Why something could not be done, in words.
#[derive(Debug)]
struct Failure(String);

/// What was measured of one contestant.
struct Figure {
    name: &'static str,
    nanoseconds: f64,
    /// Allocations and runs of the body in one round, where they were counted.
    counted: Option<Counted>,
}

#[derive(Clone, Copy)]
struct Counted {
    allocations: u64,
    computed: u64,
}

/// What was measured of all who had the same to do: a column of a table.
struct Column {
    title: String,
    /// How many calls there are in a round.
    calls: usize,
    figures: Vec<Figure>,
}

impl Column {
    fn find(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// Nanoseconds per call.
    fn time(&self, name: &str) -> f64 {
        self.find(name).map_or(f64::NAN, |figure| figure.nanoseconds)
    }

    /// Allocations per call.
    fn allocations(&self, name: &str) -> Option<f64> {
        Some(self.per_call(self.find(name)?.counted?.allocations))
    }

    /// How much of the calls were answered without running the body.
    fn hit_ratio(&self, name: &str) -> Option<f64> {
        Some(1.0 - self.per_call(self.find(name)?.counted?.computed))
    }

    #[expect(clippy::cast_precision_loss, reason = "a few digits are enough")]
    fn per_call(&self, count: u64) -> f64 {
        count as f64 / self.calls as f64
    }
}

/// All that was measured.
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

/// The best times of so many rounds, after others that fill the caches and let those that need to learn
/// do so; and what one round allocates and computes.
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
        panic!("the plots can't be drawn: {error}");
    }
}

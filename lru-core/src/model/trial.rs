//! Runs a script on a cache, however it is checked.
//!
//! Computations contain operations, may be left open and ended in any order, and overlap those of other
//! threads, if several threads run a trial each on the same cache.

use core::time::Duration;

use super::script::{Operation, Quick, Script, Timed};
use super::tested::{Tested, TestedEngine};
use crate::engine::{InsertKind, Lifecycle};

/// The greatest depth of nested computations.
const MAX_DEPTH: u32 = 8;

/// The greatest number of computations that one trial leaves open.
const MAX_OPEN: usize = 4;

/// A cache under test.
pub(super) trait Subject {
    /// A computation in flight.
    type Computation;

    /// Begins a call: a hit, or a computation. `None` also if nothing is stored.
    fn call(&self, key: u8) -> Option<Self::Computation>;

    /// Begins a refresh. `None` if nothing is stored.
    fn refresh(&self, key: u8) -> Option<Self::Computation>;

    /// Ends a computation with a result.
    fn end(&self, computation: Self::Computation);

    /// Runs an operation without a computation that others could overlap.
    fn quick(&self, operation: Quick, key: u8);

    /// Runs an operation for a cache with a lifecycle; `byte` determines the rest.
    fn timed(&self, operation: Timed, byte: u8);
}

/// The run of a script on a subject.
pub(super) struct Trial<'s, S: Subject, I> {
    subject: &'s S,
    script: Script<I>,
    /// The open computations.
    open: Vec<S::Computation>,
    /// Called where other threads should run.
    pause: fn(),
}

impl<'s, S: Subject, I: Iterator<Item = u8>> Trial<'s, S, I> {
    pub(super) fn new(subject: &'s S, script: Script<I>, pause: fn()) -> Self {
        Self { subject, script, open: Vec::new(), pause }
    }

    /// Runs the script to its end, and ends the open computations.
    pub(super) fn run(mut self) {
        while self.step(0).is_some() {}
        self.open.into_iter().for_each(|computation| self.subject.end(computation));
    }

    /// Runs one operation, and those nested in it. `None` at the end of the script.
    fn step(&mut self, depth: u32) -> Option<()> {
        let (operation, key) = self.script.next()?;
        match operation {
            Operation::Call => self.compute(self.subject.call(key), depth),
            Operation::Refresh => self.compute(self.subject.refresh(key), depth),
            Operation::End => self.end_one(key),
            Operation::Quick(operation) => self.subject.quick(operation, key),
            Operation::Timed(operation) => self.subject.timed(operation, key),
        }
        Some(())
    }

    /// Runs operations between the beginning of a computation and its end.
    fn compute(&mut self, began: Option<S::Computation>, depth: u32) {
        let Some(computation) = began else { return };
        (self.pause)();
        let choice = if depth < MAX_DEPTH { self.script.choice() } else { 0 };
        for _ in 0..choice % 4 {
            if self.step(depth + 1).is_none() {
                break;
            }
        }
        // One computation in eight stays open, to end out of order.
        if choice >= 224 && self.open.len() < MAX_OPEN {
            self.open.push(computation);
            return;
        }
        (self.pause)();
        self.subject.end(computation);
    }

    fn end_one(&mut self, choice: u8) {
        if !self.open.is_empty() {
            let at = usize::from(choice) % self.open.len();
            self.subject.end(self.open.swap_remove(at));
        }
    }
}

/// Returns by how much the clock is advanced: often little, and sometimes so much that every entry expires.
pub(super) fn ticks(byte: u8) -> Duration {
    Duration::from_nanos(if byte == 0 { 1000 } else { u64::from(byte % 8) })
}

/// Returns whether `retain` keeps a key.
pub(super) fn is_retained(key: u8, byte: u8) -> bool {
    key % 4 != byte % 4
}

/// Returns the next bound of a cache that is resized.
pub(super) fn resized(byte: u8) -> Option<usize> {
    [Some(0), Some(1), Some(5), Some(30), Some(100), Some(300), None][usize::from(byte) % 7]
}

/// The data of a computation in flight.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) key: u8,
    kind: InsertKind,
}

/// Looks up the result of a call: a hit, or its computation, if the cache stores anything.
pub(super) fn lookup<V: Clone, E: TestedEngine<V>, S: Lifecycle<E::Types>>(
    cache: &Tested<V, E, S>,
    key: u8,
) -> Result<V, Option<Pending>> {
    let started = |began| Pending { key, kind: InsertKind::Computed(began) };
    cache.lookup(key).map_err(|began| began.map(started))
}

/// Begins a refresh, and returns its computation, if the cache stores anything.
pub(super) fn refresh<V: Clone, E: TestedEngine<V>, S: Lifecycle<E::Types>>(
    cache: &Tested<V, E, S>,
    key: u8,
) -> Option<Pending> {
    cache.refresh(key).map(|began| Pending { key, kind: InsertKind::Refreshed(began) })
}

/// Ends a computation with `value`.
pub(super) fn insert_pending<V: Clone, E: TestedEngine<V>, S: Lifecycle<E::Types>>(
    cache: &Tested<V, E, S>,
    Pending { key, kind }: Pending,
    value: V,
) -> Option<V> {
    cache.insert_as(key, value, kind)
}

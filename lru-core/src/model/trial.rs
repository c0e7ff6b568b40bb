//! Does to a cache what a script says, whatever is watched meanwhile.
//!
//! Computations contain operations, may be left open and ended in any order, and overlap those of
//! other threads, where several have a trial each of the same cache.

use core::time::Duration;

use super::script::{OnTerms, Operation, Quick, Script};
use super::tested::Tested;
use crate::engine::insert::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::store::entry_meta::EntryMeta;
use crate::store::policy::Policy;
use crate::store::types::Types;

/// How deep computations lie in each other.
const DEEPEST: u32 = 8;

/// How many computations one trial leaves open.
const MOST_OPEN: usize = 4;

/// A cache that is watched.
pub(super) trait Subject {
    /// What is known of a computation in flight.
    type Computation;

    /// A call: a hit, or a computation that begins. `None` also where nothing is stored.
    fn call(&self, key: u8) -> Option<Self::Computation>;

    /// A computation that is asked for begins. `None` where nothing is stored.
    fn refresh(&self, key: u8) -> Option<Self::Computation>;

    /// The computation has a result.
    fn end(&self, computation: Self::Computation);

    /// An operation without a computation that others could overlap.
    fn quick(&self, operation: Quick, key: u8);

    /// An operation for a cache on terms; `byte` decides the rest.
    fn on_terms(&self, operation: OnTerms, byte: u8);
}

/// One who operates on a subject.
pub(super) struct Trial<'s, S: Subject, I> {
    subject: &'s S,
    script: Script<I>,
    /// Computations left open.
    open: Vec<S::Computation>,
    /// What is done where others should have their turn.
    pause: fn(),
}

impl<'s, S: Subject, I: Iterator<Item = u8>> Trial<'s, S, I> {
    pub(super) fn new(subject: &'s S, script: Script<I>, pause: fn()) -> Self {
        Self { subject, script, open: Vec::new(), pause }
    }

    /// Follows the script to its end, and ends what was left open.
    pub(super) fn run(mut self) {
        while self.step(0).is_some() {}
        self.open.into_iter().for_each(|computation| self.subject.end(computation));
    }

    /// Does one operation, and those inside it. `None` when the script is over.
    fn step(&mut self, depth: u32) -> Option<()> {
        let (operation, key) = self.script.next()?;
        match operation {
            Operation::Call => self.compute(self.subject.call(key), depth),
            Operation::Refresh => self.compute(self.subject.refresh(key), depth),
            Operation::End => self.end_one(key),
            Operation::Quick(operation) => self.subject.quick(operation, key),
            Operation::OnTerms(operation) => self.subject.on_terms(operation, key),
        }
        Some(())
    }

    /// What happens between the beginning of a computation and its end.
    fn compute(&mut self, began: Option<S::Computation>, depth: u32) {
        let Some(computation) = began else { return };
        (self.pause)();
        let choice = if depth < DEEPEST { self.script.choice() } else { 0 };
        for _ in 0..choice % 4 {
            if self.step(depth + 1).is_none() {
                break;
            }
        }
        // One in eight stays open, to end out of turn.
        if choice >= 224 && self.open.len() < MOST_OPEN {
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

/// How much time passes: often little, and sometimes so much that nothing is live any more.
pub(super) fn ticks(byte: u8) -> Duration {
    Duration::from_nanos(if byte == 0 { 1000 } else { u64::from(byte % 8) })
}

/// Which keys stay where others are removed.
pub(super) fn is_retained(key: u8, byte: u8) -> bool {
    key % 4 != byte % 4
}

/// The next bound of a cache that gets another.
pub(super) fn resized(byte: u8) -> Option<usize> {
    [Some(0), Some(1), Some(5), Some(30), Some(100), Some(300), None][usize::from(byte) % 7]
}

/// What a cache wants to know of a computation.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) key: u8,
    origin: InsertKind,
}

/// A call's lookup: a hit, or what begins, if anything is stored at all.
pub(super) fn look<V: Clone, P: Policy, T: EntryMeta, S: Lifecycle<Types<u8, V, P, T>>>(
    cache: &Tested<V, P, T, S>,
    key: u8,
) -> Result<V, Option<Pending>> {
    let begun = |began| Pending { key, origin: InsertKind::Computed(began) };
    cache.look(key).map_err(|began| began.map(begun))
}

/// What begins with a refresh, if anything is stored at all.
pub(super) fn refresh<V: Clone, P: Policy, T: EntryMeta, S: Lifecycle<Types<u8, V, P, T>>>(
    cache: &Tested<V, P, T, S>,
    key: u8,
) -> Option<Pending> {
    cache.refresh().map(|began| Pending { key, origin: InsertKind::Refreshed(began) })
}

/// Ends a computation with this value.
pub(super) fn keep<V: Clone, P: Policy, T: EntryMeta, S: Lifecycle<Types<u8, V, P, T>>>(
    cache: &Tested<V, P, T, S>,
    Pending { key, origin }: Pending,
    value: V,
) -> Option<V> {
    cache.keep(key, value, origin)
}

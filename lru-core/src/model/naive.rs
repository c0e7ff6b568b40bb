//! What a cache does, the slow way: a `Vec` of entries, and one of the computations in flight.
//!
//! It says for each result whether it may be stored, by keeping a record of its computation from
//! beginning to end. The cache keeps none, so the two come to their answers by different ways.

use crate::info::CacheInfo;

/// A computation that saw more changes than this is not stored, whatever they changed.
const TOLD_APART: u64 = 1024;

/// What a cache is, in a `Vec`: the last entry is the most recent.
#[derive(Debug)]
pub(super) struct Model {
    maxsize: Option<usize>,
    entries: Vec<(u8, u32)>,
    hits: u64,
    misses: u64,
    /// How often callers changed something, or announced it by beginning a refresh.
    changes: u64,
    in_flight: Vec<Flight>,
    /// How many computations have begun.
    begun: u64,
}

/// A computation's name: what began later has a greater one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u64);

/// Why something is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A call missed.
    Call,
    /// The caller asked for it.
    Refresh,
}

/// A computation that has begun and not ended.
#[derive(Debug)]
struct Flight {
    id: Id,
    key: u8,
    reason: Reason,
    /// How many changes there had been.
    began: u64,
    overtaken: bool,
}

impl Model {
    pub(super) fn new(maxsize: Option<usize>) -> Self {
        let (entries, in_flight) = (Vec::new(), Vec::new());
        Self { maxsize, entries, hits: 0, misses: 0, changes: 0, in_flight, begun: 0 }
    }

    fn position(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|&(stored, _)| stored == key)
    }

    pub(super) fn peek(&self, key: u8) -> Option<u32> {
        self.position(key).map(|at| self.entries[at].1)
    }

    pub(super) fn look(&mut self, key: u8) -> Option<u32> {
        let Some(at) = self.position(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        Some(entry.1)
    }

    /// A computation begins. That of a call is counted where it was looked for.
    pub(super) fn begin(&mut self, key: u8, reason: Reason) -> Id {
        if reason == Reason::Refresh {
            self.misses += 1;
            self.changes += 1;
        }
        let id = Id(self.begun);
        self.begun += 1;
        self.in_flight.push(Flight { id, key, reason, began: self.changes, overtaken: false });
        id
    }

    /// A computation ends, and is stored where it may be. Returns the value it replaced.
    pub(super) fn end(&mut self, id: Id, value: u32) -> Option<u32> {
        let at = self.in_flight.iter().position(|flight| flight.id == id).expect("it has not ended yet");
        let Flight { key, reason, began, overtaken, .. } = self.in_flight.remove(at);
        if overtaken || self.changes - began > TOLD_APART {
            return None;
        }
        match reason {
            // It speaks for the moment at which it began: what began later is younger.
            Reason::Refresh => self.change(|flight| flight.key == key && flight.id < id),
            // Of two results the bounded mode keeps the first one, and the unbounded the last.
            Reason::Call if self.maxsize.is_some() && self.position(key).is_some() => return None,
            Reason::Call => {}
        }
        self.store(key, value)
    }

    pub(super) fn put(&mut self, key: u8, value: u32) -> Option<u32> {
        self.change(|flight| flight.key == key);
        self.store(key, value)
    }

    fn store(&mut self, key: u8, value: u32) -> Option<u32> {
        if self.maxsize == Some(0) {
            return None;
        }
        let old = self.position(key).map(|at| self.entries.remove(at).1);
        self.entries.push((key, value));
        if self.maxsize.is_some_and(|maxsize| self.entries.len() > maxsize) {
            self.entries.remove(0);
        }
        old
    }

    pub(super) fn remove(&mut self, key: u8) -> Option<u32> {
        self.change(|flight| flight.key == key);
        self.position(key).map(|at| self.entries.remove(at).1)
    }

    pub(super) fn clear(&mut self) {
        self.change(|_| true);
        self.entries.clear();
        (self.hits, self.misses) = (0, 0);
    }

    fn change(&mut self, overtakes: impl Fn(&Flight) -> bool) {
        self.changes += 1;
        for flight in &mut self.in_flight {
            flight.overtaken |= overtakes(flight);
        }
    }

    pub(super) fn info(&self) -> CacheInfo {
        let (currsize, maxsize) = (self.entries.len(), self.maxsize);
        CacheInfo { hits: self.hits, misses: self.misses, maxsize, currsize }
    }

    /// All entries: from least to most recently used, where an order is kept.
    pub(super) fn entries(&self) -> &[(u8, u32)] {
        &self.entries
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }
}

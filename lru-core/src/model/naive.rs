//! A naive model of a cache: a `Vec` of entries, and one of the computations in flight.
//!
//! It decides for each result whether it may be stored, by recording its computation from beginning to end.
//! The cache has no such record, so the two decide independently.

use core::time::Duration;

use crate::observe::CacheInfo;
use crate::store::{RemovalCause, Superseded};

/// The order in which entries are evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The least recently used entry first.
    Lru,
    /// The oldest entry first.
    Fifo,
    /// The least frequently used entry first; of those used equally often, the least recently used one.
    Lfu,
}

/// The lifecycle of entries: weight, time to live and time to idle.
pub(super) struct EntrySettings<V> {
    pub(super) weight: fn(&V) -> usize,
    /// The time to live; `None` is unlimited.
    pub(super) life: fn(&V) -> Option<Duration>,
    /// The time to idle.
    pub(super) idle: Option<Duration>,
    /// Whether a value is an error: a computed error does not replace a good result.
    pub(super) is_error: fn(&V) -> bool,
}

impl<V> EntrySettings<V> {
    /// Every entry weighs one and never expires.
    pub(super) const PLAIN: Self = Self { weight: |_| 1, life: |_| None, idle: None, is_error: |_| false };
}

impl<V> Clone for EntrySettings<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for EntrySettings<V> {}

/// An entry.
#[derive(Clone, Copy, Debug)]
struct Stored {
    key: u8,
    value: u32,
    /// The number of uses; being stored is one of them.
    uses: u64,
    expires: Option<Duration>,
    idle: Option<Duration>,
    /// The position in the order of insertion: a later key has a greater number.
    inserted_at: u64,
    /// The position in the order of writes: a later write has a greater number, even for a key that was
    /// present.
    scheduled: u64,
}

impl Stored {
    /// Returns the first time at which the entry is expired.
    fn deadline(&self) -> Option<Duration> {
        self.expires.into_iter().chain(self.idle).min()
    }
}

/// The model. The last entry is the most recent.
pub(super) struct Model {
    maxsize: Option<usize>,
    order: Order,
    settings: EntrySettings<u32>,
    /// Whether the last of two results for one key is stored: if the cache was created unbounded.
    last_result_wins: bool,
    now: Duration,
    entries: Vec<Stored>,
    /// The number of writes.
    stored: u64,
    hits: u64,
    misses: u64,
    in_flight: Vec<Flight>,
    /// The number of computations that have begun.
    started: u64,
    /// The entries removed since the last report, each with its cause.
    removed: Vec<(u8, u32, RemovalCause)>,
}

/// The id of a computation: later computations have greater ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(u64);

/// The reason for a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A call missed.
    Call,
    /// A caller requested a refresh.
    Refresh,
}

/// A computation in flight.
#[derive(Debug)]
struct Flight {
    id: Id,
    key: u8,
    reason: Reason,
    superseded: Superseded,
}

impl Model {
    pub(super) fn new(maxsize: Option<usize>, order: Order, settings: EntrySettings<u32>) -> Self {
        Self {
            maxsize,
            order,
            settings,
            last_result_wins: maxsize.is_none(),
            now: Duration::ZERO,
            entries: Vec::new(),
            stored: 0,
            hits: 0,
            misses: 0,
            in_flight: Vec::new(),
            started: 0,
            removed: Vec::new(),
        }
    }

    fn position(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|stored| stored.key == key)
    }

    fn is_live(&self, stored: &Stored) -> bool {
        stored.deadline().is_none_or(|deadline| self.now < deadline)
    }

    fn live_position(&self, key: u8) -> Option<usize> {
        self.position(key).filter(|&at| self.is_live(&self.entries[at]))
    }

    fn weight(&self) -> usize {
        self.entries.iter().map(|stored| (self.settings.weight)(&stored.value)).sum()
    }

    pub(super) fn peek(&self, key: u8) -> Option<u32> {
        self.live_position(key).map(|at| self.entries[at].value)
    }

    pub(super) fn lookup(&mut self, key: u8) -> Option<u32> {
        let Some(at) = self.live_position(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let idle = self.settings.idle.map(|idle| self.now + idle);
        let stored = &mut self.entries[at];
        stored.uses += 1;
        stored.idle = idle;
        let value = stored.value;
        match self.order {
            Order::Fifo => {}
            _ => self.make_most_recent(at),
        }
        Some(value)
    }

    fn make_most_recent(&mut self, at: usize) {
        let stored = self.entries.remove(at);
        self.entries.push(stored);
    }

    /// Begins a computation. The miss of a call is counted by the lookup.
    pub(super) fn begin(&mut self, key: u8, reason: Reason) -> Id {
        if reason == Reason::Refresh {
            self.misses += 1;
        }
        let id = Id(self.started);
        self.started += 1;
        self.in_flight.push(Flight { id, key, reason, superseded: Superseded::No });
        id
    }

    /// Ends a computation and stores its result if that is allowed. Returns the value that it replaced.
    pub(super) fn end(&mut self, id: Id, value: u32) -> Option<u32> {
        let at = self.in_flight.iter().position(|flight| flight.id == id).expect("it has not ended yet");
        let Flight { key, reason, superseded, .. } = self.in_flight.remove(at);
        self.expire();
        match superseded {
            Superseded::No => {}
            // What is stored may be what the refresh was to replace.
            Superseded::ByAny if reason == Reason::Refresh => {
                return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
            }
            Superseded::ByAny | Superseded::ByKey => return None,
        }
        if reason == Reason::Refresh && self.is_too_heavy(value) {
            self.change(|flight| flight.key == key && flight.id < id);
            return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
        }
        match reason {
            // A refresh takes effect at the time at which it began: computations that began later are newer.
            Reason::Refresh => self.change(|flight| flight.key == key && flight.id < id),
            Reason::Call => {
                let stored = self.position(key).map(|at| self.entries[at].value);
                if stored.is_some_and(|stored| !self.replaces(stored, value)) {
                    return None;
                }
                let is_error = self.settings.is_error;
                if self.is_too_heavy(value) && stored.is_some_and(|stored| is_error(&stored)) {
                    return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
                }
            }
        }
        self.store(key, value)
    }

    pub(super) fn put(&mut self, key: u8, value: u32) -> Option<u32> {
        self.expire();
        self.change(|flight| flight.key == key);
        self.store(key, value)
    }

    /// Returns whether a computed result replaces the one that was stored while it was computed. Of two good results
    /// or two errors, a bounded cache stores the first, and an unbounded one the last.
    fn replaces(&self, stored: u32, computed: u32) -> bool {
        let is_error = self.settings.is_error;
        if is_error(&stored) == is_error(&computed) { self.last_result_wins } else { !is_error(&computed) }
    }

    /// Returns whether a value is never stored, because of its weight.
    fn is_too_heavy(&self, value: u32) -> bool {
        self.maxsize.is_some_and(|maxsize| maxsize == 0 || (self.settings.weight)(&value) > maxsize)
    }

    /// Stores a value after expired entries have been removed, and returns the value that it replaced.
    fn store(&mut self, key: u8, value: u32) -> Option<u32> {
        let expires = (self.settings.life)(&value).map(|life| self.now + life);
        if expires.is_some_and(|expires| expires <= self.now) {
            return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
        }
        if self.is_too_heavy(value) {
            return None;
        }
        let weight = (self.settings.weight)(&value);
        let beside = |this: &Self| {
            let old = this.position(key).map_or(0, |at| (this.settings.weight)(&this.entries[at].value));
            this.weight() - old
        };
        while self.maxsize.is_some_and(|maxsize| beside(self) + weight > maxsize) {
            self.evict();
        }
        self.stored += 1;
        let idle = self.settings.idle.map(|idle| self.now + idle);
        let new =
            Stored { key, value, uses: 1, expires, idle, inserted_at: self.stored, scheduled: self.stored };
        let Some(at) = self.position(key) else {
            self.entries.push(new);
            return None;
        };
        let Stored { value: old, uses, inserted_at, .. } = self.entries[at];
        self.entries[at] = Stored { uses: uses + 1, inserted_at, ..new };
        self.make_most_recent(at);
        self.removed.push((key, old, RemovalCause::Replaced));
        Some(old)
    }

    fn take_out(&mut self, at: usize, cause: RemovalCause) -> u32 {
        let Stored { key, value, .. } = self.entries.remove(at);
        self.removed.push((key, value, cause));
        value
    }

    /// Returns the position of the victim, if there is an entry.
    fn victim(&self) -> Option<usize> {
        match self.order {
            // `min_by_key` returns the first of equal elements.
            Order::Lfu => (0..self.entries.len()).min_by_key(|&at| self.entries[at].uses),
            _ => (!self.entries.is_empty()).then_some(0),
        }
    }

    fn evict(&mut self) {
        let victim = self.victim().expect("a store that lacks room has a victim");
        self.take_out(victim, RemovalCause::Evicted);
    }

    pub(super) fn remove(&mut self, key: u8) -> Option<u32> {
        self.change(|flight| flight.key == key);
        if self.live_position(key).is_none() {
            self.take_out(self.position(key)?, RemovalCause::Expired);
            return None;
        }
        Some(self.take_out(self.position(key)?, RemovalCause::Invalidated))
    }

    pub(super) fn clear(&mut self) {
        self.change(|_| true);
        let cleared =
            self.in_order().into_iter().map(|stored| (stored.key, stored.value, RemovalCause::Cleared));
        self.removed.extend(cleared);
        self.entries.clear();
        (self.hits, self.misses) = (0, 0);
    }

    /// Records a change to the keys of these flights, or a clear.
    fn change(&mut self, supersedes: impl Fn(&Flight) -> bool) {
        for flight in self.in_flight.iter_mut().filter(|flight| supersedes(flight)) {
            flight.superseded = Superseded::ByKey;
        }
    }

    /// Records a change that may affect any key.
    fn change_any(&mut self) {
        for flight in self.in_flight.iter_mut().filter(|flight| flight.superseded == Superseded::No) {
            flight.superseded = Superseded::ByAny;
        }
    }

    /// Removes the expired entries, in the order of their deadlines; of equal deadlines, the entry stored
    /// first.
    pub(super) fn expire(&mut self) -> Vec<(u8, u32)> {
        let (live, mut expired): (Vec<_>, Vec<_>) =
            self.entries.iter().copied().partition(|stored| self.is_live(stored));
        self.entries = live;
        expired.sort_by_key(|stored| (stored.deadline(), stored.scheduled));
        let expired: Vec<_> = expired.into_iter().map(|stored| (stored.key, stored.value)).collect();
        self.removed.extend(expired.iter().map(|&(key, value)| (key, value, RemovalCause::Expired)));
        expired
    }

    pub(super) fn info(&mut self) -> CacheInfo {
        self.expire();
        CacheInfo { hits: self.hits, misses: self.misses, maxsize: self.maxsize, currsize: self.weight() }
    }

    /// Returns all entries in the policy's order: of use, or of insertion.
    fn in_order(&self) -> Vec<Stored> {
        let mut entries = self.entries.clone();
        if self.order == Order::Lfu {
            entries.sort_by_key(|stored| stored.inserted_at);
        }
        entries
    }

    pub(super) fn entries(&self) -> Vec<(u8, u32)> {
        let live = self.in_order().into_iter().filter(|stored| self.is_live(stored));
        live.map(|stored| (stored.key, stored.value)).collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Returns the entries removed since the last call.
    pub(super) fn removed(&mut self) -> Vec<(u8, u32, RemovalCause)> {
        core::mem::take(&mut self.removed)
    }
}

/// Operations for caches with a lifecycle only.
impl Model {
    pub(super) fn advance(&mut self, span: Duration) {
        self.now += span;
    }

    pub(super) fn len(&mut self) -> usize {
        self.expire();
        self.entries.len()
    }

    pub(super) fn pop_victim(&mut self) -> Option<(u8, u32)> {
        self.expire();
        let at = self.victim()?;
        let key = self.entries[at].key;
        self.change(|flight| flight.key == key);
        Some((key, self.take_out(at, RemovalCause::Evicted)))
    }

    pub(super) fn resize(&mut self, maxsize: Option<usize>) {
        self.expire();
        self.maxsize = maxsize;
        let is_beyond =
            |this: &Self, maxsize| this.weight() > maxsize || (maxsize == 0 && !this.entries.is_empty());
        while maxsize.is_some_and(|maxsize| is_beyond(self, maxsize)) {
            self.evict();
        }
    }

    pub(super) fn retain(&mut self, predicate: impl Fn(u8) -> bool) {
        self.change_any();
        self.expire();
        for Stored { key, .. } in self.in_order() {
            if !predicate(key) {
                self.remove(key);
            }
        }
    }
}

//! What a cache does, the slow way: a `Vec` of entries, and one of the computations in flight.
//!
//! It says for each result whether it may be stored, by keeping a record of its computation from
//! beginning to end. The cache keeps none, so the two come to their answers by different ways.

use core::time::Duration;

use crate::observe::info::CacheInfo;
use crate::store::removal_cause::RemovalCause;

/// A computation that saw more changes than this is not stored, whatever they changed.
const TOLD_APART: u64 = 1024;

/// Who leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The least recently used one.
    Lru,
    /// The oldest one.
    Fifo,
    /// The least often used one; of those used equally often, the least recently used one.
    Lfu,
}

/// On what terms a value is kept.
pub(super) struct Terms<V> {
    pub(super) weight: fn(&V) -> usize,
    /// For how long it is live; `None` is for ever.
    pub(super) life: fn(&V) -> Option<Duration>,
    /// For how long, if it is not used.
    pub(super) idle: Option<Duration>,
}

impl<V> Terms<V> {
    /// As heavy as any other, for ever.
    pub(super) const PLAIN: Self = Self { weight: |_| 1, life: |_| None, idle: None };
}

impl<V> Clone for Terms<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Terms<V> {}

/// What is in a cache.
#[derive(Clone, Copy, Debug)]
struct Stored {
    key: u8,
    value: u32,
    /// How often it was used, being stored included.
    uses: u64,
    expires: Option<Duration>,
    idle: Option<Duration>,
    /// What came later has a greater number,
    came: u64,
    /// and so has what was stored later, be it under a key that was there.
    noted: u64,
}

impl Stored {
    /// The first time at which it is no longer live.
    fn deadline(&self) -> Option<Duration> {
        self.expires.into_iter().chain(self.idle).min()
    }
}

/// What a cache is, in a `Vec`: the last entry is the most recent.
pub(super) struct Model {
    maxsize: Option<usize>,
    order: Order,
    terms: Terms<u32>,
    /// Of two results for one key the last one stays, where there was no bound at first.
    last_result_stays: bool,
    now: Duration,
    entries: Vec<Stored>,
    /// How often something was stored.
    stored: u64,
    hits: u64,
    misses: u64,
    /// How often callers changed something, or announced it by beginning a refresh.
    changes: u64,
    in_flight: Vec<Flight>,
    /// How many computations have begun.
    begun: u64,
    /// What left, and why, since this was asked for.
    left: Vec<(u8, u32, RemovalCause)>,
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
    pub(super) fn new(maxsize: Option<usize>, order: Order, terms: Terms<u32>) -> Self {
        Self {
            maxsize,
            order,
            terms,
            last_result_stays: maxsize.is_none(),
            now: Duration::ZERO,
            entries: Vec::new(),
            stored: 0,
            hits: 0,
            misses: 0,
            changes: 0,
            in_flight: Vec::new(),
            begun: 0,
            left: Vec::new(),
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
        self.entries.iter().map(|stored| (self.terms.weight)(&stored.value)).sum()
    }

    pub(super) fn peek(&self, key: u8) -> Option<u32> {
        self.live_position(key).map(|at| self.entries[at].value)
    }

    pub(super) fn look(&mut self, key: u8) -> Option<u32> {
        let Some(at) = self.live_position(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let idle = self.terms.idle.map(|idle| self.now + idle);
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
        self.expire();
        if overtaken || self.changes - began > TOLD_APART {
            return None;
        }
        if reason == Reason::Refresh && self.is_too_heavy(value) {
            self.change(|flight| flight.key == key && flight.id < id);
            return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
        }
        match reason {
            // It speaks for the moment at which it began: what began later is younger.
            Reason::Refresh => self.change(|flight| flight.key == key && flight.id < id),
            // Of two results the bounded mode keeps the first one, and the unbounded the last.
            Reason::Call if !self.last_result_stays && self.position(key).is_some() => return None,
            Reason::Call => {}
        }
        self.store(key, value)
    }

    pub(super) fn put(&mut self, key: u8, value: u32) -> Option<u32> {
        self.expire();
        self.change(|flight| flight.key == key);
        self.store(key, value)
    }

    /// Whether a value is never stored, for its weight.
    fn is_too_heavy(&self, value: u32) -> bool {
        self.maxsize.is_some_and(|maxsize| maxsize == 0 || (self.terms.weight)(&value) > maxsize)
    }

    /// Stores a value where what has expired is gone, and returns the one that it replaced.
    fn store(&mut self, key: u8, value: u32) -> Option<u32> {
        let expires = (self.terms.life)(&value).map(|life| self.now + life);
        if expires.is_some_and(|expires| expires <= self.now) {
            return Some(self.take_out(self.position(key)?, RemovalCause::Replaced));
        }
        if self.is_too_heavy(value) {
            return None;
        }
        let weight = (self.terms.weight)(&value);
        let beside = |this: &Self| {
            let old = this.position(key).map_or(0, |at| (this.terms.weight)(&this.entries[at].value));
            this.weight() - old
        };
        while self.maxsize.is_some_and(|maxsize| beside(self) + weight > maxsize) {
            self.evict();
        }
        self.stored += 1;
        let idle = self.terms.idle.map(|idle| self.now + idle);
        let new = Stored { key, value, uses: 1, expires, idle, came: self.stored, noted: self.stored };
        let Some(at) = self.position(key) else {
            self.entries.push(new);
            return None;
        };
        let Stored { value: old, uses, came, .. } = self.entries[at];
        self.entries[at] = Stored { uses: uses + 1, came, ..new };
        self.make_most_recent(at);
        self.left.push((key, old, RemovalCause::Replaced));
        Some(old)
    }

    fn take_out(&mut self, at: usize, cause: RemovalCause) -> u32 {
        let Stored { key, value, .. } = self.entries.remove(at);
        self.left.push((key, value, cause));
        value
    }

    /// Who is to leave, where there is anybody.
    fn victim(&self) -> Option<usize> {
        match self.order {
            // `min_by_key` takes the first of equals.
            Order::Lfu => (0..self.entries.len()).min_by_key(|&at| self.entries[at].uses),
            _ => (!self.entries.is_empty()).then_some(0),
        }
    }

    fn evict(&mut self) {
        let victim = self.victim().expect("there is somebody");
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
        self.left.extend(cleared);
        self.entries.clear();
        (self.hits, self.misses) = (0, 0);
    }

    fn change(&mut self, overtakes: impl Fn(&Flight) -> bool) {
        self.changes += 1;
        for flight in &mut self.in_flight {
            flight.overtaken |= overtakes(flight);
        }
    }

    /// What has expired leaves: who expired first leaves first, and of equals who was stored first.
    pub(super) fn expire(&mut self) -> Vec<(u8, u32)> {
        let (live, mut expired): (Vec<_>, Vec<_>) =
            self.entries.iter().copied().partition(|stored| self.is_live(stored));
        self.entries = live;
        expired.sort_by_key(|stored| (stored.deadline(), stored.noted));
        let expired: Vec<_> = expired.into_iter().map(|stored| (stored.key, stored.value)).collect();
        self.left.extend(expired.iter().map(|&(key, value)| (key, value, RemovalCause::Expired)));
        expired
    }

    pub(super) fn info(&mut self) -> CacheInfo {
        self.expire();
        CacheInfo { hits: self.hits, misses: self.misses, maxsize: self.maxsize, currsize: self.weight() }
    }

    /// All entries in the order that is kept: that of use, or that in which they came.
    fn in_order(&self) -> Vec<Stored> {
        let mut entries = self.entries.clone();
        if self.order == Order::Lfu {
            entries.sort_by_key(|stored| stored.came);
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

    /// What left since this was asked for.
    pub(super) fn left(&mut self) -> Vec<(u8, u32, RemovalCause)> {
        core::mem::take(&mut self.left)
    }
}

/// What only caches on terms are asked.
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

    pub(super) fn retain(&mut self, holds: impl Fn(u8) -> bool) {
        self.change(|_| true);
        self.expire();
        for Stored { key, .. } in self.in_order() {
            if !holds(key) {
                self.remove(key);
            }
        }
    }
}

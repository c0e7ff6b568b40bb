//! Auto: S3-FIFO, W-TinyLFU and LRU follow the same entries, and the one that was best of late chooses the victims.
//!
//! Each of the policies records the uses, admissions and removals of all entries, so that another one can take over at any
//! time. Which one is the best is decided by a [duel](duel) of shadows, which are caches of hashes only.
//!
//! The order of LRU is that of the ring, which hits change while LRU leads. While another policy leads, a hit sets a mark
//! instead. When LRU takes over, marked entries are passed once, as in the CLOCK policy.

mod duel;
mod schedule;
mod shadow;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use super::Policy;
use super::s3_fifo::S3Fifo;
use super::sealed::Sealed;
use super::w_tinylfu::WTinyLfu;
use crate::key::{KeyHash, STEP};
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::linked_arena::{Arena, Slot};

use duel::Duel;
use schedule::Schedule;

/// The capacity from which on S3-FIFO leads at first, below it is W-TinyLFU.
///
/// W-TinyLFU prefers the entries that were there first. In a large cache it takes very long until the first ones are
/// replaced, and the shadows learn too late that others would be better.
const LARGE: usize = 8192;

/// The most entries of a shadow, in a cache of at most [`RATE`] as many; and the least share of the keys that is sampled.
const SHADOW: usize = 1024;
const RATE: usize = 16;

/// Automatic choice: evicts what S3-FIFO, W-TinyLFU or LRU would evict, whichever of them had the most hits of late.
///
/// Good if the workload is unknown, differs between installations or changes: it has nearly as many hits as the best of
/// the three. [`CacheStats::leading_policy`](crate::CacheStats::leading_policy) tells which of them is leading.
///
/// All three follow the entries of the cache. Three shadows, small caches of hashes without keys and values, take part in the
/// calls of a sample of the keys; their hits decide which policy chooses the next victims. A policy takes the lead if its
/// shadow is ahead significantly, not by chance. [`WTinyLfu`] begins in caches of less than 8,192 entries, [`S3Fifo`] in
/// larger ones. Only the choice of victims depends on the duel. It is a little different in every run, because the keys of
/// the sample depend on the seed of the hashes.
///
/// Each operation takes amortized constant time. A hit costs a little more than one of [`WTinyLfu`], while calls are not
/// sampled. A sampled call takes three lookups in shadows. Shadows rest most of the time, and a cache without misses
/// samples nothing. The policy needs about 60 bytes per entry, remembers the hashes of up to as many evicted entries with
/// 30 to 60 bytes each, and has shadows of up to 1,024 entries, or of a sixteenth of the entries if that is more, with 150
/// to 250 bytes for each. So caches of up to 1,024 entries need up to 350 bytes per entry. The shadows do not know of entries
/// that are invalidated or expire, nor of weights.
///
/// If entries have weights, the size of the shadows follows the number of entries. When the cache is cleared, or its capacity
/// is at least doubled or halved, the leader stays and the shadows begin anew.
pub struct Auto {
    s3_fifo: S3Fifo,
    w_tinylfu: WTinyLfu,
    /// The entries that were used while another policy than LRU was leading. Indexed by [`Slot::index`].
    used: Vec<Cell<bool>>,
    leader: Cell<LeadingPolicy>,
    /// The victim that was last chosen. If its slot is removed, the entry was evicted.
    leaving: Option<Slot>,
    /// The capacity of the store when the duel began; `None` before it is known.
    maxsize: Option<usize>,
    /// The number of entries that the duel was made for.
    entries: usize,
    schedule: Schedule,
    /// A box, because most caches that do not have any entry yet never have many.
    duel: RefCell<Option<Box<Duel>>>,
}

impl fmt::Debug for Auto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auto").field("leader", &self.leader.get()).finish_non_exhaustive()
    }
}

impl Sealed for Auto {}

impl Policy for Auto {
    type Stopwatch = ();
    const SLOT_BYTES: usize = S3Fifo::SLOT_BYTES + WTinyLfu::SLOT_BYTES + size_of::<bool>();
    const NEW: Self = Self {
        s3_fifo: S3Fifo::NEW,
        w_tinylfu: WTinyLfu::NEW,
        used: Vec::new(),
        leader: Cell::new(LeadingPolicy::WTinyLfu),
        leaving: None,
        maxsize: None,
        entries: 0,
        schedule: Schedule::NEVER,
        duel: RefCell::new(None),
    };

    fn leading(&self) -> Option<LeadingPolicy> {
        self.maxsize.map(|_| self.leader.get())
    }

    #[inline]
    fn announce_maxsize(&mut self, maxsize: usize) {
        if self.maxsize != Some(maxsize) {
            self.bound(maxsize);
        }
    }

    fn resized<T>(&mut self, _: &Arena<T>, maxsize: usize) {
        self.announce_maxsize(maxsize);
    }

    #[inline]
    fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
        let Some(hash) = self.w_tinylfu.count_use(ring, slot) else { return };
        self.s3_fifo.used(ring, slot);
        if self.leader.get() == LeadingPolicy::Lru {
            ring.touch(slot);
        } else if let Some(used) = self.used.get(slot.index()) {
            used.set(true);
        }
        self.called(hash);
    }

    fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.s3_fifo.admitted(ring, slot, hash);
        self.w_tinylfu.admitted(ring, slot, hash);
        if self.used.len() <= slot.index() {
            self.used.resize(slot.index() + 1, Cell::new(false));
        }
        self.used[slot.index()].set(false);
        // Lighter entries than before, of which there is room for more.
        if ring.len() / 2 > self.entries {
            self.begin(ring.len());
        }
        self.called(hash);
        self.schedule.count_miss();
    }

    fn victim<T>(&mut self, ring: &Arena<T>, newcomer: KeyHash) -> Option<Slot> {
        // The store is full of heavier entries than those of weight 1 that it has room for.
        if ring.len() < self.entries / 2 {
            self.begin(ring.len());
        }
        self.leaving = match self.leader.get() {
            LeadingPolicy::S3Fifo => self.s3_fifo.victim(ring, newcomer),
            LeadingPolicy::WTinyLfu => self.w_tinylfu.victim(ring, newcomer),
            LeadingPolicy::Lru => self.least_recently_used(ring),
        };
        self.leaving
    }

    fn emptied(&mut self) -> Self {
        let leader = self.leader.clone();
        let mut emptied = Self { leader, maxsize: self.maxsize, ..Self::NEW };
        emptied.begin(self.maxsize.unwrap_or(0));
        emptied
    }

    fn removed(&mut self, slot: Slot) {
        if self.leaving.take() == Some(slot) {
            self.s3_fifo.evicting(slot);
        }
        self.s3_fifo.removed(slot);
        self.w_tinylfu.removed(slot);
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.s3_fifo.validate(ring);
        self.w_tinylfu.validate(ring);
        assert!(ring.iter().all(|slot| slot.index() < self.used.len()));
        if let Some(duel) = &*self.duel.borrow() {
            duel.validate();
        }
    }
}

impl Auto {
    /// Notes a new capacity of the store. The first one decides which policy leads at first.
    #[cold]
    fn bound(&mut self, maxsize: usize) {
        // The shadows are good enough for a capacity that is not half as large or twice as large.
        if self.maxsize.is_some_and(|before| maxsize / 2 < before && before / 2 < maxsize) {
            return;
        }
        if self.maxsize.is_none() && maxsize >= LARGE {
            self.leader.set(LeadingPolicy::S3Fifo);
        }
        self.maxsize = Some(maxsize);
        self.begin(maxsize);
    }

    /// Begins a new duel for so many entries. Without a bound there is none, because there are no victims.
    #[cold]
    fn begin(&mut self, entries: usize) {
        self.entries = entries;
        (self.schedule, *self.duel.get_mut()) = if (1..usize::MAX).contains(&entries) {
            let shadow = entries.min(SHADOW).max(entries / RATE);
            let duel = Duel::new(shadow, self.leader.get());
            (Schedule::new(shadow, entries), Some(Box::new(duel)))
        } else {
            (Schedule::NEVER, None)
        };
    }

    /// Records a call of the key with this hash.
    #[inline]
    fn called(&self, hash: KeyHash) {
        if self.schedule.samples(hash.get().wrapping_mul(STEP)) {
            self.sample(hash);
        }
    }

    #[cold]
    #[inline(never)]
    fn sample(&self, hash: KeyHash) {
        let counts = self.schedule.count_call();
        let mut duel = self.duel.borrow_mut();
        let leader = duel.as_mut().and_then(|duel| duel.call(hash, counts));
        if let Some(leader) = leader {
            self.leader.set(leader);
            self.schedule.leader_changed();
        }
    }

    /// Returns the least recently used entry. Entries with a mark are passed to the end of the ring.
    fn least_recently_used<T>(&self, ring: &Arena<T>) -> Option<Slot> {
        loop {
            let first = ring.first()?;
            if !self.used.get(first.index()).is_some_and(Cell::take) {
                return Some(first);
            }
            ring.touch(first);
        }
    }
}

#[cfg(test)]
mod tests;

//! S3-FIFO: a small FIFO queue for new entries, a main queue for those that are used, and a ghost queue of hashes.
//!
//! Juncheng Yang, Yazhuo Zhang, Ziyue Qiu, Yao Yue and K. V. Rashmi: "FIFO Queues are All You Need for
//! Cache Eviction", SOSP 2023.
//!
//! The parameters are those of the paper. The small queue has 10 % of the entries, the main queue the rest. Uses are
//! counted up to 3. At the end of the small queue, an entry with more than one use moves to the main queue and its
//! count is reset; other entries are evicted. At the end of the main queue, an entry is reinserted once per use.
//! The ghost queue stores the hashes of entries evicted from the small queue, for as many evictions as the main queue
//! has entries. A key whose hash is in the ghost queue is inserted into the main queue.

use core::cell::Cell;
use std::collections::VecDeque;

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::Policy;
use super::sealed::Sealed;
use super::slot_lists::{List, Lists, share};
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

const SMALL: List = List(0);
const MAIN: List = List(1);

/// The share of all entries in the small queue from which on the victim is taken from it.
const SMALL_PERCENT: usize = 10;

/// The maximum of the use counts. An unused entry is evicted after as many rounds of the main queue.
const MAX_USES: u8 = 3;

/// The number of uses with which an entry moves from the small queue to the main one.
const USES_TO_STAY: u8 = 2;

/// S3-FIFO: evicts new entries soon unless they are used again; used entries get another round in a main queue.
///
/// Good if many keys are used only once, in scans or among others, and a strong choice for an unknown workload. An
/// entry that was evicted too early is recognised when its key returns. A hit only increments a counter, which is
/// cheaper than with [`Lru`](super::Lru). Less suitable if most keys are used exactly twice, far apart.
///
/// An eviction may move many entries, but each of them at most three times per use: amortized constant time. The
/// policy needs 28 bytes per entry, and remembers the hashes of up to as many evicted entries with 30 to 60 bytes
/// each.
///
/// Source: Yang, Zhang, Qiu, Yue and Rashmi, "FIFO Queues are All You Need for Cache Eviction", SOSP
/// 2023.
#[derive(Debug)]
pub struct S3Fifo {
    queues: Lists<2>,
    /// Indexed by [`Slot::index`].
    seen: Vec<Seen>,
    ghost: Ghost,
    /// The victim that was last chosen. If its slot is removed, the entry was evicted.
    leaving: Option<Slot>,
}

/// The hash and the number of uses of the entry in a slot.
#[derive(Debug)]
struct Seen {
    hash: KeyHash,
    uses: Cell<u8>,
}

impl Sealed for S3Fifo {}

impl Policy for S3Fifo {
    type Stopwatch = ();
    const SLOT_BYTES: usize = 73;
    const NEW: Self = Self { queues: Lists::new(), seen: Vec::new(), ghost: Ghost::new(), leaving: None };

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        if let Some(Seen { uses, .. }) = self.seen.get(slot.index()) {
            uses.set(MAX_USES.min(uses.get() + 1));
        }
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.removed(slot);
        self.queues.reserve(slot);
        let queue = if self.ghost.take(hash) { MAIN } else { SMALL };
        self.queues.push(queue, slot);
        if self.seen.len() <= slot.index() {
            self.seen.resize_with(slot.index() + 1, || Seen { hash, uses: Cell::new(0) });
        }
        self.seen[slot.index()] = Seen { hash, uses: Cell::new(0) };
    }

    fn victim<T>(&mut self, ring: &Arena<T>, _: KeyHash) -> Option<Slot> {
        let small = share(ring.len(), SMALL_PERCENT);
        loop {
            let from_small = self.queues.len(SMALL) >= small || self.queues.len(MAIN) == 0;
            let slot = self.queues.oldest(if from_small { SMALL } else { MAIN })?;
            let uses = &self.seen.get(slot.index())?.uses;
            if from_small && uses.get() >= USES_TO_STAY {
                uses.set(0);
            } else if !from_small && uses.get() > 0 {
                uses.set(uses.get() - 1);
            } else {
                self.leaving = Some(slot);
                return self.leaving;
            }
            self.queues.push(MAIN, slot);
        }
    }

    fn removed(&mut self, slot: Slot) {
        let len = self.queues.len(SMALL) + self.queues.len(MAIN);
        if self.leaving == Some(slot) {
            self.leaving = None;
            if self.queues.list_of(slot) == Some(SMALL) {
                self.ghost.push(self.seen[slot.index()].hash, len - share(len, SMALL_PERCENT));
            }
        }
        self.queues.remove(slot);
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.queues.validate(ring);
        assert!(ring.iter().all(|slot| slot.index() < self.seen.len()));
        assert!(self.leaving.is_none_or(|slot| ring.get(slot).is_some()));
        self.ghost.validate();
    }
}

impl S3Fifo {
    /// Records that the entry in `slot`, which is removed next, is evicted, whether or not the policy chose it.
    #[inline]
    pub(super) fn evicting(&mut self, slot: Slot) {
        self.leaving = Some(slot);
    }
}

/// The hashes of the last entries that were evicted from the small queue.
#[derive(Debug)]
struct Ghost {
    /// The hashes in the order of eviction, including those of keys that have returned.
    queue: VecDeque<KeyHash>,
    /// The number of evictions so far. The last hash in the queue has the number before.
    evictions: u64,
    /// The number of the last eviction of each hash whose key has not returned.
    table: HashTable<u64>,
}

impl Ghost {
    const fn new() -> Self {
        Self { queue: VecDeque::new(), evictions: 0, table: HashTable::new() }
    }

    /// Adds `hash`, and removes the oldest hashes beyond `most`.
    fn push(&mut self, hash: KeyHash, most: usize) {
        while self.queue.len() >= most.max(1) {
            self.remove_oldest();
        }
        self.take(hash);
        let eviction = self.evictions;
        self.evictions += 1;
        self.queue.push_back(hash);
        let (queue, oldest) = (&self.queue, self.oldest());
        let hash_of = |&eviction: &u64| hash_in(queue, oldest, eviction).map_or(0, KeyHash::get);
        self.table.insert_unique(hash.get(), eviction, hash_of);
    }

    /// Removes `hash`, and returns whether it was there.
    fn take(&mut self, hash: KeyHash) -> bool {
        let (queue, oldest) = (&self.queue, self.oldest());
        let matches = |&eviction: &u64| hash_in(queue, oldest, eviction) == Some(hash);
        self.table.find_entry(hash.get(), matches).map(OccupiedEntry::remove).is_ok()
    }

    fn remove_oldest(&mut self) {
        let oldest = self.oldest();
        if let Some(hash) = self.queue.pop_front() {
            // The table may have a later eviction of the same hash, which stays.
            let listed = self.table.find_entry(hash.get(), |&eviction| eviction == oldest);
            drop(listed.map(OccupiedEntry::remove));
        }
    }

    /// Returns the number of the first eviction in the queue.
    fn oldest(&self) -> u64 {
        self.evictions - self.queue.len() as u64
    }

    #[cfg(any(test, fuzzing))]
    fn validate(&self) {
        assert!(self.table.len() <= self.queue.len());
        for &eviction in &self.table {
            let hash =
                hash_in(&self.queue, self.oldest(), eviction).expect("listed evictions are in the queue");
            assert!(self.table.find(hash.get(), |&listed| listed == eviction).is_some());
        }
    }
}

/// Returns the hash of an eviction, in a queue that begins with the eviction `oldest`.
fn hash_in(queue: &VecDeque<KeyHash>, oldest: u64, eviction: u64) -> Option<KeyHash> {
    queue.get(usize::try_from(eviction.checked_sub(oldest)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Model, agree};
    use super::*;

    /// Keys with their numbers of uses, oldest first.
    #[derive(Default)]
    struct Naive {
        small: Vec<(u64, u8)>,
        main: Vec<(u64, u8)>,
        /// Evictions from the small queue; `None` for keys that have returned.
        ghost: Vec<Option<u64>>,
        leaving: Option<u64>,
    }

    impl Naive {
        fn len(&self) -> usize {
            self.small.len() + self.main.len()
        }

        fn small_share(&self) -> usize {
            (self.len() / 10).max(1)
        }
    }

    impl Model for Naive {
        fn used(&mut self, key: u64) {
            let mut all = self.small.iter_mut().chain(&mut self.main);
            let (_, uses) = all.find(|(listed, _)| *listed == key).unwrap();
            *uses = (*uses + 1).min(3);
        }

        fn admitted(&mut self, key: u64) {
            if let Some(eviction) = self.ghost.iter_mut().find(|eviction| **eviction == Some(key)) {
                *eviction = None;
                self.main.push((key, 0));
            } else {
                self.small.push((key, 0));
            }
        }

        fn approves(&mut self, victim: u64) -> bool {
            let share = self.small_share();
            self.leaving = loop {
                if self.small.len() >= share || self.main.is_empty() {
                    let (key, uses) = self.small[0];
                    if uses <= 1 {
                        break Some(key);
                    }
                    self.small.remove(0);
                    self.main.push((key, 0));
                } else {
                    let (key, uses) = self.main[0];
                    if uses == 0 {
                        break Some(key);
                    }
                    self.main.remove(0);
                    self.main.push((key, uses - 1));
                }
            };
            self.leaving == Some(victim)
        }

        fn removed(&mut self, key: u64) {
            if self.leaving == Some(key) {
                self.leaving = None;
                if self.small.iter().any(|&(listed, _)| listed == key) {
                    let most = (self.len() - self.small_share()).max(1);
                    self.ghost.push(Some(key));
                    self.ghost.drain(..self.ghost.len().saturating_sub(most));
                }
            }
            self.small.retain(|&(listed, _)| listed != key);
            self.main.retain(|&(listed, _)| listed != key);
        }
    }

    #[test]
    fn agrees_with_a_naive_model() {
        agree::<S3Fifo, Naive>();
    }

    #[test]
    fn the_ghost_remembers_so_many_evictions_and_no_more() {
        let hashes: Vec<_> = (0..100_u64).map(|n| KeyHash::of(&n)).collect();
        let mut ghost = Ghost::new();
        for &hash in &hashes {
            ghost.push(hash, 10);
            ghost.validate();
        }
        assert_eq!((ghost.queue.len(), ghost.table.len()), (10, 10));
        assert!(!ghost.take(hashes[89]) && ghost.take(hashes[90]) && !ghost.take(hashes[90]));
        ghost.push(hashes[99], 3);
        assert_eq!(ghost.queue.len(), 3);
        assert!(ghost.take(hashes[99]) && !ghost.take(hashes[99]));
        ghost.validate();
    }
}

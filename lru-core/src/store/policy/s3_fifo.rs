//! S3-FIFO: newcomers wait in a small queue, and only those that are used go on to the main one.
//!
//! Juncheng Yang, Yazhuo Zhang, Ziyue Qiu, Yao Yue and K. V. Rashmi: "FIFO Queues are All You Need for
//! Cache Eviction", SOSP 2023.
//!
//! The parameters are the paper's. The small queue has 10 % of the entries, the main one the others.
//! Uses are counted up to 3. At the end of the small queue, what was used more than once goes on to
//! the main queue with its count forgotten; the others leave. At the end of the main queue, what was used
//! goes round once more for each use. The ghost remembers the hashes of what left the small
//! queue, for as many departures as the main queue has entries; who comes back meanwhile goes
//! to the main queue at once.

use core::cell::Cell;
use std::collections::VecDeque;

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::Policy;
use super::slot_lists::{List, Lists, share};
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

const SMALL: List = List(0);
const MAIN: List = List(1);

/// How much of all entries may be in the small queue before one of them has to leave.
const SMALL_PERCENT: usize = 10;

/// Uses are counted no further: an entry that was popular is forgotten in as many rounds.
const MOST_USES: u8 = 3;

/// What was used so often goes on from the small queue to the main one.
const USES_TO_STAY: u8 = 2;

/// S3-FIFO: newcomers leave soon unless they are used again; what is used goes round once more.
///
/// Good where much is asked for just once, in scans as well as in between, and a strong choice where
/// nothing is known. What left too soon is recognised when it comes back. A hit only counts, which
/// is cheaper than with [`Lru`](super::Lru). Not so good where most keys come exactly twice, with
/// some time between.
///
/// A replacement may move many entries, but no more than were used before, up to three times
/// each: amortised constant time. The policy takes 28 bytes an entry and remembers the hashes
/// of as many entries again, with 30 to 60 bytes for each.
///
/// Source: Yang, Zhang, Qiu, Yue and Rashmi, "FIFO Queues are All You Need for Cache Eviction", SOSP
/// 2023.
#[derive(Debug)]
pub struct S3Fifo {
    queues: Lists<2>,
    /// Indexed by [`Slot::index`].
    seen: Vec<Seen>,
    ghost: Ghost,
    /// The victim that was last chosen: should it go, it was evicted.
    leaving: Option<Slot>,
}

/// What is known of the entry in a slot.
#[derive(Debug)]
struct Seen {
    hash: KeyHash,
    uses: Cell<u8>,
}

impl Policy for S3Fifo {
    const NEW: Self = Self { queues: Lists::new(), seen: Vec::new(), ghost: Ghost::new(), leaving: None };

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        if let Some(Seen { uses, .. }) = self.seen.get(slot.index()) {
            uses.set(MOST_USES.min(uses.get() + 1));
        }
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, hash: KeyHash) {
        self.removed(slot);
        self.queues.make_room_for(slot);
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

/// The hashes of what left the small queue, as far back as is asked for.
#[derive(Debug)]
struct Ghost {
    /// Hashes in the order of departure, those included that came back since.
    queue: VecDeque<KeyHash>,
    /// How many departures there were. They are numbered: the last in the queue has the number before.
    departures: u64,
    /// The last departure of each hash, but of those that came back.
    table: HashTable<u64>,
}

impl Ghost {
    const fn new() -> Self {
        Self { queue: VecDeque::new(), departures: 0, table: HashTable::new() }
    }

    /// Remembers `hash`, and no more than `most` in all.
    fn push(&mut self, hash: KeyHash, most: usize) {
        while self.queue.len() >= most.max(1) {
            self.forget_oldest();
        }
        self.take(hash);
        let departure = self.departures;
        self.departures += 1;
        self.queue.push_back(hash);
        let (queue, oldest) = (&self.queue, self.oldest());
        let hash_of = |&departure: &u64| hash_in(queue, oldest, departure).map_or(0, KeyHash::get);
        self.table.insert_unique(hash.get(), departure, hash_of);
    }

    /// Whether `hash` is remembered; it no longer is afterwards.
    fn take(&mut self, hash: KeyHash) -> bool {
        let (queue, oldest) = (&self.queue, self.oldest());
        let matches = |&departure: &u64| hash_in(queue, oldest, departure) == Some(hash);
        self.table.find_entry(hash.get(), matches).map(OccupiedEntry::remove).is_ok()
    }

    fn forget_oldest(&mut self) {
        let oldest = self.oldest();
        if let Some(hash) = self.queue.pop_front() {
            // Of a hash that came back and left again, a later departure is listed.
            let listed = self.table.find_entry(hash.get(), |&departure| departure == oldest);
            drop(listed.map(OccupiedEntry::remove));
        }
    }

    /// The number of the departure that the queue begins with.
    fn oldest(&self) -> u64 {
        self.departures - self.queue.len() as u64
    }

    #[cfg(any(test, fuzzing))]
    fn validate(&self) {
        assert!(self.table.len() <= self.queue.len());
        for &departure in &self.table {
            let hash = hash_in(&self.queue, self.oldest(), departure).expect("it is in the queue");
            assert!(self.table.find(hash.get(), |&listed| listed == departure).is_some());
        }
    }
}

/// The hash of a departure in a queue that begins with the departure `oldest`.
fn hash_in(queue: &VecDeque<KeyHash>, oldest: u64, departure: u64) -> Option<KeyHash> {
    queue.get(usize::try_from(departure.checked_sub(oldest)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Model, agree};
    use super::*;

    /// Keys with how often they were used, oldest first.
    #[derive(Default)]
    struct Naive {
        small: Vec<(u64, u8)>,
        main: Vec<(u64, u8)>,
        /// Departures from the small queue; `None` for what came back.
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
            if let Some(departure) = self.ghost.iter_mut().find(|departure| **departure == Some(key)) {
                *departure = None;
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
    fn the_ghost_remembers_so_many_departures_and_no_more() {
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

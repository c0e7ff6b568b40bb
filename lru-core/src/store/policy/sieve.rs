//! SIEVE: a FIFO queue with a hand that evicts the next entry without a recent use.
//!
//! Yazhuo Zhang, Juncheng Yang, Yao Yue, Ymir Vigfusson and K. V. Rashmi: "SIEVE is Simpler than LRU:
//! an Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024.
//!
//! SIEVE has no parameters. The hand moves from the oldest entry to the youngest and starts over. It clears the mark
//! of entries that were used since it last passed them, and evicts the first entry without a mark. Unlike in CLOCK,
//! a passed entry stays in its place, so new entries are examined soon after the old ones.

use core::cell::Cell;

use super::Policy;
use super::sealed::Sealed;
use super::slot_lists::{List, Lists};
use crate::key::KeyHash;
use crate::store::linked_arena::{Arena, Slot};

const QUEUE: List = List(0);

/// SIEVE: evicts the oldest entry that was not used since the hand of the policy last passed it.
///
/// Good for popular keys among many that are used only once, as in web caches: most new entries are evicted soon. A
/// hit only sets a mark, which is cheaper than with [`Lru`](super::Lru). Less suitable if long scans alternate with
/// accesses to popular keys.
///
/// An eviction may examine many entries, but each of them was used before: amortized constant time. The policy
/// needs 13 bytes per entry.
///
/// Source: Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key
/// Eviction Algorithm for Web Caches", NSDI 2024.
#[derive(Debug)]
pub struct Sieve {
    queue: Lists<1>,
    /// Indexed by [`Slot::index`].
    visited: Vec<Cell<bool>>,
    /// The next slot to examine; `None` at the old end of the queue.
    hand: Option<Slot>,
}

impl Sealed for Sieve {}

impl Policy for Sieve {
    type Stopwatch = ();
    const SLOT_BYTES: usize = 13;
    const NEW: Self = Self { queue: Lists::new(), visited: Vec::new(), hand: None };

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        if let Some(visited) = self.visited.get(slot.index()) {
            visited.set(true);
        }
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        self.removed(slot);
        self.queue.reserve(slot);
        self.queue.push(QUEUE, slot);
        if self.visited.len() <= slot.index() {
            self.visited.resize(slot.index() + 1, Cell::new(false));
        }
        self.visited[slot.index()].set(false);
    }

    fn victim<T>(&mut self, _: &Arena<T>, _: KeyHash) -> Option<Slot> {
        loop {
            let slot = self.hand.or_else(|| self.queue.oldest(QUEUE))?;
            if !self.visited.get(slot.index())?.take() {
                self.hand = Some(slot);
                return self.hand;
            }
            self.hand = self.queue.younger(slot);
        }
    }

    fn removed(&mut self, slot: Slot) {
        if self.hand == Some(slot) {
            self.hand = self.queue.younger(slot);
        }
        self.queue.remove(slot);
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        self.queue.validate(ring);
        assert!(self.hand.is_none_or(|hand| ring.get(hand).is_some()));
        assert!(ring.iter().all(|slot| slot.index() < self.visited.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Model, agree};
    use super::*;

    /// Keys in the order of insertion, each with its mark, and the position of the hand.
    #[derive(Default)]
    struct Naive {
        queue: Vec<(u64, bool)>,
        hand: usize,
    }

    impl Model for Naive {
        fn used(&mut self, key: u64) {
            self.queue.iter_mut().find(|(listed, _)| *listed == key).unwrap().1 = true;
        }

        fn admitted(&mut self, key: u64) {
            // A hand at the end starts over, even if an entry is added behind it.
            if self.hand == self.queue.len() {
                self.hand = 0;
            }
            self.queue.push((key, false));
        }

        fn approves(&mut self, victim: u64) -> bool {
            loop {
                self.hand %= self.queue.len();
                let (key, visited) = &mut self.queue[self.hand];
                if !core::mem::take(visited) {
                    return *key == victim;
                }
                self.hand += 1;
            }
        }

        fn removed(&mut self, key: u64) {
            let at = self.queue.iter().position(|&(listed, _)| listed == key).unwrap();
            self.queue.remove(at);
            self.hand -= usize::from(at < self.hand);
        }
    }

    #[test]
    fn agrees_with_a_naive_model() {
        agree::<Sieve, Naive>();
    }
}

//! SIEVE: entries wait in the order of their arrival, and a hand sifts out those that were not used.
//!
//! Yazhuo Zhang, Juncheng Yang, Yao Yue, Ymir Vigfusson and K. V. Rashmi: "SIEVE is Simpler than LRU:
//! an Efficient Turn-Key Eviction Algorithm for Web Caches", NSDI 2024.
//!
//! It has no parameters. The hand goes from the oldest entry to the youngest and begins anew. It
//! passes entries that were used since it last came by, and takes the first that was not. Unlike in
//! CLOCK, what it passes stays in its place, so new entries are looked at soon after the old ones.

use core::cell::Cell;

use super::Policy;
use super::slot_lists::{List, Lists};
use crate::key::KeyHash;
use crate::store::arena::{Arena, Slot};

const QUEUE: List = List(0);

/// SIEVE: entries that were not used since they were last looked at leave, oldest first.
///
/// Good for what is asked for over and over beside much that is asked for once, as on the web: most
/// newcomers leave soon, and a hit is cheaper than with [`Lru`](super::Lru), as it only leaves a
/// mark. Not so good where long runs of keys that come once (a scan) alternate with what is popular.
///
/// A replacement may look at many entries, but at no more of them than were used before, one by
/// one: amortised constant time. The policy takes 13 bytes an entry.
///
/// Source: Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU: an Efficient Turn-Key
/// Eviction Algorithm for Web Caches", NSDI 2024.
#[derive(Debug)]
pub struct Sieve {
    queue: Lists<1>,
    /// Indexed by [`Slot::index`].
    visited: Vec<Cell<bool>>,
    /// The next to be looked at; at the start of the queue where there is none.
    hand: Option<Slot>,
}

impl Policy for Sieve {
    const NEW: Self = Self { queue: Lists::new(), visited: Vec::new(), hand: None };

    #[inline]
    fn used<T>(&self, _: &Arena<T>, slot: Slot) {
        if let Some(visited) = self.visited.get(slot.index()) {
            visited.set(true);
        }
    }

    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        self.removed(slot);
        self.queue.make_room_for(slot);
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

    /// Keys in the order of arrival, each with whether it was visited, and the hand's place.
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
            // At the end is at the start, also when something comes behind it.
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

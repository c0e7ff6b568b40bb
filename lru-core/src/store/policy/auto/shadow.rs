//! A shadow: a small cache of hashes only, which tells how many hits a policy would have.

use crate::key::KeyHash;
use crate::store::index::Index;
use crate::store::linked_arena::Arena;
use crate::store::policy::Policy;

/// A cache of hashes with the policy `P`. Memory is allocated as hashes come.
pub(super) struct Shadow<P> {
    capacity: usize,
    ring: Arena<KeyHash>,
    index: Index,
    policy: P,
}

impl<P: Policy> Shadow<P> {
    /// Creates an empty shadow for at least one hash.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ring: Arena::new(), index: Index::new(), policy: P::NEW }
    }

    /// Looks up a hash, and inserts it if it is missing. Returns whether it was there.
    pub(super) fn call(&mut self, hash: KeyHash) -> bool {
        let is_same = |slot| self.ring.get(slot) == Some(&hash);
        match self.index.find(hash, is_same) {
            Some(slot) => {
                self.policy.used(&self.ring, slot);
                true
            }
            None => {
                self.insert(hash);
                false
            }
        }
    }

    fn insert(&mut self, hash: KeyHash) {
        let slot = if self.ring.len() < self.capacity {
            let slot = self.ring.insert(hash, self.capacity);
            if self.index.has_room(slot) {
                self.index.insert(hash, slot);
            } else {
                let slots = self.ring.iter().filter_map(|slot| Some((slot, *self.ring.get(slot)?)));
                self.index.rebuild(self.ring.capacity(), slots);
            }
            slot
        } else {
            let Some(victim) = self.policy.victim(&self.ring, hash) else { return };
            self.index.remove(victim);
            self.policy.removed(victim);
            self.ring.replace(victim, hash);
            self.index.insert(hash, victim);
            self.ring.touch(victim);
            victim
        };
        self.policy.admitted(&self.ring, slot, hash);
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn validate(&self) {
        self.ring.validate();
        self.index.validate(self.ring.len());
        assert!(self.ring.len() <= self.capacity);
        self.policy.validate(&self.ring);
    }
}

//! Random replacement: evicts a random entry, or one that a user-defined victim chooser selects.
//!
//! A list has the slots in the order of insertion, except that the last slot takes the place of a removed one. This
//! is the order in which cachetools passes the keys to a `choice` function.

use super::Policy;
use super::sealed::Sealed;
use crate::key::hash::mixed;
use crate::key::{KeyHash, STEP};
use crate::store::linked_arena::{Arena, Slot};

/// RR (random replacement): evicts a random entry.
///
/// Good if all keys are equally likely to be used, and as a baseline for other policies: it has no bad access
/// pattern, not even a loop over slightly more keys than the capacity.
///
/// The victims are chosen by a pseudorandom generator (`SplitMix64`) with a fixed `SEED`, so that a program
/// evicts the same entries in each run. An attacker with knowledge of the calls can predict the choice. A hit
/// does no bookkeeping, and an eviction takes constant time; the policy needs 8 bytes per entry. It is
/// `RRCache` of Python's cachetools.
#[derive(Debug)]
pub struct Rr<const SEED: u64 = 0> {
    slots: Vec<Slot>,
    /// The position of a slot in `slots`, indexed by [`Slot::index`]. Arbitrary for slots that are not in the list.
    places: Vec<u32>,
    chosen: Option<Slot>,
    generator: u64,
}

impl<const SEED: u64> Sealed for Rr<SEED> {}

impl<const SEED: u64> Policy for Rr<SEED> {
    type Stopwatch = ();
    const SLOT_BYTES: usize = 8;
    const NEW: Self = Self::seeded(SEED);

    #[expect(clippy::cast_possible_truncation, reason = "there are no more slots than fit into `u32`")]
    fn admitted<T>(&mut self, _: &Arena<T>, slot: Slot, _: KeyHash) {
        self.removed(slot);
        if self.places.len() <= slot.index() {
            self.places.resize(slot.index() + 1, 0);
        }
        self.places[slot.index()] = self.slots.len() as u32;
        self.slots.push(slot);
    }

    fn victim<T>(&mut self, _: &Arena<T>, _: KeyHash) -> Option<Slot> {
        if self.chosen.is_some() {
            return self.chosen;
        }
        let at = self.below(self.slots.len())?;
        self.slots.get(at).copied()
    }

    fn emptied(&mut self) -> Self {
        // Continues the sequence of random numbers, so that it does not repeat after a clear.
        Self::seeded(self.generator)
    }

    fn removed(&mut self, slot: Slot) {
        let Some(at) = self.place_of(slot) else { return };
        self.slots.swap_remove(at);
        if let Some(&moved) = self.slots.get(at) {
            self.places[moved.index()] = self.places[slot.index()];
        }
        if self.chosen == Some(slot) {
            self.chosen = None;
        }
    }

    #[cfg(any(test, fuzzing))]
    fn validate<T>(&self, ring: &Arena<T>) {
        assert_eq!(self.slots.len(), ring.len());
        assert!(ring.iter().all(|slot| self.place_of(slot).is_some()), "the list has the slots of the ring");
        assert!(self.chosen.is_none_or(|slot| ring.get(slot).is_some()));
    }

    fn candidates(&self) -> &[Slot] {
        &self.slots
    }

    fn choose(&mut self, slot: Slot) {
        self.chosen = self.place_of(slot).map(|_| slot);
    }
}

impl<const SEED: u64> Rr<SEED> {
    /// Returns a policy with a seed that is known at run time only.
    pub const fn seeded(seed: u64) -> Self {
        Self { slots: Vec::new(), places: Vec::new(), chosen: None, generator: seed }
    }

    fn place_of(&self, slot: Slot) -> Option<usize> {
        let at = *self.places.get(slot.index())? as usize;
        (self.slots.get(at) == Some(&slot)).then_some(at)
    }

    /// Returns a random number below `bound`; `None` if `bound` is zero.
    fn below(&mut self, bound: usize) -> Option<usize> {
        // The bias of the remainder is negligible: less than 2⁻³².
        usize::try_from(self.random().checked_rem(bound as u64)?).ok()
    }

    fn random(&mut self) -> u64 {
        self.generator = self.generator.wrapping_add(STEP);
        mixed(self.generator)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Random, Toy};
    use super::*;

    fn keys(toy: &Toy<Rr>) -> Vec<u64> {
        toy.policy.candidates().iter().map(|&slot| *toy.ring.get(slot).unwrap()).collect()
    }

    #[test]
    fn candidates_stand_as_in_cachetools() {
        let mut random = Random(1);
        let mut naive: Vec<u64> = Vec::new();
        let mut toy = Toy::<Rr>::new(20);
        for _ in 0..20_000 {
            let key = random.below(60);
            let listed = naive.iter().position(|&listed| listed == key);
            match (listed, random.below(4)) {
                (Some(at), 0) => {
                    toy.remove(key);
                    naive.swap_remove(at);
                }
                (Some(_), 1) => toy.replace(key),
                (Some(_), _) => assert!(toy.hit(key)),
                (None, _) => {
                    if let Some(&chosen) = naive.get(usize::try_from(random.below(20)).unwrap()) {
                        toy.policy.choose(toy.policy.candidates()[position(&naive, chosen)]);
                        if naive.len() == 20 {
                            assert_eq!(toy.insert(key), Some(chosen), "the chosen entry is evicted");
                            naive.swap_remove(position(&naive, chosen));
                            naive.push(key);
                            continue;
                        }
                    }
                    assert_eq!(toy.insert(key), None);
                    naive.push(key);
                }
            }
            toy.validate();
            assert_eq!(keys(&toy), naive);
        }
    }

    fn position(keys: &[u64], key: u64) -> usize {
        keys.iter().position(|&listed| listed == key).unwrap()
    }

    #[test]
    fn each_entry_is_evicted_about_equally_often() {
        let mut toy = Toy::<Rr>::new(10);
        for key in 0..10 {
            toy.insert(key);
        }
        let mut left = [0; 10];
        for _ in 0..10_000 {
            let victim = toy.next_victim(99).unwrap();
            left[usize::try_from(victim).unwrap()] += 1;
        }
        assert!(left.iter().all(|times| (800..1200).contains(times)), "{left:?}");
    }

    #[test]
    fn a_seed_determines_the_victims() {
        let victims = |seed| {
            let mut toy = Toy::<Rr>::with(10, Rr::seeded(seed));
            (0..100).filter_map(|key| toy.insert(key)).collect::<Vec<_>>()
        };
        assert_eq!(victims(5), victims(5));
        assert_ne!(victims(5), victims(6));
    }
}

//! A random entry leaves.
//!
//! The slots lie in a list in the order of their arrival, but for those that were put into a gap: the
//! last one takes the place of one that leaves. That order is the one in which cachetools offers the
//! keys to a `choice` function, so it can be chosen from as well.

use super::Policy;
use crate::key::KeyHash;
use crate::key::hash::{STEP, mixed};
use crate::store::arena::{Arena, Slot};

/// A random entry leaves.
///
/// Good where no entry is likelier to be asked for than another, or as a yardstick for the other
/// policies: no order of calls is particularly bad for it, not even a loop over slightly more keys
/// than there is room for. This is what `cachetools` calls `RRCache`.
///
/// The choice comes from a small generator with a fixed `SEED`, so that a program does the same each
/// time it runs. It is no secret: who knows the calls can tell who leaves. A hit costs nothing, a
/// replacement takes constant time; the policy takes 8 bytes an entry.
#[derive(Debug)]
pub struct Rr<const SEED: u64 = 0> {
    slots: Vec<Slot>,
    /// Where in `slots` a slot is, indexed by [`Slot::index`]. Of slots that are not there, anything.
    places: Vec<u32>,
    chosen: Option<Slot>,
    generator: u64,
}

impl<const SEED: u64> Policy for Rr<SEED> {
    const NEW: Self = Self::seeded(SEED);

    #[inline]
    fn used<T>(&self, _: &Arena<T>, _: Slot) {}

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

    fn emptied(&self) -> Self {
        // Goes on with the numbers it would have used: a choice is not made again after a clear.
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

    /// All entries, each of which could leave: in the order of arrival, but that the last one takes
    /// the place of one that leaves.
    fn candidates(&self) -> &[Slot] {
        &self.slots
    }

    /// Makes `slot` the next to be evicted.
    fn choose(&mut self, slot: Slot) {
        self.chosen = self.place_of(slot).map(|_| slot);
    }
}

impl<const SEED: u64> Rr<SEED> {
    /// A policy whose choices depend on `seed`, which may be known at run time only.
    pub const fn seeded(seed: u64) -> Self {
        Self { slots: Vec::new(), places: Vec::new(), chosen: None, generator: seed }
    }

    fn place_of(&self, slot: Slot) -> Option<usize> {
        let at = *self.places.get(slot.index())? as usize;
        (self.slots.get(at) == Some(&slot)).then_some(at)
    }

    /// A random number below `bound`, where there is one.
    fn below(&mut self, bound: usize) -> Option<usize> {
        // The remainder favours small numbers, by less than one in four billion.
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
                            assert_eq!(toy.insert(key), Some(chosen), "the chosen one leaves");
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
    fn everyone_can_leave_and_about_as_often() {
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
    fn a_seed_decides_who_leaves() {
        let victims = |seed| {
            let mut toy = Toy::<Rr>::with(10, Rr::seeded(seed));
            (0..100).filter_map(|key| toy.insert(key)).collect::<Vec<_>>()
        };
        assert_eq!(victims(5), victims(5));
        assert_ne!(victims(5), victims(6));
    }
}

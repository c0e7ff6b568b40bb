use std::collections::BTreeMap;

use super::super::tests::{Model, Random, Toy, agree, cost_of, weight_of};
use super::*;

/// Keys with their uses, worths and ranks, without a heap.
#[derive(Default)]
struct Naive {
    entries: BTreeMap<u64, Entry>,
    clock: u64,
    uses: u64,
    /// The costs that are known, which are never so many that they are halved.
    costs: Vec<u64>,
}

struct Entry {
    uses: u64,
    worth: u64,
    rank: (u64, u64),
}

impl Naive {
    fn worth(&mut self, key: u64) -> u64 {
        let cost = match cost_of(key) {
            0 if self.costs.is_empty() => 1000,
            0 => self.costs.iter().sum::<u64>() / self.costs.len() as u64,
            known => {
                self.costs.push(known);
                known
            }
        };
        (cost * 256 / (weight_of(key).max(1) as u64)).max(1)
    }

    fn store(&mut self, key: u64) {
        let worth = self.worth(key);
        self.entries.entry(key).or_insert(Entry { uses: 0, worth, rank: (0, 0) }).worth = worth;
        self.used(key);
    }
}

impl Model for Naive {
    fn used(&mut self, key: u64) {
        self.uses += 1;
        let entry = self.entries.get_mut(&key).unwrap();
        entry.uses += 1;
        entry.rank = (self.clock + entry.uses * entry.worth, self.uses);
    }

    fn admitted(&mut self, key: u64) {
        self.store(key);
    }

    fn replaced(&mut self, key: u64) {
        self.store(key);
    }

    fn approves(&mut self, victim: u64) -> bool {
        let (&first, entry) = self.entries.iter().min_by_key(|(_, entry)| entry.rank).unwrap();
        self.clock = self.clock.max(entry.rank.0);
        first == victim
    }

    fn removed(&mut self, key: u64) {
        self.entries.remove(&key);
    }
}

#[test]
fn agrees_with_a_naive_model() {
    agree::<Gdsf, Naive>();
}

/// A store of keys, whose cost and weight are given.
struct Given {
    ring: Arena<u64>,
    policy: Gdsf,
}

impl Given {
    fn new() -> Self {
        Self { ring: Arena::new(), policy: Gdsf::NEW }
    }

    fn admit(&mut self, key: u64, cost: u64, weight: usize) -> Slot {
        let slot = self.ring.insert(key, 100);
        self.policy.announce_cost(cost);
        self.policy.announce_weight(weight);
        self.policy.admitted(&self.ring, slot, KeyHash::of(&key));
        self.policy.validate(&self.ring);
        slot
    }

    fn evict(&mut self) -> u64 {
        let victim = self.policy.victim(&self.ring, KeyHash::of(&())).unwrap();
        self.policy.removed(victim);
        let key = self.ring.remove(victim);
        self.policy.validate(&self.ring);
        key
    }
}

#[test]
fn the_cheapest_entry_leaves_first() {
    let mut given = Given::new();
    given.admit(1, 1_000_000, 1);
    given.admit(2, 1000, 1);
    given.admit(3, 1_000_000, 1000);
    given.admit(4, 1_000_000, 10_000);
    assert_eq!([given.evict(), given.evict(), given.evict(), given.evict()], [4, 2, 3, 1]);
}

#[test]
fn uses_count_as_much_as_cost() {
    let mut given = Given::new();
    let cheap = given.admit(1, 1000, 1);
    given.admit(2, 2500, 1);
    given.policy.used(&given.ring, cheap);
    given.policy.used(&given.ring, cheap);
    assert_eq!([given.evict(), given.evict()], [2, 1]);
}

#[test]
fn of_equals_the_least_recently_used_leaves_first() {
    let mut given = Given::new();
    let slots: Vec<_> = (0..10).map(|key| given.admit(key, 1000, 1)).collect();
    for &slot in slots.iter().rev() {
        given.policy.used(&given.ring, slot);
    }
    let order: Vec<_> = (0..10).map(|_| given.evict()).collect();
    assert_eq!(order, (0..10).rev().collect::<Vec<_>>());
}

#[test]
fn what_was_dear_once_leaves_in_time() {
    let mut given = Given::new();
    given.admit(0, 100_000, 1);
    for key in 1..=100 {
        given.admit(key, 1000, 1);
        if given.evict() == 0 {
            assert!(key >= 99, "{key}");
            return;
        }
    }
    assert_eq!(given.evict(), 0);
}

#[test]
fn an_unknown_cost_is_the_mean_of_those_known() {
    let mut given = Given::new();
    for key in 0..4 {
        given.admit(key, 1000 * (key + 1), 1);
    }
    given.admit(4, 0, 1);
    // The mean is 2500.
    assert_eq!([given.evict(), given.evict(), given.evict(), given.evict()], [0, 1, 4, 2]);
    let emptied = given.policy.emptied().costs.counted(0);
    assert_eq!(emptied, 2500);
}

#[test]
fn extreme_costs_and_weights_are_in_range() {
    let extremes = [0, 1, MOST_COST, u64::MAX];
    let weights = [0, 1, usize::MAX];
    let mut given = Given::new();
    let mut key = 0;
    for _ in 0..5 {
        for cost in extremes {
            for weight in weights {
                let slot = given.admit(key, cost, weight);
                for _ in 0..10 {
                    given.policy.used(&given.ring, slot);
                }
                key += 1;
            }
        }
        for _ in 0..6 {
            given.evict();
        }
    }
    assert!(worth(MOST_COST, 0).checked_mul(u64::from(MOST_USES)).is_some_and(|most| most < LATEST));
    assert_eq!(worth(0, usize::MAX), 1);
}

#[test]
fn lowering_the_priorities_changes_no_order() {
    let mut random = Random(9);
    for late in [false, true] {
        let mut toys = [Toy::<Gdsf>::new(20), Toy::<Gdsf>::new(20)];
        for step in 0..2000_u32 {
            let key = random.below(60).min(random.below(60));
            if step % 100 == 50 {
                // As after very many uses, or those of very dear entries.
                let [_, toy] = &mut toys;
                toy.policy.uses.set(if late { u32::MAX } else { toy.policy.uses.get() });
                toy.policy.lower();
                toy.validate();
            }
            let evicted = toys.each_mut().map(|toy| if toy.hit(key) { None } else { toy.insert(key) });
            assert_eq!(evicted[0], evicted[1], "{step}");
            toys[1].validate();
        }
    }
}

#[test]
fn uses_beyond_the_last_number_are_lowered_by_the_next_entry() {
    let mut given = Given::new();
    let slots: Vec<_> = (0..5).map(|key| given.admit(key, 1000, 1)).collect();
    given.policy.uses.set(u32::MAX - 1);
    given.policy.clock = LATEST;
    for &slot in &slots {
        given.policy.used(&given.ring, slot);
    }
    given.admit(5, 1000, 1);
    assert!(given.policy.uses.get() < 10 && given.policy.clock == 0);
    let mut left: Vec<_> = (0..6).map(|_| given.evict()).collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4, 5]);
}

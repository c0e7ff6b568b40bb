//! Tests of the policies: a minimal store for them, and naive models with which they must agree.

use hashbrown::HashMap;

use super::Policy;
use crate::key::hash::mixed;
use crate::key::{KeyHash, STEP};
use crate::store::linked_arena::{Arena, Slot};

/// The number of random operations: few in debug builds.
const OPERATIONS: usize = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

/// A naive implementation of a policy.
pub(super) trait Model: Default {
    fn used(&mut self, key: u64);
    fn admitted(&mut self, key: u64);
    fn replaced(&mut self, key: u64) {
        self.used(key);
    }
    /// Returns whether the model would have chosen this victim too.
    fn approves(&mut self, victim: u64) -> bool;
    fn removed(&mut self, key: u64);
}

/// A model that approves any victim.
#[derive(Default)]
pub(super) struct AnyVictim;

impl Model for AnyVictim {
    fn used(&mut self, _: u64) {}
    fn admitted(&mut self, _: u64) {}
    fn approves(&mut self, _: u64) -> bool {
        true
    }
    fn removed(&mut self, _: u64) {}
}

/// A store of keys without values.
pub(super) struct Toy<P> {
    pub(super) ring: Arena<u64>,
    pub(super) policy: P,
    slots: HashMap<u64, Slot>,
    capacity: usize,
}

impl<P: Policy> Toy<P> {
    pub(super) fn new(capacity: usize) -> Self {
        Self::with(capacity, P::NEW)
    }

    pub(super) fn with(capacity: usize, policy: P) -> Self {
        Self { ring: Arena::new(), policy, slots: HashMap::new(), capacity }
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.slots.contains_key(&key)
    }

    pub(super) fn hit(&self, key: u64) -> bool {
        let slot = self.slots.get(&key);
        slot.inspect(|&&slot| self.policy.used(&self.ring, slot)).is_some()
    }

    pub(super) fn replace(&mut self, key: u64) {
        self.announce(key);
        self.policy.replaced(&self.ring, self.slots[&key]);
    }

    pub(super) fn remove(&mut self, key: u64) {
        let slot = self.slots.remove(&key).unwrap();
        self.ring.remove(slot);
        self.policy.removed(slot);
    }

    pub(super) fn next_victim(&mut self, newcomer: u64) -> Option<u64> {
        let slot = self.policy.victim(&self.ring, KeyHash::of(&newcomer))?;
        self.ring.get(slot).copied()
    }

    /// Announces an entry to a policy that asks for its cost and weight.
    fn announce(&mut self, key: u64) {
        if P::IS_WEIGHED {
            self.policy.announce_cost(cost_of(key));
            self.policy.announce_weight(weight_of(key));
        }
    }

    /// Adds a key that is not there. Returns the evicted key.
    pub(super) fn insert(&mut self, key: u64) -> Option<u64> {
        if self.ring.len() < self.capacity {
            self.add(key);
            return None;
        }
        let hash = KeyHash::of(&key);
        let slot = self.policy.victim(&self.ring, hash).expect("a full store has a victim");
        self.policy.removed(slot);
        let evicted = self.ring.replace(slot, key);
        self.ring.touch(slot);
        self.slots.remove(&evicted);
        self.slots.insert(key, slot);
        self.announce(key);
        self.policy.admitted(&self.ring, slot, hash);
        Some(evicted)
    }

    fn add(&mut self, key: u64) {
        self.policy.announce_maxsize(self.capacity);
        let slot = self.ring.insert(key, self.capacity);
        self.slots.insert(key, slot);
        self.announce(key);
        self.policy.admitted(&self.ring, slot, KeyHash::of(&key));
    }

    pub(super) fn validate(&self) {
        self.ring.validate();
        self.policy.validate(&self.ring);
    }
}

/// The cost of a key in nanoseconds, from one to a million; some costs are not known.
pub(super) fn cost_of(key: u64) -> u64 {
    let random = mixed(key.wrapping_mul(STEP));
    if random % 7 == 0 { 0 } else { 1 << (random % 21) }
}

/// The weight of a key; zero is possible.
pub(super) fn weight_of(key: u64) -> usize {
    usize::try_from(mixed(key.wrapping_add(STEP)) % 5).unwrap()
}

/// Pseudorandom numbers, the same in every run.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0) % bound
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// A hit, or an insertion if the key is missing.
    Call,
    Replace,
    Remove,
    /// Asks for the victim without removing it.
    Peek,
    /// Removes several victims, as for a heavy entry.
    Shrink,
}

impl Operation {
    fn random(random: &mut Random) -> Self {
        match random.below(20) {
            0 => Self::Replace,
            1 => Self::Remove,
            2 => Self::Peek,
            3 if random.below(10) == 0 => Self::Shrink,
            _ => Self::Call,
        }
    }
}

/// Runs random operations on a policy and a model. Both must choose the same victims.
pub(super) fn agree<P: Policy, M: Model>() {
    for (capacity, universe) in
        [(1, 3), (2, 5), (3, 7), (10, 15), (10, 40), (50, 120), (150, 200), (150, 600)]
    {
        let mut both = Both { toy: Toy::<P>::new(capacity), model: M::default() };
        let mut random = Random(universe);
        for _ in 0..OPERATIONS {
            // The smaller of two numbers: some keys are more popular than others.
            let key = random.below(universe).min(random.below(universe));
            both.run(Operation::random(&mut random), key);
            both.toy.validate();
        }
        both.shrink(both.toy.ring.len());
        assert_eq!(both.next_victim(0), None);
    }
}

struct Both<P, M> {
    toy: Toy<P>,
    model: M,
}

impl<P: Policy, M: Model> Both<P, M> {
    fn run(&mut self, operation: Operation, key: u64) {
        let listed = self.toy.contains(key);
        match operation {
            Operation::Peek => drop(self.next_victim(key)),
            Operation::Shrink => self.shrink(self.toy.ring.len() / 3),
            Operation::Call if listed => {
                self.toy.hit(key);
                self.model.used(key);
            }
            Operation::Call => self.insert(key),
            Operation::Replace if listed => {
                self.toy.replace(key);
                self.model.replaced(key);
            }
            Operation::Remove if listed => self.remove(key),
            Operation::Replace | Operation::Remove => {}
        }
    }

    fn insert(&mut self, key: u64) {
        let evicted = self.toy.insert(key);
        if let Some(evicted) = evicted {
            assert!(self.model.approves(evicted));
            self.model.removed(evicted);
        }
        self.model.admitted(key);
    }

    fn remove(&mut self, key: u64) {
        self.toy.remove(key);
        self.model.removed(key);
    }

    fn shrink(&mut self, by: usize) {
        for _ in 0..by {
            let victim = self.next_victim(0).expect("there are some left");
            self.remove(victim);
        }
    }

    fn next_victim(&mut self, newcomer: u64) -> Option<u64> {
        let victim = self.toy.next_victim(newcomer);
        assert_eq!(victim.is_some(), self.toy.ring.len() > 0);
        assert!(victim.is_none_or(|victim| self.model.approves(victim)));
        victim
    }
}

mod policies {
    use super::super::{Auto, Fifo, Gdsf, Lfu, Lru, Rr, S3Fifo, Sieve, WTinyLfu};
    use super::*;

    /// Keys, the next victim first.
    #[derive(Default)]
    struct Order(Vec<u64>);

    impl Order {
        fn renew(&mut self, key: u64) {
            self.0.retain(|&listed| listed != key);
            self.0.push(key);
        }
    }

    #[derive(Default)]
    struct NaiveLru(Order);

    impl Model for NaiveLru {
        fn used(&mut self, key: u64) {
            self.0.renew(key);
        }

        fn admitted(&mut self, key: u64) {
            self.0.renew(key);
        }

        fn approves(&mut self, victim: u64) -> bool {
            self.0.0.first() == Some(&victim)
        }

        fn removed(&mut self, key: u64) {
            self.0.0.retain(|&listed| listed != key);
        }
    }

    #[derive(Default)]
    struct NaiveFifo(Order);

    impl Model for NaiveFifo {
        fn used(&mut self, _: u64) {}

        fn admitted(&mut self, key: u64) {
            self.0.renew(key);
        }

        fn replaced(&mut self, key: u64) {
            self.0.renew(key);
        }

        fn approves(&mut self, victim: u64) -> bool {
            self.0.0.first() == Some(&victim)
        }

        fn removed(&mut self, key: u64) {
            self.0.0.retain(|&listed| listed != key);
        }
    }

    #[test]
    fn lru_agrees_with_a_naive_model() {
        agree::<Lru, NaiveLru>();
    }

    #[test]
    fn fifo_agrees_with_a_naive_model() {
        agree::<Fifo, NaiveFifo>();
    }

    /// Makes calls that no store makes: with slots that are vacant, unknown, or admitted twice.
    fn survives_calls_in_any_order<P: Policy>() {
        let mut ring = Arena::new();
        for key in 0..20 {
            ring.insert(key, 20);
        }
        let slots: Vec<_> = ring.iter().collect();
        let (mut policy, mut random) = (P::NEW, Random(7));
        for _ in 0..OPERATIONS {
            let key = random.below(20);
            let slot = slots[usize::try_from(key).unwrap()];
            match random.below(6) {
                0 => policy.used(&ring, slot),
                1 => policy.admitted(&ring, slot, KeyHash::of(&random.below(40))),
                2 => policy.replaced(&ring, slot),
                3 => policy.removed(slot),
                4 => policy.announce_maxsize(usize::try_from(random.below(40)).unwrap()),
                _ => drop(policy.victim(&ring, KeyHash::of(&key))),
            }
        }
    }

    #[test]
    fn no_order_of_calls_makes_a_panic() {
        survives_calls_in_any_order::<Lru>();
        survives_calls_in_any_order::<Fifo>();
        survives_calls_in_any_order::<Lfu>();
        survives_calls_in_any_order::<Rr>();
        survives_calls_in_any_order::<Sieve>();
        survives_calls_in_any_order::<S3Fifo>();
        survives_calls_in_any_order::<WTinyLfu>();
        survives_calls_in_any_order::<Gdsf>();
        survives_calls_in_any_order::<Auto>();
    }
}

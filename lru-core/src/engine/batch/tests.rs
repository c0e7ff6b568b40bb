use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;
use crate::engine::lifecycle::NoLifecycle;
use crate::engine::lock::PlainLock;
use crate::engine::placement::Placement;
use crate::engine::placement::fronted::Fronted;
use crate::engine::placement::lock_free::LockFree;
use crate::engine::placement::replicated::Replicated;
use crate::engine::placement::rounds::{BatchKeys, lookup_many};
use crate::engine::placement::sharded::Shards;
use crate::engine::{Expiry, Hooks, LocalEngine};
use crate::expiry::{EntryOptions, Freshness, Ticks};
use crate::key::hash::mixed;
use crate::store::policy::Sieve;
use crate::store::types::Types;
use crate::store::{EntryOf, Lru, MaxSize};

type Numbers<P = Lru> = Types<u8, u32, P, ()>;

const BOUND: MaxSize = MaxSize::from_const(20);

/// Pseudorandom numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 += 1;
        mixed(self.0) % bound
    }

    /// Returns up to 64 distinct keys.
    fn keys(&mut self) -> Vec<u8> {
        let count = self.below(65);
        let keys: BTreeSet<u8> = (0..count).map(|_| u8::try_from(self.below(80)).unwrap()).collect();
        let mut keys: Vec<u8> = keys.into_iter().collect();
        for at in 1..keys.len() {
            keys.swap(at, usize::try_from(self.below(at as u64 + 1)).unwrap());
        }
        keys
    }
}

fn entry(key: u8, value: u32) -> EntryOf<u8, u32, ()> {
    EntryOf { hash: KeyHash::of(&key), key, value, meta: () }
}

struct Keys<'k>(&'k [u8]);

impl BatchKeys<u8> for Keys<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn hash(&self, position: usize) -> KeyHash {
        KeyHash::of(&self.0[position])
    }

    fn matching(&self, position: usize) -> impl Fn(&u8) -> bool {
        let key = self.0[position];
        move |stored| *stored == key
    }
}

/// Looks keys up, and returns the values by position, and the misses with their epochs.
fn look_up<E>(engine: &E, keys: &[u8], lifecycle: &impl Lifecycle<E::Types>) -> Vec<Result<u32, Epoch>>
where
    E: Placement<Types: CacheTypes<Key = u8, Value = u32>>,
{
    let found = lookup_many(engine, &Keys(keys), |value| *value, (CountMisses::Now, lifecycle));
    let (mut hits, mut missing) = (found.hits.into_iter(), found.missing.into_iter().peekable());
    let result = |position| match missing.next_if(|missing| missing.position == position) {
        Some(missing) => Err(missing.began),
        None => Ok(hits.next().expect("each key is found or missing")),
    };
    let found = (0..keys.len()).map(result).collect();
    assert!(hits.next().is_none() && missing.next().is_none(), "each key is found or missing");
    found
}

/// Runs random batches on one engine, and the same keys one by one on another.
fn equals_single_calls<E, L>(batched: E, single: E, lifecycle: &L)
where
    E: Placement<Types: CacheTypes<Key = u8, Value = u32, Meta = ()>>,
    L: Lifecycle<E::Types>,
{
    let mut random = Random(7);
    for number in 0..400 {
        let keys = random.keys();
        let hash = |key| KeyHash::of(&key);
        let found = look_up(&batched, &keys, lifecycle);
        let expected: Vec<_> = keys
            .iter()
            .map(|key| single.lookup(hash(*key), |stored| stored == key, |value| *value, lifecycle))
            .collect();
        let values =
            |found: &[Result<u32, Epoch>]| -> Vec<_> { found.iter().map(|found| found.ok()).collect() };
        assert_eq!(values(&found), values(&expected), "batch {number}: {keys:?}");
        // Changes during the computation.
        for _ in 0..random.below(3) {
            let key = u8::try_from(random.below(80)).unwrap();
            for engine in [&batched, &single] {
                match number % 3 {
                    #[cfg(feature = "backend")]
                    0 => engine.change(hash(key), |engine| engine.remove_hash(hash(key), false)),
                    1 => engine.at(hash(key), |engine| {
                        drop(engine.insert(
                            entry(key, 9000),
                            InsertKind::Put,
                            |one: &u8, other: &u8| one == other,
                            lifecycle,
                        ));
                    }),
                    _ => {}
                }
            }
        }
        let of = |found: Vec<Result<u32, Epoch>>| {
            let misses = keys.iter().zip(found).filter_map(|(&key, found)| Some((key, found.err()?)));
            misses.map(|(key, began)| (entry(key, number * 100 + u32::from(key)), began)).collect::<Vec<_>>()
        };
        let results = of(found).into_iter().map(|(entry, began)| Computed { entry, began }).collect();
        batched.insert_many(results, &|one: &u8, other: &u8| one == other, lifecycle);
        for (entry, began) in of(expected) {
            single.insert_computed(entry, began, |one: &u8, other: &u8| one == other, lifecycle);
        }
        assert_eq!(batched.info(lifecycle), single.info(lifecycle), "batch {number}: {keys:?}");
    }
    batched.each(crate::engine::placement::Change::None, Engine::validate);
}

#[test]
fn batches_equal_single_calls_in_all_placements() {
    type Locked<P = Lru> = Engine<Numbers<P>>;
    equals_single_calls(Locked::<Lru>::new(BOUND), Locked::new(BOUND), &NoLifecycle);
    equals_single_calls(Locked::<Sieve>::new(BOUND), Locked::new(BOUND), &NoLifecycle);
    equals_single_calls(
        Locked::<Lru>::new(MaxSize::Unbounded),
        Locked::new(MaxSize::Unbounded),
        &NoLifecycle,
    );
    equals_single_calls(LocalEngine::<Numbers>::local(BOUND), LocalEngine::local(BOUND), &NoLifecycle);
    let plain = || Engine::<Numbers, _>::callback_free(BOUND, PlainLock::new(State::new(BOUND)));
    equals_single_calls(plain(), plain(), &NoLifecycle);
    let shards = || Shards::<Numbers, 4>::new(BOUND);
    equals_single_calls(shards(), shards(), &NoLifecycle);
    let shards = || Shards::<Numbers, 4, true>::callback_free(BOUND);
    equals_single_calls(shards(), shards(), &NoLifecycle);
    let lock_free = || LockFree::<Numbers>::new(BOUND);
    equals_single_calls(lock_free(), lock_free(), &NoLifecycle);
    equals_single_calls(Fronted::<Numbers>::new(), Fronted::new(), &NoLifecycle);
    equals_single_calls(Replicated::<Numbers>::new(), Replicated::new(), &NoLifecycle);
}

#[test]
fn positions_are_a_set() {
    let mut some = Positions::NONE;
    for position in [63, 0, 5] {
        some.add(position);
    }
    assert!(some.iter().eq([0, 5, 63]) && some.len() == 3);
    assert_eq!((some.rank(0), some.rank(5), some.rank(6), some.rank(63)), (0, 1, 2, 2));
    assert_eq!(Positions::below(64).without(some).len(), 61);
    assert_eq!(Positions::below(0), Positions::NONE);
}

/// A lifecycle with a listener that records what is evicted.
#[derive(Default)]
struct Recorded(RefCell<Vec<(u8, RemovalCause)>>);

impl Expiry<()> for Recorded {
    fn now(&self) -> Ticks {
        Ticks::START
    }

    fn check(&self, (): &(), _: Ticks) -> Freshness {
        Freshness::Fresh
    }

    fn touch(&self, (): &(), _: Ticks) {}
}

impl Hooks<u8, u32> for Recorded {
    fn listens(&self) -> bool {
        true
    }

    fn notify(&self, key: &u8, _: &u32, cause: RemovalCause) {
        self.0.borrow_mut().push((*key, cause));
    }
}

impl<C: CacheTypes<Key = u8, Value = u32, Meta = ()>> Lifecycle<C> for Recorded {
    type Hooks = Self;

    fn hooks(&self) -> &Self {
        self
    }

    fn meta(&self, _: &u8, _: &u32, _: EntryOptions) {}
}

fn misses(
    engine: &Engine<Numbers>,
    keys: impl IntoIterator<Item = u8>,
    lifecycle: &Recorded,
) -> Vec<Computed<Numbers>> {
    let keys: Vec<u8> = keys.into_iter().collect();
    let found = look_up(engine, &keys, lifecycle);
    let computed = |(&key, found): (&u8, Result<u32, Epoch>)| {
        Some(Computed { entry: entry(key, 0), began: found.err()? })
    };
    keys.iter().zip(found).filter_map(computed).collect()
}

#[test]
fn a_batch_that_is_larger_than_the_cache_evicts_its_own_first_entries() {
    let (engine, listener) = (Engine::<Numbers>::new(MaxSize::from_const(3)), Recorded::default());
    engine.insert_many(misses(&engine, 0..8, &listener), &|one: &u8, other: &u8| one == other, &listener);
    let evicted = (0..5).map(|key| (key, RemovalCause::Evicted));
    assert!(listener.0.take().into_iter().eq(evicted), "in order, after the lock");
    assert_eq!((engine.info(&listener).currsize, engine.stats().evictions), (3, 5));
    assert_eq!(look_up(&engine, &[7, 4, 6], &listener).into_iter().flatten().count(), 2);
}

#[test]
fn what_was_evicted_before_a_panic_is_reported_later() {
    let (engine, listener) = (Engine::<Numbers>::new(MaxSize::from_const(2)), Recorded::default());
    let same = |one: &u8, other: &u8| one == other;
    engine.insert_many(misses(&engine, [1, 2], &listener), &same, &listener);
    let batch = misses(&engine, [3, 4, 5], &listener);
    // Another call stores one of the keys meanwhile, so that it is compared.
    engine.insert_many(misses(&engine, [4], &listener), &same, &listener);
    listener.0.take();
    let calls = Cell::new(0);
    let panics = |_: &u8, _: &u8| -> bool {
        calls.set(calls.get() + 1);
        resume_unwind(Box::new("raised"))
    };
    assert!(catch_unwind(AssertUnwindSafe(|| engine.insert_many(batch, &panics, &listener))).is_err());
    assert_eq!(calls.get(), 1);
    // The next lock holder reports it.
    engine.insert_many(misses(&engine, [9], &listener), &same, &listener);
    assert!(listener.0.take().contains(&(2, RemovalCause::Evicted)));
    engine.validate();
}

//! Hits without the lock of entries with tags, under all interleavings of their threads and all outcomes of weakly ordered
//! accesses, by `loom`.

use std::sync::Arc;
use std::vec::Vec;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

use crate::engine::placement::lock_free::Stamped;
use crate::expiry::Freshness;
use crate::function::tagged::info::{Taggable, TaggedInfo, Tags};
use crate::key::KeyHash;
use crate::store::lock_free::front::Front;
use crate::store::lock_free::mirror::{Mirror, Read};
use crate::store::types::{CacheTypes, Types, Unordered};
use crate::store::{Entry, EntryMeta, EntryOf, Epoch, Lru, Removed, Store};
use crate::tags::current::{Beginning, DomainHandle};
use crate::tags::domain::Generation;
use crate::tags::frame::Computed;
use crate::tags::tag::{TagId, tag};
use crate::thread_orders::in_every_order;

/// The two halves of a value are equal.
type Value = (u64, u64);
type Tagged = Types<u64, Value, Lru, TaggedInfo<()>>;
type Info = TaggedInfo<()>;

const KEY: u64 = 1;

fn tag_of(number: u64) -> TagId {
    tag("source", number).into()
}

/// Returns whether an entry is served to a call that has `seen` this generation; if so, notes at which generation it is valid.
fn is_served(info: &Info, seen: Generation) -> bool {
    info.tags().is_some_and(|tags| tags.check(seen, || Freshness::Fresh) == Freshness::Fresh)
}

/// The copies that hits read without the lock.
trait Copies: Sized {
    type Types: CacheTypes<Key = u64, Value = Value, Meta = Info>;

    fn new(entry: Entry<Self::Types>) -> (Self, Store<Self::Types>);

    /// Reads the copy of the entry for a thread, if it is served by what is seen of its metadata.
    fn read(&self, thread: usize, is_served: impl Fn(u64) -> bool) -> Option<Value>;

    /// Copies the entry that a hit under the lock has found.
    fn hit(&self, entry: &Entry<Self::Types>);

    /// Ends an operation under the lock.
    fn end(&self, store: &mut Store<Self::Types>);
}

/// Those of a bounded store.
struct OfBounded(Arc<Mirror>);

impl Copies for OfBounded {
    type Types = Stamped<Tagged>;

    fn new(entry: Entry<Self::Types>) -> (Self, Store<Self::Types>) {
        let mut store = Store::new(Some(2));
        store.insert(entry, &mut Removed::none());
        let mirror = Arc::clone(store.publish_entries(true).expect("there is an entry"));
        (0..3).for_each(|thread| mirror.renew(thread));
        mirror.end(Epoch::of(0, 0));
        (Self(mirror), store)
    }

    fn read(&self, thread: usize, is_served: impl Fn(u64) -> bool) -> Option<Value> {
        let matches = |key: &u64| *key == KEY;
        match self.0.read(thread, KeyHash::ANY, matches, is_served, |value: &Value| *value) {
            Read::Hit(value) => Some(value),
            Read::Missing(_) | Read::Locked => None,
        }
    }

    fn hit(&self, _: &Entry<Self::Types>) {}

    fn end(&self, store: &mut Store<Self::Types>) {
        store.publish_entries(true);
        self.0.end(Epoch::of(0, 0));
    }
}

/// Those of an unbounded store.
struct OfUnbounded(Arc<Front>);

impl Copies for OfUnbounded {
    type Types = Unordered<Tagged>;

    fn new(entry: Entry<Self::Types>) -> (Self, Store<Self::Types>) {
        let mut store = Store::new(None);
        let front = Arc::new(Front::new::<u64, (Value, u64)>(2));
        store.set_front(Arc::clone(&front));
        (0..3).for_each(|thread| assert!(front.admit(thread)));
        let copies = Self(front);
        copies.hit(&entry);
        store.insert(entry, &mut Removed::none());
        (copies, store)
    }

    fn read(&self, thread: usize, is_served: impl Fn(u64) -> bool) -> Option<Value> {
        self.0.read(thread, KeyHash::ANY, |key: &u64| *key == KEY, is_served, |value: &Value| *value)
    }

    fn hit(&self, entry: &Entry<Self::Types>) {
        let copy = (entry.key, entry.value, entry.meta.unlocked());
        self.0.add(KeyHash::ANY, |key: &u64| *key == KEY, copy);
    }

    fn end(&self, _: &mut Store<Self::Types>) {}
}

/// A source, and a cache of a value that is read from it.
struct World<C: Copies> {
    domain: DomainHandle,
    source: AtomicU64,
    copies: C,
    store: Mutex<Store<C::Types>>,
    /// Set when the source was changed, and its tag was invalidated.
    is_done: AtomicBool,
}

impl<C: Copies> World<C> {
    /// Creates a cache with an entry, and a domain in which something else was invalidated since: so a hit that takes the lock
    /// notes at which generation the entry is valid.
    fn new() -> Self {
        let domain = DomainHandle::isolated();
        assert!(domain.set_capacity(1));
        // Creates the table, which `loom` does not follow.
        domain.invalidate(&[tag_of(u64::MAX)]);
        let (copies, store) = C::new(Self::entry(&domain, domain.now(), 0));
        domain.invalidate(&[tag_of(u64::MAX)]);
        let is_done = AtomicBool::new(false);
        Self { domain, source: AtomicU64::new(0), copies, store: Mutex::new(store), is_done }
    }

    fn entry(domain: &DomainHandle, generation: Generation, value: u64) -> Entry<C::Types> {
        let beginning = Beginning { domain: domain.clone(), generation };
        let tags = Tags::new(Computed::at(beginning).into_node([tag_of(9)]), None);
        EntryOf { hash: KeyHash::ANY, key: KEY, value: (value, value), meta: Info::tagged((), tags) }
    }

    fn hit_unlocked(&self, thread: usize, seen: Generation) -> Option<u64> {
        let is_valid = |valid_at: u64| Info::valid_at(valid_at).covers(seen);
        let (one, other) = self.copies.read(thread, is_valid)?;
        assert_eq!(one, other, "a value is never a mixture");
        Some(one)
    }

    /// Calls the function: looks its value up without the lock, or else under it, or else computes it.
    fn call(&self, thread: usize) -> u64 {
        let seen = self.domain.now();
        self.hit_unlocked(thread, seen).or_else(|| self.hit_locked(seen)).unwrap_or_else(|| self.compute())
    }

    fn hit_locked(&self, seen: Generation) -> Option<u64> {
        let mut store = self.store.lock().unwrap();
        let may_serve = |_: &dyn Fn() -> Option<_>, info: &Info| is_served(info, seen);
        let read = |entry: &Entry<C::Types>| {
            self.copies.hit(entry);
            entry.value.0
        };
        let found = store.read(KeyHash::ANY, |_| true, may_serve, read);
        self.copies.end(&mut store);
        found
    }

    fn compute(&self) -> u64 {
        let began = self.domain.now();
        let value = self.source.load(Relaxed);
        let entry = Self::entry(&self.domain, began, value);
        let mut store = self.store.lock().unwrap();
        let mut removed = Removed::none();
        if is_served(&entry.meta, began) {
            let found = store.find(KeyHash::ANY, |_| true).map(|(place, stored)| (place, &stored.meta));
            match found.map(|(place, stored)| (place, is_served(stored, began))) {
                Some((_, true)) => {}
                Some((place, false)) => store.replace(place, entry, &mut removed),
                None => store.insert(entry, &mut removed),
            }
        }
        self.copies.end(&mut store);
        value
    }

    fn change(&self) {
        self.source.store(1, Relaxed);
        self.domain.invalidate(&[tag_of(9)]);
        self.is_done.store(true, Release);
    }
}

/// Calls the function while its source is changed.
fn no_call_after_an_invalidation_gets_the_old_value<C: Copies + 'static>() {
    in_every_order(
        2,
        World::<C>::new,
        |world| {
            let calls: Vec<_> =
                [(); 2].iter().map(|()| (world.is_done.load(Acquire), world.call(0))).collect();
            for (was_done, value) in calls {
                assert!(value == 1 || !was_done, "it was invalidated");
            }
        },
        World::change,
        |world, (), ()| {
            assert_eq!([(); 2].map(|()| world.call(2)), [1; 2]);
            assert_eq!(world.hit_unlocked(2, world.domain.now()), Some(1));
        },
    );
}

#[test]
fn no_call_of_a_bounded_cache_after_an_invalidation_gets_the_old_value() {
    no_call_after_an_invalidation_gets_the_old_value::<OfBounded>();
}

#[test]
fn no_call_of_an_unbounded_cache_after_an_invalidation_gets_the_old_value() {
    no_call_after_an_invalidation_gets_the_old_value::<OfUnbounded>();
}

/// A value is replaced by one thread; another one then notes under the lock that the new one is valid; a third one reads.
fn what_is_noted_of_a_new_value_is_not_read_with_the_old_one<C: Copies + 'static>() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(2);
    model.check(|| {
        let world = loom::sync::Arc::new(World::<C>::new());
        let changed = Generation::from_bits(world.domain.now().to_bits() + 1);
        let (of_one, of_other) = (loom::sync::Arc::clone(&world), loom::sync::Arc::clone(&world));
        let one = loom::thread::spawn(move || {
            of_one.change();
            of_one.call(0);
        });
        let other = loom::thread::spawn(move || _ = of_other.hit_locked(of_other.domain.now()));
        let found = world.hit_unlocked(2, changed);
        assert!(matches!(found, None | Some(1)), "{found:?}");
        one.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn what_is_noted_of_a_new_value_in_a_bounded_cache_is_not_read_with_the_old_one() {
    what_is_noted_of_a_new_value_is_not_read_with_the_old_one::<OfBounded>();
}

#[test]
fn what_is_noted_of_a_new_value_in_an_unbounded_cache_is_not_read_with_the_old_one() {
    what_is_noted_of_a_new_value_is_not_read_with_the_old_one::<OfUnbounded>();
}

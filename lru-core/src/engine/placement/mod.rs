//! Cache placement: a single engine, sharded engines by the hash of the key, one per thread, or reads without the
//! lock.

pub(crate) mod fronted;
#[cfg(feature = "backend")]
pub(crate) mod invalidate;
#[cfg(feature = "testing")]
pub(crate) mod isolation;
pub(crate) mod lock_free;
pub(crate) mod nested;
pub(crate) mod per_thread;
pub(crate) mod replicated;
pub(crate) mod rounds;
pub(crate) mod shard_lock;
pub(crate) mod sharded;

use core::ops::Deref;

use crate::engine::Engine;
use crate::engine::batch::{Computed, CountMisses, Positions, ROUND, RoundMisses};
use crate::engine::insert::Comparison;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Lock;
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::observe::CacheInfo;
#[cfg(feature = "registry")]
use crate::observe::counts::Counts;
use crate::store::{CacheTypes, Entry, EntryOf, Epoch};

/// The engines of a cache.
///
/// An operation on an engine runs within `at`, `change`, `first` or `each`, which locate the engine.
pub trait Placement {
    /// The types of the cache.
    type Types: CacheTypes;
    /// The lock of an engine.
    type Lock: Lock<State<Self::Types>>;

    /// Whether a round passes its hits in the order of their keys.
    const READS_IN_ORDER: bool = true;

    /// Looks a key up for a caller, as `Engine::lookup` does.
    ///
    /// This and the next one are methods instead of closures for [`at`](Self::at), because `inline(always)`
    /// cannot be put on a closure.
    ///
    /// # Errors
    ///
    /// A miss: the point in time at which it was counted.
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<Self>) -> bool,
        read: impl Fn(&StoredValue<Self>) -> R,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) -> Result<R, Epoch>;

    /// Looks a key up without counting a miss, as `Engine::lookup_uncounted` does.
    ///
    /// # Errors
    ///
    /// A miss: the point in time of the lookup.
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<Self>) -> bool,
        read: impl Fn(&StoredValue<Self>) -> R,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) -> Result<(R, Freshness), Epoch>;

    /// Inserts the result of a computation that began at `began`, as `Engine::insert_computed` does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_computed(
        &self,
        entry: Entry<Self::Types>,
        began: Epoch,
        compare: impl Comparison<Self::Types>,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) {
        let EntryOf { hash, key, value, meta } = entry;
        self.at(hash, |engine| engine.insert_computed(hash, key, value, meta, began, compare, lifecycle));
    }

    /// Looks keys up without a lock, from the first one on up to one that needs the lock. Counts hits, passes their values to `read`,
    /// and returns their number.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read_unlocked<M: Fn(&StoredKey<Self>) -> bool>(
        &self,
        keys: impl Iterator<Item = (KeyHash, M)>,
        read: impl FnMut(&StoredValue<Self>),
        lifecycle: &impl Lifecycle<Self::Types>,
    ) -> usize {
        let _ = (keys, read, lifecycle);
        0
    }

    /// Looks up to 64 keys up, under one hold of the lock of each engine, as `Engine::lookup_round` does. Passes the
    /// misses of each engine to `missed`.
    fn lookup_round<M: Fn(&StoredKey<Self>) -> bool>(
        &self,
        hashes: &[KeyHash],
        matching: impl Fn(usize) -> M,
        mut read: impl FnMut(usize, &StoredValue<Self>),
        mut missed: impl FnMut(RoundMisses),
        (count, lifecycle): (CountMisses<'_>, &impl Lifecycle<Self::Types>),
    ) {
        let read = |position: usize, entry: &Entry<Self::Types>| read(position, &entry.value);
        let Some(&first) = hashes.first() else { return };
        let round = (hashes, Positions::below(hashes.len()));
        missed(self.at(first, |engine| engine.lookup_round(round, matching, read, count, lifecycle)));
    }

    /// Inserts results of misses with distinct keys, in rounds of 64 and under one hold of the lock for each of
    /// them, as `Engine::insert_round` does.
    fn insert_many(
        &self,
        results: Vec<Computed<Self::Types>>,
        compare: &impl Comparison<Self::Types>,
        lifecycle: &impl Lifecycle<Self::Types>,
    ) {
        let mut results = results.into_iter();
        while let Some(first) = results.as_slice().first() {
            let hash = first.entry.hash;
            self.at(hash, |engine| engine.insert_round(results.by_ref().take(ROUND), compare, lifecycle));
        }
    }

    /// Runs `f` on the engine for the keys of this hash.
    fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R;

    /// Like [`at`](Self::at), for a change to a key, which must not be lost.
    #[inline]
    fn change<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.at(hash, f)
    }

    /// Runs `f` on one engine that represents all of them, for operations without a key.
    #[inline]
    fn first<R>(&self, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        self.at(KeyHash::ANY, f)
    }

    /// Runs `f` on each engine.
    fn each(&self, change: Change, f: impl FnMut(&EngineOf<Self>)) {
        let _ = change;
        self.first(f);
    }

    /// Carries out the deferred changes of the engine for this hash. Called before a call.
    #[inline]
    fn apply_deferred(&self, hash: KeyHash, lifecycle: &impl Lifecycle<Self::Types>) {
        let _ = (hash, lifecycle);
    }

    /// Carries out the deferred changes of all engines. Called before an operation on all.
    fn apply_all_deferred(&self, lifecycle: &impl Lifecycle<Self::Types>) {
        let _ = lifecycle;
    }

    /// Returns hits, misses, capacity and size of all engines, read together.
    fn info(&self, lifecycle: &impl Lifecycle<Self::Types>) -> CacheInfo {
        self.first(|engine| engine.info(lifecycle))
    }

    /// Returns all that was counted since the start of the program.
    #[cfg(feature = "registry")]
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.each(Change::None, |engine| counts += &engine.counts());
        counts
    }

    /// Returns the current capacity of all engines together.
    fn maxsize(&self) -> Option<usize> {
        self.first(Engine::maxsize)
    }

    /// Sets the capacity of all engines together: calls `resize` for each engine, with the function that returns its part
    /// of the capacity.
    fn resize(
        &self,
        maxsize: Option<usize>,
        mut resize: impl FnMut(&EngineOf<Self>, &dyn Fn() -> Option<usize>),
    ) {
        self.first(|engine| resize(engine, &|| maxsize));
    }

    /// Returns whether the current thread holds the lock of any engine, in which case it must not block on
    /// another thread.
    fn is_held(&self) -> bool {
        self.first(Engine::is_held)
    }
}

/// The engine type of a placement.
pub type EngineOf<E> = Engine<<E as Placement>::Types, <E as Placement>::Lock>;

/// The stored form of the keys of a placement.
pub(crate) type StoredKey<E> = <<E as Placement>::Types as CacheTypes>::Key;

/// The values of a placement.
pub(crate) type StoredValue<E> = <<E as Placement>::Types as CacheTypes>::Value;

/// The kind of change that an operation on all engines makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No change: the engines are read.
    None,
    /// Some entries are removed.
    Retain,
    /// The counters are reset.
    #[cfg(feature = "registry")]
    Reset,
    /// All entries are removed, and the counters are reset.
    Clear,
}

impl Change {
    /// Returns whether the counters are reset.
    pub(crate) fn resets(self) -> bool {
        match self {
            Self::None | Self::Retain => false,
            #[cfg(feature = "registry")]
            Self::Reset => true,
            Self::Clear => true,
        }
    }
}

impl<C: CacheTypes, L: Lock<State<C>>> Placement for Engine<C, L> {
    type Types = C;
    type Lock = L;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        Engine::lookup(self, hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<(R, Freshness), Epoch> {
        Engine::lookup_uncounted(self, hash, matches, read, lifecycle)
    }

    #[inline]
    fn at<R>(&self, _: KeyHash, f: impl FnOnce(&Self) -> R) -> R {
        f(self)
    }
}

/// A pointer to a placement, such as a reference.
impl<E: Placement, P: Deref<Target = E>> Placement for P {
    type Types = E::Types;
    type Lock = E::Lock;

    const READS_IN_ORDER: bool = E::READS_IN_ORDER;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<E>) -> bool,
        read: impl Fn(&StoredValue<E>) -> R,
        lifecycle: &impl Lifecycle<E::Types>,
    ) -> Result<R, Epoch> {
        (**self).lookup(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&StoredKey<E>) -> bool,
        read: impl Fn(&StoredValue<E>) -> R,
        lifecycle: &impl Lifecycle<E::Types>,
    ) -> Result<(R, Freshness), Epoch> {
        (**self).lookup_uncounted(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_computed(
        &self,
        entry: Entry<E::Types>,
        began: Epoch,
        compare: impl Comparison<E::Types>,
        lifecycle: &impl Lifecycle<E::Types>,
    ) {
        (**self).insert_computed(entry, began, compare, lifecycle);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read_unlocked<M: Fn(&StoredKey<E>) -> bool>(
        &self,
        keys: impl Iterator<Item = (KeyHash, M)>,
        read: impl FnMut(&StoredValue<E>),
        lifecycle: &impl Lifecycle<E::Types>,
    ) -> usize {
        (**self).read_unlocked(keys, read, lifecycle)
    }

    fn lookup_round<M: Fn(&StoredKey<E>) -> bool>(
        &self,
        hashes: &[KeyHash],
        matching: impl Fn(usize) -> M,
        read: impl FnMut(usize, &StoredValue<E>),
        missed: impl FnMut(RoundMisses),
        settings: (CountMisses<'_>, &impl Lifecycle<E::Types>),
    ) {
        (**self).lookup_round(hashes, matching, read, missed, settings);
    }

    fn insert_many(
        &self,
        results: Vec<Computed<E::Types>>,
        compare: &impl Comparison<E::Types>,
        lifecycle: &impl Lifecycle<E::Types>,
    ) {
        (**self).insert_many(results, compare, lifecycle);
    }

    #[inline]
    fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<E>) -> R) -> R {
        (**self).at(hash, f)
    }

    #[inline]
    fn change<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<E>) -> R) -> R {
        (**self).change(hash, f)
    }

    #[inline]
    fn first<R>(&self, f: impl FnOnce(&EngineOf<E>) -> R) -> R {
        (**self).first(f)
    }

    fn each(&self, change: Change, f: impl FnMut(&EngineOf<E>)) {
        (**self).each(change, f);
    }

    #[inline]
    fn apply_deferred(&self, hash: KeyHash, lifecycle: &impl Lifecycle<E::Types>) {
        (**self).apply_deferred(hash, lifecycle);
    }

    fn apply_all_deferred(&self, lifecycle: &impl Lifecycle<E::Types>) {
        (**self).apply_all_deferred(lifecycle);
    }

    fn info(&self, lifecycle: &impl Lifecycle<E::Types>) -> CacheInfo {
        (**self).info(lifecycle)
    }

    #[cfg(feature = "registry")]
    fn counts(&self) -> Counts {
        (**self).counts()
    }

    fn maxsize(&self) -> Option<usize> {
        (**self).maxsize()
    }

    fn resize(&self, maxsize: Option<usize>, resize: impl FnMut(&EngineOf<E>, &dyn Fn() -> Option<usize>)) {
        (**self).resize(maxsize, resize);
    }

    fn is_held(&self) -> bool {
        (**self).is_held()
    }
}

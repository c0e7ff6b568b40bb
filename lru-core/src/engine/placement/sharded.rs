//! The sharded placement (`shards = N`): `N` engines, each with the keys of its share of all hashes, its own
//! lock, and its own order.

#[cfg(feature = "testing")]
mod new_like;
mod parts;

use core::mem;

use parking_lot::Mutex;

use crate::engine::Engine;
use crate::engine::batch::{Computed, CountMisses, RoundMisses};
use crate::engine::insert::Comparison;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::{Lock, PlainLock, SelectLock};
use crate::engine::placement::nested::PendingWork;
use crate::engine::placement::shard_lock::{SelectShardLock, ShardLock};
use crate::engine::placement::sharded::parts::{for_each_round, for_each_shard};
use crate::engine::placement::{Change, EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::{KeyHash, STEP};
use crate::observe::CacheInfo;
#[cfg(feature = "registry")]
use crate::observe::counts::Counts;
use crate::store::maxsize::Capacity;
use crate::store::{CacheTypes, Entry, EntryOf, Epoch, MaxSize};

/// The engine of a shard.
type ShardEngine<C, S> = Engine<C, <S as SelectShardLock>::ShardLock<State<C>>>;

struct Shard<C: CacheTypes, S: SelectShardLock> {
    engine: ShardEngine<C, S>,
    pending: PendingWork,
}

impl<C: CacheTypes, S: SelectShardLock> Shard<C, S> {
    const fn new(engine: ShardEngine<C, S>) -> Self {
        Self { engine, pending: PendingWork::new() }
    }

    /// Returns the locked state if the lock is free and no change is pending, so that entries with a pending
    /// removal are not served.
    fn try_hold(&self) -> Option<HeldBy<'_, C, S>> {
        self.pending.try_hold(&self.engine)
    }

    /// Runs `f` on an empty engine, and counts its misses.
    fn run_on_empty<R>(&self, f: impl FnOnce(&ShardEngine<C, S>) -> R) -> R {
        let empty = Engine::of(MaxSize::Disabled, S::lock(State::new(MaxSize::Disabled)));
        let result = f(&empty);
        self.pending.count(empty.misses());
        result
    }
}

/// A guard of the lock of a shard.
type HeldBy<'a, C, S> = <<S as SelectShardLock>::ShardLock<State<C>> as Lock<State<C>>>::Held<'a>;

/// A shard, by whether its lock is a plain one.
type ShardOf<C, const CALLBACK_FREE: bool> = Shard<C, SelectLock<CALLBACK_FREE>>;

/// The shards of one function. `CALLBACK_FREE` is true if no user code runs under their locks.
#[expect(clippy::struct_field_names, reason = "the shards are called so")]
pub struct Shards<C: CacheTypes, const N: usize, const CALLBACK_FREE: bool = false>
where
    SelectLock<CALLBACK_FREE>: SelectShardLock,
{
    shards: [ShardOf<C, CALLBACK_FREE>; N],
    maxsize: MaxSize,
    /// The capacity, if it was changed. The lock is a leaf.
    resized: Mutex<Option<Capacity>>,
}

/// Returns the part of shard `number` in a capacity that `shards` shards divide; `None` if it has no room for a result.
const fn share(maxsize: MaxSize, number: usize, shards: usize) -> Option<MaxSize> {
    let MaxSize::Bounded(bound) = maxsize else { return Some(maxsize) };
    let (each, more) = (bound.get() / shards, bound.get() % shards);
    if each == 0 { None } else { Some(MaxSize::from_option(Some(each + (number < more) as usize))) }
}

/// Returns empty shards of these engines, in a `const fn`: it cannot take a function.
macro_rules! shards_of {
    ($engine:ident, $maxsize:ident) => {{
        assert!(N.is_power_of_two(), "`shards` takes a power of two up to 65536, such as `shards = 16`");
        let mut shards = [const { Shard::new($engine(MaxSize::Disabled)) }; N];
        let mut number = 0;
        while number < N {
            let Some(share) = share($maxsize, number, N) else {
                panic!("each shard needs room for a result: `shards` takes no more than `maxsize`");
            };
            // The replaced shard is empty, and a constant cannot drop it.
            mem::forget(mem::replace(&mut shards[number], Shard::new($engine(share))));
            number += 1;
        }
        Self { shards, maxsize: $maxsize, resized: Mutex::new(None) }
    }};
}

const fn reentrant<C: CacheTypes>(maxsize: MaxSize) -> ShardEngine<C, SelectLock<false>> {
    Engine::of(maxsize, ShardLock::new(State::new(maxsize)))
}

const fn callback_free<C>(maxsize: MaxSize) -> ShardEngine<C, SelectLock<true>>
where
    C: CacheTypes<Key: Clone, Value: Clone>,
{
    Engine::callback_free(maxsize, PlainLock::new(State::new(maxsize)))
}

impl<C: CacheTypes, const N: usize> Shards<C, N> {
    /// Creates empty shards, among which `maxsize` is divided.
    ///
    /// # Panics
    ///
    /// If the number of shards is invalid. In a `static`, this is a compile-time error.
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        shards_of!(reentrant, maxsize)
    }
}

impl<C: CacheTypes<Key: Clone, Value: Clone>, const N: usize> Shards<C, N, true> {
    /// Like [`Shards::new`], for types under whose locks no user code runs.
    pub(crate) const fn callback_free(maxsize: MaxSize) -> Self {
        shards_of!(callback_free, maxsize)
    }
}

impl<C: CacheTypes, const N: usize, const CALLBACK_FREE: bool> Shards<C, N, CALLBACK_FREE>
where
    SelectLock<CALLBACK_FREE>: SelectShardLock,
{
    /// Returns whether the call is nested in another one, whose lock the current thread holds.
    #[inline]
    fn is_nested() -> bool {
        <SelectLock<CALLBACK_FREE> as SelectShardLock>::is_nested()
    }

    /// Returns whether the current thread holds the lock of any shard. Then no listener may be notified and
    /// nothing dropped, so the entries that are removed from another shard are deferred to the next call.
    fn holds_any(&self) -> bool {
        self.shards.iter().any(|shard| shard.engine.is_held())
    }

    /// Runs `f` without blocking, because the calling thread holds the lock of a shard.
    #[cold]
    fn run_nested<R>(&self, shard: &ShardOf<C, CALLBACK_FREE>, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let defers = self.holds_any();
        let Some(held) = shard.try_hold() else { return shard.run_on_empty(f) };
        let _reading = defers.then(|| held.reading());
        f(&shard.engine)
    }

    /// Returns the shard for the keys of this hash.
    fn of(&self, hash: KeyHash) -> &ShardOf<C, CALLBACK_FREE> {
        &self.shards[self.number(hash)]
    }

    /// Carries out the changes that nested calls could not make to a shard.
    #[cold]
    fn apply_deferred_of(&self, number: usize, lifecycle: &impl Lifecycle<C>) {
        let Shard { engine, pending } = &self.shards[number];
        pending.apply_deferred(engine, &|| self.part(number), lifecycle);
    }

    /// Returns the part of a shard in the present capacity; some have none if there are more shards.
    fn part(&self, number: usize) -> Option<usize> {
        self.maxsize().map(|maxsize| maxsize / N + usize::from(number < maxsize % N))
    }

    /// Returns the number of the shard for the keys of this hash.
    #[inline]
    #[expect(clippy::unused_self, reason = "the number is that of a shard of this array")]
    fn number(&self, hash: KeyHash) -> usize {
        number_of(hash.get()) & (N - 1)
    }
}

/// Mixes all bits of a hash into those that select the shard. Unmixed, the upper bits of the hashes of
/// consecutive numbers may have few different values, and the tables use the lower bits.
#[inline]
const fn number_of(hash: u64) -> usize {
    (hash.wrapping_mul(STEP) >> (u64::BITS - BITS)) as usize
}

/// The number of hash bits available to select a shard.
const BITS: u32 = 16;

/// Converts a number of shards to a const argument. An invalid number becomes 0, which is rejected later.
#[expect(clippy::cast_sign_loss, reason = "checked before")]
pub const fn shards(number: i128) -> usize {
    if number < 0 || number > 1 << BITS { 0 } else { number as usize }
}

impl<C: CacheTypes, const N: usize, const CALLBACK_FREE: bool> Placement for Shards<C, N, CALLBACK_FREE>
where
    SelectLock<CALLBACK_FREE>: SelectShardLock,
{
    type Types = C;
    type Lock = <SelectLock<CALLBACK_FREE> as SelectShardLock>::ShardLock<State<C>>;

    const READS_IN_ORDER: bool = false;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        let shard = self.of(hash);
        if Self::is_nested() {
            return self.run_nested(shard, |engine| engine.lookup(hash, matches, read, lifecycle));
        }
        shard.engine.lookup(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<(R, Freshness), Epoch> {
        let shard = self.of(hash);
        if Self::is_nested() {
            return self.run_nested(shard, |engine| engine.lookup_uncounted(hash, matches, read, lifecycle));
        }
        shard.engine.lookup_uncounted(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn insert_computed(
        &self,
        entry: Entry<C>,
        began: Epoch,
        compare: impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) {
        let EntryOf { hash, key, value, meta } = entry;
        let shard = self.of(hash);
        if Self::is_nested() {
            return self.run_nested(shard, |engine| {
                engine.insert_computed(hash, key, value, meta, began, compare, lifecycle);
            });
        }
        shard.engine.insert_computed(hash, key, value, meta, began, compare, lifecycle);
    }

    /// Takes the lock of each shard that has keys of the round.
    fn lookup_round<M: Fn(&C::Key) -> bool>(
        &self,
        hashes: &[KeyHash],
        matching: impl Fn(usize) -> M,
        mut read: impl FnMut(usize, &C::Value),
        mut missed: impl FnMut(RoundMisses),
        (count, lifecycle): (CountMisses<'_>, &impl Lifecycle<C>),
    ) {
        let number = |hash| self.number(hash);
        for_each_shard(hashes, (N, number), |hash, selected| {
            missed(self.at(hash, |engine| {
                let read = |position: usize, entry: &Entry<C>| read(position, &entry.value);
                engine.lookup_round((hashes, selected), &matching, read, count, lifecycle)
            }));
        });
    }

    fn insert_many(
        &self,
        results: Vec<Computed<C>>,
        compare: &impl Comparison<C>,
        lifecycle: &impl Lifecycle<C>,
    ) {
        for_each_round(
            results,
            |hash| self.number(hash),
            |hash, round| {
                self.at(hash, |engine| engine.insert_round(round, compare, lifecycle));
            },
        );
    }

    #[inline]
    fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let shard = self.of(hash);
        if Self::is_nested() { self.run_nested(shard, f) } else { f(&shard.engine) }
    }

    fn change<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let shard = self.of(hash);
        if !Self::is_nested() {
            return f(&shard.engine);
        }
        let defers = self.holds_any();
        let Some(held) = shard.try_hold() else {
            shard.pending.defer_invalidation(hash);
            return shard.run_on_empty(f);
        };
        let _reading = defers.then(|| held.reading());
        f(&shard.engine)
    }

    fn first<R>(&self, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        f(&self.shards[0].engine)
    }

    fn each(&self, change: Change, mut f: impl FnMut(&EngineOf<Self>)) {
        let is_nested = Self::is_nested();
        let defers = is_nested && self.holds_any();
        for shard in &self.shards {
            let held = if is_nested { shard.try_hold() } else { None };
            let _reading = held.as_ref().filter(|_| defers).map(|held| held.reading());
            if is_nested && held.is_none() {
                shard.pending.defer_change(change);
                continue;
            }
            if change.resets() {
                shard.pending.reset_misses();
            }
            f(&shard.engine);
        }
    }

    #[inline]
    fn apply_deferred(&self, hash: KeyHash, lifecycle: &impl Lifecycle<C>) {
        if self.of(hash).pending.any() {
            self.apply_deferred_of(self.number(hash), lifecycle);
        }
    }

    fn apply_all_deferred(&self, lifecycle: &impl Lifecycle<C>) {
        let pending = |number: &usize| self.shards[*number].pending.any();
        (0..N).filter(pending).for_each(|number| self.apply_deferred_of(number, lifecycle));
    }

    /// Skips shards that other threads hold, if called from an `Eq` or a `Clone`.
    fn info(&self, lifecycle: &impl Lifecycle<C>) -> CacheInfo {
        // Before all shards are locked: the listener that is notified of expired entries may call the cache.
        self.apply_all_deferred(lifecycle);
        self.each(Change::None, |engine| _ = engine.info(lifecycle));
        let held: Vec<_> = if Self::is_nested() {
            self.shards.iter().map(Shard::try_hold).collect()
        } else {
            self.shards.iter().map(|shard| Some(shard.engine.hold())).collect()
        };
        let mut info = CacheInfo { maxsize: self.maxsize(), ..CacheInfo::default() };
        for (shard, held) in self.shards.iter().zip(&held) {
            let Some(held) = held else { continue };
            let counted = shard.engine.counted(held);
            info.hits += counted.hits;
            info.misses += counted.misses + shard.pending.misses();
            info.currsize = info.currsize.saturating_add(counted.currsize);
        }
        info
    }

    #[cfg(feature = "registry")]
    fn counts(&self) -> Counts {
        let misses: u64 = self.shards.iter().map(|shard| shard.pending.lifetime_misses()).sum();
        let mut counts = Counts::default();
        self.each(Change::None, |engine| counts += &engine.counts());
        counts.misses += misses;
        counts
    }

    fn maxsize(&self) -> Option<usize> {
        self.resized.lock().map_or_else(|| self.maxsize.to_option(), |Capacity(maxsize)| maxsize)
    }

    /// Like the capacity at the beginning, the new one is divided among the shards.
    fn resize(
        &self,
        maxsize: Option<usize>,
        mut resize: impl FnMut(&EngineOf<Self>, &dyn Fn() -> Option<usize>),
    ) {
        *self.resized.lock() = Some(Capacity(maxsize));
        let is_nested = Self::is_nested();
        let defers = is_nested && self.holds_any();
        for (number, shard) in self.shards.iter().enumerate() {
            let held = if is_nested { shard.try_hold() } else { None };
            let _reading = held.as_ref().filter(|_| defers).map(|held| held.reading());
            if is_nested && held.is_none() {
                shard.pending.defer_resize();
            } else {
                resize(&shard.engine, &|| self.part(number));
            }
        }
    }

    fn is_held(&self) -> bool {
        Self::is_nested()
    }
}

#[cfg(test)]
mod tests {
    use core::hash::BuildHasher;

    use hashbrown::DefaultHashBuilder;

    use super::*;

    #[test]
    fn numbers_in_a_row_go_to_all_shards_alike() {
        for _ in 0..300 {
            let seed = DefaultHashBuilder::default();
            for step in [1, 2, 8, 10, 64, 1000] {
                let mut shards = [0; 16];
                for number in 0..1600_u64 {
                    shards[number_of(seed.hash_one(number * step)) & 15] += 1;
                }
                assert!(shards.iter().all(|count| (30..300).contains(count)), "{step}: {shards:?}");
            }
        }
    }
}

//! The sharded placement (`shards = N`): `N` engines, each with the keys of its share of all hashes, its own
//! lock, and its own order.

use core::mem;
use core::ops::Deref;

use crate::engine::Engine;
use crate::engine::insert::Comparison;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::{Lock, RLock};
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::NewLike;
use crate::engine::placement::nested::{Held, PendingWork, is_nested};
use crate::engine::placement::{Change, EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::{KeyHash, STEP};
use crate::observe::CacheInfo;
use crate::store::{CacheTypes, Entry, EntryOf, Epoch, MaxSize};

/// The lock of a shard, which records that the current thread holds one.
pub struct ShardLock<T>(RLock<T>);

/// A guard of the lock of a shard.
pub struct HeldShard<'a, T: 'a> {
    held: <RLock<T> as Lock<T>>::Held<'a>,
    _held: Held,
}

impl<'a, T> HeldShard<'a, T> {
    #[inline]
    fn new(held: <RLock<T> as Lock<T>>::Held<'a>) -> Self {
        Self { held, _held: Held::new() }
    }
}

impl<T> Deref for HeldShard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T> Lock<T> for ShardLock<T> {
    type Held<'a>
        = HeldShard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> HeldShard<'_, T> {
        HeldShard::new(self.0.hold())
    }

    #[inline]
    fn try_hold(&self) -> Option<HeldShard<'_, T>> {
        self.0.try_hold().map(HeldShard::new)
    }

    fn is_held(&self) -> bool {
        self.0.is_held()
    }

    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// The engine of a shard.
type ShardEngine<C> = Engine<C, ShardLock<State<C>>>;

const fn engine<C: CacheTypes>(maxsize: MaxSize) -> ShardEngine<C> {
    Engine::of(maxsize, ShardLock(RLock::new(State::new(maxsize))))
}

struct Shard<C: CacheTypes> {
    engine: ShardEngine<C>,
    pending: PendingWork,
}

impl<C: CacheTypes> Shard<C> {
    const fn new(maxsize: MaxSize) -> Self {
        Self { engine: engine(maxsize), pending: PendingWork::new() }
    }

    /// Returns the locked state if the lock is free and no change is pending, so that entries with a pending
    /// removal are not served.
    fn try_hold(&self) -> Option<HeldShard<'_, State<C>>> {
        self.pending.try_hold(&self.engine)
    }

    /// Runs `f` on an empty engine, and counts its misses.
    fn run_on_empty<R>(&self, f: impl FnOnce(&ShardEngine<C>) -> R) -> R {
        let empty = engine(MaxSize::Disabled);
        let result = f(&empty);
        self.pending.count(empty.misses());
        result
    }

    /// Carries out the changes that nested calls could not make.
    #[inline]
    fn apply_deferred(&self, lifecycle: &impl Lifecycle<C>) {
        if self.pending.any() {
            self.pending.apply_deferred(&self.engine, lifecycle);
        }
    }
}

/// The shards of one function.
pub struct Shards<C: CacheTypes, const N: usize> {
    shards: [Shard<C>; N],
    maxsize: MaxSize,
}

impl<C: CacheTypes, const N: usize> Shards<C, N> {
    /// Creates empty shards, among which `maxsize` is divided.
    ///
    /// # Panics
    ///
    /// If the number of shards is invalid. In a `static`, this is a compile-time error.
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        assert!(N.is_power_of_two(), "`shards` takes a power of two up to 65536, such as `shards = 16`");
        let (each, more) = match maxsize {
            MaxSize::Bounded(bound) => (bound.get() / N, bound.get() % N),
            MaxSize::Disabled | MaxSize::Unbounded => (0, 0),
        };
        assert!(
            each > 0 || !matches!(maxsize, MaxSize::Bounded(_)),
            "each shard needs room for a result: `shards` takes no more than `maxsize`"
        );
        let mut shards = [const { Shard::new(MaxSize::Disabled) }; N];
        let mut number = 0;
        while number < N {
            let bound = match maxsize {
                MaxSize::Bounded(_) => MaxSize::from_option(Some(each + (number < more) as usize)),
                MaxSize::Disabled | MaxSize::Unbounded => maxsize,
            };
            // The replaced shard is empty, and a constant cannot drop it.
            mem::forget(mem::replace(&mut shards[number], Shard::new(bound)));
            number += 1;
        }
        Self { shards, maxsize }
    }

    /// Returns whether the current thread holds the lock of any shard. Then no listener may be notified and
    /// nothing dropped, so the entries that are removed from another shard are deferred to the next call.
    fn holds_any(&self) -> bool {
        self.shards.iter().any(|shard| shard.engine.is_held())
    }

    /// Runs `f` without blocking, because the calling thread holds the lock of a shard.
    #[cold]
    fn run_nested<R>(&self, shard: &Shard<C>, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let defers = self.holds_any();
        let Some(held) = shard.try_hold() else { return shard.run_on_empty(f) };
        let _reading = defers.then(|| held.reading());
        f(&shard.engine)
    }

    /// Returns the shard for the keys of this hash.
    fn of(&self, hash: KeyHash) -> &Shard<C> {
        &self.shards[number_of(hash.get()) & (N - 1)]
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

impl<C: CacheTypes, const N: usize> Placement for Shards<C, N> {
    type Types = C;
    type Lock = ShardLock<State<C>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<C>,
    ) -> Result<R, Epoch> {
        let shard = self.of(hash);
        if is_nested() {
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
        if is_nested() {
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
        if is_nested() {
            return self.run_nested(shard, |engine| {
                engine.insert_computed(hash, key, value, meta, began, compare, lifecycle);
            });
        }
        shard.engine.insert_computed(hash, key, value, meta, began, compare, lifecycle);
    }

    #[inline]
    fn at<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let shard = self.of(hash);
        if is_nested() { self.run_nested(shard, f) } else { f(&shard.engine) }
    }

    fn change<R>(&self, hash: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        let shard = self.of(hash);
        if !is_nested() {
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
        let is_nested = is_nested();
        let defers = is_nested && self.holds_any();
        for shard in &self.shards {
            let held = if is_nested { shard.try_hold() } else { None };
            let _reading = held.as_ref().filter(|_| defers).map(|held| held.reading());
            if is_nested && held.is_none() {
                shard.pending.defer_change(change);
                continue;
            }
            if change == Change::Clear {
                shard.pending.reset_misses();
            }
            f(&shard.engine);
        }
    }

    #[inline]
    fn apply_deferred(&self, hash: KeyHash, lifecycle: &impl Lifecycle<C>) {
        self.of(hash).apply_deferred(lifecycle);
    }

    fn apply_all_deferred(&self, lifecycle: &impl Lifecycle<C>) {
        self.shards.iter().for_each(|shard| shard.apply_deferred(lifecycle));
    }

    /// Skips shards that other threads hold, if called from an `Eq` or a `Clone`.
    fn info(&self, lifecycle: &impl Lifecycle<C>) -> CacheInfo {
        // Before all shards are locked: the listener that is notified of expired entries may call the cache.
        self.apply_all_deferred(lifecycle);
        self.each(Change::None, |engine| _ = engine.info(lifecycle));
        let held: Vec<_> = if is_nested() {
            self.shards.iter().map(Shard::try_hold).collect()
        } else {
            self.shards.iter().map(|shard| Some(shard.engine.hold())).collect()
        };
        let mut info = CacheInfo { maxsize: self.maxsize.to_option(), ..CacheInfo::default() };
        for (shard, _) in self.shards.iter().zip(&held).filter(|(_, held)| held.is_some()) {
            let counted = shard.engine.counted();
            info.hits += counted.hits;
            info.misses += counted.misses + shard.pending.misses();
            info.currsize = info.currsize.saturating_add(counted.currsize);
        }
        info
    }

    fn maxsize(&self) -> Option<usize> {
        self.maxsize.to_option()
    }

    fn is_held(&self) -> bool {
        is_nested()
    }
}

#[cfg(feature = "testing")]
impl<C: CacheTypes, const N: usize> NewLike for Shards<C, N> {
    fn new_like(&self) -> Self {
        Self::new(self.maxsize)
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

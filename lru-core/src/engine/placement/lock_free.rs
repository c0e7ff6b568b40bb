//! The lock-free placement: one engine, whose hits are read from a mirror of its store without the lock.
//!
//! For bounded LRU caches of small plain data ([`Words`]) without deadlines and weights. What changes an entry takes the lock, and publishes the
//! changes to the mirror before it releases the lock. See [`lock_free`](crate::store::lock_free) for the protocol.

use core::marker::PhantomData;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use parking_lot::MutexGuard;

use crate::engine::Engine;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::{Lock, PlainLock};
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::NewLike;
use crate::engine::placement::{EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::store::lock_free::mirror::{Mirror, Read};
use crate::store::lock_free::thread_number::{ensure_thread_number, thread_number};
use crate::store::lock_free::words::Words;
use crate::store::policy::StampedLru;
use crate::store::types::{Stores, UnlockedOf};
use crate::store::{CacheTypes, Epoch, MaxSize};

/// The types of a cache with stamps for the order of use. The policy of `C` is LRU.
pub struct Stamped<C>(PhantomData<fn() -> C>);

impl<C: CacheTypes> CacheTypes for Stamped<C> {
    const STORES: Stores = Stores::Bounded;
    type Key = C::Key;
    type Value = C::Value;
    type Policy = StampedLru;
    type Meta = C::Meta;
}

/// The number of hits under the lock after which the mirror is worth its memory, however few entries there are.
const HITS_OF_USE: u64 = if cfg!(test) { 5 } else { 256 };

/// State with a mirror for readers that do not hold the lock.
pub trait Mirrored {
    /// Publishes what changed, and creates the mirror when it is worth its memory.
    #[doc(hidden)]
    fn publish(&self, mirror: &OnceLock<Arc<Mirror>>);
}

impl<C: CacheTypes<Policy = StampedLru>> Mirrored for State<C>
where
    C::Key: Words,
    C::Value: Words,
{
    #[inline]
    fn publish(&self, published: &OnceLock<Arc<Mirror>>) {
        let Ok(mut store) = self.store.try_borrow_mut() else { return };
        if let Some(mirror) = store.publish_entries(self.counters.hits() >= HITS_OF_USE) {
            mirror.end(self.change_log.now());
            if published.get().is_none() {
                mirror.renew(ensure_thread_number());
                published.get_or_init(|| Arc::clone(mirror));
            }
        }
    }
}

/// A mutex that publishes changes to the mirror when it is released.
#[repr(align(64))]
pub struct MirroredLock<T> {
    mirror: OnceLock<Arc<Mirror>>,
    lock: PlainLock<T>,
}

impl<T> MirroredLock<T> {
    const fn new(guarded: T) -> Self {
        Self { mirror: OnceLock::new(), lock: PlainLock::new(guarded) }
    }
}

/// A guard of a [`MirroredLock`].
pub struct HeldMirrored<'a, T: Mirrored> {
    state: MutexGuard<'a, T>,
    mirror: &'a OnceLock<Arc<Mirror>>,
}

impl<T: Mirrored> Deref for HeldMirrored<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.state
    }
}

impl<T: Mirrored> Drop for HeldMirrored<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.state.publish(self.mirror);
    }
}

impl<T: Mirrored> Lock<T> for MirroredLock<T> {
    type Held<'a>
        = HeldMirrored<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> HeldMirrored<'_, T> {
        HeldMirrored { state: self.lock.hold(), mirror: &self.mirror }
    }

    #[inline]
    fn try_hold(&self) -> Option<HeldMirrored<'_, T>> {
        Some(HeldMirrored { state: self.lock.try_hold()?, mirror: &self.mirror })
    }

    fn is_held(&self) -> bool {
        self.lock.is_held()
    }

    /// A hit that took the lock: the next hits of the thread shall not.
    #[inline]
    fn on_hit(&self, _: u64) {
        if let Some(mirror) = self.mirror.get().filter(|mirror| !mirror.is_retired()) {
            mirror.renew(ensure_thread_number());
        }
    }

    fn get_mut(&mut self) -> &mut T {
        self.lock.get_mut()
    }
}

/// The engine of one function, and the mirror of its store.
pub struct LockFree<C: CacheTypes>(Engine<Stamped<C>, MirroredLock<State<Stamped<C>>>>);

impl<C: CacheTypes<Key: Words, Value: Words>> LockFree<C> {
    /// Creates an empty cache of this capacity.
    pub(crate) const fn new(maxsize: MaxSize) -> Self {
        Self(Engine::callback_free(maxsize, MirroredLock::new(State::new(maxsize))))
    }

    /// Looks a key up without the lock, and counts a hit.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> Read<R> {
        // Not a closure, which could not be forced to be inlined.
        let Some(mirror) = self.0.lock().mirror.get() else { return Read::Locked };
        let is_served = |meta: UnlockedOf<C>| lifecycle.serves_unlocked(meta);
        mirror.read::<C::Key, C::Value, _, R>(thread_number(), hash, matches, is_served, read)
    }

    /// Returns the epoch of a miss, if the key was missing at this sequence number and nothing changed since.
    // Out of line, as the next ones: all functions with the same types share it.
    #[inline(never)]
    fn missed(&self, sequence: u64, counts: bool) -> Option<Epoch> {
        self.0.lock().mirror.get()?.missed(thread_number(), sequence, counts)
    }

    /// Looks a key up under the lock.
    #[inline(never)]
    fn lookup_locked<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> Result<R, Epoch> {
        self.0.lookup(hash, matches, read, lifecycle)
    }

    /// Like [`lookup_locked`](Self::lookup_locked), without counting a miss.
    #[inline(never)]
    fn lookup_uncounted_locked<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> Result<(R, Freshness), Epoch> {
        self.0.lookup_uncounted(hash, matches, read, lifecycle)
    }
}

impl<C: CacheTypes<Key: Words, Value: Words>> Placement for LockFree<C> {
    type Types = Stamped<C>;
    type Lock = MirroredLock<State<Stamped<C>>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> Result<R, Epoch> {
        match self.read(hash, &matches, &read, lifecycle) {
            Read::Hit(value) => return Ok(value),
            Read::Missing(sequence) => {
                if let Some(epoch) = self.missed(sequence, true) {
                    return Err(epoch);
                }
            }
            Read::Locked => {}
        }
        self.lookup_locked(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> Result<(R, Freshness), Epoch> {
        match self.read(hash, &matches, &read, lifecycle) {
            Read::Hit(value) => return Ok((value, Freshness::Fresh)),
            Read::Missing(sequence) => {
                if let Some(epoch) = self.missed(sequence, false) {
                    return Err(epoch);
                }
            }
            Read::Locked => {}
        }
        self.lookup_uncounted_locked(hash, matches, read, lifecycle)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read_unlocked<M: Fn(&C::Key) -> bool>(
        &self,
        keys: impl Iterator<Item = (KeyHash, M)>,
        mut read: impl FnMut(&C::Value),
        lifecycle: &impl Lifecycle<Stamped<C>>,
    ) -> usize {
        let mirror = self.0.lock().mirror.get();
        let Some(reader) = mirror.and_then(|mirror| mirror.reader(thread_number())) else { return 0 };
        let is_served = |meta: UnlockedOf<C>| lifecycle.serves_unlocked(meta);
        let mut count = 0;
        for (hash, matches) in keys {
            match reader.read(hash, matches, is_served, &mut read) {
                Read::Hit(()) => count += 1,
                Read::Missing(_) | Read::Locked => break,
            }
        }
        count
    }

    #[inline]
    fn at<R>(&self, _: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        f(&self.0)
    }
}

/// The engine is consistent at every point where user code runs, and therefore after a panic in it.
impl<C: CacheTypes> RefUnwindSafe for LockFree<C> {}
impl<C: CacheTypes> UnwindSafe for LockFree<C> {}

#[cfg(feature = "testing")]
impl<C: CacheTypes<Key: Words, Value: Words>> NewLike for LockFree<C> {
    fn new_like(&self) -> Self {
        let new = Self::new(self.0.maxsize);
        new.0.set_capacity(self.0.maxsize());
        new
    }
}

#[cfg(test)]
mod tests;

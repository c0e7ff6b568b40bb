//! The replicated placement: an unbounded, callback-free cache whose table is published to read stripes, so
//! that readers do not block each other.
//!
//! The table is published only after several threads have been seen to call. A cache that one thread uses is
//! read through its lock.

use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::MutexGuard;

use crate::engine::Engine;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::lock::Settle;
use crate::engine::lock::{Lock, PlainLock};
#[cfg(feature = "testing")]
use crate::engine::placement::isolation::NewLike;
use crate::engine::placement::{EngineOf, Placement};
use crate::engine::state::State;
use crate::expiry::Freshness;
use crate::key::KeyHash;
use crate::store::lock_free::front::Front;
use crate::store::read_stripes::{NO_THREAD, ReadStripes, Reading, StripeLookup, thread_number};
use crate::store::types::Unordered;
use crate::store::{CacheTypes, Epoch, MaxSize, TableOf};

/// State whose table can be published to read stripes.
pub trait HasReadStripes {
    /// The read stripes.
    #[doc(hidden)]
    type ReadStripes: Default;
}

/// One hit in this many is sampled for the number of its thread.
const SAMPLE_INTERVAL: u64 = 256;

/// The number of thread changes between samples after which stripes are created. The first sample counts as a
/// change.
const THREAD_CHANGES: u32 = 4;

/// The lock of a replicated cache. It detects whether several threads call.
pub struct ReplicatedLock<T: HasReadStripes> {
    lock: PlainLock<T>,
    /// The read stripes. Created when threads have alternated.
    stripes: OnceLock<T::ReadStripes>,
    /// The number of the thread whose hit was sampled last.
    last: AtomicUsize,
    changes: AtomicU32,
}

impl<T: HasReadStripes> ReplicatedLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self {
            lock: PlainLock::new(guarded),
            stripes: OnceLock::new(),
            last: AtomicUsize::new(NO_THREAD),
            changes: AtomicU32::new(0),
        }
    }

    /// Returns whether there have been as many hits as are between two samples.
    #[inline]
    fn is_sampled(&self) -> bool {
        self.last.load(Relaxed) != NO_THREAD
    }

    #[inline]
    pub(crate) fn stripes(&self) -> Option<&T::ReadStripes> {
        self.stripes.get()
    }

    /// Creates the read stripes, so that the table is published from now on.
    pub(crate) fn create_stripes(&self) {
        self.stripes.get_or_init(T::ReadStripes::default);
    }

    /// Samples the number of the calling thread.
    #[cold]
    #[inline(never)]
    fn sample(&self) {
        let number = thread_number();
        let last = self.last.swap(number, Relaxed);
        if last != number && self.changes.fetch_add(1, Relaxed) >= THREAD_CHANGES {
            self.create_stripes();
        }
    }
}

impl<T: HasReadStripes> Lock<T> for ReplicatedLock<T> {
    type Held<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> MutexGuard<'_, T> {
        self.lock.hold()
    }

    #[inline]
    fn try_hold(&self) -> Option<MutexGuard<'_, T>> {
        self.lock.try_hold()
    }

    #[inline]
    fn exclusive<'h>(held: &'h mut MutexGuard<'_, T>) -> Option<&'h mut T> {
        Some(held)
    }

    fn is_held(&self) -> bool {
        self.lock.is_held()
    }

    #[inline]
    fn on_hit(&self, hits: u64) {
        if hits % SAMPLE_INTERVAL == 0 {
            self.sample();
        }
    }

    #[inline]
    fn on_hits(&self, hits: u64, count: u64) {
        if hits / SAMPLE_INTERVAL != (hits - count) / SAMPLE_INTERVAL {
            self.sample();
        }
    }

    fn get_mut(&mut self) -> &mut T {
        self.lock.get_mut()
    }
}

/// The engine of a replicated cache.
type ReplicatedEngine<C> = Engine<C, ReplicatedLock<State<C>>>;

/// The read stripes of a cache.
type StripesOf<C> = ReadStripes<TableOf<C>>;

impl<C: CacheTypes> HasReadStripes for State<C> {
    type ReadStripes = StripesOf<C>;
}

impl<C: CacheTypes> ReplicatedEngine<C> {
    /// Creates an empty unbounded cache.
    const fn unbounded() -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self::callback_free(MaxSize::Unbounded, ReplicatedLock::new(State::new(MaxSize::Unbounded)))
    }

    /// Returns the read stripes, once several threads have called.
    #[inline]
    fn stripes(&self) -> Option<&StripesOf<C>> {
        self.state.stripes()
    }

    /// Creates the read stripes, so that the table is published from now on.
    #[cfg(test)]
    pub(crate) fn create_stripes(&self) {
        self.state.create_stripes();
    }

    /// Publishes the table to the stripe of the current thread in `stripes`, unless deferred work is pending.
    #[cold]
    fn publish(&self, stripes: &StripesOf<C>) {
        let state = self.hold();
        if state.is_settled() {
            state.store.borrow_mut().publish(stripes);
        }
    }
}

/// The engine of one function and its read stripes.
pub struct Replicated<C: CacheTypes>(ReplicatedEngine<Unordered<C>>);

impl<C: CacheTypes> Replicated<C> {
    /// Creates an empty unbounded cache.
    pub(crate) const fn new() -> Self
    where
        C::Key: Clone,
        C::Value: Clone,
    {
        Self(ReplicatedEngine::unbounded())
    }

    /// Returns whether there have been hits enough for copies of entries to be worth their memory.
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.0.lock().is_sampled()
    }

    /// Sets the copies that hits read without the lock.
    pub(crate) fn set_front(&self, front: Arc<Front>) {
        self.0.hold().store.borrow_mut().set_front(front);
    }

    /// Returns a lookup in the table, if it is published to the current thread.
    // A function of its own, without the key: the caller keeps the key in registers.
    #[inline(never)]
    fn begin_read<'a>(
        &self,
        stripes: &'a StripesOf<Unordered<C>>,
    ) -> Option<Reading<'a, TableOf<Unordered<C>>>> {
        match stripes.find() {
            StripeLookup::Table(reading) => Some(reading),
            StripeLookup::NotPublished => None,
            StripeLookup::PublishDue => {
                self.0.publish(stripes);
                None
            }
        }
    }
}

impl<C: CacheTypes> Replicated<C> {
    /// Reads a value from the table that is published to the current thread, and counts a hit there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn read<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Option<R> {
        let reading = self.begin_read(self.0.stripes()?)?;
        let is_served = |meta: &C::Meta| lifecycle.is_surely_fresh(meta, lifecycle.about_now());
        let value = reading.table()?.read(hash, matches, is_served, read)?;
        reading.hit();
        Some(value)
    }
}

impl<C: CacheTypes> Placement for Replicated<C> {
    type Types = Unordered<C>;
    type Lock = ReplicatedLock<State<Unordered<C>>>;

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<R, Epoch> {
        match self.read(hash, &matches, &read, lifecycle) {
            Some(value) => Ok(value),
            None => self.0.lookup(hash, matches, read, lifecycle),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lookup_uncounted<R>(
        &self,
        hash: KeyHash,
        matches: impl Fn(&C::Key) -> bool,
        read: impl Fn(&C::Value) -> R,
        lifecycle: &impl Lifecycle<Unordered<C>>,
    ) -> Result<(R, Freshness), Epoch> {
        match self.read(hash, &matches, &read, lifecycle) {
            Some(value) => Ok((value, Freshness::Fresh)),
            None => self.0.lookup_uncounted(hash, matches, read, lifecycle),
        }
    }

    #[inline]
    fn at<R>(&self, _: KeyHash, f: impl FnOnce(&EngineOf<Self>) -> R) -> R {
        f(&self.0)
    }
}

/// The engine is consistent at every point where user code runs, and therefore after a panic in it.
impl<C: CacheTypes> RefUnwindSafe for Replicated<C> {}
impl<C: CacheTypes> UnwindSafe for Replicated<C> {}

#[cfg(feature = "testing")]
impl<C: CacheTypes<Key: Clone, Value: Clone>> NewLike for Replicated<C> {
    fn new_like(&self) -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

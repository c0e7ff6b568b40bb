//! Mutual exclusion, reentrant per thread as in Python's `RLock`.
//!
//! A thread that holds the lock may take it again, because user code that runs under the lock may call the
//! cache. Changes that a nested call cannot make are deferred in the guarded state ([`Settle`]). The
//! outermost lock holder carries them out when it releases the lock, or the next one if it unwinds.

use core::ops::Deref;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::{Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard};

/// State that may have deferred work of nested calls.
pub(crate) trait Settle {
    /// The user values that the work removes, to be dropped after the lock is released.
    type Leftover;

    /// Returns whether there is no deferred work.
    fn is_settled(&self) -> bool;

    /// Carries out the deferred work, unless an outer call is still reading.
    fn settle(&self) -> Option<Self::Leftover>;
}

/// A lock around the state of an engine.
pub trait Lock<T> {
    /// A guard of the lock. A thread may hold several, if user code can run under the lock and call the
    /// cache.
    type Held<'a>: Deref<Target = T>
    where
        Self: 'a;

    /// Takes the lock, and blocks while another thread holds it.
    fn hold(&self) -> Self::Held<'_>;

    /// Takes the lock, if no other thread holds it.
    fn try_hold(&self) -> Option<Self::Held<'_>>;

    /// Returns the guarded state of a lock under which no user code runs: it is not borrowed, and has no deferred work.
    #[inline]
    fn exclusive<'h>(held: &'h mut Self::Held<'_>) -> Option<&'h mut T> {
        let _ = held;
        None
    }

    /// Returns whether the current thread holds the lock.
    fn is_held(&self) -> bool;

    /// Called by the lock holder at each hit, with the number of hits so far.
    #[inline]
    fn on_hit(&self, hits: u64) {
        let _ = hits;
    }

    /// Called by the lock holder after some hits, of which there is at least one, with the number of hits so far.
    #[inline]
    fn on_hits(&self, hits: u64, count: u64) {
        let _ = count;
        self.on_hit(hits);
    }

    /// Returns the guarded state through an exclusive reference.
    fn get_mut(&mut self) -> &mut T;

    /// Increments a counter without taking the lock, and returns what it was.
    #[inline]
    fn count(counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Relaxed)
    }
}

/// Releases the lock, after carrying out the work that nested calls deferred. The values that it removes are
/// passed to `then` after the release, because a destructor may block on another thread that waits for the
/// lock.
#[inline]
pub(crate) fn release<T: Settle>(held: impl Deref<Target = T>, then: impl FnOnce(T::Leftover)) {
    if held.is_settled() {
        drop(held);
    } else {
        settle_and_release(held, then);
    }
}

#[cold]
#[inline(never)]
fn settle_and_release<T: Settle>(held: impl Deref<Target = T>, then: impl FnOnce(T::Leftover)) {
    let leftover = held.settle();
    drop(held);
    if let Some(leftover) = leftover {
        then(leftover);
    }
}

/// A reentrant mutex. It is never poisoned, because its state is consistent at every point where user code
/// runs.
///
/// It is aligned to a cache line: a call then touches as few lines as possible, wherever the linker places a
/// `static`, and shares none with another cache.
#[repr(align(64))]
pub struct RLock<T>(ReentrantMutex<T>);

impl<T> RLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(ReentrantMutex::new(guarded))
    }
}

impl<T> Lock<T> for RLock<T> {
    type Held<'a>
        = ReentrantMutexGuard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> ReentrantMutexGuard<'_, T> {
        self.0.lock()
    }

    #[inline]
    fn try_hold(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        self.0.try_lock()
    }

    fn is_held(&self) -> bool {
        self.0.is_owned_by_current_thread()
    }

    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// A non-reentrant mutex for callback-free types, at three quarters of the cost of [`RLock`].
#[repr(align(64))]
pub struct PlainLock<T>(Mutex<T>);

impl<T> PlainLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(Mutex::new(guarded))
    }
}

impl<T> Lock<T> for PlainLock<T> {
    type Held<'a>
        = MutexGuard<'a, T>
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    #[inline]
    fn try_hold(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }

    #[inline]
    fn exclusive<'h>(held: &'h mut MutexGuard<'_, T>) -> Option<&'h mut T> {
        Some(held)
    }

    /// Always false: no callback-free code calls the cache while it holds the lock.
    fn is_held(&self) -> bool {
        false
    }

    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// Selects a lock. `CALLBACK_FREE` is true if all code that runs under the lock is callback-free.
pub struct SelectLock<const CALLBACK_FREE: bool>;

/// The selected lock.
pub trait LockSelection {
    /// The lock type for a guarded state.
    type Lock<T>: Lock<T>;
}

impl LockSelection for SelectLock<false> {
    type Lock<T> = RLock<T>;
}

impl LockSelection for SelectLock<true> {
    type Lock<T> = PlainLock<T>;
}

/// The lock type that `CALLBACK_FREE` selects for a guarded state.
pub type LockOf<const CALLBACK_FREE: bool, T> = <SelectLock<CALLBACK_FREE> as LockSelection>::Lock<T>;

/// No lock, for a cache that belongs to one thread.
pub struct Unlocked<T>(T);

impl<T> Unlocked<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(guarded)
    }
}

impl<T> Lock<T> for Unlocked<T> {
    type Held<'a>
        = &'a T
    where
        T: 'a;

    #[inline]
    fn hold(&self) -> &T {
        &self.0
    }

    #[inline]
    fn try_hold(&self) -> Option<&T> {
        Some(&self.0)
    }

    /// Always false: no other thread uses the cache.
    fn is_held(&self) -> bool {
        false
    }

    fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Increments without an atomic addition, because no other thread counts.
    #[inline]
    fn count(counter: &AtomicU64) -> u64 {
        let count = counter.load(Relaxed);
        counter.store(count + 1, Relaxed);
        count
    }
}

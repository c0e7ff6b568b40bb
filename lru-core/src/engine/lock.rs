//! Exclusion, reentrant per thread: Python's `RLock`.
//!
//! A thread that holds the lock may take it again: user code that runs under it can call the
//! cache. What such a nested call cannot change at once is left behind in what is guarded
//! ([`Settle`]). The outermost holder carries it out as it lets go; if it unwinds, the next one does.

use core::fmt;
use core::ops::Deref;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::{Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard};

/// State that may have work left over from nested calls.
pub(crate) trait Settle {
    /// What fell out of the work: user values, to be dropped when the lock is free.
    type Leftover;

    /// Whether there is nothing to carry out.
    fn is_settled(&self) -> bool;

    /// Carries it out, unless somebody up the stack is still reading.
    fn settle(&self) -> Option<Self::Leftover>;
}

/// What keeps threads from each other's way.
pub trait Lock<T> {
    /// What is guarded, for as long as this is there. A thread may hold it more than once, if a user's code can run
    /// under the lock, and call back.
    type Held<'a>: Deref<Target = T>
    where
        Self: 'a;

    /// Waits until no other thread holds the lock, and takes it.
    fn hold(&self) -> Self::Held<'_>;

    /// Takes the lock, if no other thread holds it.
    fn try_hold(&self) -> Option<Self::Held<'_>>;

    /// Whether the current thread keeps others from taking it.
    fn is_held(&self) -> bool;

    /// Notes that there have been so many hits, by who holds it.
    #[inline]
    fn have_hit(&self, hits: u64) {
        let _ = hits;
    }

    /// What is guarded, by whom nobody shares it with.
    fn get_mut(&mut self) -> &mut T;

    /// Counts one more, without taking the lock.
    #[inline]
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }
}

/// Lets go, and carries out what nested calls left to be done. What falls out of that goes to
/// `then`, when the lock is free: a destructor may wait for another thread that wants it.
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

/// A reentrant mutex. Never poisoned: what it guards is whole at every point where user code runs.
///
/// It begins a cache line: what a call reads and writes then lies in as few lines as can be,
/// wherever the linker puts a `static`, and in none that another cache writes to.
#[derive(Debug)]
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

/// A mutex that is not reentrant, where nobody calls back: three quarters of what [`RLock`] costs.
#[derive(Debug)]
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

    /// Never: who holds it asks nothing.
    fn is_held(&self) -> bool {
        false
    }

    fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// The choice of a lock, by whether all that runs under it is `QUIET`: calls nobody back.
#[derive(Debug)]
pub struct Quietly<const QUIET: bool>;

/// What is chosen.
pub trait Locking {
    /// A lock of what is guarded.
    type Lock<T>: Lock<T>;
}

impl Locking for Quietly<false> {
    type Lock<T> = RLock<T>;
}

impl Locking for Quietly<true> {
    type Lock<T> = PlainLock<T>;
}

/// The lock that is chosen.
pub type LockOf<const QUIET: bool, T> = <Quietly<QUIET> as Locking>::Lock<T>;

/// No lock, for what one thread has for itself.
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

    /// There is nobody to be kept.
    fn is_held(&self) -> bool {
        false
    }

    fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// Without an atomic addition: no other thread counts.
    #[inline]
    fn count(counter: &AtomicU64) {
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }
}

impl<T> fmt::Debug for Unlocked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked").finish_non_exhaustive()
    }
}

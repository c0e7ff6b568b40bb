//! Exclusion, reentrant per thread: Python's `RLock`.
//!
//! A thread that holds the lock may take it again: user code that runs under it can call the
//! cache. What such a nested call cannot change at once is left behind in what is guarded
//! ([`Settle`]). The outermost holder carries it out as it lets go; if it unwinds, the next one does.

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

/// State that may have work left over from nested calls.
pub(crate) trait Settle {
    /// What fell out of the work: user values, to be dropped when the lock is free.
    type Leftover;

    /// Whether there is nothing to carry out.
    fn is_settled(&self) -> bool;

    /// Carries it out, unless somebody up the stack is still reading.
    fn settle(&self) -> Option<Self::Leftover>;
}

/// The lock, held until this is dropped or [released](RLock::release).
pub(crate) type Held<'a, T> = ReentrantMutexGuard<'a, T>;

/// A reentrant mutex. Never poisoned: what it guards is whole at every point where user code runs.
///
/// It begins a cache line: what a call reads and writes then lies in as few lines as can be,
/// wherever the linker puts a `static`, and in none that another cache writes to.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct RLock<T>(ReentrantMutex<T>);

impl<T: Settle> RLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(ReentrantMutex::new(guarded))
    }

    /// What is guarded, by whom nobody shares it with.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// Waits until no other thread holds the lock, and takes it.
    #[inline]
    pub(crate) fn hold(&self) -> Held<'_, T> {
        self.0.lock()
    }

    /// Whether the current thread holds the lock.
    pub(crate) fn is_held(&self) -> bool {
        self.0.is_owned_by_current_thread()
    }

    /// Lets go, and carries out what nested calls left to be done. What falls out of that goes to
    /// `then`, when the lock is free: a destructor may wait for another thread that wants it.
    #[inline]
    pub(crate) fn release(held: Held<'_, T>, then: impl FnOnce(T::Leftover)) {
        if held.is_settled() {
            drop(held);
        } else {
            Self::settle_and_release(held, then);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_and_release(held: Held<'_, T>, then: impl FnOnce(T::Leftover)) {
        let leftover = held.settle();
        drop(held);
        if let Some(leftover) = leftover {
            then(leftover);
        }
    }
}

//! Exclusion, reentrant per thread: Python's `RLock`.
//!
//! A thread that holds the lock may take it again: user code that runs under it can call the
//! cache. What such a nested call cannot change at once is left behind in what is guarded
//! ([`Settle`]), and the outermost holder carries it out as it lets go, also when it unwinds.

use core::ops::Deref;

use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

/// State that may have work left over from nested calls.
pub(crate) trait Settle {
    /// What fell out of the work: user values, to be dropped when the lock is free.
    type Leftover;

    /// Whether there is anything to carry out.
    fn is_settled(&self) -> bool;

    /// Carries it out, unless somebody up the stack is still reading.
    fn settle(&self) -> Option<Self::Leftover>;
}

/// A reentrant mutex. Never poisoned: what it guards is whole at every point where user code runs.
#[derive(Debug)]
pub(crate) struct RLock<T>(ReentrantMutex<T>);

impl<T: Settle> RLock<T> {
    pub(crate) const fn new(guarded: T) -> Self {
        Self(ReentrantMutex::new(guarded))
    }

    /// Waits until no other thread holds the lock, and takes it.
    #[inline]
    pub(crate) fn hold(&self) -> Held<'_, T> {
        Held(Some(self.0.lock()))
    }
}

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'a, T: Settle>(Option<ReentrantMutexGuard<'a, T>>);

impl<T: Settle> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect("the guard is taken only on drop")
    }
}

impl<T: Settle> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_settled() {
            self.settle_and_release();
        }
    }
}

impl<T: Settle> Held<'_, T> {
    /// Lets go. The same as dropping it, which the compiler does not inline.
    #[inline]
    pub(crate) fn release(mut self) {
        if self.is_settled() {
            let guard = self.0.take();
            core::mem::forget(self);
            drop(guard);
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_and_release(&mut self) {
        let leftover = self.settle();
        // Unlock first: a destructor may wait for another thread that wants this lock.
        self.0 = None;
        drop(leftover);
    }
}

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What bodies were called with.
pub(crate) struct Asked<T>(Mutex<Vec<T>>);

impl<T: Debug + PartialEq> Asked<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn add(&self, asked: T) {
        self.0.lock().unwrap().push(asked);
    }

    /// Returns what was asked since the last time.
    #[track_caller]
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Held while a test runs whose calls wait for each other: exclusively by one that advances the time of all of them.
static TIME: RwLock<()> = RwLock::new(());

/// Lets no other test advance the time.
pub(crate) fn in_time() -> RwLockReadGuard<'static, ()> {
    TIME.read().unwrap_or_else(PoisonError::into_inner)
}

/// Lets no other test that depends on the time run.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    TIME.write().unwrap_or_else(PoisonError::into_inner)
}

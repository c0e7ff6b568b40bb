//! The stale value that a lookup in a backend has found, for a body that takes it: `#[previous]`.

use parking_lot::Mutex;

use crate::backend::BackendError;
use crate::function::call::strictness::{Lenient, Strict, Strictness};
use crate::function::result_policy::ResultPolicy;

/// What the lookup of a call has found and does not serve.
#[derive(Debug, Default)]
pub struct FoundStale<V>(Mutex<Option<V>>);

impl<V> FoundStale<V> {
    /// Creates a note of a lookup that is to come.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Takes the value that was found.
    pub fn take(&self) -> Option<V> {
        self.0.lock().take()
    }
}

/// What a call does if its backend fails, and with a stale result that its lookup has found.
pub trait NotesStale<R, O>: Strictness<R> {
    /// Whether it does.
    const NOTES: bool = false;

    /// Notes the result.
    #[inline]
    fn note(self, _: &R, _: O) {}
}

impl<R, O> NotesStale<R, O> for Lenient {}

impl<R, O> NotesStale<R, O> for Strict where Self: Strictness<R> {}

/// The strictness of a call that notes stale results.
#[derive(Debug)]
pub struct Noting<'f, T, V> {
    pub(super) strictness: T,
    pub(super) found: &'f FoundStale<V>,
}

impl<T: Copy, V> Clone for Noting<'_, T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, V> Copy for Noting<'_, T, V> {}

impl<R, T: Strictness<R>, V> Strictness<R> for Noting<'_, T, V> {
    fn instead(self, error: BackendError) -> Option<R> {
        self.strictness.instead(error)
    }
}

impl<R, O, T> NotesStale<R, O> for Noting<'_, T, O::Value>
where
    O: ResultPolicy<R, Value: Clone>,
    T: Strictness<R>,
{
    const NOTES: bool = true;

    fn note(self, result: &R, policy: O) {
        // Cloned before the lock is taken, and dropped after it is released.
        let value = policy.value(result).cloned();
        let former = core::mem::replace(&mut *self.found.0.lock(), value);
        drop(former);
    }
}

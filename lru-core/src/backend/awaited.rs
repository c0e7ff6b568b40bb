//! The backend of an `async` function, in its `static`.

use core::ops::Deref;

/// A reference to an [`AsyncBackend`](super::AsyncBackend) in a `static`. A type without a lifetime: the compiler cannot tell that a future
/// with a `&'static` reference in it is `Send`, if that depends on a bound of the reference.
pub struct Awaited<B: 'static>(&'static B);

impl<B> Awaited<B> {
    pub(crate) fn new(backend: &'static B) -> Self {
        Self(backend)
    }
}

impl<B> Clone for Awaited<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Awaited<B> {}

impl<B> Deref for Awaited<B> {
    type Target = B;

    fn deref(&self) -> &B {
        self.0
    }
}

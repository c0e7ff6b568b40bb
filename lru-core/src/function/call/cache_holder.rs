//! The argument that holds the cache object, where the function takes it by value.
//!
//! The call reads the cache in it before and after the body, so the body gets another one.

/// An argument that holds a cache object, and of which a call and the body can each have one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds the cache, and the function takes it by value; take it by reference, or make it `Clone`, as an `Arc` is",
    label = "the call needs one of its own"
)]
pub trait CacheHolder: Sized {
    #[doc(hidden)]
    fn __another(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CacheHolder for T {
    #[inline]
    fn __another(&self) -> Self {
        self.clone()
    }
}

/// Returns another holder of the same cache, for the body.
#[inline]
pub fn another<T: CacheHolder>(holder: &T) -> T {
    holder.__another()
}

/// A `self` that holds a cache object, and that stays with the call when the body takes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds the cache, and the method takes it by value; take `&self`, or with a `self` that is `Clone`, remove `accessors = none`",
    label = "the call needs one of its own"
)]
pub trait CopiedHolder: Copy {}

#[diagnostic::do_not_recommend]
impl<T: Copy> CopiedHolder for T {}

/// Asks whether the body of a method without accessors can take its own `self`.
#[inline]
pub fn copied<T: CopiedHolder>(_: &T) {}

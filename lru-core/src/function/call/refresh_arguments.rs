//! Copies of a call's arguments, for a refresh or a detached computation that outlives the call.
//!
//! Generated code calls the functions of the traits themselves: the compiler's error about an argument then says nothing of the
//! bound of another function.

use core::borrow::Borrow;
use std::borrow::ToOwned;

/// An argument that can be copied for a refresh.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: an argument of type `{Self}` cannot be copied for the background",
    label = "`swr` needs `Clone + Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait CloneForRefresh: Sized {
    /// Returns a copy of the argument.
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> CloneForRefresh for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// A type behind a reference that can be copied for a refresh.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: a reference to `{Self}` cannot be copied for the background",
    label = "`swr` needs an owned form that is `Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait ToOwnedForRefresh<C> {
    /// Returns an owned copy.
    fn copied(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> ToOwnedForRefresh<C> for T {
    fn copied(&self) -> C {
        self.to_owned()
    }
}

/// An argument that can be copied for a detached computation.
#[diagnostic::on_unimplemented(
    message = "`detach` cannot run this apart from its caller: an argument of type `{Self}` cannot be copied for the task",
    label = "`detach` needs `Clone + Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait CloneForTask: Sized {
    /// Returns a copy of the argument.
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> CloneForTask for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// A type behind a reference that can be copied for a detached computation.
#[diagnostic::on_unimplemented(
    message = "`detach` cannot run this apart from its caller: a reference to `{Self}` cannot be copied for the task",
    label = "`detach` needs an owned form that is `Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait ToOwnedForTask<C> {
    /// Returns an owned copy.
    fn copied(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> ToOwnedForTask<C> for T {
    fn copied(&self) -> C {
        self.to_owned()
    }
}

/// An argument that can be copied for a computation in the background.
#[diagnostic::on_unimplemented(
    message = "`stale_if_slow` cannot run this in the background: an argument of type `{Self}` cannot be copied",
    label = "`stale_if_slow` needs `Clone + Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait CloneForBackground: Sized {
    /// Returns a copy of the argument.
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> CloneForBackground for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// A type behind a reference that can be copied for a computation in the background.
#[diagnostic::on_unimplemented(
    message = "`stale_if_slow` cannot run this in the background: a reference to `{Self}` cannot be copied",
    label = "`stale_if_slow` needs an owned form that is `Send + 'static` of every parameter",
    note = "derive `Clone`, or take an `Arc` of it; this holds for `self`, and for parameters that are no part of the key, too"
)]
pub trait ToOwnedForBackground<C> {
    /// Returns an owned copy.
    fn copied(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> ToOwnedForBackground<C> for T {
    fn copied(&self) -> C {
        self.to_owned()
    }
}

/// Returns the copy as a reference, as the function takes it.
pub fn as_borrowed<T: ?Sized>(copy: &impl Borrow<T>) -> &T {
    copy.borrow()
}

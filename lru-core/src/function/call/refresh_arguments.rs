//! Copies of a call's arguments, for a refresh or a detached computation that outlives the call.

use core::borrow::Borrow;
use std::borrow::ToOwned;

/// An argument that can be copied for a refresh.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: an argument of type `{Self}` cannot be copied for the background",
    label = "`swr` needs `Clone + Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait CloneForRefresh: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> CloneForRefresh for T {}

/// A type behind a reference that can be copied for a refresh.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: a reference to `{Self}` cannot be copied for the background",
    label = "`swr` needs an owned form that is `Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait ToOwnedForRefresh<C> {
    /// Returns an owned copy.
    fn to_owned_for_refresh(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> ToOwnedForRefresh<C> for T {
    fn to_owned_for_refresh(&self) -> C {
        self.to_owned()
    }
}

/// An argument that can be copied for a detached computation.
#[diagnostic::on_unimplemented(
    message = "`detach` cannot run this apart from its caller: an argument of type `{Self}` cannot be copied for the task",
    label = "`detach` needs `Clone + Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait CloneForTask: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> CloneForTask for T {}

/// A type behind a reference that can be copied for a detached computation.
#[diagnostic::on_unimplemented(
    message = "`detach` cannot run this apart from its caller: a reference to `{Self}` cannot be copied for the task",
    label = "`detach` needs an owned form that is `Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait ToOwnedForTask<C> {
    /// Returns an owned copy.
    fn to_owned_for_task(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> ToOwnedForTask<C> for T {
    fn to_owned_for_task(&self) -> C {
        self.to_owned()
    }
}

/// An argument of the call, of which a refresh or a detached computation needs a copy.
pub struct Original<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Original<'_, T> {
    /// Returns a copy of the argument.
    pub fn clone_for_refresh(&self) -> T
    where
        T: CloneForRefresh,
    {
        self.0.clone()
    }

    /// Returns a copy of the argument.
    pub fn clone_for_task(&self) -> T
    where
        T: CloneForTask,
    {
        self.0.clone()
    }

    /// Returns an owned copy of the argument's referent.
    pub fn to_owned_for_task<C>(&self) -> C
    where
        T: ToOwnedForTask<C>,
    {
        self.0.to_owned_for_task()
    }

    /// Returns an owned copy of the argument's referent.
    pub fn to_owned_for_refresh<C>(&self) -> C
    where
        T: ToOwnedForRefresh<C>,
    {
        self.0.to_owned_for_refresh()
    }
}

/// Returns the copy as a reference, as the function takes it.
pub fn as_borrowed<T: ?Sized>(copy: &impl Borrow<T>) -> &T {
    copy.borrow()
}

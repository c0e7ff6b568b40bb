//! Between which threads a cache is shared: markers for the three cases, and the bounds on what each can store.

use core::any::Any;
use std::boxed::Box;

/// Marks a cache in a `static`, shared by all threads.
#[derive(Clone, Copy, Debug)]
pub struct Shared;

/// Marks a cache in a thread-local (`scope = thread`).
#[derive(Clone, Copy, Debug)]
pub struct Thread;

/// Marks a cache object (`cache = …`), whose lifetime and thread safety follow from its contents.
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// Like [`Shared`], for an argument whose type visibly borrows: no clone of it can be stored.
#[derive(Clone, Copy, Debug)]
pub struct LentShared;

/// Like [`Thread`], for an argument whose type visibly borrows.
#[derive(Clone, Copy, Debug)]
pub struct LentThread;

/// Implemented by the markers of caches that store a clone of an argument.
///
/// The choice by type cannot ask for `'static`: it would choose the clone of a borrow, which outlives no call.
pub trait StoresClones {}

impl StoresClones for Shared {}
impl StoresClones for Thread {}
impl StoresClones for Local {}

/// Implemented by each marker for the types that its cache can store.
pub trait Stores<T> {}

impl<T: Send + Sync + 'static> Stores<T> for Shared {}
impl<T: 'static> Stores<T> for Thread {}
impl<T> Stores<T> for Local {}
impl<T: Send + Sync + 'static> Stores<T> for LentShared {}
impl<T: 'static> Stores<T> for LentThread {}

/// Like [`Stores`], but without the bound `'static`.
pub trait Accepts<T: ?Sized> {}

impl<T: Send + Sync + ?Sized> Accepts<T> for Shared {}
impl<T: ?Sized> Accepts<T> for Thread {}
impl<T: ?Sized> Accepts<T> for Local {}
impl<T: Send + Sync + ?Sized> Accepts<T> for LentShared {}
impl<T: ?Sized> Accepts<T> for LentThread {}

/// Type erasure: boxes for values whose type the cache cannot name.
pub trait Erasure: Copy {
    /// The erased type of the boxed value.
    type Any: ?Sized + 'static;

    /// Returns the boxed value for downcasting.
    fn any(contents: &Self::Any) -> &dyn Any;
}

/// Implemented by each marker for the types that it can erase.
pub trait Erases<T>: Erasure {
    /// Moves a value into a box.
    fn boxed(contents: T) -> Box<Self::Any>;
}

impl Erasure for Shared {
    type Any = dyn Any + Send + Sync;

    #[inline]
    fn any(contents: &Self::Any) -> &dyn Any {
        contents
    }
}

impl<T: Send + Sync + 'static> Erases<T> for Shared {
    #[inline]
    fn boxed(contents: T) -> Box<Self::Any> {
        Box::new(contents)
    }
}

impl Erasure for Thread {
    type Any = dyn Any;

    #[inline]
    fn any(contents: &dyn Any) -> &dyn Any {
        contents
    }
}

impl<T: 'static> Erases<T> for Thread {
    #[inline]
    fn boxed(contents: T) -> Box<dyn Any> {
        Box::new(contents)
    }
}

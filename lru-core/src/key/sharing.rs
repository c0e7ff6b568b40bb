//! Which threads a cache is shared between, and what can be kept in it.

use core::any::Any;
use std::boxed::Box;

/// Where a cache lies: in a `static`, where all threads share it.
#[derive(Clone, Copy, Debug)]
pub struct Shared;

/// Where a cache lies: in a thread-local, where no other thread sees it.
#[derive(Clone, Copy, Debug)]
pub struct Thread;

/// Where a cache lies: in an object, which lives as long and goes where its contents let it.
#[derive(Clone, Copy, Debug)]
pub struct Local;

/// What can be kept where the cache lies.
pub trait Stores<T> {}

impl<T: Send + Sync + 'static> Stores<T> for Shared {}
impl<T: 'static> Stores<T> for Thread {}
impl<T> Stores<T> for Local {}

/// What may lie in a cache, if it borrows nothing.
pub trait Accepts<T: ?Sized> {}

impl<T: Send + Sync + ?Sized> Accepts<T> for Shared {}
impl<T: ?Sized> Accepts<T> for Thread {}

/// What is kept in a box, where a cache can't name its type.
pub trait Erasure: Copy {
    /// In such a box.
    type Any: ?Sized + 'static;

    /// What is in it, to be asked for its type.
    fn any(contents: &Self::Any) -> &dyn Any;
}

/// Which types may go into such a box.
pub trait Erases<T>: Erasure {
    /// Puts it there.
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

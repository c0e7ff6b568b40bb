//! How the followers of a flight receive a result that is not stored.

use core::any::Any;
use std::boxed::Box;

use super::select::SelectPolicy;

/// How followers receive a result of the leader that is not stored.
pub trait Sharing<R>: Copy {
    /// Whether followers receive clones of the result.
    const COPIES: bool = false;

    /// Clones the result for the followers; `None` if it cannot be cloned.
    fn pack(self, _result: &R) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    /// Clones the result for one follower.
    fn unpack(self, _packed: &(dyn Any + Send + Sync)) -> Option<R> {
        None
    }
}

/// Each follower receives a clone.
#[derive(Clone, Copy, Debug)]
pub struct CloneResult;

impl<R: Clone + Send + Sync + 'static> Sharing<R> for CloneResult {
    const COPIES: bool = true;

    fn pack(self, result: &R) -> Option<Box<dyn Any + Send + Sync>> {
        Some(Box::new(result.clone()))
    }

    fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R> {
        packed.downcast_ref().cloned()
    }
}

/// The followers compute, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Recompute;

impl<R> Sharing<R> for Recompute {}

/// Selects [`CloneResult`] for a result that can be cloned for other threads.
pub trait ByClone {
    /// Returns the selected way.
    fn __sharing(&self) -> CloneResult;
}

impl<R: Clone + Send + Sync + 'static, S> ByClone for &SelectPolicy<R, S> {
    fn __sharing(&self) -> CloneResult {
        CloneResult
    }
}

/// Selects [`Recompute`] for any other result.
pub trait ByRecompute {
    /// Returns the selected way.
    fn __sharing(&self) -> Recompute;
}

impl<R, S> ByRecompute for SelectPolicy<R, S> {
    fn __sharing(&self) -> Recompute {
        Recompute
    }
}

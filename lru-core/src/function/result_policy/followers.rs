//! How the followers of a flight come by a result that is not stored.

use core::any::Any;
use std::boxed::Box;

use super::select::SelectPolicy;

/// How those who wait for a result that is not kept come by it.
pub trait Sharing<R>: Copy {
    /// Whether it can be copied for them.
    const COPIES: bool;

    /// A copy for them; `None` where there can be none.
    fn pack(self, result: &R) -> Option<Box<dyn Any + Send + Sync>>;

    /// A copy for one of them.
    fn unpack(self, packed: &(dyn Any + Send + Sync)) -> Option<R>;
}

/// It is copied.
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

/// They compute for themselves, in turn.
#[derive(Clone, Copy, Debug)]
pub struct Recompute;

impl<R> Sharing<R> for Recompute {
    const COPIES: bool = false;

    fn pack(self, _: &R) -> Option<Box<dyn Any + Send + Sync>> {
        None
    }

    fn unpack(self, _: &(dyn Any + Send + Sync)) -> Option<R> {
        None
    }
}

/// Where all of a result can be copied for others.
pub trait ByCopy {
    /// Says so.
    fn __sharing(&self) -> CloneResult;
}

impl<R: Clone + Send + Sync + 'static, S> ByCopy for &SelectPolicy<R, S> {
    fn __sharing(&self) -> CloneResult {
        CloneResult
    }
}

/// Where it can't.
pub trait ByTurns {
    /// Says so.
    fn __sharing(&self) -> Recompute;
}

impl<R, S> ByTurns for SelectPolicy<R, S> {
    fn __sharing(&self) -> Recompute {
        Recompute
    }
}

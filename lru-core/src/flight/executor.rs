//! Where stale results are refreshed: on a thread of the cache's own, or as a task of an executor.

use core::future::Future;
use core::pin::Pin;
use std::boxed::Box;

/// A task that refreshes one result.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor on which stale results of async functions are refreshed: `spawn = …`.
///
/// With the feature `tokio`, `Tokio` is there, and is used where nothing else is said. Any function
/// that takes a [`Task`] is one as well.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::{Spawn, Task};
///
/// struct Local;
///
/// impl Spawn for Local {
///     fn spawn(&self, task: Task) -> Result<(), Task> {
///         // `std::thread` stands for an executor, which might not be running:
///         Err(task)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` runs no tasks",
    label = "expected a `functools::Spawn`, or a function that takes a `functools::Task`"
)]
pub trait Spawn {
    /// Runs `task` to its end, beside the caller.
    ///
    /// # Errors
    ///
    /// Gives it back where nothing can run it now. It is then awaited by the call that found the stale
    /// result, which so returns the fresh one.
    fn spawn(&self, task: Task) -> Result<(), Task>;
}

#[diagnostic::do_not_recommend]
impl<F: Fn(Task)> Spawn for F {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self(task);
        Ok(())
    }
}

/// The runtime of tokio on which the caller runs.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl Spawn for Tokio {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return Err(task) };
        drop(runtime.spawn(task));
        Ok(())
    }
}

/// Where tasks run if nobody says: on tokio, if it is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultSpawn;

impl Spawn for DefaultSpawn {
    #[cfg(feature = "tokio")]
    fn spawn(&self, task: Task) -> Result<(), Task> {
        Tokio.spawn(task)
    }

    #[cfg(not(feature = "tokio"))]
    fn spawn(&self, task: Task) -> Result<(), Task> {
        Err(task)
    }
}

//! Executors on which async functions refresh stale results, and run detached computations.

use core::future::Future;
use core::pin::Pin;
use std::boxed::Box;

/// The future of a background refresh of one stale result, or of a detached computation (`detach = true`).
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor on which an `async fn` refreshes its stale results (stale-while-revalidate), and runs detached
/// computations: `spawn = …`.
///
/// The trait is implemented for every function that takes a [`Task`]. With the feature `tokio` it is also
/// implemented for `Tokio`, which is then the default.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::refresh::{Spawn, Task};
///
/// struct Local;
///
/// impl Spawn for Local {
///     fn spawn(&self, task: Task) -> Result<(), Task> {
///         // An executor that is not running cannot take the task:
///         Err(task)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Spawn`",
    label = "expected a `functools::refresh::Spawn`, or a function that takes a `functools::refresh::Task`"
)]
pub trait Spawn {
    /// Starts `task` and returns at once: the task runs concurrently with the caller.
    ///
    /// # Errors
    ///
    /// Returns the task if the executor cannot run it now. The call then awaits it, and returns the fresh
    /// result.
    fn spawn(&self, task: Task) -> Result<(), Task>;
}

#[diagnostic::do_not_recommend]
impl<F: Fn(Task)> Spawn for F {
    fn spawn(&self, task: Task) -> Result<(), Task> {
        self(task);
        Ok(())
    }
}

/// An executor that spawns refreshes on the tokio runtime of the caller (feature `tokio`).
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

/// The executor of functions without `spawn = …`: tokio with the feature `tokio`, otherwise none.
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

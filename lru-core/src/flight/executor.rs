//! Where stale results are refreshed: on a thread of the cache's own, or as a task of an executor.

use core::borrow::Borrow;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::VecDeque;
use std::string::String;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use crate::engine::placement::Placement;
use crate::flight::catch::contained;
use crate::function::call::coalesced::RefreshClaim;

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

type Job = Box<dyn FnOnce() + Send>;

/// A thread that is there while there is something to refresh.
#[derive(Default)]
pub(crate) struct Background {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_worked_on: bool,
}

impl Background {
    /// Runs `job` on the thread, one after the other; in place if there can be no thread.
    fn run(self: &Arc<Self>, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.is_worked_on {
            return;
        }
        queue.is_worked_on = true;
        drop(queue);
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name(String::from("functools-refresh"));
        if thread.spawn(move || this.work()).is_err() {
            self.work();
        }
    }

    fn work(&self) {
        loop {
            let mut queue = self.queue.lock();
            let Some(job) = queue.jobs.pop_front() else {
                queue.is_worked_on = false;
                return;
            };
            drop(queue);
            // If it panics, it has given its claim back.
            contained(job);
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

impl<E: Placement, S, O> RefreshClaim<E, S, O> {
    /// Runs `refresh` on the thread of this cache.
    pub fn in_background(self, refresh: impl FnOnce(Self) + Send + 'static)
    where
        Self: Send + 'static,
    {
        let background = self.boarding.calls.engines.first(|engine| Arc::clone(engine.background()));
        background.run(Box::new(move || refresh(self)));
    }

    /// Has `executor` run what `refresh` makes. What it does not take is handed back, to be awaited here.
    pub fn spawned<F>(self, executor: &impl Spawn, refresh: impl FnOnce(Self) -> F) -> Option<Task>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        executor.spawn(Box::pin(refresh(self))).err()
    }
}

/// An argument that a refresh can have a copy of.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: an argument of type `{Self}` cannot be copied for the background",
    label = "`swr` needs `Clone + Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait Carried: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Carried for T {}

/// What is behind a reference that a refresh can have a copy of.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: a reference to `{Self}` cannot be copied for the background",
    label = "`swr` needs an owned form that is `Send + 'static` of every parameter",
    note = "so does a parameter that is no part of the key, and `self`"
)]
pub trait CarriedBehind<C> {
    /// Makes it.
    fn copied(&self) -> C;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned = C> + ?Sized, C: Send + 'static> CarriedBehind<C> for T {
    fn copied(&self) -> C {
        self.to_owned()
    }
}

/// An argument, to be copied for a refresh.
#[derive(Debug)]
pub struct Original<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Original<'_, T> {
    /// A copy of it.
    pub fn carried(&self) -> T
    where
        T: Carried,
    {
        self.0.clone()
    }

    /// A copy of what it refers to.
    pub fn carried_behind<C>(&self) -> C
    where
        T: CarriedBehind<C>,
    {
        self.0.copied()
    }
}

/// The copy as the function takes it.
pub fn lent<T: ?Sized>(copy: &impl Borrow<T>) -> &T {
    copy.borrow()
}

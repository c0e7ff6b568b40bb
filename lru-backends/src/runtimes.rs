//! The async connections to one server: one per tokio runtime, which all tasks of the runtime share.
//!
//! Invariant: no connection is closed to make room for another, and there are at most [`MAX_RUNTIMES`] and one. Tasks of
//! further runtimes share the one that belongs to the runtime of this library.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use lru_core::backend::ErrorKind;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;

use crate::connection_pool::lock;
use crate::error::ClientError;

/// How many tokio runtimes have a connection of their own at a time: a process has one or a few, or one for each thread.
/// A server accepts 10,000 clients (Redis) or 1,024 (Memcached) by default, of all processes together.
const MAX_RUNTIMES: usize = 128;

/// The places for connections, by runtime.
pub(crate) struct Runtimes<P>(Arc<Mutex<Places<P>>>);

struct Places<P> {
    own: Vec<Own<P>>,
    shared: P,
}

/// The place of a runtime.
struct Own<P> {
    runtime: Id,
    place: P,
    /// Its drop ends the task that waits for the end of the runtime.
    _task: oneshot::Sender<()>,
}

/// To which runtime a connection belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// That of the task.
    Own,
    /// That of this library: open the connection [within](crate::background::within) it.
    Shared,
}

impl<P: Default + Send + 'static> Runtimes<P> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Places { own: Vec::new(), shared: P::default() })))
    }

    /// Runs a closure with the place of the current runtime, which has this id. It is locked meanwhile, so closures are short.
    pub(crate) fn with<T>(&self, runtime: Id, run: impl FnOnce(&mut P, Home) -> T) -> T {
        self.with_at_most(MAX_RUNTIMES, runtime, run)
    }

    fn with_at_most<T>(&self, most: usize, runtime: Id, run: impl FnOnce(&mut P, Home) -> T) -> T {
        let mut places = lock(&self.0);
        if let Some(own) = places.own.iter_mut().find(|own| own.runtime == runtime) {
            return run(&mut own.place, Home::Own);
        }
        if places.own.len() >= most {
            return run(&mut places.shared, Home::Shared);
        }
        let mut place = P::default();
        let done = run(&mut place, Home::Own);
        let (task, dropped) = oneshot::channel();
        places.own.push(Own { runtime, place, _task: task });
        drop(places);
        let leave = Leave { places: Arc::downgrade(&self.0), runtime };
        // A runtime drops its tasks when it ends; one that is ending, at once.
        tokio::spawn(async move {
            let _leave = leave;
            _ = dropped.await;
        });
        done
    }
}

impl<P> fmt::Debug for Runtimes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtimes").finish_non_exhaustive()
    }
}

/// Removes the place of a runtime when it ends.
struct Leave<P> {
    places: Weak<Mutex<Places<P>>>,
    runtime: Id,
}

impl<P> Drop for Leave<P> {
    fn drop(&mut self) {
        let Some(places) = self.places.upgrade() else { return };
        let mut places = lock(&places);
        let at = places.own.iter().position(|own| own.runtime == self.runtime);
        let own = at.map(|at| places.own.swap_remove(at));
        drop(places);
        drop(own);
    }
}

/// Returns the tokio runtime of the current task.
pub(crate) fn current_runtime() -> Result<Id, ClientError> {
    let handle = Handle::try_current();
    Ok(handle.map_err(|error| ClientError::answered(ErrorKind::Configuration, error))?.id())
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    /// Adds one to the place of a runtime, and returns its number and whose it is.
    fn count(runtimes: &Runtimes<u32>, runtime: &Runtime) -> (u32, Home) {
        let _entered = runtime.enter();
        runtimes.with_at_most(2, current_runtime().unwrap(), |place, home| {
            *place += 1;
            (*place, home)
        })
    }

    #[test]
    fn a_runtime_has_a_place_until_it_ends_and_further_ones_share_one() {
        let runtimes = Runtimes::new();
        let [first, second, third, fourth] = [(); 4].map(|()| Builder::new_current_thread().build().unwrap());
        assert_eq!([&first, &second].map(|of| count(&runtimes, of)), [(1, Home::Own); 2]);
        assert_eq!(count(&runtimes, &third), (1, Home::Shared));
        assert_eq!(count(&runtimes, &fourth), (2, Home::Shared));
        assert_eq!([&first, &second].map(|of| count(&runtimes, of)), [(2, Home::Own); 2]);
        drop(first);
        assert_eq!(count(&runtimes, &fourth), (1, Home::Own));
        assert_eq!(count(&runtimes, &second), (3, Home::Own));
        assert_eq!(count(&runtimes, &third), (3, Home::Shared));
    }

    #[test]
    fn tasks_of_a_runtime_end_with_the_places() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let runtimes = Runtimes::new();
        count(&runtimes, &runtime);
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        drop(runtimes);
        runtime.block_on(async {
            while runtime.metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        });
    }
}

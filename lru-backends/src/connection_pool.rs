//! A pool of idle connections, and the runtime that an async one belongs to.

#[cfg(feature = "redis")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru_core::backend::ErrorKind;
use tokio::runtime;

use crate::error::ClientError;

/// How many idle connections are kept. When the pool is full, the one that was idle longest is closed.
#[cfg(feature = "redis")]
const MAX_IDLE: usize = 32;

/// Idle connections, each with the scope in which it can be used: a connection of tokio belongs to one runtime.
#[cfg(feature = "redis")]
#[derive(Debug)]
pub(crate) struct ConnectionPool<C, Scope = ()>(Mutex<Vec<(Scope, C)>>);

#[cfg(feature = "redis")]
impl<C, Scope: PartialEq> ConnectionPool<C, Scope> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Takes the connection that was used last.
    pub(crate) fn take(&self, scope: &Scope) -> Option<C> {
        let mut idle = self.idle();
        let last = idle.iter().rposition(|(of, _)| of == scope)?;
        Some(idle.remove(last).1)
    }

    /// Returns a connection to the pool.
    pub(crate) fn put(&self, scope: Scope, connection: C) {
        let mut idle = self.idle();
        let oldest = (idle.len() >= MAX_IDLE).then(|| idle.remove(0));
        idle.push((scope, connection));
        drop(idle);
        drop(oldest);
    }

    /// Closes all connections: when one is found broken, the older ones are broken too.
    pub(crate) fn clear(&self) {
        let closed = std::mem::take(&mut *self.idle());
        drop(closed);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Scope, C)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the tokio runtime of the current task.
pub(crate) fn current_runtime() -> Result<runtime::Id, ClientError> {
    let handle = runtime::Handle::try_current();
    Ok(handle.map_err(|error| ClientError::answered(ErrorKind::Configuration, error))?.id())
}

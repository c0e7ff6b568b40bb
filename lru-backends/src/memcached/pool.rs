//! The blocking connections of a server, shared by all functions and threads.
//!
//! Invariant: there are never more connections than the limit. A thread that finds none idle, and none to be opened, waits
//! for one until its deadline.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::connection::Blocking;

/// A bounded pool of connections.
#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Blocking>,
    /// How many connections there are, idle or in use.
    open: usize,
}

/// The right to have one connection: it is in use, or is being opened.
#[derive(Debug)]
pub(super) struct Slot<'p> {
    pool: &'p Pool,
    /// An idle connection, if there was one.
    pub(super) connection: Option<Blocking>,
}

impl Pool {
    /// Takes the connection that was used last, or the right to open one.
    pub(super) fn take(&self, limit: usize, deadline: Instant) -> io::Result<Slot<'_>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_full = |state: &mut State| state.idle.is_empty() && state.open >= limit;
        let waited = self.freed.wait_timeout_while(self.state(), left, is_full);
        let (mut state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "all connections are in use"));
        }
        let connection = state.idle.pop();
        state.open += usize::from(connection.is_none());
        Ok(Slot { pool: self, connection })
    }

    /// Closes all idle connections: when one is found broken, the older ones are broken too.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        let closed = std::mem::take(&mut state.idle);
        state.open -= closed.len();
        drop(state);
        drop(closed);
        self.freed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot<'_> {
    /// Returns a connection to the pool.
    pub(super) fn put(self, connection: Blocking) {
        let pool = self.pool;
        // The slot of this connection stays taken.
        let mut state = pool.state();
        state.open += 1;
        state.idle.push(connection);
        drop(state);
        drop(self);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.connection = None;
        self.pool.state().open -= 1;
        self.pool.freed.notify_one();
    }
}

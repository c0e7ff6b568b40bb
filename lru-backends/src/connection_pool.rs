//! What backends of one server share: the server itself, and a pool of its blocking connections.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// How many blocking connections to a server there are at most by default.
pub(crate) const CONNECTIONS: usize = 32;

/// Values that are shared for as long as they are in use.
#[derive(Debug)]
pub(crate) struct Shared<T>(Mutex<Vec<Weak<T>>>);

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Returns the value that is in use and fits; if there is none, a new one.
    pub(crate) fn get(&self, fits: impl Fn(&T) -> bool, create: impl FnOnce() -> T) -> Arc<T> {
        let mut all = lock(&self.0);
        all.retain(|value| value.strong_count() > 0);
        if let Some(value) = all.iter().filter_map(Weak::upgrade).find(|value| fits(value)) {
            return value;
        }
        let value = Arc::new(create());
        all.push(Arc::downgrade(&value));
        value
    }
}

/// A bounded pool of blocking connections, shared by all functions and threads.
///
/// Invariant: there are never more connections than the limit. A thread that finds none idle, and none to be opened, waits
/// for one until its deadline.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    state: Mutex<State<C>>,
    freed: Condvar,
}

#[derive(Debug)]
struct State<C> {
    idle: Vec<C>,
    /// How many connections there are, idle or in use.
    open: usize,
}

/// The right to have one connection: it is in use, or is being opened.
#[derive(Debug)]
pub(crate) struct Slot<'p, C> {
    pool: &'p Pool<C>,
    /// An idle connection, if there was one.
    pub(crate) connection: Option<C>,
}

impl<C> Pool<C> {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(State { idle: Vec::new(), open: 0 }), freed: Condvar::new() }
    }

    /// Takes the connection that was used last, or the right to open one.
    pub(crate) fn take(&self, limit: usize, deadline: Instant) -> io::Result<Slot<'_, C>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_full = |state: &mut State<C>| state.idle.is_empty() && state.open >= limit;
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
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        let closed = std::mem::take(&mut state.idle);
        state.open -= closed.len();
        drop(state);
        drop(closed);
        self.freed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        lock(&self.state)
    }
}

impl<C> Slot<'_, C> {
    /// Returns a connection to the pool.
    pub(crate) fn put(self, connection: C) {
        let pool = self.pool;
        // The slot of this connection stays taken.
        let mut state = pool.state();
        state.open += 1;
        state.idle.push(connection);
        drop(state);
        drop(self);
    }
}

impl<C> Drop for Slot<'_, C> {
    fn drop(&mut self) {
        self.connection = None;
        self.pool.state().open -= 1;
        self.pool.freed.notify_one();
    }
}

/// Locks a mutex. What it guards is whole, also after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

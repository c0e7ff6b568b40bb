//! Connections that wait for their next use.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many are kept; who comes back to a full pool takes the place of the one that waited longest.
const MOST_IDLE: usize = 32;

/// Idle connections, apart by where they can be used: those of tokio live with their runtime.
#[derive(Debug)]
pub(crate) struct Pool<C, Home = ()>(Mutex<Vec<(Home, C)>>);

impl<C, Home: PartialEq> Pool<C, Home> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The one that was used last.
    pub(crate) fn take(&self, home: &Home) -> Option<C> {
        let mut idle = self.idle();
        let last = idle.iter().rposition(|(of, _)| of == home)?;
        Some(idle.remove(last).1)
    }

    pub(crate) fn give_back(&self, home: Home, connection: C) {
        let mut idle = self.idle();
        let oldest = (idle.len() >= MOST_IDLE).then(|| idle.remove(0));
        idle.push((home, connection));
        drop(idle);
        drop(oldest);
    }

    /// Drops all: when one turns out to be broken, so are those that are older.
    pub(crate) fn empty(&self) {
        let gone = std::mem::take(&mut *self.idle());
        drop(gone);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Home, C)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

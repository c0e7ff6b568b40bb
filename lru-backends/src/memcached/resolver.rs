//! The addresses of a host name, for blocking connections.
//!
//! Invariant: a caller waits for a name until its deadline. The system's lookup has no timeout, so a thread of its own
//! makes it; there is one such thread at a time, and what it finds is kept for later callers.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long addresses are used without another lookup.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The addresses of one host name.
#[derive(Debug, Default)]
pub(super) struct Resolver(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    addresses: Vec<SocketAddr>,
    found_at: Option<Instant>,
    /// The error of the last lookup.
    error: Option<(io::ErrorKind, String)>,
    is_looking: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver {
    /// Returns the addresses of `host`, which is a name or an address with a port.
    pub(super) fn addresses(&self, host: &str, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let mut state = self.0.state();
        if state.found_at.is_some_and(|at| at.elapsed() < MAX_AGE) {
            return Ok(state.addresses.clone());
        }
        if !state.is_looking {
            state.is_looking = true;
            drop(state);
            self.look(host)?;
            state = self.0.state();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.0.changed.wait_timeout_while(state, left, |state| state.is_looking);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (&state.error, state.addresses.as_slice()) {
            // Older addresses are better than none, while the name server does not answer.
            (_, [_, ..]) => Ok(state.addresses.clone()),
            (Some((kind, message)), []) if !state.is_looking => Err(io::Error::new(*kind, message.clone())),
            _ => Err(io::Error::new(io::ErrorKind::TimedOut, "the host name is still being looked up")),
        }
    }

    /// Forgets the addresses: none of them could be connected to.
    pub(super) fn forget(&self) {
        self.0.state().found_at = None;
    }

    /// Looks up the name on another thread.
    fn look(&self, host: &str) -> io::Result<()> {
        let (shared, host) = (Arc::clone(&self.0), host.to_owned());
        let thread = thread::Builder::new().name("memcached-host".into()).spawn(move || {
            let found = host.to_socket_addrs().map(Vec::from_iter);
            let mut state = shared.state();
            state.is_looking = false;
            match found {
                Ok(addresses) if !addresses.is_empty() => {
                    (state.addresses, state.found_at, state.error) = (addresses, Some(Instant::now()), None);
                }
                Ok(_) => {
                    state.error = Some((io::ErrorKind::NotFound, "the host name has no address".into()));
                }
                Err(error) => state.error = Some((error.kind(), error.to_string())),
            }
            drop(state);
            shared.changed.notify_all();
        });
        if let Err(error) = thread {
            self.0.state().is_looking = false;
            return Err(error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_no_caller_waits_beyond_its_deadline() {
        let resolver = Resolver::default();
        let later = Instant::now() + Duration::from_secs(60);
        let found = resolver.addresses("localhost:7", later).unwrap();
        assert!(found.iter().all(|address| address.port() == 7 && address.ip().is_loopback()));
        assert_eq!(resolver.addresses("localhost:7", Instant::now()).unwrap(), found, "kept");
        assert_eq!(resolver.addresses("127.0.0.1:8", Instant::now()).unwrap().len(), 1);

        // A lookup that never ends.
        let stuck = Resolver::default();
        stuck.0.state().is_looking = true;
        let begin = Instant::now();
        let soon = begin + Duration::from_millis(20);
        let error = stuck.addresses("cache.example:7", soon).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(10));
    }
}

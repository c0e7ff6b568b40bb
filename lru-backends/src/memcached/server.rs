//! What all backends of one server share: connections, the circuit breaker, and the epoch of leases.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::runtime;

use super::address::{Address, Credentials};
use super::connection::{Blocking, Multiplexed};
use super::lease::Epoch;
use super::resolver::Resolver;
use crate::circuit_breaker::Breaker;
use crate::connection_pool::{Pool, Shared, lock};

/// The servers that backends of this process use.
static SERVERS: Shared<Server> = Shared::new();

/// The connection of one runtime. It is locked while it is being opened.
type OfRuntime = Arc<tokio::sync::Mutex<Option<Arc<Multiplexed>>>>;

/// A server, and the connections to it.
#[derive(Debug)]
pub(super) struct Server {
    address: Address,
    credentials: Option<Credentials>,
    resolver: Resolver,
    pub(super) blocking: Pool<Blocking>,
    runtimes: Mutex<HashMap<runtime::Id, OfRuntime>>,
    pub(super) epoch: Epoch,
    breakers: Shared<Breaker>,
}

impl Server {
    /// Returns the server at this address, which is the same for all backends of the process.
    pub(super) fn shared(address: &Address, credentials: Option<&Credentials>) -> Arc<Self> {
        let is_same =
            |server: &Self| server.address == *address && server.credentials.as_ref() == credentials;
        SERVERS.get(is_same, || Self {
            address: address.clone(),
            credentials: credentials.cloned(),
            resolver: Resolver::default(),
            blocking: Pool::new(),
            runtimes: Mutex::default(),
            epoch: Epoch::new(),
            breakers: Shared::new(),
        })
    }

    /// Returns the circuit breaker with these settings: backends that agree on them have one together.
    pub(super) fn breaker(&self, settings: &Breaker) -> Arc<Breaker> {
        self.breakers.get(|breaker| breaker.has_settings_of(settings), || settings.copied())
    }

    /// Opens a connection that blocks the thread.
    pub(super) fn open(&self, deadline: Instant) -> io::Result<Blocking> {
        let credentials = self.credentials.as_ref();
        match &self.address {
            Address::Tcp(host) => {
                let addresses = self.resolver.addresses(host, deadline)?;
                let opened = Blocking::open_tcp(&addresses, credentials, deadline);
                opened.inspect_err(|_| self.resolver.forget())
            }
            Address::Unix(path) => Blocking::open_unix(path, credentials, deadline),
        }
    }

    /// Opens a connection of the current runtime.
    pub(super) async fn open_async(&self) -> io::Result<Multiplexed> {
        let credentials = self.credentials.as_ref();
        match &self.address {
            Address::Tcp(host) => Multiplexed::open_tcp(host, credentials).await,
            Address::Unix(path) => Multiplexed::open_unix(path, credentials).await,
        }
    }

    /// Returns the place of the connection of a runtime. Those of runtimes that have ended are removed.
    pub(super) fn of_runtime(&self, runtime: runtime::Id) -> OfRuntime {
        let mut runtimes = lock(&self.runtimes);
        if let Some(place) = runtimes.get(&runtime) {
            return Arc::clone(place);
        }
        runtimes.retain(|_, place| {
            place.try_lock().map_or(true, |held| held.as_ref().is_some_and(|connection| connection.is_open()))
        });
        let place = OfRuntime::default();
        runtimes.insert(runtime, Arc::clone(&place));
        place
    }

    /// Records that a connection was lost.
    pub(super) fn lost(&self) {
        self.epoch.end();
        self.blocking.clear();
    }
}

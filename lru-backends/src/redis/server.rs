//! What all backends of one URL and with equal settings share: connections, the circuit breaker, and the listener for
//! changes.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use lru_core::backend::{BackendError, InvalidationSink};

use super::Redis;
use super::client::{Endpoint, Failure, OfRuntime};
use super::request::prefix;
use super::socket::Socket;
use super::tracked_connection::Reach;
use super::tracking::Tracking;
use crate::connection_pool::{Pool, Shared, lock};
use crate::error::ClientError;
use crate::key_prefix::KeyPrefix;
use crate::runtimes::Runtimes;
use crate::timeouts::Timeouts;

/// The servers that backends of this process share.
static SERVERS: Shared<Server> = Shared::new();

/// A server, and the connections to it.
pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    url: Option<String>,
    /// The name of the server in errors.
    pub(super) place: String,
    pub(super) timeouts: Timeouts,
    /// How many blocking connections there are at most.
    pub(super) connections: usize,
    pub(super) blocking: Pool<Socket>,
    pub(super) awaited: Runtimes<OfRuntime>,
    /// How many connections broke. The tracking reads it, too.
    pub(super) number: Arc<AtomicU64>,
    /// The number above, plus one, with which the server was found to be older than Redis 7.
    pub(super) found_old: AtomicU64,
    /// When the server was last found to be a replica.
    pub(super) found_replica: Mutex<Option<Instant>>,
    /// The listeners for changes, by the prefix of their clients' keys.
    tracking: Mutex<HashMap<String, Tracking>>,
}

impl Server {
    /// Returns the server of a backend: if it is named by a URL, that of other backends with this URL and these settings.
    pub(super) fn of(backend: &Redis) -> Arc<Self> {
        if backend.url.is_none() {
            return Arc::new(Self::new(backend));
        }
        let is_same = |server: &Self| {
            server.url == backend.url
                && server.connections == backend.connections
                && server.timeouts.has_settings_of(&backend.timeouts)
        };
        SERVERS.get(is_same, || Self::new(backend))
    }

    fn new(backend: &Redis) -> Self {
        Self {
            endpoint: backend.endpoint.clone(),
            url: backend.url.clone(),
            place: backend.place.clone(),
            timeouts: backend.timeouts.copied(),
            connections: backend.connections,
            blocking: Pool::new(),
            awaited: Runtimes::new(),
            number: Arc::default(),
            found_old: AtomicU64::new(0),
            found_replica: Mutex::default(),
            tracking: Mutex::default(),
        }
    }

    /// Reports the outcome of an operation to the circuit breaker.
    pub(super) fn record<T>(&self, done: Result<T, Failure>) -> Result<T, BackendError> {
        self.timeouts.record(&self.place, done.map_err(ClientError::from))
    }

    /// Returns how the listener connects; `None` if the server cannot report changes.
    fn reach(&self) -> Option<Reach> {
        match &self.endpoint {
            Endpoint::One(client) => {
                let client = (**client).clone();
                Some(Reach::One(Box::new(move || Ok(client.clone()))))
            }
            #[cfg(feature = "redis-sentinel")]
            Endpoint::Sentinel(client) => {
                let (client, timeout) = (Arc::clone(client), self.timeouts.connect);
                Some(Reach::One(Box::new(move || client.server_blocking(Instant::now() + timeout))))
            }
            #[cfg(feature = "redis-cluster")]
            Endpoint::Cluster(client) => Some(Reach::Cluster(client.clone())),
            Endpoint::Misconfigured(_) => None,
        }
    }

    /// Starts to report changes by client tracking.
    pub(super) fn track(&self, key_prefix: &KeyPrefix, namespace: &str, sink: InvalidationSink) -> bool {
        let Timeouts { connect, answer, .. } = &self.timeouts;
        let (prefix, key_prefix) = (prefix(key_prefix, namespace).into_bytes(), key_prefix.to_string());
        let mut tracking = lock(&self.tracking);
        if let Some(tracking) = tracking.get(&key_prefix) {
            return tracking.watch(prefix, sink);
        }
        let Some(reach) = self.reach() else { return false };
        let subscription = (key_prefix.len(), prefix, sink);
        let started = Tracking::start(reach, *connect, *answer, Arc::clone(&self.number), subscription);
        let Some(started) = started else { return false };
        tracking.insert(key_prefix, started);
        true
    }
}

//! Connections of a client: pooled for plain functions, one per tokio runtime for `async` ones.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use ::redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, Value};
use tokio::runtime;

use super::connection::Awaited;
use super::error::{is_replica, is_usable_after, misconfigured};
use super::request::Request;
#[cfg(feature = "redis-sentinel")]
use super::sentinels::Sentinels;
use super::server::Server;
use super::socket::Socket;
use super::waiting::wait_for;
use crate::background::within;
use crate::connection_pool::lock;
use crate::error::ClientError;
use crate::runtimes::{Home, current_runtime};

/// The server, and how to connect to it.
#[derive(Clone)]
pub(super) enum Endpoint {
    One(Box<Client>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<::redis::cluster::ClusterClient>),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Arc<Sentinels>),
    /// The client could not be set up, and why: each operation fails.
    Misconfigured(&'static str),
}

/// The connection of a runtime, opened by the first task.
#[derive(Default)]
pub(super) struct OfRuntime {
    connection: Option<Awaited>,
    /// How many connections there were before: so that a task discards only the connection that failed.
    number: u64,
    /// It is locked while the connection is being opened.
    opening: Arc<tokio::sync::Mutex<()>>,
}

/// A connection, its number, and whether it was open before.
type Opened = (Awaited, u64, bool);

/// How long a server that turned out to be a replica is not asked for on a new connection.
const REPLICA: Duration = Duration::from_secs(1);

/// Why a request failed.
pub(super) enum Failure {
    /// The client of the server says why.
    Redis {
        error: RedisError,
        /// Whether the request was sent over an earlier connection, which turned out to be closed. The server has
        /// carried out the request by then, or never will.
        is_stale: bool,
    },
    /// The request was not sent.
    Unsent(ClientError),
}

impl Failure {
    fn new(error: RedisError, is_earlier: bool) -> Self {
        let is_stale = is_earlier && error.is_connection_dropped();
        Self::Redis { error, is_stale }
    }

    /// Returns whether the connection turned out to be closed.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Redis { is_stale: true, .. })
    }

    /// Returns the error code of the server.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Redis { error, .. } => error.code(),
            Self::Unsent(_) => None,
        }
    }

    /// Returns whether the server does not know `SET … NX GET`: it is older than Redis 7.
    pub(super) fn is_unknown_set(&self) -> bool {
        let Self::Redis { error, .. } = self else { return false };
        error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("syntax error"))
    }

    /// Returns whether a server that works refused to write: it is full or a replica, or it cannot save its data, or
    /// this user may not write.
    pub(super) fn is_refused_write(&self) -> bool {
        matches!(self.code(), Some("OOM" | "READONLY" | "NOPERM" | "MISCONF" | "NOREPLICAS"))
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Redis { error, is_stale: false }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Unsent(error)
    }
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Redis { error, .. } => error.into(),
            Failure::Unsent(error) => error,
        }
    }
}

impl Server {
    /// Opens a connection that blocks the thread. `None` if there is none to this server: with TLS, or in a cluster.
    fn connect(&self, until: Instant) -> RedisResult<Option<Socket>> {
        let connect = |client: &Client, until| {
            let info = client.get_connection_info();
            (!Socket::needs_tls(info)).then(|| Socket::open(info, until)).transpose()
        };
        match &self.endpoint {
            Endpoint::One(client) => connect(client, until),
            #[cfg(feature = "redis-cluster")]
            Endpoint::Cluster(_) => Ok(None),
            #[cfg(feature = "redis-sentinel")]
            Endpoint::Sentinel(sentinels) => connect(&sentinels.server_blocking(until)?, until),
            Endpoint::Misconfigured(why) => Err(misconfigured(why)),
        }
    }

    #[cfg(feature = "redis-cluster")]
    fn cluster_config(&self) -> ::redis::cluster::ClusterConfig {
        ::redis::cluster::ClusterConfig::new()
            .set_connection_timeout(self.timeouts.connect)
            .set_response_timeout(self.timeouts.answer)
    }

    /// Returns the number of the server: it is raised by each connection that breaks. What was found over a connection
    /// with another number says nothing about the server that answers now.
    pub(super) fn number(&self) -> u64 {
        self.number.load(SeqCst)
    }

    /// Returns whether a connection cannot be used after this error. The number is raised then.
    fn is_broken_by(&self, error: &RedisError) -> bool {
        let is_broken = if is_replica(error) {
            // Another server may be the main one now. But the address may also be that of a replica.
            let mut found = lock(&self.found_replica);
            let is_first = found.is_none_or(|at| at.elapsed() > REPLICA);
            if is_first {
                *found = Some(Instant::now());
            }
            is_first
        } else {
            !is_usable_after(error)
        };
        if is_broken {
            self.number.fetch_add(1, SeqCst);
        }
        is_broken
    }

    /// Returns the deadline of a question that is asked now, however often it is sent.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeouts.connect + self.timeouts.answer
    }

    /// Sends a request: over an idle connection at the first try, over a new one afterwards.
    pub(super) fn send(&self, request: &Request, tries: u32, until: Instant) -> Result<Value, Failure> {
        let mut slot = self.blocking.take(self.connections, until).map_err(RedisError::from)?;
        let idle = slot.connection.take().filter(|_| tries == 0);
        let is_earlier = idle.is_some();
        let connection = match idle {
            Some(connection) => Some(connection),
            None => self.connect(until.min(Instant::now() + self.timeouts.connect))?,
        };
        let Some(mut connection) = connection else {
            drop(slot);
            return wait_for(self.send_async(request, tries, until)).map_err(RedisError::from)?;
        };
        let answer = connection.send(request, until.min(Instant::now() + self.timeouts.answer));
        if answer.as_ref().is_err_and(|error| self.is_broken_by(error)) {
            self.blocking.clear();
        } else {
            slot.put(connection);
        }
        answer.map_err(|error| Failure::new(error, is_earlier))
    }

    async fn connect_async(&self) -> RedisResult<Awaited> {
        #[cfg(feature = "redis-tls")]
        install_crypto_provider();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.answer));
        match &self.endpoint {
            Endpoint::One(client) => {
                Ok(Awaited::One(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            #[cfg(feature = "redis-cluster")]
            Endpoint::Cluster(client) => {
                Ok(Awaited::Cluster(client.get_async_connection_with_config(self.cluster_config()).await?))
            }
            #[cfg(feature = "redis-sentinel")]
            Endpoint::Sentinel(sentinels) => {
                let client = sentinels.server(Instant::now() + self.timeouts.connect).await?;
                Ok(Awaited::One(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Endpoint::Misconfigured(why) => Err(misconfigured(why)),
        }
    }

    /// Returns the connection of a runtime, if it is open.
    fn opened(&self, runtime: runtime::Id) -> Option<Opened> {
        self.awaited.with(runtime, |place, _| Some((place.connection.clone()?, place.number, true)))
    }

    /// Opens the connection of a runtime, or waits until another task has.
    async fn open(&self, runtime: runtime::Id) -> RedisResult<Opened> {
        let (opening, home) = self.awaited.with(runtime, |place, home| (Arc::clone(&place.opening), home));
        let _opening = opening.lock().await;
        if let Some(opened) = self.opened(runtime) {
            return Ok(opened);
        }
        let connection = match home {
            Home::Own => self.connect_async().await?,
            Home::Shared => within(self.connect_async()).await??,
        };
        Ok(self.awaited.with(runtime, |place, _| {
            place.connection = Some(connection.clone());
            (connection, place.number, false)
        }))
    }

    /// Like [`send`](Self::send), over the connection that all tasks of the runtime share. A task that finds it broken
    /// discards it.
    pub(super) async fn send_async(
        &self,
        request: &Request,
        _: u32,
        until: Instant,
    ) -> Result<Value, Failure> {
        let runtime = current_runtime()?;
        let (mut connection, number, is_earlier) = match self.opened(runtime) {
            Some(opened) => opened,
            None => Box::pin(self.before(until, self.open(runtime))).await?,
        };
        // Often the client's own timeout suffices. In a cluster, it is that of one of several tries.
        let is_bounded = connection.is_to_one() && Instant::now() + self.timeouts.answer <= until;
        let answer = if is_bounded {
            connection.send(request).await
        } else {
            Box::pin(self.before(until, connection.send(request))).await
        };
        if answer.as_ref().is_err_and(|error| self.is_broken_by(error)) {
            let broken = self.awaited.with(runtime, |place, _| {
                let is_same = place.number == number;
                place.number += u64::from(is_same);
                if is_same { place.connection.take() } else { None }
            });
            drop(broken);
        }
        answer.map_err(|error| Failure::new(error, is_earlier))
    }

    /// Gives a future up at a deadline.
    async fn before<T>(
        &self,
        until: Instant,
        future: impl Future<Output = RedisResult<T>>,
    ) -> RedisResult<T> {
        tokio::time::timeout_at(until.into(), future).await.unwrap_or_else(|elapsed| {
            self.number.fetch_add(1, SeqCst);
            Err(std::io::Error::from(elapsed).into())
        })
    }
}

/// Installs a cryptography provider, without which TLS would panic, unless the program has installed one.
#[cfg(feature = "redis-tls")]
pub(super) fn install_crypto_provider() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            _ = rustls::crypto::ring::default_provider().install_default();
        }
    });
}

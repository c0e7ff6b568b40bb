//! Connections of a client: pooled for plain functions, one per tokio runtime for `async` ones.

#[cfg(feature = "redis-sentinel")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};
#[cfg(feature = "redis-sentinel")]
use std::time::Duration;

use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};

use super::Redis;
use super::connection::{Awaited, Blocking};
use super::error::{is_interrupted, is_usable_after, misconfigured, of_type};
use super::request::Request;
use crate::connection_pool::current_runtime;
use crate::error::ClientError;

/// How many tokio runtimes keep a connection. All tasks of a runtime share one.
const MAX_RUNTIMES: usize = 32;

/// The server, and how to connect to it.
pub(super) enum Server {
    One(Box<Client>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<::redis::cluster::ClusterClient>),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Arc<Mutex<::redis::sentinel::SentinelClient>>),
    /// The client could not be set up, and why: each operation fails.
    Misconfigured(&'static str),
}

/// The connection of a runtime, opened by the first task.
pub(super) type Shared = Arc<tokio::sync::Mutex<Slot>>;

#[derive(Default)]
pub(super) struct Slot {
    connection: Option<Awaited>,
    /// How many connections there were before: so that a task discards only the connection that failed.
    number: u64,
}

/// Whether a request may be sent again if the connection was lost before the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The request is idempotent.
    Allowed,
    /// The server may have carried out the request.
    Forbidden,
}

impl Redis {
    fn connect(&self) -> RedisResult<Blocking> {
        #[cfg(feature = "redis-tls")]
        install_crypto_provider();
        let connection = match &self.server {
            Server::One(client) => client.get_connection_with_timeout(self.timeouts.connect)?,
            #[cfg(feature = "redis-cluster")]
            Server::Cluster(client) => {
                let connection = client.get_connection_with_config(self.cluster_config())?;
                return Ok(Blocking::Cluster(Box::new(connection)));
            }
            #[cfg(feature = "redis-sentinel")]
            Server::Sentinel(client) => server_of_sentinels(client, self.timeouts.connect)?
                .get_connection_with_timeout(self.timeouts.connect)?,
            Server::Misconfigured(why) => return Err(misconfigured(why)),
        };
        connection.set_read_timeout(Some(self.timeouts.answer))?;
        connection.set_write_timeout(Some(self.timeouts.answer))?;
        Ok(Blocking::One(Box::new(connection)))
    }

    #[cfg(feature = "redis-cluster")]
    fn cluster_config(&self) -> ::redis::cluster::ClusterConfig {
        ::redis::cluster::ClusterConfig::new()
            .set_connection_timeout(self.timeouts.connect)
            .set_response_timeout(self.timeouts.answer)
    }

    /// Sends a request, over an idle connection first.
    pub(super) fn send<T: FromRedisValue>(&self, request: &Request, retry: Retry) -> Result<T, ClientError> {
        if let Some(mut connection) = self.blocking.take(&()) {
            match connection.send(request) {
                Ok(answer) => {
                    self.blocking.put((), connection);
                    return of_type(answer);
                }
                Err(error) => {
                    if is_usable_after(&error) {
                        self.blocking.put((), connection);
                        return Err(error.into());
                    }
                    self.blocking.clear();
                    let is_over = error.is_connection_dropped() || is_interrupted(&error);
                    if !(retry == Retry::Allowed && is_over) {
                        return Err(error.into());
                    }
                }
            }
        }
        let mut connection = self.connect()?;
        let answer = connection.send(request);
        if answer.as_ref().err().is_none_or(is_usable_after) {
            self.blocking.put((), connection);
        }
        of_type(answer?)
    }

    async fn connect_async(&self) -> RedisResult<Awaited> {
        #[cfg(feature = "redis-tls")]
        install_crypto_provider();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.answer));
        match &self.server {
            Server::One(client) => {
                Ok(Awaited::One(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            #[cfg(feature = "redis-cluster")]
            Server::Cluster(client) => {
                Ok(Awaited::Cluster(client.get_async_connection_with_config(self.cluster_config()).await?))
            }
            #[cfg(feature = "redis-sentinel")]
            Server::Sentinel(client) => {
                let (client, timeout) = (Arc::clone(client), self.timeouts.connect);
                let answer = tokio::task::spawn_blocking(move || server_of_sentinels(&client, timeout)).await;
                let client = answer.map_err(std::io::Error::other)??;
                Ok(Awaited::One(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Server::Misconfigured(why) => Err(misconfigured(why)),
        }
    }

    /// Returns the slot for the connection of this runtime.
    fn shared(&self) -> Result<Shared, ClientError> {
        let runtime = current_runtime()?;
        let mut all = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shared)) = all.iter().find(|(of, _)| *of == runtime) {
            return Ok(Arc::clone(shared));
        }
        let oldest = (all.len() >= MAX_RUNTIMES).then(|| all.remove(0));
        let shared = Shared::default();
        all.push((runtime, Arc::clone(&shared)));
        drop(all);
        drop(oldest);
        Ok(shared)
    }

    /// Like [`send`](Self::send), over the connection that all tasks of the runtime share. A task that finds it broken
    /// discards it.
    pub(super) async fn send_async<T: FromRedisValue>(
        &self,
        request: &Request,
        retry: Retry,
    ) -> Result<T, ClientError> {
        let shared = self.shared()?;
        let answer = tokio::time::timeout(self.timeouts.connect + self.timeouts.answer, async {
            loop {
                let (mut connection, number, is_new) = {
                    let mut slot = shared.lock().await;
                    let (number, old) = (slot.number, slot.connection.clone());
                    match old {
                        Some(connection) => (connection, number, false),
                        None => (slot.connection.insert(self.connect_async().await?).clone(), number, true),
                    }
                };
                match connection.send(request).await {
                    Err(error) if !is_usable_after(&error) => {
                        {
                            let mut slot = shared.lock().await;
                            if slot.number == number {
                                *slot = Slot { connection: None, number: number + 1 };
                            }
                        }
                        if is_new || retry == Retry::Forbidden || !error.is_connection_dropped() {
                            return Err(error);
                        }
                    }
                    answer => return answer,
                }
            }
        })
        .await;
        of_type(answer.map_err(std::io::Error::from)??)
    }
}

/// Asks the sentinels for the server, on a thread of its own: their client has no timeout.
#[cfg(feature = "redis-sentinel")]
pub(super) fn server_of_sentinels(
    client: &Arc<Mutex<::redis::sentinel::SentinelClient>>,
    timeout: Duration,
) -> RedisResult<Client> {
    let (send, answer) = std::sync::mpsc::channel();
    let client = Arc::clone(client);
    std::thread::spawn(move || {
        _ = send.send(client.lock().unwrap_or_else(PoisonError::into_inner).get_client());
    });
    answer.recv_timeout(timeout).map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
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

//! Redis or Valkey, by the `redis` crate.
//!
//! An entry is a string under `length:namespace:key`, where the length is that of the namespace: so keys are unique,
//! and no namespace is a prefix of another. Values are stored as they are, and expire by the server's clock.
//!
//! Clearing scans the server for the namespace and unlinks its keys. That takes time proportional to the
//! number of keys on the server, but a read stays one round trip and no invalid entry remains. A generation
//! counter would make clearing fast, at the cost of a second key for each read and of invalid entries without
//! expiry.

mod client;
mod connection;
mod error;
mod request;
mod tracking;

use std::fmt;
#[cfg(feature = "redis-sentinel")]
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult};
use lru_core::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};
use tokio::runtime;

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::connection_pool::ConnectionPool;
use crate::error::ClientError;
use crate::timeouts::{Timeouts, timeout_methods};
use client::{Retry, Server, Shared};
use connection::Blocking;
#[cfg(feature = "redis-cluster")]
use connection::nodes_in;
use request::{Node, Request, found, pattern, prefix, redis_key, scan, set, unlink};
use tracking::{Reach, Tracking};

/// A backend that stores results in a Redis or Valkey server: `redis("redis://127.0.0.1/")`.
///
/// The client connects at the first lookup, and again after a restart of the server. Plain functions take
/// connections from a pool; `async` functions share one connection per tokio runtime, which needs its I/O and
/// timer drivers.
///
/// * A time to live has a precision of one millisecond, rounded up.
/// * `cache_clear` scans the server for the keys of the function, which takes time proportional to the number
///   of all keys on the server. The server keeps serving other clients. A result stored during a clear may
///   remain.
/// * A key that holds another Redis type, set by another program, is a miss and is overwritten.
/// * From Redis 6 on, the server reports changes by other processes (client tracking), and the copies in this
///   process are dropped at once, for functions whose in-process cache is a `static`. This takes one more
///   connection and one thread per `Redis` value. The server also reports expiry, eviction, and this
///   process's own writes: the thread reads such an entry back, and the copy stays if it equals the entry. A
///   copy that was fetched while its change was being reported may be dropped needlessly, which costs one
///   more round trip.
/// * While that connection is down, changes are not received. So all copies are dropped when it is lost,
///   which takes up to about two seconds to detect, and again when it is restored or first opened. Meanwhile,
///   and where tracking is not available (in a cluster, with an older server, or without permission for
///   `CLIENT TRACKING`), `front_ttl` bounds how long a copy may be outdated. This is not reported as an
///   error.
/// * Neither `Debug` output nor errors contain the URL, the user or the password.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use lru_backends::{Redis, redis, redis_client};
///
/// let by_url = redis("redis://:password@cache.example:6379/2").timeout(Duration::from_millis(50));
///
/// // With every setting of the `redis` crate: certificates, a socket, another protocol.
/// let by_client = Redis::new(redis_client::Client::open("redis+unix:///run/redis.sock")?);
///
/// // `rediss:` trusts the certificate authorities that browsers trust; this client, only the one in the file.
/// # #[cfg(feature = "redis-tls")] {
/// let root_cert = Some(std::fs::read("authority.pem").expect("readable"));
/// let certificates = redis_client::TlsCertificates { client_tls: None, root_cert };
/// let client = redis_client::Client::build_with_tls("rediss://cache.internal/", certificates)?;
/// let encrypted = Redis::new(client);
/// # }
/// # Ok::<(), redis_client::RedisError>(())
/// ```
pub struct Redis {
    server: Server,
    /// The name of the server in errors.
    place: String,
    timeouts: Timeouts,
    blocking: ConnectionPool<Blocking>,
    awaited: Mutex<Vec<(runtime::Id, Shared)>>,
    tracking: Mutex<Option<Tracking>>,
}

/// Creates a backend that stores results in the Redis or Valkey server with this URL.
///
/// The URL is `redis://user:password@host:port/database`, `rediss://…` with TLS, or `redis+unix:///path`.
/// With an invalid URL each lookup fails with an error of kind
/// [`Configuration`](lru_core::backend::ErrorKind::Configuration), and calls run without the backend.
pub fn redis(url: impl AsRef<str>) -> Redis {
    if let Ok(client) = Client::open(url.as_ref()) {
        return Redis::new(client);
    }
    // The error of the `redis` crate might contain the password.
    let needs_tls = url.as_ref().starts_with("rediss:") && !cfg!(feature = "redis-tls");
    let why = if needs_tls { "`rediss:` needs the feature `redis-tls`" } else { "not a Redis URL" };
    Redis::of(Server::Misconfigured(why), "redis".into())
}

impl Redis {
    /// Creates a backend that stores results in the server of this client.
    pub fn new(client: Client) -> Self {
        let place = match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                format!("redis at {host}:{port}")
            }
            ConnectionAddr::Unix(path) => format!("redis at {}", path.display()),
            _ => "redis".to_owned(),
        };
        Self::of(Server::One(Box::new(client)), place)
    }

    /// Creates a backend that stores results in the server with this connection information.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection information is invalid.
    pub fn at(info: ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::new(Client::open(info.into_connection_info()?)?))
    }

    /// Creates a backend that stores results in a Redis Cluster.
    #[cfg(feature = "redis-cluster")]
    pub fn cluster(client: ::redis::cluster::ClusterClient) -> Self {
        Self::of(Server::Cluster(Box::new(client)), "redis cluster".into())
    }

    /// Creates a backend that stores results in the master that the sentinels report.
    ///
    /// The sentinels are queried for each new connection.
    #[cfg(feature = "redis-sentinel")]
    pub fn sentinel(client: ::redis::sentinel::SentinelClient) -> Self {
        Self::of(Server::Sentinel(Arc::new(Mutex::new(client))), "redis behind sentinels".into())
    }

    fn of(server: Server, place: String) -> Self {
        Self {
            server,
            place,
            timeouts: Timeouts::new(),
            blocking: ConnectionPool::new(),
            awaited: Mutex::new(Vec::new()),
            tracking: Mutex::new(None),
        }
    }
}

timeout_methods! { Redis }

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Redis {
    /// Returns how the listener connects; `None` if the server cannot report changes.
    fn reach(&self) -> Option<Reach> {
        match &self.server {
            Server::One(client) => {
                let client = (**client).clone();
                Some(Box::new(move || Ok(client.clone())))
            }
            #[cfg(feature = "redis-sentinel")]
            Server::Sentinel(client) => {
                let (client, timeout) = (Arc::clone(client), self.timeouts.connect);
                Some(Box::new(move || client::server_of_sentinels(&client, timeout)))
            }
            #[cfg(feature = "redis-cluster")]
            Server::Cluster(_) => None,
            Server::Misconfigured(_) => None,
        }
    }

    /// Starts to report changes by client tracking.
    fn track(&self, namespace: &str, sink: InvalidationSink) -> bool {
        let (prefix, Timeouts { connect, answer, .. }) = (prefix(namespace).into_bytes(), &self.timeouts);
        let mut tracking = self.tracking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tracking) = &*tracking {
            return tracking.watch(prefix, sink);
        }
        let start = |reach| Tracking::start(reach, *connect, *answer, prefix, sink);
        *tracking = self.reach().and_then(start);
        tracking.is_some()
    }
}

macro_rules! backend_by_redis {
    ($Backend:ident, $CompareAndSwap:ident, $send:ident, $nodes:ident, $clear_by_scan:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl Redis {
            /// Returns the servers that hold keys.
            $($fn)* $nodes(&self) -> Result<Vec<Option<Node>>, ClientError> {
                #[cfg(feature = "redis-cluster")]
                if let Server::Cluster(_) = self.server {
                    let slots = self.$send(&request::slots(), Retry::Allowed)$($await)*?;
                    return Ok(nodes_in(slots)?);
                }
                Ok(vec![None])
            }

            /// Removes all keys of a namespace. The timeout applies to each step.
            $($fn)* $clear_by_scan(&self, namespace: &str) -> Result<(), ClientError> {
                let pattern = pattern(namespace);
                for node in self.$nodes()$($await)*? {
                    let mut cursor = b"0".to_vec();
                    loop {
                        let request = scan(&cursor, &pattern, node.clone());
                        let (next, keys): (Vec<u8>, Vec<Vec<u8>>) =
                            self.$send(&request, Retry::Allowed)$($await)*?;
                        if !keys.is_empty() {
                            let _: u64 = self.$send(&unlink(&keys), Retry::Allowed)$($await)*?;
                        }
                        if next == b"0" {
                            break;
                        }
                        cursor = next;
                    }
                }
                Ok(())
            }
        }

        impl $Backend for Redis {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                Ok($Backend::get_many(self, namespace, &[key])$($await)*?.pop().flatten())
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                if keys.is_empty() {
                    return Ok(Vec::new());
                }
                self.timeouts.admit(&self.place)?;
                let request = Request::Get(keys.iter().map(|key| redis_key(namespace, key)).collect());
                let answer = self.$send::<Vec<_>>(&request, Retry::Allowed)$($await)*;
                let all = answer.map(|answer| answer.into_iter().map(found).collect());
                self.timeouts.record(&self.place, all)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.timeouts.admit(&self.place)?;
                let request = set(&redis_key(namespace, key), value, ttl);
                let done = self.$send(&request, Retry::Allowed)$($await)*;
                self.timeouts.record(&self.place, done)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                $CompareAndSwap::compare_and_swap(self, namespace, key, &None, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.timeouts.admit(&self.place)?;
                let request = unlink(&[redis_key(namespace, key)]);
                let done = self.$send(&request, Retry::Allowed)$($await)*;
                self.timeouts.record(&self.place, done)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.timeouts.admit(&self.place)?;
                let done = self.$clear_by_scan(namespace)$($await)*;
                self.timeouts.record(&self.place, done)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.track(namespace, sink)
            }
        }

        impl $CompareAndSwap for Redis {
            /// The value itself: an entry that was changed back counts as unchanged.
            type Version = Option<Vec<u8>>;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let found = $Backend::get(self, namespace, key)$($await)*?;
                let version = found.as_ref().map(|found| found.value.clone());
                Ok((found, version))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.timeouts.admit(&self.place)?;
                let request = request::compare_and_swap(&redis_key(namespace, key), version.as_deref(), value, ttl);
                let done = self.$send(&request, Retry::Forbidden)$($await)*;
                self.timeouts.record(&self.place, done)
            }
        }
    };
}

backend_by_redis! { Backend, CompareAndSwap, send, nodes, clear_by_scan, [fn] }
backend_by_redis! { AsyncBackend, AsyncCompareAndSwap, send_async, nodes_async, clear_by_scan_async, [async fn] .await }

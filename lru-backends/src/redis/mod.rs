//! Redis or Valkey, by the `redis` crate.
//!
//! An entry is a string under `length:namespace:key`, where the length is that of the namespace: so keys are unique,
//! and no namespace is a prefix of another. The client's [`KeyPrefix`] comes before it. The string is an [item](item): its kind and its id, then the value. It
//! expires by the server's clock.
//!
//! Clearing scans the server for the namespace and unlinks its keys. That takes time proportional to the
//! number of keys on the server, but a read stays one round trip and no invalid entry remains. A generation
//! counter would make clearing fast, at the cost of a second key for each read and of invalid entries without
//! expiry.

mod backend;
mod client;
mod connection;
mod error;
mod item;
mod request;
mod script;
#[cfg(feature = "redis-sentinel")]
mod sentinels;
mod server;
mod socket;
mod tracked_connection;
mod tracking;
mod waiting;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult};
use lru_core::backend::{BackendError, InvalidationSink};

use crate::connection_pool::CONNECTIONS;
use crate::key_prefix::{KeyPrefix, key_prefix_method};
use crate::timeouts::{Timeouts, timeout_methods};
use client::Endpoint;
use request::redis_key;
#[cfg(feature = "redis-sentinel")]
use sentinels::Sentinels;
use server::Server;

/// A backend that stores results in a Redis or Valkey server: `redis("redis://127.0.0.1/")`.
///
/// The client connects at the first lookup, and again after a restart of the server. All backends of a process that
/// [`redis`](redis()) made of one URL, with equal settings, share connections, circuit breaker and listener, until the last
/// of them is dropped. Plain functions take connections from a bounded [pool](Self::connections), without the TCP settings
/// of a `Client`; `async` functions share one connection per tokio runtime, which needs its I/O and timer drivers; those of the
/// 129th and further runtimes share one more. A backend
/// made by [`new`](Self::new), [`at`](Self::at), `cluster` or `sentinel` shares nothing with others.
///
/// * A question is given up after the two timeouts, however the server spends that time: name lookup, connecting,
///   waiting, an answer that arrives byte by byte. A question over an open connection has the timeout for an answer.
///   Plain functions reach a server with TLS and a cluster by connections that all threads share.
/// * A time to live has a precision of one millisecond, rounded up.
/// * `cache_clear` scans the server for the keys of the function, which takes time proportional to the number
///   of all keys on the server. The server keeps serving other clients. A result stored during a clear may
///   remain. In a cluster whose slots move meanwhile, it scans again.
/// * Lookups give leases ([`Leases`](lru_core::backend::Leases)), so a result that was computed before a change of its
///   entry does not overwrite that change. A lookup is one round trip, `SET … NX GET`; with a server before Redis 7 it
///   is a script. A lease is lost when any connection to the server breaks or times out. In a cluster, a replica that
///   takes over without the last change may revive a lease that this change has ended.
/// * A key that holds another Redis type or other bytes, set by another program, is a miss and is overwritten.
/// * A server that is full or read-only, or whose user may not write, is asked by `GET`, in one more round trip, and
///   gives no leases: results are computed and not stored. That does not open the circuit breaker.
/// * From Redis 6 on, the server reports changes by other processes (client tracking), and the copies in this
///   process are dropped at once, for functions whose in-process cache is a `static`. This takes one more
///   connection and one thread per URL, or in a cluster one connection per node. [`tracking`](Self::tracking) turns it
///   off. The server also reports expiry, eviction, and this process's own
///   changes: the thread then asks for the first 17 bytes of the item, which tell whether the copy is one of it.
/// * While that connection is down, changes are not received. So all copies are dropped when it is lost,
///   which takes up to about two seconds to detect, and again when it is restored or first opened. Meanwhile,
///   and where tracking is not available (with an older server, without permission for `CLIENT TRACKING`, or in a
///   cluster whose client does not speak RESP3), `front_ttl` bounds how long a copy may be outdated. This is not reported as an
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
    endpoint: Endpoint,
    /// The URL, if backends with equal settings share a server.
    url: Option<String>,
    /// The name of the server in errors.
    place: String,
    timeouts: Timeouts,
    /// How many blocking connections there are at most.
    connections: usize,
    key_prefix: KeyPrefix,
    /// Whether functions are told of changes.
    tracks: bool,
    /// The connections, which other backends may share. They are looked up after all options were set.
    shared: OnceLock<Arc<Server>>,
}

/// Creates a backend that stores results in the Redis or Valkey server with this URL.
///
/// The URL is `redis://user:password@host:port/database`, `rediss://…` with TLS, or `redis+unix:///path`.
/// With an invalid URL each lookup fails with an error of kind
/// [`Configuration`](lru_core::backend::ErrorKind::Configuration), and calls run without the backend.
pub fn redis(url: impl AsRef<str>) -> Redis {
    if let Ok(client) = Client::open(url.as_ref()) {
        return Redis { url: Some(url.as_ref().to_owned()), ..Redis::new(client) };
    }
    // The error of the `redis` crate might contain the password.
    let needs_tls = url.as_ref().starts_with("rediss:") && !cfg!(feature = "redis-tls");
    let why = if needs_tls { "`rediss:` needs the feature `redis-tls`" } else { "not a Redis URL" };
    Redis::of(Endpoint::Misconfigured(why), "redis".into())
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
        Self::of(Endpoint::One(Box::new(client)), place)
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
    ///
    /// Changes by other processes are reported if the client speaks RESP3, as by
    /// `ClusterClient::builder(nodes).use_protocol(ProtocolVersion::RESP3)`, and the servers are Redis 6.2 or later.
    #[cfg(feature = "redis-cluster")]
    pub fn cluster(client: ::redis::cluster::ClusterClient) -> Self {
        Self::of(Endpoint::Cluster(Box::new(client)), "redis cluster".into())
    }

    /// Creates a backend that stores results in the master that the sentinels report.
    ///
    /// The sentinels are queried for each new connection, in the order in which the client names them. If one does not answer
    /// in time, the question goes on, and a later call uses what the next one answers.
    #[cfg(feature = "redis-sentinel")]
    pub fn sentinel(client: ::redis::sentinel::SentinelClient) -> Self {
        Self::of(Endpoint::Sentinel(Sentinels::new(client)), "redis behind sentinels".into())
    }

    /// Sets how many connections calls of functions that are not `async` open at most: 32 by default.
    ///
    /// A call that finds all of them in use waits for one, within its timeouts. The `async` functions of a runtime share
    /// one more connection.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.shared.take();
        self.connections = connections.max(1);
        self
    }

    /// Sets whether the server reports changes by other processes (client tracking), so that the copies in this process
    /// are dropped at once: `true` by default.
    ///
    /// Without it there is no listening connection and no thread for it, the server sends no messages for changes, and
    /// `front_ttl` bounds how long a copy may be outdated.
    #[must_use]
    pub fn tracking(mut self, is_on: bool) -> Self {
        self.tracks = is_on;
        self
    }

    fn of(endpoint: Endpoint, place: String) -> Self {
        Self {
            endpoint,
            url: None,
            place,
            timeouts: Timeouts::new(),
            connections: CONNECTIONS,
            key_prefix: KeyPrefix::default(),
            tracks: true,
            shared: OnceLock::new(),
        }
    }

    fn server(&self) -> &Server {
        self.shared.get_or_init(|| Server::of(self))
    }

    /// Returns the key in Redis.
    fn key(&self, namespace: &str, key: &[u8]) -> Vec<u8> {
        redis_key(&self.key_prefix, namespace, key)
    }

    /// Reports changes of a namespace by client tracking.
    fn track(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.tracks && self.key_prefix.is_valid() && self.server().track(&self.key_prefix, namespace, sink)
    }

    /// Returns the server, or an error if its circuit breaker is open.
    fn admitted(&self) -> Result<&Server, BackendError> {
        let server = self.server();
        self.key_prefix.check(&self.place)?;
        server.timeouts.admit(&server.place)?;
        Ok(server)
    }
}

timeout_methods! { Redis }
key_prefix_method! { Redis }

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("place", &self.place).finish_non_exhaustive()
    }
}

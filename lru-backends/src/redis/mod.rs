//! Redis or Valkey, by the `redis` crate.
//!
//! An entry is a string under `length:namespace:key`, where the length is that of the namespace: so keys are unique,
//! and no namespace is a prefix of another. The string is an [item](item): its kind and its id, then the value. It
//! expires by the server's clock.
//!
//! Clearing scans the server for the namespace and unlinks its keys. That takes time proportional to the
//! number of keys on the server, but a read stays one round trip and no invalid entry remains. A generation
//! counter would make clearing fast, at the cost of a second key for each read and of invalid entries without
//! expiry.

mod backend;
mod background;
mod client;
mod connection;
mod error;
mod item;
mod request;
mod script;
mod socket;
mod tracking;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult};
use lru_core::backend::InvalidationSink;
use tokio::runtime;

use crate::connection_pool::ConnectionPool;
use crate::timeouts::{Timeouts, timeout_methods};
use client::{Server, Shared};
use request::prefix;
use socket::Socket;
use tracking::{Reach, Tracking};

/// A backend that stores results in a Redis or Valkey server: `redis("redis://127.0.0.1/")`.
///
/// The client connects at the first lookup, and again after a restart of the server. Plain functions take
/// connections from a pool, without the TCP settings of a `Client`; `async` functions share one connection per tokio runtime, which needs its I/O and
/// timer drivers.
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
///   connection and one thread per `Redis` value. The server also reports expiry, eviction, and this process's own
///   changes: the thread then asks for the first 17 bytes of the item, which tell whether the copy is one of it.
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
    blocking: ConnectionPool<Socket>,
    awaited: Mutex<Vec<(runtime::Id, Shared)>>,
    /// How many connections broke. The tracking reads it, too.
    number: Arc<AtomicU64>,
    /// The number above, plus one, with which the server was found to be older than Redis 7.
    old_server: AtomicU64,
    /// When the server was last found to be a replica.
    found_replica: Mutex<Option<Instant>>,
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
            number: Arc::default(),
            old_server: AtomicU64::new(0),
            found_replica: Mutex::new(None),
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
        let start =
            |reach| Tracking::start(reach, *connect, *answer, Arc::clone(&self.number), (prefix, sink));
        *tracking = self.reach().and_then(start);
        tracking.is_some()
    }
}

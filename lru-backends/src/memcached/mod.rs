//! Memcached, over its meta protocol.
//!
//! The client is part of this crate: existing clients are either blocking or async, and adapting two of them
//! would take more code than the three commands that are needed.

mod address;
mod backend;
mod blocking;
mod client;
mod item;
mod lease;
mod multiplexed;
mod protocol;
mod resolver;
mod server;
#[cfg_attr(not(feature = "memcached-tls"), path = "no_tls.rs")]
mod tls;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use lru_core::backend::{BackendError, ErrorKind, Leases, Stored};

use self::address::{Address, Credentials};
use self::client::Operation;
use self::item::Generation;
use self::protocol::{Flags, Reply};
use self::server::Server;
use self::tls::Tls;
use crate::circuit_breaker::{Breaker, circuit_open};
use crate::connection_pool::CONNECTIONS;
use crate::error::ClientError;
use crate::key_prefix::{KeyPrefix, key_prefix_method};
use crate::timeouts::{Timeouts, timeout_methods};

/// How many keys are looked up in one round trip. Their requests fit into the socket buffers, so that client and server
/// never wait for each other.
const MAX_KEYS: usize = 256;

/// A backend that stores results in a Memcached server, 1.6.10 or later: `memcached("127.0.0.1:11211")`.
///
/// The client connects at the first lookup, and again after a restart of the server. All backends of a process that name
/// one server share its connections: a bounded pool for plain functions, and one connection per tokio runtime, over
/// which the requests of all `async` functions are pipelined; those of the 129th and further runtimes share one more. Those with equal settings share a circuit breaker. `async`
/// functions need a tokio runtime with its I/O and timer drivers.
///
/// * An operation has one deadline, after the [timeout](Memcached::timeout), for everything until its answer; if a connection has to be
///   opened for it, after the longer of both timeouts. Looking up a host name and the start of TLS are part of it.
/// * A value above the item size limit of the server, 1 MiB unless it was started with another `-I`, is not stored and
///   counts as a backend error.
/// * `cache_clear` takes one round trip, however many entries there are. Older entries become invalid; the
///   server removes them as they expire or as it needs the memory.
/// * A lookup that finds nothing leaves a lease: an empty item of at least the time asked for, rounded up to whole seconds.
///   A result is stored only if that item is still there. If a connection to the server is lost, results that are being
///   computed are not stored, as the server may have been restarted.
/// * Clocks of processes may differ: where the deadline of an entry and the remaining time that the server tells, in whole
///   seconds, disagree, the time of the server counts. An entry is then served about a second too long at most.
/// * The server does not report changes: `front_ttl` bounds how long a process may serve a copy that another
///   process has invalidated.
/// * A server that asks for a password (`-Y`) is told [credentials](Memcached::credentials). SASL is not supported.
/// * With the feature `memcached-tls`, connections to `memcacheds://…` are encrypted with TLS 1.2 or 1.3, as servers with `-Z`
///   ask for. The certificate of the server is verified, for the host of the address. A server that is not trusted is an error
///   of kind [`Unavailable`](ErrorKind::Unavailable), which shows nothing of the certificate.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use lru_backends::memcached;
///
/// let backend = memcached("cache.example:11211").timeout(Duration::from_millis(50));
///
/// // Encrypted; the certificate is by an authority of one's own.
/// # #[cfg(feature = "memcached-tls")]
/// let encrypted = memcached("memcacheds://cache.internal").root_certificates(std::fs::read("authority.pem")?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Memcached {
    address: Address,
    credentials: Option<Credentials>,
    /// How connections are encrypted, if they are.
    tls: Option<Tls>,
    /// How many blocking connections there are at most.
    connections: usize,
    key_prefix: KeyPrefix,
    /// The name of the server in errors.
    place: String,
    timeouts: Timeouts,
    /// What is shared with other backends of the server. It is looked up after all options were set.
    shared: OnceLock<(Arc<Server>, Arc<Breaker>)>,
}

/// Creates a backend that stores results in the Memcached server at this address.
///
/// The address is a host name or an IP address, and a port, which is 11211 by default; or `unix:` and the path of a Unix
/// socket. A user's name and password may precede the host: `user:password@cache.example`. `memcacheds://cache.example` is
/// encrypted, with the feature `memcached-tls`.
pub fn memcached(address: impl Into<String>) -> Memcached {
    let (address, credentials, tls) = Address::parse(&address.into());
    let place = address.to_string();
    Memcached {
        address,
        credentials,
        tls,
        connections: CONNECTIONS,
        key_prefix: KeyPrefix::default(),
        place,
        timeouts: Timeouts::new(),
        shared: OnceLock::new(),
    }
}

impl Memcached {
    /// Sets how many connections calls of functions that are not `async` open at most: 32 by default.
    ///
    /// All backends of the process that name one server share its connections. A call that finds all of them in use
    /// waits for one, within its timeout. The `async` functions of a runtime share one more connection.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.shared.take();
        self.connections = connections.max(1);
        self
    }

    /// Sets the name and the password that the server is told first, as servers with `-Y` (`--auth-file`) ask for them.
    ///
    /// They are sent as plain text, unless connections are encrypted. SASL (`-S`) is not supported: it needs the binary protocol, which is deprecated
    /// and lacks the meta commands that leases are made of.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.shared.take();
        self.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// Returns the key of the generation of a namespace.
    fn generation_key(&self, namespace: &str) -> String {
        item::generation_key(&self.key_prefix, namespace)
    }

    /// Returns the key of an entry.
    fn entry_key(&self, namespace: &str, key: &[u8]) -> String {
        item::entry_key(&self.key_prefix, namespace, key)
    }

    /// Requests the generation of a namespace and one entry, in one round trip.
    fn generation_and_entry(&self, namespace: &str, key: &[u8]) -> Vec<u8> {
        self.generation_and_entries(namespace, &[key])
    }

    /// Requests the generation of a namespace and several entries, in one round trip.
    fn generation_and_entries(&self, namespace: &str, keys: &[&[u8]]) -> Vec<u8> {
        let mut requests = protocol::get(&self.generation_key(namespace));
        for key in keys {
            requests.extend(protocol::get(&self.entry_key(namespace, key)));
        }
        requests
    }

    fn shared(&self) -> &(Arc<Server>, Arc<Breaker>) {
        self.shared.get_or_init(|| {
            let server = Server::shared(&self.address, self.credentials.as_ref(), self.tls.as_ref());
            let breaker = server.breaker(&self.timeouts.breaker);
            (server, breaker)
        })
    }

    fn server(&self) -> &Server {
        &self.shared().0
    }

    /// Begins an operation; an error if the circuit breaker is open.
    fn admit(&self) -> Result<Operation, BackendError> {
        self.key_prefix.check(&self.place)?;
        if self.shared().1.admits() {
            Ok(Operation::begin(&self.timeouts))
        } else {
            Err(circuit_open(&self.place))
        }
    }

    /// Reports the outcome of an operation to the circuit breaker, and names the place in its error.
    fn record<T>(&self, done: Result<T, ClientError>) -> Result<T, BackendError> {
        let is_down = done.as_ref().is_err_and(|error| error.is_down);
        self.shared().1.recorded(&self.place, is_down, done.map_err(|error| error.at(&self.place)))
    }
}

timeout_methods! { Memcached }
key_prefix_method! { Memcached }

impl Leases for Memcached {}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached").field("address", &self.address.to_string()).finish_non_exhaustive()
    }
}

/// The version of an entry in Memcached, or of its absence.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    generation: Generation,
    /// The server's version of the item (`cas`); `None` if there is no item.
    cas: Option<u64>,
}

/// Reads the generation of a namespace, if it has one.
fn generation_in(reply: Reply) -> Result<Option<Generation>, ClientError> {
    match reply {
        Reply::Value { value, .. } => Ok(value.try_into().ok()),
        Reply::Missing => Ok(None),
        other => Err(rejected(other)),
    }
}

/// Returns the error for a reply that does not carry out the request.
fn rejected(reply: Reply) -> ClientError {
    match reply {
        Reply::Error(message) => ClientError::answered(ErrorKind::Rejected, message),
        other => ClientError::answered(ErrorKind::Protocol, format!("unexpected reply: {other:?}")),
    }
}

/// Returns the entries, from the replies to `generation_and_entries`.
fn found_of(
    replies: Vec<Reply>,
    namespace: &str,
    keys: &[&[u8]],
) -> Result<Vec<Option<Stored>>, ClientError> {
    let mut replies = replies.into_iter();
    let generation = replies.next().map_or(Ok(None), generation_in)?;
    replies.zip(keys).map(|(entry, key)| found(entry, generation, namespace, key)).collect()
}

/// Returns the entry, from its reply.
fn found(
    entry: Reply,
    generation: Option<Generation>,
    namespace: &str,
    key: &[u8],
) -> Result<Option<Stored>, ClientError> {
    match entry {
        Reply::Value { value, flags } => Ok(opened(&value, flags, generation, namespace, key)),
        Reply::Missing => Ok(None),
        other => Err(rejected(other)),
    }
}

/// Returns the entry that an item holds, unless the item is a lease, belongs to another key, is of an older generation,
/// or has expired.
fn opened(
    item: &[u8],
    flags: Flags,
    generation: Option<Generation>,
    namespace: &str,
    key: &[u8],
) -> Option<Stored> {
    let now = SystemTime::now();
    let (value, ttl) = item::unpacked(item, generation?, namespace, key, flags.seconds, now)?;
    Some(Stored::new(value).ttl(ttl))
}

//! Memcached, over its meta protocol.
//!
//! The client is part of this crate: existing clients are either blocking or async, and adapting two of them
//! would take more code than the three commands that are needed.

mod backend;
mod client;
mod connection;
mod item;
mod lease;
mod protocol;

use std::fmt;
use std::time::{Duration, SystemTime};

use lru_core::backend::{ErrorKind, Leases, Stored};
use tokio::runtime;

use self::connection::{Awaited, Blocking};
use self::item::Generation;
use self::lease::Epoch;
use self::protocol::{Flags, Reply};
use crate::connection_pool::ConnectionPool;
use crate::error::ClientError;
use crate::timeouts::{Timeouts, timeout_methods};

/// How many keys are looked up in one round trip. Their requests fit into the socket buffers, so that client and server
/// never wait for each other.
const MAX_KEYS: usize = 256;

/// A backend that stores results in a Memcached server, 1.6.10 or later: `memcached("127.0.0.1:11211")`.
///
/// The client connects at the first lookup, and again after a restart of the server. Connections are pooled. `async`
/// functions need a tokio runtime with its I/O and timer drivers.
///
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
/// * Credentials and encryption are not supported.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use lru_backends::memcached;
///
/// let backend = memcached("cache.example:11211").timeout(Duration::from_millis(50));
/// ```
pub struct Memcached {
    address: String,
    /// The name of the server in errors.
    place: String,
    timeouts: Timeouts,
    blocking: ConnectionPool<Blocking>,
    awaited: ConnectionPool<Awaited, runtime::Id>,
    /// Leases are valid within an epoch.
    epoch: Epoch,
}

/// Creates a backend that stores results in the Memcached server at this address.
///
/// The address is a host name or an IP address, and a port, which is 11211 by default.
pub fn memcached(address: impl Into<String>) -> Memcached {
    let address = address.into();
    let address = ["memcached://", "memcache://", "tcp://"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme))
        .map_or(address.as_str(), |rest| rest.trim_end_matches('/'));
    // The part before an `@` is a credential, which is not supported and must not be shown.
    let address = address.rsplit('@').next().unwrap_or_default();
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
    });
    let address = if has_port { address.to_owned() } else { format!("{address}:11211") };
    let place = format!("memcached at {address}");
    let (blocking, awaited) = (ConnectionPool::new(), ConnectionPool::new());
    Memcached { address, place, timeouts: Timeouts::new(), blocking, awaited, epoch: Epoch::new() }
}

timeout_methods! { Memcached }

impl Leases for Memcached {}

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The version of an entry in Memcached, or of its absence.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    generation: Generation,
    /// The server's version of the item (`cas`); `None` if there is no item.
    cas: Option<u64>,
}

/// Requests the generation of a namespace and one entry, in one round trip.
fn generation_and_entry(namespace: &str, key: &[u8]) -> Vec<u8> {
    generation_and_entries(namespace, &[key])
}

/// Requests the generation of a namespace and several entries, in one round trip.
fn generation_and_entries(namespace: &str, keys: &[&[u8]]) -> Vec<u8> {
    let mut requests = protocol::get(&item::generation_key(namespace));
    for key in keys {
        requests.extend(protocol::get(&item::entry_key(namespace, key)));
    }
    requests
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

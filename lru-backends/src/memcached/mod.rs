//! Memcached, over its meta protocol.
//!
//! The client is part of this crate: existing clients are either blocking or async, and adapting two of them
//! would take more code than the three commands that are needed.

mod client;
mod connection;
mod item;
mod protocol;

use std::fmt;
use std::time::{Duration, SystemTime};

use lru_core::backend::{AsyncBackend, Backend, BackendError, ErrorKind, Stored};
use tokio::runtime;

use self::client::Retry;
use self::connection::{Awaited, Blocking};
use self::item::Generation;
use self::protocol::{If, Reply};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
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
    Memcached { address, place, timeouts: Timeouts::new(), blocking, awaited }
}

timeout_methods! { Memcached }

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
        Reply::Value { value, .. } => Ok(opened(&value, generation, namespace, key)),
        Reply::Missing => Ok(None),
        other => Err(rejected(other)),
    }
}

/// Returns the entry that an item holds, unless it belongs to another key, is of an older generation, or has
/// expired.
fn opened(item: &[u8], generation: Option<Generation>, namespace: &str, key: &[u8]) -> Option<Stored> {
    let (value, ttl) = item::unpacked(item, generation?, namespace, key, SystemTime::now())?;
    Some(Stored::new(value).ttl(ttl))
}

macro_rules! backend_by_memcached {
    ($Backend:ident, $CompareAndSwap:ident, $send:ident, $send_all:ident, $generation:ident, $renew:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl Memcached {
            $($fn)* $send<const N: usize>(&self, requests: &[u8], retry: Retry) -> Result<[Reply; N], ClientError> {
                let replies = self.$send_all(requests, N, retry)$($await)*?;
                replies.try_into().map_err(|_| ClientError::answered(ErrorKind::Protocol, "wrong number of replies"))
            }

            /// Returns the generation of a namespace, and creates it if there is none.
            $($fn)* $generation(&self, namespace: &str) -> Result<Generation, ClientError> {
                let key = item::generation_key(namespace);
                let [reply] = self.$send(&protocol::get(&key), Retry::Allowed)$($await)*?;
                let only = match reply {
                    Reply::Value { value, cas } => match value.try_into() {
                        Ok(generation) => return Ok(generation),
                        Err(_) => If::Version(cas),
                    },
                    Reply::Missing => If::Absent,
                    other => return Err(rejected(other)),
                };
                let generation = item::new_generation();
                match self.$send(&protocol::set(&key, &generation, 0, only), Retry::Allowed)$($await)*? {
                    [Reply::Done] => Ok(generation),
                    // Another client created it first.
                    [Reply::Changed | Reply::Missing] => {
                        let [reply] = self.$send(&protocol::get(&key), Retry::Allowed)$($await)*?;
                        generation_in(reply)?.ok_or_else(|| {
                            let message = "the server does not keep the generation of the namespace";
                            ClientError::answered(ErrorKind::Rejected, message)
                        })
                    }
                    [other] => Err(rejected(other)),
                }
            }

            $($fn)* $renew(&self, namespace: &str) -> Result<(), ClientError> {
                let key = item::generation_key(namespace);
                let request = protocol::set(&key, &item::new_generation(), 0, If::Any);
                match self.$send(&request, Retry::Allowed)$($await)*? {
                    [Reply::Done] => Ok(()),
                    [other] => Err(rejected(other)),
                }
            }
        }

        impl $Backend for Memcached {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.timeouts.admit(&self.place)?;
                let replies = self.$send(&generation_and_entry(namespace, key), Retry::Allowed)$($await)*;
                let found = replies.and_then(|[generation, entry]| {
                    found(entry, generation_in(generation)?, namespace, key)
                });
                self.timeouts.record(&self.place, found)
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let mut all = Vec::with_capacity(keys.len());
                for keys in keys.chunks(MAX_KEYS) {
                    self.timeouts.admit(&self.place)?;
                    let requests = generation_and_entries(namespace, keys);
                    let replies = self.$send_all(&requests, 1 + keys.len(), Retry::Allowed)$($await)*;
                    let found = replies.and_then(|replies| found_of(replies, namespace, keys));
                    all.extend(self.timeouts.record(&self.place, found)?);
                }
                Ok(all)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.timeouts.admit(&self.place)?;
                let done = match self.$generation(namespace)$($await)* {
                    Ok(generation) => {
                        let now = SystemTime::now();
                        let item = item::packed(generation, namespace, key, value, ttl, now);
                        let seconds = item::server_ttl(ttl, now);
                        let request = protocol::set(&item::entry_key(namespace, key), &item, seconds, If::Any);
                        match self.$send(&request, Retry::Allowed)$($await)* {
                            Ok([Reply::Done]) => Ok(()),
                            Ok([other]) => Err(rejected(other)),
                            Err(error) => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                };
                self.timeouts.record(&self.place, done)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let (found, version) = $CompareAndSwap::get_versioned(self, namespace, key)$($await)*?;
                if found.is_some() {
                    return Ok(false);
                }
                $CompareAndSwap::compare_and_swap(self, namespace, key, &version, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.timeouts.admit(&self.place)?;
                let requests =
                    [generation_and_entry(namespace, key), protocol::delete(&item::entry_key(namespace, key))];
                let replies = self.$send(&requests.concat(), Retry::Allowed)$($await)*;
                let done = replies.and_then(|[generation, entry, deleted]| {
                    let generation = generation_in(generation)?;
                    match (entry, deleted) {
                        (Reply::Value { value, .. }, Reply::Done) => {
                            Ok(opened(&value, generation, namespace, key).is_some())
                        }
                        (_, Reply::Done | Reply::Missing) => Ok(false),
                        (_, other) => Err(rejected(other)),
                    }
                });
                self.timeouts.record(&self.place, done)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.timeouts.admit(&self.place)?;
                let done = self.$renew(namespace)$($await)*;
                self.timeouts.record(&self.place, done)
            }
        }

        impl $CompareAndSwap for Memcached {
            type Version = Version;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Version), BackendError> {
                self.timeouts.admit(&self.place)?;
                let looked = match self.$send(&generation_and_entry(namespace, key), Retry::Allowed)$($await)* {
                    Ok([generation, entry]) => match generation_in(generation) {
                        Ok(Some(generation)) => Ok((generation, entry)),
                        Ok(None) => self.$generation(namespace)$($await)*.map(|generation| (generation, entry)),
                        Err(error) => Err(error),
                    },
                    Err(error) => Err(error),
                };
                let looked = looked.and_then(|(generation, entry)| match entry {
                    Reply::Value { value, cas } => {
                        let found = opened(&value, Some(generation), namespace, key);
                        Ok((found, Version { generation, cas: Some(cas) }))
                    }
                    Reply::Missing => Ok((None, Version { generation, cas: None })),
                    other => Err(rejected(other)),
                });
                self.timeouts.record(&self.place, looked)
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.timeouts.admit(&self.place)?;
                let now = SystemTime::now();
                let item = item::packed(version.generation, namespace, key, value, ttl, now);
                let only = version.cas.map_or(If::Absent, If::Version);
                let seconds = item::server_ttl(ttl, now);
                let request = protocol::set(&item::entry_key(namespace, key), &item, seconds, only);
                let done = match self.$send(&request, Retry::Forbidden)$($await)* {
                    Ok([Reply::Done]) => Ok(true),
                    Ok([Reply::Changed | Reply::Missing]) => Ok(false),
                    Ok([other]) => Err(rejected(other)),
                    Err(error) => Err(error),
                };
                self.timeouts.record(&self.place, done)
            }
        }
    };
}

backend_by_memcached! { Backend, CompareAndSwap, send, send_all, generation, renew, [fn] }
backend_by_memcached! { AsyncBackend, AsyncCompareAndSwap, send_async, send_all_async, generation_async, renew_async, [async fn] .await }

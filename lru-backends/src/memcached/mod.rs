//! Memcached, over its meta protocol.
//!
//! The client is our own: those there are either block or are async, and two of them with different habits
//! would take more lines than the three commands that are needed.

mod connection;
mod item;
mod protocol;

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use lru_core::backend::{AsyncBackend, Backend, BackendError, Stored};
use tokio::runtime;

use self::connection::{Awaited, Blocking};
use self::item::Generation;
use self::protocol::{If, Reply};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::connection_pool::Pool;
use crate::error::Trouble;
use crate::timeouts::{Patience, patient};

/// So many keys are asked for at once. Their requests fit into the buffers on the way, so the server is never
/// waiting for us to read while we are waiting for it.
const MOST_KEYS: usize = 256;

/// Results in a Memcached server, 1.6.10 or later: `memcached("127.0.0.1:11211")`.
///
/// Nothing is connected before the first call. Connections are kept for later ones, and made anew when the
/// server was restarted. Async functions need a tokio runtime with its I/O and its timer.
///
/// * Values of more than the server takes, 1 MiB unless it was started with another `-I`, are not stored,
///   and counted as an error.
/// * `cache_clear` takes one round trip, however much there is: older entries become nothing, and leave as
///   they expire or as room is needed.
/// * It does not tell of changes: `front_ttl` bounds how late a process sees what another one has invalidated.
/// * There are neither credentials nor encryption.
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
    /// What errors begin with.
    place: String,
    patience: Patience,
    blocking: Pool<Blocking>,
    awaited: Pool<Awaited, runtime::Id>,
}

/// Keeps results in the Memcached server at this address, a name or number with a port.
pub fn memcached(address: impl Into<String>) -> Memcached {
    let address = address.into();
    let address = ["memcached://", "memcache://", "tcp://"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme))
        .map_or(address.as_str(), |rest| rest.trim_end_matches('/'));
    // What stands before an `@` is a secret, and of no use here.
    let address = address.rsplit('@').next().unwrap_or_default();
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
    });
    let address = if has_port { address.to_owned() } else { format!("{address}:11211") };
    let place = format!("memcached at {address}");
    Memcached { address, place, patience: Patience::new(), blocking: Pool::new(), awaited: Pool::new() }
}

patient! { Memcached }

impl fmt::Debug for Memcached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memcached").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What was seen in an entry's place.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    generation: Generation,
    /// The server's own version of the item, whatever it is.
    cas: Option<u64>,
}

impl Memcached {
    /// Sends requests and reads the reply to each, on an idle connection first.
    fn ask_all(&self, requests: &[u8], count: usize, again: Again) -> Result<Vec<Reply>, Trouble> {
        if let Some(mut connection) = self.blocking.take(&()) {
            match connection.ask(requests, count, self.patience.answer) {
                Ok(replies) => {
                    self.blocking.give_back((), connection);
                    return Ok(replies);
                }
                Err(error) => {
                    self.blocking.empty();
                    if !(again == Again::Harmless && is_worn_out(&error)) {
                        return Err(Trouble::down(error));
                    }
                }
            }
        }
        let mut connection = Blocking::open(&self.address, self.patience.connect).map_err(Trouble::down)?;
        let replies = connection.ask(requests, count, self.patience.answer).map_err(Trouble::down)?;
        self.blocking.give_back((), connection);
        Ok(replies)
    }

    /// As `ask_all`. Dropped half-way, it drops the connection with it.
    async fn ask_all_async(
        &self,
        requests: &[u8],
        count: usize,
        again: Again,
    ) -> Result<Vec<Reply>, Trouble> {
        let runtime = runtime::Handle::try_current().map_err(Trouble::unwilling)?.id();
        if let Some(mut connection) = self.awaited.take(&runtime) {
            match connection.ask(requests, count, self.patience.answer).await {
                Ok(replies) => {
                    self.awaited.give_back(runtime, connection);
                    return Ok(replies);
                }
                Err(error) => {
                    self.awaited.empty();
                    if !(again == Again::Harmless && is_worn_out(&error)) {
                        return Err(Trouble::down(error));
                    }
                }
            }
        }
        let mut connection =
            Awaited::open(&self.address, self.patience.connect).await.map_err(Trouble::down)?;
        let replies = connection.ask(requests, count, self.patience.answer).await.map_err(Trouble::down)?;
        self.awaited.give_back(runtime, connection);
        Ok(replies)
    }
}

/// Whether requests may be made again when it is not known whether they were made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Harmless,
    /// A swap that was made would seem to have failed, and its change would be made twice.
    Harmful,
}

/// Whether the server closed the connection while nobody used it, as in a restart.
fn is_worn_out(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// Both requests, for one round trip.
fn generation_and_entry(namespace: &str, key: &[u8]) -> Vec<u8> {
    generation_and_entries(namespace, &[key])
}

fn generation_and_entries(namespace: &str, keys: &[&[u8]]) -> Vec<u8> {
    let mut requests = protocol::get(&item::generation_key(namespace));
    for key in keys {
        requests.extend(protocol::get(&item::entry_key(namespace, key)));
    }
    requests
}

fn generation_in(reply: Reply) -> Result<Option<Generation>, Trouble> {
    match reply {
        Reply::Value { value, .. } => Ok(value.try_into().ok()),
        Reply::Nothing => Ok(None),
        other => Err(refused(other)),
    }
}

fn refused(reply: Reply) -> Trouble {
    match reply {
        Reply::Refused(words) => Trouble::unwilling(words),
        other => Trouble::unwilling(format!("an answer to another question: {other:?}")),
    }
}

/// What is there, by the replies to `generation_and_entries`.
fn found_of(replies: Vec<Reply>, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, Trouble> {
    let mut replies = replies.into_iter();
    let generation = replies.next().map_or(Ok(None), generation_in)?;
    replies.zip(keys).map(|(entry, key)| found(entry, generation, namespace, key)).collect()
}

fn found(
    entry: Reply,
    generation: Option<Generation>,
    namespace: &str,
    key: &[u8],
) -> Result<Option<Stored>, Trouble> {
    match entry {
        Reply::Value { value, .. } => Ok(opened(&value, generation, namespace, key)),
        Reply::Nothing => Ok(None),
        other => Err(refused(other)),
    }
}

fn opened(item: &[u8], generation: Option<Generation>, namespace: &str, key: &[u8]) -> Option<Stored> {
    let (value, ttl) = item::unpacked(item, generation?, namespace, key, SystemTime::now())?;
    Some(Stored::new(value).ttl(ttl))
}

macro_rules! speaks {
    ($Backend:ident, $CompareAndSwap:ident, $ask:ident, $ask_all:ident, $own:ident, $own_clear:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl Memcached {
            $($fn)* $ask<const N: usize>(&self, requests: &[u8], again: Again) -> Result<[Reply; N], Trouble> {
                let replies = self.$ask_all(requests, N, again)$($await)*?;
                replies.try_into().map_err(|_| Trouble::unwilling("another number of answers than of questions"))
            }

            /// The generation of a namespace, made where there is none.
            $($fn)* $own(&self, namespace: &str) -> Result<Generation, Trouble> {
                let key = item::generation_key(namespace);
                let [reply] = self.$ask(&protocol::get(&key), Again::Harmless)$($await)*?;
                let garbled = match reply {
                    Reply::Value { value, cas } => match value.try_into() {
                        Ok(generation) => return Ok(generation),
                        Err(_) => If::Version(cas),
                    },
                    Reply::Nothing => If::Absent,
                    other => return Err(refused(other)),
                };
                let generation = item::new_generation();
                match self.$ask(&protocol::set(&key, &generation, 0, garbled), Again::Harmless)$($await)*? {
                    [Reply::Done] => Ok(generation),
                    // Somebody else was faster.
                    [Reply::Changed | Reply::Nothing] => {
                        let [reply] = self.$ask(&protocol::get(&key), Again::Harmless)$($await)*?;
                        generation_in(reply)?.ok_or_else(|| Trouble::unwilling("it forgets at once"))
                    }
                    [other] => Err(refused(other)),
                }
            }

            $($fn)* $own_clear(&self, namespace: &str) -> Result<(), Trouble> {
                let key = item::generation_key(namespace);
                let request = protocol::set(&key, &item::new_generation(), 0, If::Any);
                match self.$ask(&request, Again::Harmless)$($await)*? {
                    [Reply::Done] => Ok(()),
                    [other] => Err(refused(other)),
                }
            }
        }

        impl $Backend for Memcached {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.patience.admits(&self.place)?;
                let replies = self.$ask(&generation_and_entry(namespace, key), Again::Harmless)$($await)*;
                let found = replies.and_then(|[generation, entry]| {
                    found(entry, generation_in(generation)?, namespace, key)
                });
                self.patience.noted(&self.place, found)
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let mut all = Vec::with_capacity(keys.len());
                for keys in keys.chunks(MOST_KEYS) {
                    self.patience.admits(&self.place)?;
                    let requests = generation_and_entries(namespace, keys);
                    let replies = self.$ask_all(&requests, 1 + keys.len(), Again::Harmless)$($await)*;
                    let found = replies.and_then(|replies| found_of(replies, namespace, keys));
                    all.extend(self.patience.noted(&self.place, found)?);
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
                self.patience.admits(&self.place)?;
                let done = match self.$own(namespace)$($await)* {
                    Ok(generation) => {
                        let now = SystemTime::now();
                        let item = item::packed(generation, namespace, key, value, ttl, now);
                        let seconds = item::server_ttl(ttl, now);
                        let request = protocol::set(&item::entry_key(namespace, key), &item, seconds, If::Any);
                        match self.$ask(&request, Again::Harmless)$($await)* {
                            Ok([Reply::Done]) => Ok(()),
                            Ok([other]) => Err(refused(other)),
                            Err(trouble) => Err(trouble),
                        }
                    }
                    Err(trouble) => Err(trouble),
                };
                self.patience.noted(&self.place, done)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let (found, version) = $CompareAndSwap::look(self, namespace, key)$($await)*?;
                if found.is_some() {
                    return Ok(false);
                }
                $CompareAndSwap::swap(self, namespace, key, &version, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.patience.admits(&self.place)?;
                let requests =
                    [generation_and_entry(namespace, key), protocol::delete(&item::entry_key(namespace, key))];
                let replies = self.$ask(&requests.concat(), Again::Harmless)$($await)*;
                let done = replies.and_then(|[generation, entry, deleted]| {
                    let generation = generation_in(generation)?;
                    match (entry, deleted) {
                        (Reply::Value { value, .. }, Reply::Done) => {
                            Ok(opened(&value, generation, namespace, key).is_some())
                        }
                        (_, Reply::Done | Reply::Nothing) => Ok(false),
                        (_, other) => Err(refused(other)),
                    }
                });
                self.patience.noted(&self.place, done)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.patience.admits(&self.place)?;
                let done = self.$own_clear(namespace)$($await)*;
                self.patience.noted(&self.place, done)
            }
        }

        impl $CompareAndSwap for Memcached {
            type Version = Version;

            $($fn)* look(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Version), BackendError> {
                self.patience.admits(&self.place)?;
                let looked = match self.$ask(&generation_and_entry(namespace, key), Again::Harmless)$($await)* {
                    Ok([generation, entry]) => match generation_in(generation) {
                        Ok(Some(generation)) => Ok((generation, entry)),
                        Ok(None) => self.$own(namespace)$($await)*.map(|generation| (generation, entry)),
                        Err(trouble) => Err(trouble),
                    },
                    Err(trouble) => Err(trouble),
                };
                let looked = looked.and_then(|(generation, entry)| match entry {
                    Reply::Value { value, cas } => {
                        let found = opened(&value, Some(generation), namespace, key);
                        Ok((found, Version { generation, cas: Some(cas) }))
                    }
                    Reply::Nothing => Ok((None, Version { generation, cas: None })),
                    other => Err(refused(other)),
                });
                self.patience.noted(&self.place, looked)
            }

            $($fn)* swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.patience.admits(&self.place)?;
                let now = SystemTime::now();
                let item = item::packed(version.generation, namespace, key, value, ttl, now);
                let only = version.cas.map_or(If::Absent, If::Version);
                let seconds = item::server_ttl(ttl, now);
                let request = protocol::set(&item::entry_key(namespace, key), &item, seconds, only);
                let done = match self.$ask(&request, Again::Harmful)$($await)* {
                    Ok([Reply::Done]) => Ok(true),
                    Ok([Reply::Changed | Reply::Nothing]) => Ok(false),
                    Ok([other]) => Err(refused(other)),
                    Err(trouble) => Err(trouble),
                };
                self.patience.noted(&self.place, done)
            }
        }
    };
}

speaks! { Backend, CompareAndSwap, ask, ask_all, generation, renew, [fn] }
speaks! { AsyncBackend, AsyncCompareAndSwap, ask_async, ask_all_async, generation_async, renew_async, [async fn] .await }

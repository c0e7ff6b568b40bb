//! Redis or Valkey, by the `redis` crate.
//!
//! An entry is a string under `length:namespace:key`, where the length is that of the namespace: so no two
//! entries meet, and no namespace is the beginning of another. Values lie there as they are, and expire by
//! the server's own clock. Clearing scans for the namespace and unlinks what it finds: it is as long as the
//! server is full, but reads stay one round trip, nothing leaks, and nothing is left when it is done. A
//! counter of generations would have been quick to clear, at the price of a second key at each read and of
//! dead entries that never expire.

mod tracking;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo,
    Pipeline, RedisError, RedisResult, Value, cmd, pipe,
};
use lru_core::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};
use tokio::runtime;

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::connection_pool::Pool;
use crate::error::Trouble;
use crate::timeouts::{Patience, patient};
use tracking::{Reach, Tracking};

/// How many keys a step of a scan looks at.
const STEP: u32 = 1000;

/// Runtimes that are remembered: each has one connection, which all tasks share.
const MOST_RUNTIMES: usize = 32;

/// What `PTTL` says of a key that is not there.
const GONE: i64 = -2;

/// What `GET` says of a key that has no string.
const WRONG_TYPE: &str = "WRONGTYPE";

/// Sets a key if it is what it was. A key of another type is as good as none.
const SWAP: &str = "
local old = false
if redis.call('TYPE', KEYS[1]).ok == 'string' then old = redis.call('GET', KEYS[1]) end
if (ARGV[1] == '1' and old ~= ARGV[2]) or (ARGV[1] == '0' and old) then return 0 end
if ARGV[4] == '' then redis.call('SET', KEYS[1], ARGV[3])
else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
return 1";

/// Results in a Redis or Valkey server: `redis("redis://127.0.0.1/")`.
///
/// Nothing is connected before the first call. Functions that are not async take connections from a pool;
/// async ones share one for each tokio runtime, which needs its I/O and its timer. Connections are made
/// anew when the server was restarted.
///
/// * Times to live are kept to the millisecond, rounded up.
/// * `cache_clear` scans the server for keys of the function, so it takes as long as there are keys of
///   anybody; the server goes on serving others meanwhile. What is stored during a clear may stay.
/// * A key that somebody else has given another type is a miss, and overwritten.
/// * From Redis 6 on, what another process changes leaves the copies of this one at once, by client tracking: for functions that keep
///   copies in a `static`. It takes one more connection and a thread for each value of this type, as long as that lives. What the
///   server tells is also what expires or is evicted there, and what this process has set itself: then the thread reads it back, and
///   the copy stays if it is that. A copy that was fetched while its change was still being told may go needlessly, at the price of one more
///   round trip.
/// * While nobody listens, changes are missed. So all copies are dropped when that connection is lost, which is seen within two
///   seconds or so if nothing else shows it, and when there is one again: at the first call of a program, too. Between these times,
///   and where tracking can't be had, `front_ttl` is the bound: in a cluster, with a server that is older or does not let this
///   user ask for it (`CLIENT TRACKING`). That is no error.
/// * Nobody's URL, user or password is in `Debug` or in errors.
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
/// // With all that the client has: certificates, a socket, another protocol.
/// let by_client = Redis::new(redis_client::Client::open("redis+unix:///run/redis.sock")?);
///
/// // `rediss:` trusts the authorities that browsers trust; with this, only the one in the file.
/// # #[cfg(feature = "redis-tls")] {
/// let root_cert = Some(std::fs::read("authority.pem").expect("it is there"));
/// let certificates = redis_client::TlsCertificates { client_tls: None, root_cert };
/// let client = redis_client::Client::build_with_tls("rediss://cache.internal/", certificates)?;
/// let encrypted = Redis::new(client);
/// # }
/// # Ok::<(), redis_client::RedisError>(())
/// ```
pub struct Redis {
    server: Server,
    /// What errors begin with.
    place: String,
    patience: Patience,
    blocking: Pool<Blocking>,
    awaited: Mutex<Vec<(runtime::Id, Shared)>>,
    tracking: Mutex<Option<Tracking>>,
}

/// The connection of a runtime, made by whoever is first.
type Shared = Arc<tokio::sync::Mutex<Slot>>;

#[derive(Default)]
struct Slot {
    connection: Option<Awaited>,
    /// How many there were before it: so that nobody throws away another than the one that failed.
    number: u64,
}

/// How connections are made.
enum Server {
    One(Box<Client>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<::redis::cluster::ClusterClient>),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Arc<Mutex<::redis::sentinel::SentinelClient>>),
    /// There was no making sense of the URL, and why.
    Nowhere(&'static str),
}

/// Keeps results in the Redis or Valkey server with this URL: `redis://user:password@host:port/database`,
/// `rediss://` with TLS, or `redis+unix:///path`.
///
/// With a URL that is none, calls go on without a backend, and each counts an error that says so.
pub fn redis(url: impl AsRef<str>) -> Redis {
    if let Ok(client) = Client::open(url.as_ref()) {
        return Redis::new(client);
    }
    // In the client's own words there might be a password.
    let needs_tls = url.as_ref().starts_with("rediss:") && !cfg!(feature = "redis-tls");
    let why =
        if needs_tls { "`rediss:` needs the feature `redis-tls`" } else { "this is not a URL of Redis" };
    Redis::of(Server::Nowhere(why), "redis".into())
}

impl Redis {
    /// Keeps results in the server of this client.
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

    /// Keeps results in the server that is reached so.
    ///
    /// # Errors
    ///
    /// There is no making sense of it.
    pub fn at(info: ConnectionInfo) -> RedisResult<Self> {
        Ok(Self::new(Client::open(info.into_connection_info()?)?))
    }

    /// Keeps results in a cluster.
    #[cfg(feature = "redis-cluster")]
    pub fn cluster(client: ::redis::cluster::ClusterClient) -> Self {
        Self::of(Server::Cluster(Box::new(client)), "redis cluster".into())
    }

    /// Keeps results in the server that sentinels name, asked anew whenever a connection is made.
    #[cfg(feature = "redis-sentinel")]
    pub fn sentinel(client: ::redis::sentinel::SentinelClient) -> Self {
        Self::of(Server::Sentinel(Arc::new(Mutex::new(client))), "redis behind sentinels".into())
    }

    fn of(server: Server, place: String) -> Self {
        Self {
            server,
            place,
            patience: Patience::new(),
            blocking: Pool::new(),
            awaited: Mutex::new(Vec::new()),
            tracking: Mutex::new(None),
        }
    }
}

patient! { Redis }

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A connection that blocks.
enum Blocking {
    One(Box<::redis::Connection>),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<::redis::cluster::ClusterConnection>),
}

/// A connection that tasks share.
#[derive(Clone)]
enum Awaited {
    One(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(::redis::cluster_async::ClusterConnection),
}

/// What a server is asked in one round trip.
enum Question {
    One(Cmd),
    /// What is there under each of these keys, and for how long.
    Get(Vec<Vec<u8>>),
    /// Of a cluster, one server; elsewhere there is one only.
    #[cfg_attr(not(feature = "redis-cluster"), expect(dead_code, reason = "there is one only"))]
    At(Cmd, Option<Node>),
}

/// Where a server of a cluster is.
type Node = (String, u16);

impl Blocking {
    fn ask(&mut self, question: &Question) -> RedisResult<Value> {
        match (self, question) {
            (Self::One(connection), Question::One(command) | Question::At(command, _)) => {
                command.query(&mut **connection)
            }
            (Self::One(connection), Question::Get(keys)) => readable(gets(keys).query(&mut **connection)?),
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::At(command, Some(node))) => {
                connection.route_command(command, at(node))
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::One(command) | Question::At(command, None)) => {
                command.query(&mut **connection)
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::Get(keys)) => {
                let (all, mut at_once) = (gets(keys), ::redis::cluster::cluster_pipe());
                for command in all.cmd_iter() {
                    at_once.add_command(command.clone());
                }
                match at_once.query(connection) {
                    // It does not tell which ones went well.
                    Err(error) if is_fine_after(&error) => {
                        let replies = all.cmd_iter().map(|command| match command.query(&mut **connection) {
                            Err(error) if error.code() == Some(WRONG_TYPE) => Ok(Value::Nil),
                            reply => reply,
                        });
                        Ok(Value::Array(replies.collect::<RedisResult<_>>()?))
                    }
                    replies => replies,
                }
            }
        }
    }
}

impl Awaited {
    async fn ask(&mut self, question: &Question) -> RedisResult<Value> {
        match (self, question) {
            (Self::One(connection), Question::One(command) | Question::At(command, _)) => {
                command.query_async(connection).await
            }
            (Self::One(connection), Question::Get(keys)) => {
                readable(gets(keys).query_async(connection).await?)
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::At(command, Some(node))) => {
                connection.route_command(command.clone(), at(node)).await
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::One(command) | Question::At(command, None)) => {
                command.query_async(connection).await
            }
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(connection), Question::Get(keys)) => {
                // One request is for one slot. The client sends what is asked meanwhile along with it.
                let mut replies = vec![Value::Nil; 2 * keys.len()];
                let mut asked = tokio::task::JoinSet::new();
                for (at, key) in keys.iter().enumerate() {
                    let (commands, mut connection) = (gets([key]), connection.clone());
                    asked.spawn(
                        async move { (at, commands.query_async::<Vec<Value>>(&mut connection).await) },
                    );
                }
                while let Some(answered) = asked.join_next().await {
                    let (at, pair) = answered.map_err(std::io::Error::from)?;
                    for (reply, value) in replies[2 * at..].iter_mut().zip(pair?) {
                        *reply = value;
                    }
                }
                readable(replies)
            }
        }
    }
}

#[cfg(feature = "redis-cluster")]
fn at((host, port): &Node) -> ::redis::cluster_routing::RoutingInfo {
    use ::redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
    RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port })
}

/// The main servers of a cluster, as `CLUSTER SLOTS` lists them: in each range of slots, third.
#[cfg(feature = "redis-cluster")]
fn nodes_in(slots: Value) -> RedisResult<Vec<Option<Node>>> {
    let mut nodes = Vec::new();
    for range in Vec::<Vec<Value>>::from_redis_value(slots)? {
        let Some(main) = range.into_iter().nth(2) else { continue };
        let mut main = Vec::<Value>::from_redis_value(main)?.into_iter();
        if let (Some(host), Some(port)) = (main.next(), main.next()) {
            let node = Some((String::from_redis_value(host)?, u16::from_redis_value(port)?));
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
    }
    Ok(nodes)
}

impl Redis {
    /// How who listens comes to the server; `None` where nobody does.
    fn reach(&self) -> Option<Reach> {
        match &self.server {
            Server::One(client) => {
                let client = (**client).clone();
                Some(Box::new(move || Ok(client.clone())))
            }
            #[cfg(feature = "redis-sentinel")]
            Server::Sentinel(client) => {
                let (client, patience) = (Arc::clone(client), self.patience.connect);
                Some(Box::new(move || named_by(&client, patience)))
            }
            #[cfg(feature = "redis-cluster")]
            Server::Cluster(_) => None,
            Server::Nowhere(_) => None,
        }
    }

    fn tracked(&self, namespace: &str, sink: InvalidationSink) -> bool {
        let (prefix, Patience { connect, answer, .. }) = (prefix(namespace).into_bytes(), &self.patience);
        let mut tracking = self.tracking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tracking) = &*tracking {
            return tracking.watch(prefix, sink);
        }
        let start = |reach| Tracking::start(reach, *connect, *answer, prefix, sink);
        *tracking = self.reach().and_then(start);
        tracking.is_some()
    }

    fn connected(&self) -> RedisResult<Blocking> {
        #[cfg(feature = "redis-tls")]
        choose_cryptography();
        let connection = match &self.server {
            Server::One(client) => client.get_connection_with_timeout(self.patience.connect)?,
            #[cfg(feature = "redis-cluster")]
            Server::Cluster(client) => {
                let connection = client.get_connection_with_config(self.cluster_config())?;
                return Ok(Blocking::Cluster(Box::new(connection)));
            }
            #[cfg(feature = "redis-sentinel")]
            Server::Sentinel(client) => {
                named_by(client, self.patience.connect)?.get_connection_with_timeout(self.patience.connect)?
            }
            Server::Nowhere(why) => return Err(nowhere(why)),
        };
        connection.set_read_timeout(Some(self.patience.answer))?;
        connection.set_write_timeout(Some(self.patience.answer))?;
        Ok(Blocking::One(Box::new(connection)))
    }

    #[cfg(feature = "redis-cluster")]
    fn cluster_config(&self) -> ::redis::cluster::ClusterConfig {
        ::redis::cluster::ClusterConfig::new()
            .set_connection_timeout(self.patience.connect)
            .set_response_timeout(self.patience.answer)
    }

    /// Asks on a connection, an idle one first.
    fn ask<T: FromRedisValue>(&self, question: &Question, again: Again) -> Result<T, Trouble> {
        if let Some(mut connection) = self.blocking.take(&()) {
            match connection.ask(question) {
                Ok(answer) => {
                    self.blocking.give_back((), connection);
                    return of_type(answer);
                }
                Err(error) => {
                    if is_fine_after(&error) {
                        self.blocking.give_back((), connection);
                        return Err(trouble(error));
                    }
                    self.blocking.empty();
                    let is_over = error.is_connection_dropped() || is_interrupted(&error);
                    if !(again == Again::Harmless && is_over) {
                        return Err(trouble(error));
                    }
                }
            }
        }
        let mut connection = self.connected().map_err(trouble)?;
        let answer = connection.ask(question);
        if answer.as_ref().err().is_none_or(is_fine_after) {
            self.blocking.give_back((), connection);
        }
        of_type(answer.map_err(trouble)?)
    }

    async fn connected_async(&self) -> RedisResult<Awaited> {
        #[cfg(feature = "redis-tls")]
        choose_cryptography();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience.connect))
            .set_response_timeout(Some(self.patience.answer));
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
                let (client, patience) = (Arc::clone(client), self.patience.connect);
                let named = tokio::task::spawn_blocking(move || named_by(&client, patience)).await;
                let client = named.map_err(std::io::Error::other)??;
                Ok(Awaited::One(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Server::Nowhere(why) => Err(nowhere(why)),
        }
    }

    /// The place for the connection of this runtime.
    fn shared(&self) -> Result<Shared, Trouble> {
        let runtime = runtime::Handle::try_current().map_err(Trouble::unwilling)?.id();
        let mut all = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shared)) = all.iter().find(|(of, _)| *of == runtime) {
            return Ok(Arc::clone(shared));
        }
        let gone = (all.len() >= MOST_RUNTIMES).then(|| all.remove(0));
        let shared = Shared::default();
        all.push((runtime, Arc::clone(&shared)));
        drop(all);
        drop(gone);
        Ok(shared)
    }

    /// As `ask`. All tasks of a runtime use one connection at once; who finds it broken takes it away.
    async fn ask_async<T: FromRedisValue>(&self, question: &Question, again: Again) -> Result<T, Trouble> {
        let shared = self.shared()?;
        let asked = tokio::time::timeout(self.patience.connect + self.patience.answer, async {
            loop {
                let (mut connection, number, is_new) = {
                    let mut slot = shared.lock().await;
                    let (number, old) = (slot.number, slot.connection.clone());
                    match old {
                        Some(connection) => (connection, number, false),
                        None => (slot.connection.insert(self.connected_async().await?).clone(), number, true),
                    }
                };
                match connection.ask(question).await {
                    Err(error) if !is_fine_after(&error) => {
                        {
                            let mut slot = shared.lock().await;
                            if slot.number == number {
                                *slot = Slot { connection: None, number: number + 1 };
                            }
                        }
                        if is_new || again == Again::Harmful || !error.is_connection_dropped() {
                            return Err(error);
                        }
                    }
                    answer => return answer,
                }
            }
        })
        .await;
        of_type(asked.map_err(Trouble::down)?.map_err(trouble)?)
    }
}

/// Whether a command may be sent again when it is not known whether it was carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Harmless,
    Harmful,
}

/// Asks sentinels, which their client does without a time-out.
#[cfg(feature = "redis-sentinel")]
fn named_by(
    client: &Arc<Mutex<::redis::sentinel::SentinelClient>>,
    timeout: Duration,
) -> RedisResult<Client> {
    let (send, named) = std::sync::mpsc::channel();
    let client = Arc::clone(client);
    std::thread::spawn(move || {
        _ = send.send(client.lock().unwrap_or_else(PoisonError::into_inner).get_client());
    });
    named.recv_timeout(timeout).map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

/// Without a choice, TLS would panic. That of the program, if it has made one, stays.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            _ = rustls::crypto::ring::default_provider().install_default();
        }
    });
}

fn of_type<T: FromRedisValue>(answer: Value) -> Result<T, Trouble> {
    T::from_redis_value(answer).map_err(Trouble::unwilling)
}

fn nowhere(why: &'static str) -> RedisError {
    (::redis::ErrorKind::InvalidClientConfig, why).into()
}

/// Whether the error is of the command alone. A server that is read-only has been demoted: others are to be
/// asked for.
fn is_fine_after(error: &RedisError) -> bool {
    use ::redis::{ErrorKind, ServerErrorKind};
    match error.kind() {
        ErrorKind::Extension | ErrorKind::UnexpectedReturnType => true,
        ErrorKind::Server(kind) => kind == ServerErrorKind::ResponseError || kind == ServerErrorKind::NoPerm,
        _ => false,
    }
}

/// Whether the thread was interrupted as it waited: where there is a time-out, the system does not wait again.
fn is_interrupted(error: &RedisError) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::Interrupted)
}

/// In words of the client, which have no credentials in them.
fn trouble(error: RedisError) -> Trouble {
    let is_down = !is_fine_after(&error);
    Trouble { cause: error.into(), is_down }
}

/// What all keys of a namespace begin with.
fn prefix(namespace: &str) -> String {
    format!("{}:{namespace}:", namespace.len())
}

fn full(namespace: &str, key: &[u8]) -> Vec<u8> {
    [prefix(namespace).as_bytes(), key].concat()
}

/// What finds all keys of a namespace, and none besides.
fn pattern(namespace: &str) -> String {
    let mut pattern = String::new();
    for char in prefix(namespace).chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "*"
}

/// Rounded up: what is good for a moment is not good for ever.
fn milliseconds(ttl: Duration) -> u64 {
    let most = i64::MAX.unsigned_abs() / 2;
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(most).clamp(1, most)
}

/// Two commands for each key, one after the other.
fn gets<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Pipeline {
    let mut commands = pipe();
    for key in keys {
        commands.cmd("GET").arg(key.as_ref()).cmd("PTTL").arg(key.as_ref());
    }
    // Of one key, it is no error of the others.
    commands.ignore_errors();
    commands
}

/// The replies, if all could be read; a key of another type is nothing of ours.
fn readable(replies: Vec<Value>) -> RedisResult<Value> {
    let replies = replies.into_iter().map(|reply| match reply {
        Value::ServerError(error) if error.code() == WRONG_TYPE => Ok(Value::Nil),
        Value::ServerError(error) => Err(error.into()),
        reply => Ok(reply),
    });
    Ok(Value::Array(replies.collect::<RedisResult<_>>()?))
}

/// What is there, of a value and the time it has.
fn found((value, ttl): (Option<Vec<u8>>, i64)) -> Option<Stored> {
    // It may have expired between the two commands.
    let value = value.filter(|_| ttl != GONE)?;
    Some(Stored::new(value).ttl(u64::try_from(ttl).ok().map(Duration::from_millis)))
}

fn set(key: &[u8], value: &[u8], ttl: Option<Duration>) -> Question {
    let mut command = cmd("SET");
    command.arg(key).arg(value);
    if let Some(ttl) = ttl {
        command.arg("PX").arg(milliseconds(ttl));
    }
    Question::One(command)
}

fn unlink(keys: &[Vec<u8>]) -> Question {
    let mut command = cmd("UNLINK");
    command.arg(keys);
    Question::One(command)
}

fn scan(cursor: &[u8], pattern: &str, node: Option<Node>) -> Question {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
    Question::At(command, node)
}

fn swap(key: &[u8], expected: Option<&[u8]>, value: &[u8], ttl: Option<Duration>) -> Question {
    let mut command = cmd("EVAL");
    command.arg(SWAP).arg(1).arg(key);
    command.arg(if expected.is_some() { "1" } else { "0" }).arg(expected.unwrap_or_default()).arg(value);
    command.arg(ttl.map_or_else(String::new, |ttl| milliseconds(ttl).to_string()));
    Question::One(command)
}

#[cfg(feature = "redis-cluster")]
fn slots() -> Question {
    let mut command = cmd("CLUSTER");
    command.arg("SLOTS");
    Question::One(command)
}

macro_rules! speaks {
    ($Backend:ident, $CompareAndSwap:ident, $ask:ident, $nodes:ident, $scan:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl Redis {
            /// The servers that have keys.
            $($fn)* $nodes(&self) -> Result<Vec<Option<Node>>, Trouble> {
                #[cfg(feature = "redis-cluster")]
                if let Server::Cluster(_) = self.server {
                    let slots = self.$ask(&slots(), Again::Harmless)$($await)*?;
                    return nodes_in(slots).map_err(trouble);
                }
                Ok(vec![None])
            }

            /// Removes all keys of a namespace. Each step of it has the whole time for an answer.
            $($fn)* $scan(&self, namespace: &str) -> Result<(), Trouble> {
                let pattern = pattern(namespace);
                for node in self.$nodes()$($await)*? {
                    let mut cursor = b"0".to_vec();
                    loop {
                        let question = scan(&cursor, &pattern, node.clone());
                        let (next, keys): (Vec<u8>, Vec<Vec<u8>>) =
                            self.$ask(&question, Again::Harmless)$($await)*?;
                        if !keys.is_empty() {
                            let _: u64 = self.$ask(&unlink(&keys), Again::Harmless)$($await)*?;
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
                self.patience.admits(&self.place)?;
                let question = Question::Get(keys.iter().map(|key| full(namespace, key)).collect());
                let answer = self.$ask::<Vec<_>>(&question, Again::Harmless)$($await)*;
                let all = answer.map(|answer| answer.into_iter().map(found).collect());
                self.patience.noted(&self.place, all)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.patience.admits(&self.place)?;
                let question = set(&full(namespace, key), value, ttl);
                let done = self.$ask(&question, Again::Harmless)$($await)*;
                self.patience.noted(&self.place, done)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                $CompareAndSwap::swap(self, namespace, key, &None, value, Some(ttl))$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.patience.admits(&self.place)?;
                let question = unlink(&[full(namespace, key)]);
                let done = self.$ask(&question, Again::Harmless)$($await)*;
                self.patience.noted(&self.place, done)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                self.patience.admits(&self.place)?;
                let done = self.$scan(namespace)$($await)*;
                self.patience.noted(&self.place, done)
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.tracked(namespace, sink)
            }
        }

        impl $CompareAndSwap for Redis {
            /// The value itself: whoever changes it back has changed nothing.
            type Version = Option<Vec<u8>>;

            $($fn)* look(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let found = $Backend::get(self, namespace, key)$($await)*?;
                let version = found.as_ref().map(|found| found.value.clone());
                Ok((found, version))
            }

            $($fn)* swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.patience.admits(&self.place)?;
                let question = swap(&full(namespace, key), version.as_deref(), value, ttl);
                let done = self.$ask(&question, Again::Harmful)$($await)*;
                self.patience.noted(&self.place, done)
            }
        }
    };
}

speaks! { Backend, CompareAndSwap, ask, nodes, scan, [fn] }
speaks! { AsyncBackend, AsyncCompareAndSwap, ask_async, nodes_async, scan_async, [async fn] .await }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        let times = [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1001), Duration::MAX];
        assert_eq!(times.map(milliseconds), [1, 1, 2, i64::MAX.unsigned_abs() / 2]);
    }

    #[test]
    fn no_namespace_is_the_beginning_of_another() {
        assert_eq!(full("a", b"b:c"), b"1:a:b:c");
        assert_ne!(full("a", b"b:c"), full("a:b", b"c"));
        assert_eq!(pattern("a*[b]?\\"), "7:a\\*\\[b\\]\\?\\\\:*");
    }
}

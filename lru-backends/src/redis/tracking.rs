//! Invalidation by the server: client tracking, from Redis 6 on.
//!
//! A connection of its own subscribes to all keys with the prefix of a namespace (`BCAST`), whichever client changes
//! them: so the server need not remember which client has read which key. A thread listens, and ends when the
//! [`Tracking`] is dropped.
//!
//! When the connection is lost, and again when a new one listens, the functions are told that changes may have been
//! missed. They keep their copies or drop them: `on_lost`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult,
    ServerErrorKind, Value, cmd,
};
use lru_core::backend::InvalidationSink;
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::is_usable_after;
use super::item::{HEAD, token};

/// How long a connection may be silent before it is checked with `PING`.
const SILENCE: Duration = Duration::from_secs(1);

/// The least timeout for the answer; a longer timeout of the client applies.
const ANSWER: Duration = Duration::from_secs(1);

/// The pause before the next connection attempt: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// The pause after the server refused to report changes.
const REFUSED: Duration = Duration::from_secs(10);

/// How many changed keys are asked for at the same time, to see whether the change was this process's own: the
/// beginning of the item tells. Beyond that, copies are dropped without asking.
const READ_BACKS: usize = 256;

/// Creates a client for the server.
pub(super) type Reach = Box<dyn Fn() -> RedisResult<Client> + Send>;

/// The handle of the listening thread, which ends when this is dropped.
pub(super) struct Tracking(UnboundedSender<Event>);

enum Event {
    /// A new subscription, for keys with this prefix.
    Watch(Vec<u8>, InvalidationSink),
    /// A message from the connection with this number.
    Push(u64, PushInfo),
}

impl Tracking {
    /// Starts the listening thread; `None` if no thread can be started.
    pub(super) fn start(
        reach: Reach,
        connect: Duration,
        answer: Duration,
        server_number: Arc<AtomicU64>,
        (prefix, sink): (Vec<u8>, InvalidationSink),
    ) -> Option<Self> {
        let (sender, events) = unbounded_channel();
        let (sent, answer) = (sender.downgrade(), answer.max(ANSWER));
        let sinks = HashMap::from([(prefix, vec![sink])]);
        let read_backs = Arc::new(Semaphore::new(READ_BACKS));
        let number = 0;
        let mut listener =
            Listener { reach, connect, answer, server_number, sent, events, sinks, read_backs, number };
        let run = move || {
            if let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(listener.listen());
            }
        };
        thread::Builder::new().name("redis tracking".to_owned()).spawn(run).ok()?;
        Some(Self(sender))
    }

    /// Adds a subscription, and returns whether the thread is still running.
    pub(super) fn watch(&self, prefix: Vec<u8>, sink: InvalidationSink) -> bool {
        self.0.send(Event::Watch(prefix, sink)).is_ok()
    }
}

/// The state of the listening thread.
struct Listener {
    reach: Reach,
    connect: Duration,
    answer: Duration,
    /// The number of the server, which is part of the tokens of leases.
    server_number: Arc<AtomicU64>,
    /// The sender for messages of connections. It does not keep the thread running.
    sent: WeakUnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    /// The subscriptions, by the prefix of their keys.
    sinks: HashMap<Vec<u8>, Sinks>,
    read_backs: Arc<Semaphore>,
    /// The number of the current connection.
    number: u64,
}

type Sinks = Vec<InvalidationSink>;

/// The [`Tracking`] was dropped, so the thread ends.
struct Dropped;

impl Listener {
    async fn listen(&mut self) {
        let mut pause = PAUSES[0];
        loop {
            let rest = match self.connect().await {
                Ok(connection) => {
                    self.may_have_missed_changes();
                    let begin = Instant::now();
                    if self.follow(connection).await.is_err() {
                        return;
                    }
                    self.may_have_missed_changes();
                    // A connection that breaks at once may do so again: keep the longer pause.
                    pause = if begin.elapsed() > PAUSES[1] { PAUSES[0] } else { pause };
                    pause
                }
                Err(error) if is_refusal(&error) => REFUSED,
                Err(_) => pause,
            };
            pause = (2 * pause).min(PAUSES[1]);
            if self.rest(rest).await.is_err() {
                return;
            }
        }
    }

    /// Waits, and accepts subscriptions meanwhile.
    async fn rest(&mut self, pause: Duration) -> Result<(), Dropped> {
        let end = Instant::now() + pause;
        while let Ok(event) = timeout_at(end, self.events.recv()).await {
            if let Event::Watch(prefix, sink) = event.ok_or(Dropped)? {
                self.sinks.entry(prefix).or_default().push(sink);
            }
        }
        Ok(())
    }

    /// Opens a connection with all subscriptions.
    async fn connect(&mut self) -> RedisResult<MultiplexedConnection> {
        #[cfg(feature = "redis-tls")]
        super::client::install_crypto_provider();
        self.number += 1;
        let (number, sent) = (self.number, self.sent.clone());
        let receive = move |push| match sent.upgrade() {
            Some(sent) => sent.send(Event::Push(number, push)).map_err(drop),
            None => Err(()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.answer))
            .set_push_sender(receive);
        let info = (self.reach)()?.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        track(&mut connection, self.sinks.keys()).await?;
        Ok(connection)
    }

    /// Forwards what the connection reports, until the connection is lost.
    async fn follow(&mut self, mut connection: MultiplexedConnection) -> Result<(), Dropped> {
        loop {
            let Ok(event) = timeout(SILENCE, self.events.recv()).await else {
                if is_there(&mut connection).await {
                    continue;
                }
                return Ok(());
            };
            match event.ok_or(Dropped)? {
                Event::Watch(prefix, sink) => {
                    let is_new = !self.sinks.contains_key(&prefix);
                    self.sinks.entry(prefix.clone()).or_default().push(sink.clone());
                    if is_new && track(&mut connection, [&prefix]).await.is_err() {
                        return Ok(());
                    }
                    sink.may_have_missed_changes();
                }
                Event::Push(number, push) if number == self.number => match push.kind {
                    PushKind::Disconnection => return Ok(()),
                    PushKind::Invalidate => self.invalidated(push.data, &connection),
                    _ => {}
                },
                // From an earlier connection.
                Event::Push(..) => {}
            }
        }
    }

    fn may_have_missed_changes(&self) {
        self.sinks.values().flatten().for_each(InvalidationSink::may_have_missed_changes);
    }

    fn invalidate_all(&self) {
        self.sinks.values().flatten().for_each(InvalidationSink::invalidate_all);
    }

    /// Handles a message: a list of keys, or none if all keys were removed.
    fn invalidated(&self, data: Vec<Value>, connection: &MultiplexedConnection) {
        for keys in data {
            let Value::Array(keys) = keys else {
                self.invalidate_all();
                continue;
            };
            for key in keys {
                match key {
                    Value::BulkString(key) => self.key_changed(&key, connection),
                    _ => self.invalidate_all(),
                }
            }
        }
    }

    fn key_changed(&self, full: &[u8], connection: &MultiplexedConnection) {
        let Some((sinks, key)) = self.sinks_of(full) else { return };
        for sink in sinks {
            let permit = if sink.may_be_own_write(key) {
                Arc::clone(&self.read_backs).try_acquire_owned().ok()
            } else {
                None
            };
            let Some(permit) = permit else {
                sink.invalidate(key);
                continue;
            };
            let (sink, key, mut connection) = (sink.clone(), key.to_vec(), connection.clone());
            let mut command = cmd("GETRANGE");
            command.arg(full).arg(0).arg(HEAD - 1);
            let number = Arc::clone(&self.server_number);
            tokio::spawn(async move {
                let _permit = permit;
                match command.query_async::<Vec<u8>>(&mut connection).await {
                    // An empty answer is that of a missing key.
                    Ok(head) if !head.is_empty() => {
                        let token = token(&head, number.load(SeqCst));
                        sink.invalidate_unless_leased(&key, Some(&token));
                    }
                    _ => sink.invalidate(&key),
                }
            });
        }
    }

    /// Returns the subscriptions for a key, and the key without the prefix.
    fn sinks_of<'k>(&self, full: &'k [u8]) -> Option<(&Sinks, &'k [u8])> {
        let colon = full.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&full[..colon]).ok()?.parse().ok()?;
        let end = colon.checked_add(length)?.checked_add(2)?;
        let (prefix, key) = full.split_at_checked(end)?;
        Some((self.sinks.get(prefix)?, key))
    }
}

/// Subscribes the connection to keys with these prefixes, in addition to earlier ones.
async fn track<'p>(
    connection: &mut MultiplexedConnection,
    prefixes: impl IntoIterator<Item = &'p Vec<u8>>,
) -> RedisResult<()> {
    let mut command = cmd("CLIENT");
    command.arg("TRACKING").arg("ON").arg("BCAST");
    for prefix in prefixes {
        command.arg("PREFIX").arg(prefix);
    }
    command.query_async(connection).await
}

/// Returns whether the server answers, with anything at all.
async fn is_there(connection: &mut MultiplexedConnection) -> bool {
    cmd("PING").query_async::<Value>(connection).await.as_ref().err().is_none_or(is_usable_after)
}

/// Returns whether the server refused: it is too old, or the user has no permission.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::RESP3NotSupported => true,
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::NoPerm),
        _ => error.code() == Some("NOPROTO"),
    }
}

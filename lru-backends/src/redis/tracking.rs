//! Invalidation by the server: client tracking, from Redis 6 on.
//!
//! A connection of its own subscribes to all keys with the prefix of a namespace (`BCAST`), whichever client changes
//! them: so the server need not remember which client has read which key. A thread listens, and ends when the
//! [`Tracking`] is dropped. In a cluster, each main server is subscribed to. There is one for each prefix of clients' keys: a server refuses prefixes of one connection of
//! which one begins with another.
//!
//! When the connection is lost, and again when a new one listens, the functions are told that changes may have been
//! missed. They keep their copies or drop them: `on_lost`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use ::redis::{ErrorKind, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind, Value};
use lru_core::backend::InvalidationSink;
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::item::token;
use super::tracked_connection::{Reach, TrackedConnection};

/// How often a connection is checked.
const CHECK: Duration = Duration::from_secs(1);

/// The least timeout for the answer; a longer timeout of the client applies.
const ANSWER: Duration = Duration::from_secs(1);

/// The pause before the next connection attempt: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// The pause after the server refused to report changes.
const REFUSED: Duration = Duration::from_secs(10);

/// How many changed keys are asked for at the same time, to see whether the change was this process's own: the
/// beginning of the item tells. Beyond that, copies are dropped without asking.
const READ_BACKS: usize = 256;

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
        (common, prefix, sink): (usize, Vec<u8>, InvalidationSink),
    ) -> Option<Self> {
        let (sender, events) = unbounded_channel();
        let (sent, answer) = (sender.downgrade(), answer.max(ANSWER));
        let sinks = HashMap::from([(prefix, vec![sink])]);
        let read_backs = Arc::new(Semaphore::new(READ_BACKS));
        let number = 0;
        let mut listener = Listener {
            reach,
            connect,
            answer,
            server_number,
            sent,
            events,
            common,
            sinks,
            read_backs,
            number,
        };
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
    /// How many bytes of the keys come before the length of the namespace.
    common: usize,
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
                Err(error) if is_of_old_protocol(&error) => return,
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
    async fn connect(&mut self) -> RedisResult<TrackedConnection> {
        self.number += 1;
        let (number, sent) = (self.number, self.sent.clone());
        let receive = move |push| match sent.upgrade() {
            Some(sent) => sent.send(Event::Push(number, push)).map_err(drop),
            None => Err(()),
        };
        // The client of a cluster tries again and again. Each node is asked in turn.
        let connected = timeout(4 * (self.connect + self.answer), async {
            let times = (self.connect, self.answer);
            let mut connection = TrackedConnection::open(&self.reach, times, receive).await?;
            connection.track(self.sinks.keys()).await?;
            Ok(connection)
        });
        connected.await.map_err(std::io::Error::from)?
    }

    /// Forwards what the connection reports, until the connection is lost.
    async fn follow(&mut self, mut connection: TrackedConnection) -> Result<(), Dropped> {
        let mut check_at = Instant::now() + CHECK;
        loop {
            if Instant::now() >= check_at {
                let is_intact = timeout(self.connect + self.answer, connection.is_intact()).await;
                if is_intact != Ok(true) {
                    return Ok(());
                }
                check_at = Instant::now() + CHECK;
            }
            let Ok(event) = timeout_at(check_at, self.events.recv()).await else { continue };
            match event.ok_or(Dropped)? {
                Event::Watch(prefix, sink) => {
                    let is_new = !self.sinks.contains_key(&prefix);
                    self.sinks.entry(prefix.clone()).or_default().push(sink.clone());
                    if is_new && connection.track([&prefix]).await.is_err() {
                        return Ok(());
                    }
                    sink.may_have_missed_changes();
                }
                Event::Push(number, push) if number == self.number => match push.kind {
                    // In a cluster, it may be another connection that was closed. All are checked.
                    PushKind::Disconnection => check_at = Instant::now(),
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
    fn invalidated(&self, data: Vec<Value>, connection: &TrackedConnection) {
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

    fn key_changed(&self, full: &[u8], connection: &TrackedConnection) {
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
            let (sink, key, head) = (sink.clone(), key.to_vec(), connection.clone().head(full.to_vec()));
            let number = Arc::clone(&self.server_number);
            tokio::spawn(async move {
                let _permit = permit;
                match head.await {
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
        let rest = full.get(self.common..)?;
        let colon = rest.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
        let end = (self.common + colon).checked_add(length)?.checked_add(2)?;
        let (prefix, key) = full.split_at_checked(end)?;
        Some((self.sinks.get(prefix)?, key))
    }
}

/// Returns whether the client of a cluster was set up for another protocol than RESP3, in which nothing is reported.
fn is_of_old_protocol(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("connection using RESP3"))
}

/// Returns whether the server refused: it is too old, or the user has no permission.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::RESP3NotSupported => true,
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::NoPerm),
        _ => error.code() == Some("NOPROTO"),
    }
}

//! What a server tells of changes: client tracking, as Redis has it from version 6 on.
//!
//! A connection of its own asks to be told of all keys that begin with the prefix of a namespace
//! (`BCAST`), whoever changes them: so the server need not remember who has read what. A thread listens,
//! and ends when nobody is left who could ask it for anything.
//!
//! Invariant: what is changed while nobody listens counts as changed under any key: that is told when the
//! connection is lost, and once more when there is a new one that listens.

use std::collections::HashMap;
use std::sync::Arc;
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

use super::is_fine_after;

/// A connection that has been silent for so long is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(1);

/// What an answer to that may take, should the function not be more patient.
const ANSWER: Duration = Duration::from_secs(1);

/// The pause before the server is tried again: the first one, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// The same where the server has said that it does not do it.
const REFUSED: Duration = Duration::from_secs(10);

/// So many keys are looked up at once, to see whether their change is no news. Beyond that all are news.
const LOOKS: usize = 256;

/// How a client for the server is made.
pub(super) type Reach = Box<dyn Fn() -> RedisResult<Client> + Send>;

/// Asks the thread that listens; when this is dropped, it ends.
pub(super) struct Tracking(UnboundedSender<Event>);

enum Event {
    /// Somebody wants to know of keys that begin so.
    Watch(Vec<u8>, InvalidationSink),
    /// What came by the connection of this number.
    Push(u64, PushInfo),
}

impl Tracking {
    /// Begins to listen. `None` where there can be no thread.
    pub(super) fn start(
        reach: Reach,
        connect: Duration,
        answer: Duration,
        prefix: Vec<u8>,
        sink: InvalidationSink,
    ) -> Option<Self> {
        let (sender, events) = unbounded_channel();
        let (sent, answer) = (sender.downgrade(), answer.max(ANSWER));
        let sinks = HashMap::from([(prefix, vec![sink])]);
        let looks = Arc::new(Semaphore::new(LOOKS));
        let mut listener = Listener { reach, connect, answer, sent, events, sinks, looks, number: 0 };
        let run = move || {
            if let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(listener.listen());
            }
        };
        thread::Builder::new().name("redis tracking".to_owned()).spawn(run).ok()?;
        Some(Self(sender))
    }

    /// Listens to more. Says whether it does.
    pub(super) fn watch(&self, prefix: Vec<u8>, sink: InvalidationSink) -> bool {
        self.0.send(Event::Watch(prefix, sink)).is_ok()
    }
}

/// What the thread has.
struct Listener {
    reach: Reach,
    connect: Duration,
    answer: Duration,
    /// For connections to send what comes; they keep nobody alive.
    sent: WeakUnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
    /// By what their keys begin with.
    sinks: HashMap<Vec<u8>, Sinks>,
    looks: Arc<Semaphore>,
    /// How many connections there were.
    number: u64,
}

type Sinks = Vec<InvalidationSink>;

/// Nobody is left who could ask for anything.
struct Over;

impl Listener {
    async fn listen(&mut self) {
        let mut pause = PAUSES[0];
        loop {
            let rest = match self.connected().await {
                Ok(connection) => {
                    self.all_lost_track();
                    let begin = Instant::now();
                    if self.follow(connection).await.is_err() {
                        return;
                    }
                    self.all_lost_track();
                    // What broke at once may go on doing that.
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

    /// Waits, and goes on noting who wants to know.
    async fn rest(&mut self, pause: Duration) -> Result<(), Over> {
        let end = Instant::now() + pause;
        while let Ok(event) = timeout_at(end, self.events.recv()).await {
            if let Event::Watch(prefix, sink) = event.ok_or(Over)? {
                self.sinks.entry(prefix).or_default().push(sink);
            }
        }
        Ok(())
    }

    /// A connection that tells of all that is watched.
    async fn connected(&mut self) -> RedisResult<MultiplexedConnection> {
        #[cfg(feature = "redis-tls")]
        super::choose_cryptography();
        self.number += 1;
        let (number, sent) = (self.number, self.sent.clone());
        let told = move |push| match sent.upgrade() {
            Some(sent) => sent.send(Event::Push(number, push)).map_err(drop),
            None => Err(()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.answer))
            .set_push_sender(told);
        let info = (self.reach)()?.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        track(&mut connection, self.sinks.keys()).await?;
        Ok(connection)
    }

    /// Tells what the connection tells, as long as it is there.
    async fn follow(&mut self, mut connection: MultiplexedConnection) -> Result<(), Over> {
        loop {
            let Ok(event) = timeout(SILENCE, self.events.recv()).await else {
                if is_there(&mut connection).await {
                    continue;
                }
                return Ok(());
            };
            match event.ok_or(Over)? {
                Event::Watch(prefix, sink) => {
                    let is_new = !self.sinks.contains_key(&prefix);
                    self.sinks.entry(prefix.clone()).or_default().push(sink.clone());
                    if is_new && track(&mut connection, [&prefix]).await.is_err() {
                        return Ok(());
                    }
                    sink.invalidate_all();
                }
                Event::Push(number, push) if number == self.number => match push.kind {
                    PushKind::Disconnection => return Ok(()),
                    PushKind::Invalidate => self.invalidated(push.data, &connection),
                    _ => {}
                },
                // Of a connection that is gone.
                Event::Push(..) => {}
            }
        }
    }

    fn all_lost_track(&self) {
        self.sinks.values().flatten().for_each(|sink| sink.invalidate_all());
    }

    /// A list of keys; of none where all are gone.
    fn invalidated(&self, data: Vec<Value>, connection: &MultiplexedConnection) {
        for keys in data {
            let Value::Array(keys) = keys else {
                self.all_lost_track();
                continue;
            };
            for key in keys {
                match key {
                    Value::BulkString(key) => self.changed(&key, connection),
                    _ => self.all_lost_track(),
                }
            }
        }
    }

    fn changed(&self, full: &[u8], connection: &MultiplexedConnection) {
        let Some((sinks, key)) = self.sinks_of(full) else { return };
        for sink in sinks {
            let permit = if sink.may_be_own_write(key) {
                Arc::clone(&self.looks).try_acquire_owned().ok()
            } else {
                None
            };
            let Some(permit) = permit else {
                sink.invalidate(key);
                continue;
            };
            let (sink, key, mut connection) = (sink.clone(), key.to_vec(), connection.clone());
            let mut command = cmd("GET");
            command.arg(full);
            tokio::spawn(async move {
                let _permit = permit;
                match command.query_async::<Option<Vec<u8>>>(&mut connection).await {
                    Ok(value) => sink.invalidate_unless_equal(&key, value.as_deref()),
                    Err(_) => sink.invalidate(&key),
                }
            });
        }
    }

    /// Who wants to know of a key, and what it is without the prefix.
    fn sinks_of<'k>(&self, full: &'k [u8]) -> Option<(&Sinks, &'k [u8])> {
        let colon = full.iter().position(|&byte| byte == b':')?;
        let length: usize = std::str::from_utf8(&full[..colon]).ok()?.parse().ok()?;
        let end = colon.checked_add(length)?.checked_add(2)?;
        let (prefix, key) = full.split_at_checked(end)?;
        Some((self.sinks.get(prefix)?, key))
    }
}

/// Asks to be told of keys that begin so, beside those that were asked for before.
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

/// Whether the server answers, whatever it is that it says.
async fn is_there(connection: &mut MultiplexedConnection) -> bool {
    cmd("PING").query_async::<Value>(connection).await.as_ref().err().is_none_or(is_fine_after)
}

/// Whether the server is well, and has said no: it is too old, or this user may not ask for it.
fn is_refusal(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::RESP3NotSupported => true,
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::ResponseError | ServerErrorKind::NoPerm),
        _ => error.code() == Some("NOPROTO"),
    }
}

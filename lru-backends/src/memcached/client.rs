//! Sending requests over the connections of a server.
//!
//! Invariant: an operation has one deadline, for looking up the name, connecting, sending and answering together, also if
//! it takes several round trips, or is asked again because the first connection was closed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lru_core::backend::ErrorKind;

use super::Memcached;
use super::multiplexed::Multiplexed;
use super::protocol::Reply;
use super::server::Server;
use super::tls;
use crate::background::within;
use crate::error::ClientError;
use crate::runtimes::{Home, current_runtime};
use crate::timeouts::Timeouts;

/// The time of an operation.
#[derive(Debug)]
pub(super) struct Operation {
    start: Instant,
    /// The longest time that connecting, and that an answer, may take.
    connect: Duration,
    answer: Duration,
    /// Whether a connection was opened for it, so that it may take the longer time.
    has_connected: AtomicBool,
}

impl Operation {
    pub(super) fn begin(timeouts: &Timeouts) -> Self {
        let &Timeouts { connect, answer, .. } = timeouts;
        Self { start: Instant::now(), connect, answer, has_connected: AtomicBool::new(false) }
    }

    /// Returns until when a question must be answered.
    fn answered(&self) -> Instant {
        let has_connected = self.has_connected.load(Relaxed);
        self.start + if has_connected { self.answer.max(self.connect) } else { self.answer }
    }

    /// Returns until when a connection must be open.
    fn connected(&self) -> Instant {
        self.start + self.connect
    }
}

impl Memcached {
    /// Sends requests of an operation, and reads the reply to each, over an idle connection first.
    pub(super) fn send_all(
        &self,
        operation: &Operation,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        let server = self.server();
        let deadline = operation.answered();
        let mut slot = server.blocking.take(self.connections, deadline)?;
        if let Some(mut connection) = slot.connection.take() {
            match connection.send(requests, count, deadline) {
                Ok(replies) => {
                    slot.put(connection);
                    return Ok(replies);
                }
                Err(error) => {
                    server.lost();
                    if !(retry == Retry::Allowed && was_closed(&error)) {
                        return Err(converted(error));
                    }
                }
            }
        }
        operation.has_connected.store(true, Relaxed);
        let mut connection = server.open(operation.connected()).map_err(converted)?;
        let sent = connection.send(requests, count, operation.answered());
        let replies = sent.inspect_err(|_| server.lost()).map_err(converted)?;
        slot.put(connection);
        Ok(replies)
    }

    /// Like [`send_all`](Self::send_all), over the connection of the current runtime.
    pub(super) async fn send_all_async(
        &self,
        operation: &Operation,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        let server = self.server();
        let runtime = current_runtime()?;
        let mut may_retry = retry == Retry::Allowed;
        loop {
            let connected = operation.connected();
            let opened = tokio::time::timeout_at(connected.into(), connection(server, runtime)).await;
            let (connection, is_new) = opened.map_err(io::Error::from)?.map_err(converted)?;
            operation.has_connected.fetch_or(is_new, Relaxed);
            let error = match connection.ask_until(requests.to_vec(), count, operation.answered()).await {
                Ok(replies) => return Ok(replies),
                Err(error) => error,
            };
            if connection.take_loss() {
                server.lost();
            }
            if is_new || !may_retry || !was_closed(&error) {
                return Err(converted(error));
            }
            may_retry = false;
        }
    }
}

/// Returns the connection of a runtime, and whether it was opened just now.
async fn connection(server: &Server, runtime: tokio::runtime::Id) -> io::Result<(Arc<Multiplexed>, bool)> {
    let (place, home) = server.runtimes.with(runtime, |place, home| (Arc::clone(place), home));
    let mut place = place.lock().await;
    if let Some(connection) = &*place {
        if connection.is_open() {
            return Ok((Arc::clone(connection), false));
        }
        if connection.take_loss() {
            server.lost();
        }
    }
    let connection = Arc::new(match home {
        Home::Own => server.open_async().await?,
        Home::Shared => within(server.open_async()).await??,
    });
    *place = Some(Arc::clone(&connection));
    Ok((connection, true))
}

/// Whether requests may be sent again if the connection was lost before the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// The requests are idempotent.
    Allowed,
    /// A compare-and-swap that succeeded would seem to have failed, and the change would be made twice.
    Forbidden,
}

/// Returns whether the server closed the connection while it was idle, as in a restart.
fn was_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

/// Like [`was_closed`], for an error that was converted.
pub(super) fn is_closed(error: &ClientError) -> bool {
    error.io().is_some_and(was_closed)
}

/// Converts the error of a connection. A server that refuses the credentials is not down.
fn converted(error: io::Error) -> ClientError {
    if tls::is_untrusted(&error) {
        return ClientError::down(ErrorKind::Unavailable, error);
    }
    match error.kind() {
        io::ErrorKind::InvalidInput => ClientError::answered(ErrorKind::Configuration, error),
        io::ErrorKind::PermissionDenied => ClientError::answered(ErrorKind::Rejected, error),
        io::ErrorKind::Unsupported => ClientError::answered(ErrorKind::Unsupported, error),
        _ => error.into(),
    }
}

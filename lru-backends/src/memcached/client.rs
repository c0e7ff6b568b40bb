//! Sending requests over the connections of a server.
//!
//! Invariant: a question has one deadline, for looking up the name, connecting, sending and answering together, also if
//! it is asked again because the first connection was closed.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use lru_core::backend::ErrorKind;

use super::Memcached;
use super::connection::Multiplexed;
use super::protocol::Reply;
use super::server::Server;
use crate::connection_pool::current_runtime;
use crate::error::ClientError;

impl Memcached {
    /// Returns until when a connection must be open, and until when a question on a new one must be answered.
    fn deadlines(&self, start: Instant) -> (Instant, Instant) {
        (start + self.timeouts.connect, start + self.timeouts.connect.max(self.timeouts.answer))
    }

    /// Sends requests and reads the reply to each, over an idle connection first.
    pub(super) fn send_all(
        &self,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        let server = self.server();
        let start = Instant::now();
        let deadline = start + self.timeouts.answer;
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
        let (connected, answered) = self.deadlines(start);
        let mut connection = server.open(connected).map_err(converted)?;
        let sent = connection.send(requests, count, answered);
        let replies = sent.inspect_err(|_| server.lost()).map_err(converted)?;
        slot.put(connection);
        Ok(replies)
    }

    /// Like [`send_all`](Self::send_all), over the connection of the current runtime.
    pub(super) async fn send_all_async(
        &self,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        let server = self.server();
        let runtime = current_runtime()?;
        let start = Instant::now();
        let (connected, answered) = self.deadlines(start);
        let mut may_retry = retry == Retry::Allowed;
        loop {
            let opened = tokio::time::timeout_at(connected.into(), connection(server, runtime)).await;
            let (connection, is_new) = opened.map_err(io::Error::from)?.map_err(converted)?;
            let deadline = if is_new { answered } else { start + self.timeouts.answer };
            let error = match connection.ask_until(requests.to_vec(), count, deadline).await {
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
    let place = server.of_runtime(runtime);
    let mut place = place.lock().await;
    if let Some(connection) = &*place {
        if connection.is_open() {
            return Ok((Arc::clone(connection), false));
        }
        if connection.take_loss() {
            server.lost();
        }
    }
    let connection = Arc::new(server.open_async().await?);
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
    match error.kind() {
        io::ErrorKind::PermissionDenied => ClientError::answered(ErrorKind::Rejected, error),
        io::ErrorKind::Unsupported => ClientError::answered(ErrorKind::Unsupported, error),
        _ => error.into(),
    }
}

//! Sending requests over pooled connections.

use std::io;

use super::Memcached;
use super::connection::{Awaited, Blocking};
use super::protocol::Reply;
use crate::connection_pool::current_runtime;
use crate::error::ClientError;

impl Memcached {
    /// Sends requests and reads the reply to each, over an idle connection first.
    pub(super) fn send_all(
        &self,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        if let Some(mut connection) = self.blocking.take(&()) {
            match connection.send(requests, count, self.timeouts.answer) {
                Ok(replies) => {
                    self.blocking.put((), connection);
                    return Ok(replies);
                }
                Err(error) => {
                    self.epoch.end();
                    self.blocking.clear();
                    if !(retry == Retry::Allowed && was_closed(&error)) {
                        return Err(error.into());
                    }
                }
            }
        }
        let mut connection = Blocking::open(&self.address, self.timeouts.connect)?;
        let sent = connection.send(requests, count, self.timeouts.answer);
        let replies = sent.inspect_err(|_| self.epoch.end())?;
        self.blocking.put((), connection);
        Ok(replies)
    }

    /// Like [`send_all`](Self::send_all). If the future is dropped, the connection is dropped with it.
    pub(super) async fn send_all_async(
        &self,
        requests: &[u8],
        count: usize,
        retry: Retry,
    ) -> Result<Vec<Reply>, ClientError> {
        let runtime = current_runtime()?;
        if let Some(mut connection) = self.awaited.take(&runtime) {
            match connection.send(requests, count, self.timeouts.answer).await {
                Ok(replies) => {
                    self.awaited.put(runtime, connection);
                    return Ok(replies);
                }
                Err(error) => {
                    self.epoch.end();
                    self.awaited.clear();
                    if !(retry == Retry::Allowed && was_closed(&error)) {
                        return Err(error.into());
                    }
                }
            }
        }
        let mut connection = Awaited::open(&self.address, self.timeouts.connect).await?;
        let sent = connection.send(requests, count, self.timeouts.answer).await;
        let replies = sent.inspect_err(|_| self.epoch.end())?;
        self.awaited.put(runtime, connection);
        Ok(replies)
    }
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

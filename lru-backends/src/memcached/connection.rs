//! Connections to Memcached: requests are sent together, and as many replies are read.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::protocol::{Inbox, Reply};

/// How many bytes one read takes at most.
const CHUNK: usize = 16 * 1024;

/// A connection that blocks the thread.
#[derive(Debug)]
pub(super) struct Blocking {
    stream: TcpStream,
    inbox: Inbox,
}

impl Blocking {
    pub(super) fn open(address: &str, timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let mut last = None;
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, inbox: Inbox::default() });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host name has no address")))
    }

    /// Sends requests together and reads the reply to each.
    pub(super) fn send(
        &mut self,
        requests: &[u8],
        count: usize,
        timeout: Duration,
    ) -> io::Result<Vec<Reply>> {
        let deadline = Instant::now() + timeout;
        let mut unsent = requests;
        while !unsent.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => unsent = &unsent[sent..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut chunk = [0; CHUNK];
        let mut replies = Vec::with_capacity(count);
        loop {
            if is_complete(&mut self.inbox, &mut replies, count)? {
                return Ok(replies);
            }
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.inbox.push(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A connection that is awaited.
#[derive(Debug)]
pub(super) struct Awaited {
    stream: tokio::net::TcpStream,
    inbox: Inbox,
}

impl Awaited {
    pub(super) async fn open(address: &str, timeout: Duration) -> io::Result<Self> {
        let stream = tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, inbox: Inbox::default() })
    }

    pub(super) async fn send(
        &mut self,
        requests: &[u8],
        count: usize,
        timeout: Duration,
    ) -> io::Result<Vec<Reply>> {
        tokio::time::timeout(timeout, async {
            self.stream.write_all(requests).await?;
            let mut chunk = vec![0; CHUNK];
            let mut replies = Vec::with_capacity(count);
            loop {
                if is_complete(&mut self.inbox, &mut replies, count)? {
                    return Ok(replies);
                }
                match self.stream.read(&mut chunk).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => self.inbox.push(&chunk[..read]),
                }
            }
        })
        .await?
    }
}

/// Returns whether all replies are complete. Further bytes are an error: they answer no request.
fn is_complete(inbox: &mut Inbox, replies: &mut Vec<Reply>, count: usize) -> io::Result<bool> {
    while replies.len() < count {
        match inbox.next()? {
            Some(reply) => replies.push(reply),
            None => return Ok(false),
        }
    }
    if !inbox.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more replies than requests"));
    }
    Ok(true)
}

/// Returns the time until the deadline; an error once it has passed.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

//! Connections to Memcached: requests out, as many replies in.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::protocol::{Inbox, Reply};

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// One that blocks.
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
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
    }

    /// Sends requests at once and reads the reply to each.
    pub(super) fn ask(&mut self, requests: &[u8], count: usize, timeout: Duration) -> io::Result<Vec<Reply>> {
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
            if is_whole(&mut self.inbox, &mut replies, count)? {
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

/// One that is awaited.
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

    pub(super) async fn ask(
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
                if is_whole(&mut self.inbox, &mut replies, count)? {
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

/// Whether all replies are there. Then nothing more may be: what is left over answers no question.
fn is_whole(inbox: &mut Inbox, replies: &mut Vec<Reply>, count: usize) -> io::Result<bool> {
    while replies.len() < count {
        match inbox.next()? {
            Some(reply) => replies.push(reply),
            None => return Ok(false),
        }
    }
    if !inbox.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more answers than questions"));
    }
    Ok(true)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

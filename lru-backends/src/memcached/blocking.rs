//! A connection to Memcached that serves one thread at a time.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use super::address::Credentials;
use super::multiplexed::{CHUNK, is_admitted, too_many_replies};
use super::protocol::{self, Inbox, Reply};
use crate::stream::Stream;

/// What carries requests and replies: a stream, encrypted or not.
pub(super) trait Link: fmt::Debug + Send {
    /// Sends all bytes.
    fn write_all(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()>;

    /// Receives some bytes; none at the end of the stream.
    fn read(&mut self, bytes: &mut [u8], deadline: Instant) -> io::Result<usize>;
}

impl Link for Stream {
    fn write_all(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        self.until(deadline).write_all(bytes)
    }

    fn read(&mut self, bytes: &mut [u8], deadline: Instant) -> io::Result<usize> {
        self.until(deadline).read(bytes)
    }
}

/// A connection that blocks the thread.
#[derive(Debug)]
pub(super) struct Blocking {
    link: Box<dyn Link>,
    inbox: Inbox,
}

impl Blocking {
    /// Tells the server the credentials, if there are any.
    pub(super) fn open(
        link: Box<dyn Link>,
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let mut connection = Self { link, inbox: Inbox::default() };
        if let Some(Credentials { user, password }) = credentials {
            let replies = connection.send(&protocol::authenticate(user, password), 1, deadline)?;
            is_admitted(&replies)?;
        }
        Ok(connection)
    }

    /// Sends requests together and reads the reply to each.
    pub(super) fn send(
        &mut self,
        requests: &[u8],
        count: usize,
        deadline: Instant,
    ) -> io::Result<Vec<Reply>> {
        self.link.write_all(requests, deadline)?;
        let mut chunk = [0; CHUNK];
        let mut replies = Vec::with_capacity(count);
        loop {
            while replies.len() < count {
                match self.inbox.next()? {
                    Some(reply) => replies.push(reply),
                    None => break,
                }
            }
            if replies.len() == count {
                return if self.inbox.is_empty() { Ok(replies) } else { Err(too_many_replies()) };
            }
            match self.link.read(&mut chunk, deadline)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.inbox.push(&chunk[..read]),
            }
        }
    }
}

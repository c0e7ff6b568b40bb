//! Connections to Memcached: requests are sent together, and as many replies are read.
//!
//! A blocking connection serves one thread at a time. A multiplexed one serves all tasks of a runtime: their requests are
//! sent as they come, and the server answers in the same order.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::address::Credentials;
use super::protocol::{self, Inbox, Reply};

/// How many bytes one read takes at most.
const CHUNK: usize = 16 * 1024;

/// How many questions are written together at most.
const BATCH: usize = 64;

/// For how long a question may be without an answer before a time-out closes the connection that all share.
const STALL: Duration = Duration::from_millis(200);

/// A connection that blocks the thread.
#[derive(Debug)]
pub(super) struct Blocking {
    stream: Socket,
    inbox: Inbox,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
}

/// Calls a method of the stream, whichever it is.
macro_rules! of_socket {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($stream) => $call,
            #[cfg(unix)]
            Socket::Unix($stream) => $call,
        }
    };
}

impl Blocking {
    /// Connects to the first address that answers. Each has an equal share of the time until the deadline.
    pub(super) fn open_tcp(
        addresses: &[SocketAddr],
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let mut last = None;
        for (n, address) in addresses.iter().enumerate() {
            let others = u32::try_from(addresses.len() - n).unwrap_or(u32::MAX);
            match TcpStream::connect_timeout(address, left(deadline)? / others) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Self::open(Socket::Tcp(stream), credentials, deadline);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host name has no address")))
    }

    /// Connects to a Unix socket.
    #[cfg(unix)]
    pub(super) fn open_unix(
        path: &str,
        credentials: Option<&Credentials>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::connect(path)?;
        Self::open(Socket::Unix(stream), credentials, deadline)
    }

    #[cfg(not(unix))]
    pub(super) fn open_unix(_: &str, _: Option<&Credentials>, _: Instant) -> io::Result<Self> {
        Err(no_unix_sockets())
    }

    fn open(stream: Socket, credentials: Option<&Credentials>, deadline: Instant) -> io::Result<Self> {
        let mut connection = Self { stream, inbox: Inbox::default() };
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
        let mut unsent = requests;
        while !unsent.is_empty() {
            let left = Some(left(deadline)?);
            of_socket!(&self.stream, stream => stream.set_write_timeout(left))?;
            match of_socket!(&mut self.stream, stream => stream.write(unsent)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => unsent = &unsent[sent..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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
            let left = Some(left(deadline)?);
            of_socket!(&self.stream, stream => stream.set_read_timeout(left))?;
            match of_socket!(&mut self.stream, stream => stream.read(&mut chunk)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.inbox.push(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A connection that all tasks of a runtime share.
#[derive(Debug)]
pub(super) struct Multiplexed {
    questions: mpsc::UnboundedSender<Question>,
    link: Arc<Link>,
    is_told_lost: AtomicBool,
}

/// Requests that were not sent yet.
#[derive(Debug)]
struct Question {
    requests: Vec<u8>,
    count: usize,
    answer: oneshot::Sender<io::Result<Vec<Reply>>>,
}

/// What the two tasks of a connection share.
#[derive(Debug, Default)]
struct Link(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The questions that were sent, in order.
    sent: VecDeque<Sent>,
    is_closed: bool,
}

/// A question that was sent. Its caller may be gone: the reply is then read and dropped.
#[derive(Debug)]
struct Sent {
    count: usize,
    at: Instant,
    answer: oneshot::Sender<io::Result<Vec<Reply>>>,
}

impl Link {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connection, and fails all questions that were sent.
    fn close(&self, error: &io::Error) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        let failed = std::mem::take(&mut waiting.sent);
        drop(waiting);
        for sent in failed {
            _ = sent.answer.send(Err(io::Error::new(error.kind(), error.to_string())));
        }
    }
}

/// Closes the connection when its task ends, also with its runtime.
struct CloseOnDrop(Arc<Link>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close(&io::ErrorKind::ConnectionAborted.into());
    }
}

impl Multiplexed {
    pub(super) async fn open_tcp(host: &str, credentials: Option<&Credentials>) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Self::start(read, write, credentials).await
    }

    #[cfg(unix)]
    pub(super) async fn open_unix(path: &str, credentials: Option<&Credentials>) -> io::Result<Self> {
        let (read, write) = tokio::net::UnixStream::connect(path).await?.into_split();
        Self::start(read, write, credentials).await
    }

    #[cfg(not(unix))]
    pub(super) async fn open_unix(_: &str, _: Option<&Credentials>) -> io::Result<Self> {
        Err(no_unix_sockets())
    }

    /// Starts the two tasks of a connection.
    async fn start(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        credentials: Option<&Credentials>,
    ) -> io::Result<Self> {
        let (questions, receiver) = mpsc::unbounded_channel();
        let link = Arc::new(Link::default());
        let reader = tokio::spawn(read_replies(read, Arc::clone(&link)));
        tokio::spawn(write_questions(write, receiver, Arc::clone(&link), reader.abort_handle()));
        let connection = Self { questions, link, is_told_lost: AtomicBool::new(false) };
        if let Some(Credentials { user, password }) = credentials {
            is_admitted(&connection.ask(protocol::authenticate(user, password), 1).await?)?;
        }
        Ok(connection)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.link.waiting().is_closed
    }

    /// Returns whether the connection was lost, once.
    pub(super) fn take_loss(&self) -> bool {
        !self.is_open() && !self.is_told_lost.swap(true, Relaxed)
    }

    /// Sends requests, and returns the reply to each. Dropping the future affects no other question.
    async fn ask(&self, requests: Vec<u8>, count: usize) -> io::Result<Vec<Reply>> {
        let (answer, answered) = oneshot::channel();
        let question = Question { requests, count, answer };
        self.questions.send(question).map_err(|_| io::ErrorKind::NotConnected)?;
        answered.await.unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))
    }

    /// Like [`ask`](Self::ask), until the deadline. A server that answers no question for some time loses the connection.
    pub(super) async fn ask_until(
        &self,
        requests: Vec<u8>,
        count: usize,
        deadline: Instant,
    ) -> io::Result<Vec<Reply>> {
        match tokio::time::timeout_at(deadline.into(), self.ask(requests, count)).await {
            Ok(replies) => replies,
            Err(elapsed) => {
                let elapsed = io::Error::from(elapsed);
                let is_stalled =
                    self.link.waiting().sent.front().is_some_and(|first| first.at.elapsed() >= STALL);
                if is_stalled {
                    self.link.close(&elapsed);
                }
                Err(elapsed)
            }
        }
    }
}

/// Sends questions in the order in which they come, until the connection is dropped or broken.
async fn write_questions(
    mut write: impl AsyncWrite + Unpin,
    mut questions: mpsc::UnboundedReceiver<Question>,
    link: Arc<Link>,
    reader: tokio::task::AbortHandle,
) {
    let link = CloseOnDrop(link);
    let (mut batch, mut bytes) = (Vec::new(), Vec::new());
    while questions.recv_many(&mut batch, BATCH).await > 0 {
        bytes.clear();
        {
            let mut waiting = link.0.waiting();
            if waiting.is_closed {
                break;
            }
            for Question { requests, count, answer } in batch.drain(..) {
                // A caller that is gone before anything was sent needs no answer.
                if !answer.is_closed() {
                    bytes.extend_from_slice(&requests);
                    waiting.sent.push_back(Sent { count, at: Instant::now(), answer });
                }
            }
        }
        if let Err(error) = write.write_all(&bytes).await {
            link.0.close(&error);
            break;
        }
        bytes.shrink_to(CHUNK);
    }
    reader.abort();
}

/// Reads replies, and hands them to the callers in the order of their questions.
async fn read_replies(mut read: impl AsyncRead + Unpin, link: Arc<Link>) {
    let link = CloseOnDrop(link);
    let (mut inbox, mut replies) = (Inbox::default(), Vec::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        let received = match read.read(&mut chunk).await {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(received) => {
                inbox.push(&chunk[..received]);
                answer_questions(&mut inbox, &mut replies, &link.0)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = received {
            return link.0.close(&error);
        }
    }
}

/// Answers the questions whose replies are complete. A reply without a question is an error.
fn answer_questions(inbox: &mut Inbox, replies: &mut Vec<Reply>, link: &Link) -> io::Result<()> {
    let mut waiting = link.waiting();
    if waiting.is_closed {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    while let Some(first) = waiting.sent.front() {
        while replies.len() < first.count {
            match inbox.next()? {
                Some(reply) => replies.push(reply),
                None => return Ok(()),
            }
        }
        if let Some(first) = waiting.sent.pop_front() {
            _ = first.answer.send(Ok(std::mem::take(replies)));
        }
    }
    if inbox.is_empty() { Ok(()) } else { Err(too_many_replies()) }
}

/// Returns an error unless the server has accepted the credentials.
fn is_admitted(replies: &[Reply]) -> io::Result<()> {
    match replies {
        [Reply::Done(_)] => Ok(()),
        [Reply::Error(message)] => Err(io::Error::new(io::ErrorKind::PermissionDenied, message.clone())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "unexpected reply to credentials")),
    }
}

fn too_many_replies() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "more replies than requests")
}

#[cfg(not(unix))]
fn no_unix_sockets() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "there are no Unix sockets on this system")
}

/// Returns the time until the deadline; an error once it has passed.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

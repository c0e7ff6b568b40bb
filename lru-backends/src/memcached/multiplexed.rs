//! A connection to Memcached that serves all tasks of a runtime: their requests are sent as they come, and the server answers
//! in the same order.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::address::Credentials;
use super::protocol::{self, Inbox, Reply};
use super::tls::in_words;

/// How many bytes one read takes at most.
pub(super) const CHUNK: usize = 16 * 1024;

/// How many questions are written together at most.
const BATCH: usize = 64;

/// For how long a question may be without an answer before a time-out closes the connection that all share.
const STALL: Duration = Duration::from_millis(200);

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
    /// Starts the two tasks of a connection, and tells the server the credentials, if there are any. Requests are written in
    /// pieces of `piece` bytes at most, or of one request.
    pub(super) async fn start(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        piece: usize,
        credentials: Option<&Credentials>,
    ) -> io::Result<Self> {
        let (questions, receiver) = mpsc::unbounded_channel();
        let link = Arc::new(Link::default());
        let reader = tokio::spawn(read_replies(read, Arc::clone(&link)));
        tokio::spawn(write_questions(write, piece, receiver, Arc::clone(&link), reader.abort_handle()));
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
    piece: usize,
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
        let written = write_all(&mut write, &bytes, piece).await.map_err(in_words);
        if let Err(error) = written {
            link.0.close(&error);
            break;
        }
        bytes.shrink_to(CHUNK);
    }
    reader.abort();
}

/// Sends requests in pieces of this many bytes at most, or of one request.
async fn write_all(write: &mut (impl AsyncWrite + Unpin), requests: &[u8], piece: usize) -> io::Result<()> {
    for piece in protocol::pieces(requests, piece) {
        write.write_all(piece).await?;
    }
    // What is encrypted may be held back.
    write.flush().await
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
            Err(error) => Err(in_words(error)),
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
pub(super) fn is_admitted(replies: &[Reply]) -> io::Result<()> {
    match replies {
        [Reply::Done(_)] => Ok(()),
        [Reply::Error(message)] => Err(io::Error::new(io::ErrorKind::PermissionDenied, message.clone())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "unexpected reply to credentials")),
    }
}

pub(super) fn too_many_replies() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "more replies than requests")
}

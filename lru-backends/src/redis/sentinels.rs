//! The server that the sentinels name.
//!
//! Invariant: a caller waits for an answer until its deadline, and the sentinels are asked one question at a time. It goes
//! on without its callers, as the first sentinels in the list may be those that do not answer; what it finds is then for
//! the next caller.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::redis::sentinel::SentinelClient;
use ::redis::{Client, RedisResult};
use tokio::sync::watch;

use super::waiting::wait_for;
use crate::background;
use crate::connection_pool::lock;

/// How long an answer counts that no caller has waited for.
const MAX_AGE: Duration = Duration::from_secs(10);

/// The sentinels that name a server.
pub(super) struct Sentinels {
    client: tokio::sync::Mutex<SentinelClient>,
    /// The question that is being asked, or whose answer no caller has had.
    question: Mutex<Option<Question>>,
}

/// The answer, once it is there.
type Question = watch::Receiver<Option<Answer>>;

#[derive(Clone)]
struct Answer {
    server: RedisResult<Client>,
    at: Instant,
}

impl Sentinels {
    pub(super) fn new(client: SentinelClient) -> Arc<Self> {
        Arc::new(Self { client: tokio::sync::Mutex::new(client), question: Mutex::default() })
    }

    /// Returns a client of the server.
    pub(super) async fn server(self: &Arc<Self>, deadline: Instant) -> RedisResult<Client> {
        let mut question = self.question()?;
        let answered = tokio::time::timeout_at(deadline.into(), question.wait_for(Option::is_some)).await;
        let answer = answered.map_err(io::Error::from)?.map(|answer| answer.clone());
        let mut asked = lock(&self.question);
        if asked.as_ref().is_some_and(|asked| asked.same_channel(&question)) {
            *asked = None;
        }
        drop(asked);
        match answer {
            Ok(Some(Answer { server, .. })) => server,
            // The client has panicked.
            _ => Err(io::Error::other("the sentinels cannot be asked").into()),
        }
    }

    /// Like [`server`](Self::server); blocks the thread.
    pub(super) fn server_blocking(self: &Arc<Self>, deadline: Instant) -> RedisResult<Client> {
        wait_for(self.server(deadline))?
    }

    /// Returns the question that is being asked, or was answered in vain not long ago; else asks one.
    fn question(self: &Arc<Self>) -> io::Result<Question> {
        let mut question = lock(&self.question);
        let is_old = |question: &Question| {
            question.borrow().as_ref().is_some_and(|answer| answer.at.elapsed() > MAX_AGE)
        };
        if let Some(question) = question.as_ref().filter(|question| !is_old(question)) {
            return Ok(question.clone());
        }
        let (answer, asked) = watch::channel(None);
        let sentinels = Arc::clone(self);
        // The client has timeouts of its own, so the question ends.
        background::spawn(async move {
            #[cfg(feature = "redis-tls")]
            super::client::install_crypto_provider();
            let server = sentinels.client.lock().await.async_get_client().await;
            _ = answer.send(Some(Answer { server, at: Instant::now() }));
        })?;
        Ok(question.insert(asked).clone())
    }
}

//! [`Invalidated`]: what an invalidation returns, with what is left to be done in backends.

use core::fmt;
use core::future::{Future, IntoFuture, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::boxed::Box;
#[cfg(feature = "backend")]
use std::vec;
use std::vec::Vec;

use crate::backend::{BackendError, ErrorKind};
use crate::flight::executor::{DefaultSpawn, Spawn};

/// The outcome of [`invalidate`](crate::invalidate): done in this process, and in its blocking backends; to be awaited if there
/// are others.
///
/// * Nothing needs to be done with it where all functions with tags are in memory, or have blocking backends and errors are
///   reported by `on_backend_error`.
/// * [`result`](Self::result) tells whether the invalidation has reached all backends.
/// * It can be awaited, which asks the backends of `async` functions. Dropped before, it is handed to the runtime of the
///   caller (feature `tokio`), as refreshes are.
///
/// An error that the caller does not look at is not lost: it is counted in `backend_errors`, and reported by `on_backend_error` and an event,
/// as those of other requests are. So is an invalidation that no runtime takes.
#[derive(Default)]
pub struct Invalidated {
    failed: Vec<(BackendError, Reported)>,
    pending: Vec<Request>,
}

/// Reports an error.
pub(super) type Reported = Box<dyn Fn(&BackendError) + Send + Sync>;

/// An invalidation in one backend.
pub(super) struct Request {
    pub(super) done: Pin<Box<dyn Future<Output = Result<(), BackendError>> + Send>>,
    pub(super) reported: Reported,
}

impl Invalidated {
    /// The outcome of an invalidation in this process alone.
    pub(crate) fn here() -> Self {
        Self::default()
    }

    /// The outcome of an invalidation that is to be awaited, and that reports its errors itself.
    #[cfg(feature = "backend")]
    pub(crate) fn awaiting(request: impl Future<Output = ()> + Send + 'static) -> Self {
        let done = Box::pin(async move {
            request.await;
            Ok(())
        });
        Self { failed: Vec::new(), pending: vec![Request { done, reported: Box::new(|_| ()) }] }
    }

    /// Adds an error of a backend.
    #[cfg(feature = "backend")]
    pub(super) fn failed(&mut self, error: BackendError, reported: Reported) {
        self.failed.push((error, reported));
    }

    /// Adds a request that is to be awaited.
    #[cfg(feature = "backend")]
    pub(super) fn pending(&mut self, request: Request) {
        self.pending.push(request);
    }

    /// Returns the outcome of both.
    pub(super) fn and(mut self, mut other: Self) -> Self {
        self.failed.append(&mut other.failed);
        self.pending.append(&mut other.pending);
        self
    }

    /// Returns whether the invalidation has reached all backends.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failed.is_empty() && self.pending.is_empty()
    }

    /// Returns whether the invalidation has reached all backends, without awaiting those of `async` functions.
    ///
    /// # Errors
    ///
    /// Returns the first error; further ones are reported. If there are backends of `async` functions, that is an error of kind
    /// [`Unsupported`](ErrorKind::Unsupported): they are asked as if it had been dropped. Await it instead.
    pub fn result(mut self) -> Result<(), BackendError> {
        self.first_error()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let message = "an invalidation with backends of `async` functions is awaited: `invalidate(…).await`";
        Err(BackendError::with_kind(ErrorKind::Unsupported, message))
    }

    /// Does nothing if the invalidation has reached all backends.
    ///
    /// # Panics
    ///
    /// If [`result`](Self::result) returns an error.
    #[track_caller]
    pub fn unwrap(self) {
        self.result().expect("the invalidation reaches all backends");
    }

    /// Awaits the backends, and reports errors as those of other requests.
    pub(super) async fn told(mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn first_error(&mut self) -> Result<(), BackendError> {
        if self.failed.is_empty() { Ok(()) } else { Err(self.failed.remove(0).0) }
    }

    /// Polls the requests, all at once.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut at = 0;
        while let Some(request) = self.pending.get_mut(at) {
            match request.done.as_mut().poll(context) {
                Poll::Pending => at += 1,
                Poll::Ready(done) => {
                    let Request { reported, .. } = self.pending.remove(at);
                    if let Err(error) = done {
                        self.failed.push((error, reported));
                    }
                }
            }
        }
        if self.pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl IntoFuture for Invalidated {
    type Output = Result<(), BackendError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            // If it is dropped, so is `self`, with what is left to be done.
            poll_fn(|context| self.poll(context)).await;
            self.first_error()
        })
    }
}

impl Drop for Invalidated {
    fn drop(&mut self) {
        for (error, reported) in self.failed.drain(..) {
            reported(&error);
        }
        for Request { done, reported } in self.pending.drain(..) {
            let reported = std::sync::Arc::new(reported);
            let refused = {
                let reported = std::sync::Arc::clone(&reported);
                DefaultSpawn.spawn(Box::pin(async move {
                    if let Err(error) = done.await {
                        reported(&error);
                    }
                }))
            };
            if refused.is_err() {
                let message = "an invalidation was not awaited, and there is no runtime that carries it out";
                reported(&BackendError::with_kind(ErrorKind::Unsupported, message));
            }
        }
    }
}

impl fmt::Debug for Invalidated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: Vec<_> = self.failed.iter().map(|(error, _)| error).collect();
        f.debug_struct("Invalidated").field("failed", &failed).field("pending", &self.pending.len()).finish()
    }
}

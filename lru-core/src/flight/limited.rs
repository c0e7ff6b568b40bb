//! A wait for a detached computation that ends at a time limit, if another result can be returned then.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::flight::detached::Detached;
use crate::flight::timeout::Sleep;
use crate::time::Instant;

/// A call that awaits its detached computation, up to a time limit.
#[must_use = "futures do nothing unless polled"]
pub struct Limited<R, F> {
    detached: Detached<R>,
    /// The time limit, until it is over.
    limit: Option<Sleep>,
    /// What returns another result when the time is over, if there is one.
    instead: Option<F>,
}

impl<R, F: FnOnce() -> Option<R>> Limited<R, F> {
    /// Limits the wait. Without a limit, the call waits to the end.
    pub(crate) fn new(detached: Detached<R>, limit: Option<Instant>, instead: F) -> Self {
        Self { detached, limit: limit.map(Sleep::until), instead: Some(instead) }
    }
}

/// Is ready with the result of the computation, or with the other one; `None` as [`Detached`] is.
///
/// A computation that would end with the call is awaited to its end.
impl<R, F: FnOnce() -> Option<R> + Unpin> Future for Limited<R, F> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.detached).poll(context);
        let Some(limit) = this.limit.as_mut().filter(|_| polled.is_pending()) else { return polled };
        if this.detached.outlives_call() && limit.poll(context).is_ready() {
            this.limit = None;
            if let Some(other) = this.instead.take().and_then(|instead| instead()) {
                return Poll::Ready(Some(other));
            }
        }
        polled
    }
}

impl<R, F> fmt::Debug for Limited<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").finish_non_exhaustive()
    }
}

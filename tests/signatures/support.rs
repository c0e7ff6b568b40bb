//! What the tests share.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use functools::CacheInfo;

/// Runs a future that is never pending.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Hits, misses and the number of entries.
pub(crate) fn counts(info: CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

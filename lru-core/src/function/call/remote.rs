//! The interface of a coalesced call to a backend (L2). [`NoRemote`] is that of a function without a backend,
//! and costs nothing.

use core::any::Any;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::panic::resume_unwind;

use crate::engine::Placement;
use crate::flight::follower::block;
use crate::function::call::computation::Computation;
use crate::key::KeyHash;

/// A backend as a coalesced call uses it. The provided methods are for a function without a backend.
///
/// Invariant: without a backend no future here holds a result, as an error in it need not be `Send`.
pub trait Remote<R, O> {
    /// An encoded result, to be stored.
    type Encoded;

    /// Returns how long the in-process cache may keep a copy at most.
    #[inline]
    fn local_ttl(&self) -> Option<Duration> {
        None
    }

    /// Fetches the result.
    #[inline]
    fn fetch<E: Placement>(&self, _: &Computation<E>, _: O) -> impl Future<Output = Option<Fetched<R>>> {
        poll_fn(|_| Poll::Ready(None))
    }

    /// Fetches the result; otherwise acquires the cross-process lock, or waits for the process that holds it.
    /// `None` if the call is to compute without the lock.
    #[inline]
    fn obtain<E: Placement>(&self, _: &Computation<E>, _: O) -> impl Future<Output = Option<Obtained<R>>> {
        poll_fn(|_| Poll::Ready(None))
    }

    /// Records that the result may be in the in-process cache.
    #[inline]
    fn inserted(&self, _: KeyHash) {}

    /// Encodes a result.
    fn encode(&self, result: &R, policy: O) -> Self::Encoded;

    /// Stores a computed result. Returns what a strict function returns instead if that fails.
    #[inline]
    fn store<E: Placement>(&self, _: &Computation<E>, _: Self::Encoded) -> impl Future<Output = Option<R>> {
        poll_fn(|_| Poll::Ready(None))
    }

    /// Awaits a call, stores its result, and releases the cross-process lock.
    #[inline]
    fn conclude<E: Placement>(
        &self,
        mut computed: impl Future<Output = Computed<E, R, Self::Encoded>> + Unpin,
    ) -> impl Future<Output = R> {
        poll_fn(move |context| {
            Pin::new(&mut computed).poll(context).map(|computed| match computed {
                Computed::Answered(result) | Computed::Result { result, .. } => result,
                Computed::Panicked(payload, _) => resume_unwind(payload),
            })
        })
    }
}

/// The implementation of `Remote` for a function without a backend.
#[derive(Clone, Copy, Debug)]
pub struct NoRemote;

impl<R, O> Remote<R, O> for NoRemote {
    type Encoded = ();

    #[inline]
    fn encode(&self, _: &R, _: O) {}
}

/// The result of a call that does not compute.
pub enum Fetched<R> {
    /// The result that the backend holds, and its remaining time to live.
    Found(R, Option<Duration>),
    /// An error: the backend failed, and the function is `strict`.
    Failed(R),
}

/// The next step of a call that missed in the process.
pub enum Obtained<R> {
    /// The call does not compute.
    Fetched(Fetched<R>),
    /// The call computes, and other processes wait for it.
    Locked,
}

/// The outcome of a call in the process.
pub enum Computed<E: Placement, R, N> {
    /// The call was answered without a computation.
    Answered(R),
    /// The call computed.
    Result {
        /// The result that the call returns.
        result: R,
        /// The result as bytes; `None` if a stale result was served instead.
        encoded: Option<N>,
        /// The computation of the result.
        computation: Computation<E>,
    },
    /// The body panicked.
    Panicked(Box<dyn Any + Send>, Computation<E>),
}

/// Blocks the thread until `future` is ready. The future waits for other calls or processes at most.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    // Most futures are ready at once, and need no waker.
    if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return value;
    }
    block(RECHECK, |context| future.as_mut().poll(context))
}

/// The time after which a blocked thread polls again without being woken.
const RECHECK: Duration = Duration::from_secs(1);

/// Returns the shorter of two times; `None` is unlimited.
pub(super) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

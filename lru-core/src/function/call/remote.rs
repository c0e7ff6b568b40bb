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
use crate::expiry::settings::MaxAge;
use crate::expiry::time_to_live::KeptOutside;
use crate::flight::executor::Task;
use crate::flight::follower::block;
use crate::function::call::computation::Computation;
use crate::key::KeyHash;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// A backend as a coalesced call uses it. The provided methods are for a function without a backend.
///
/// Invariant: without a backend no future here holds a result, as an error in it need not be `Send`.
pub trait Remote<R, O> {
    /// What a call keeps of its lookup until its result is stored.
    type Claim;
    /// What a computed result is stored with: its bytes and the claim.
    type Encoded;
    /// Keeps a claim valid while the body of a function that is not `async` runs.
    type Renewal;

    /// Whether a panic of the body is caught, so that the claim is given up.
    const CATCHES: bool = false;

    /// Looks up the result, or waits for the process that computes it.
    fn obtain<E: Placement>(
        &self,
        computation: &Computation<E>,
        policy: O,
        purpose: Purpose,
    ) -> impl Future<Output = Obtained<R, Self::Claim>>;

    /// Takes the stale result that the lookup found, to be served instead of an error.
    #[inline]
    fn take_stale(&self, _: &mut Self::Claim) -> Option<R> {
        None
    }

    /// Keeps the claim valid until what this returns is dropped.
    fn renewal(&self, claim: &Self::Claim) -> Self::Renewal;

    /// Returns a future that keeps the claim valid while the body of an async function is awaited.
    #[inline]
    fn renewing(&self, _: &Self::Claim) -> Option<Task> {
        None
    }

    /// Returns when the body of a call begins that began to compute at this time.
    #[inline]
    fn start(call: Instant) -> Instant {
        call
    }

    /// Encodes a computed result, to be stored for this long. `validity` is that of the call, if its results have tags.
    fn encode(
        &self,
        result: &R,
        kept: KeptOutside,
        claim: Self::Claim,
        policy: O,
        validity: Option<&Validity>,
    ) -> Self::Encoded;

    /// Makes the node of a result, whether it was computed or fetched.
    #[inline]
    fn judged(&self, validity: &Validity, hash: KeyHash, cache: u64) {
        validity.judged(hash, cache);
    }

    /// Notes what a result depends on that the backend has.
    #[inline]
    fn fetched(&self, _: &Validity, _: &Depends) {}

    /// Records that the result may be in the in-process cache.
    #[inline]
    fn inserted(&self, _: KeyHash) {}

    /// Awaits a call, stores its result, and completes it by `complete`, which inserts and publishes the result.
    #[inline]
    fn conclude<E: Placement, P>(
        &self,
        mut computed: impl Future<Output = Computed<E, P, R, Self::Encoded, Self::Claim>> + Unpin,
        complete: impl FnOnce(P, Computation<E>, R, Stored) -> R,
    ) -> impl Future<Output = R> {
        let mut complete = Some(complete);
        poll_fn(move |context| {
            Pin::new(&mut computed).poll(context).map(|computed| match (computed, complete.take()) {
                (Computed::Result { result, stored, computation, pending, .. }, Some(complete)) => {
                    complete(pending, computation, result, stored)
                }
                (Computed::Answered(result) | Computed::Result { result, .. }, _) => result,
                (Computed::Panicked(payload, ..), _) => resume_unwind(payload),
            })
        })
    }
}

/// The implementation of `Remote` for a function without a backend.
#[derive(Clone, Copy, Debug)]
pub struct NoRemote;

impl<R, O> Remote<R, O> for NoRemote {
    type Claim = ();
    type Encoded = ();
    type Renewal = ();

    #[inline]
    fn obtain<E: Placement>(
        &self,
        _: &Computation<E>,
        _: O,
        _: Purpose,
    ) -> impl Future<Output = Obtained<R, Self::Claim>> {
        poll_fn(|_| Poll::Ready(Obtained::Compute(())))
    }

    #[inline]
    fn renewal(&self, (): &()) {}

    #[inline]
    fn encode(&self, _: &R, _: KeptOutside, (): (), _: O, _: Option<&Validity>) {}
}

/// Why a result is looked up in the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be returned by a call.
    Call,
    /// To replace a stale result.
    Refresh,
}

/// What a call that missed in the process obtains from the backend.
pub enum Obtained<R, C> {
    /// The call does not compute.
    Done(Fetched<R>),
    /// The call computes.
    Compute(C),
}

/// The result of a call that does not compute.
pub enum Fetched<R> {
    /// The result that the backend holds, and what it depends on.
    Found(R, Currency, Depends),
    /// An error: the backend failed, and the function is `strict`.
    Failed(R),
}

/// What a result depends on that a backend has.
#[derive(Debug, Default)]
pub struct Depends {
    #[cfg(feature = "backend")]
    pub(super) noted: std::vec::Vec<crate::tags::outside::Noted>,
}

/// When a result was current in the backend, and how long a copy may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Currency {
    /// How long the in-process cache may keep a copy at most.
    pub(in crate::function) max_age: Option<MaxAge>,
    /// When the request was sent that found or stored the result. `None` if the process itself knows of every change.
    pub(in crate::function) current_at: Option<Instant>,
}

/// Whether a computed result was stored in the backend.
#[derive(Clone, Copy, Debug)]
pub enum Stored {
    /// It was, or is not to be: the process may keep it, and share it.
    Kept(Currency),
    /// It was not, as the entry was changed after this time, at which it was looked up: the process does not keep it, and
    /// shares it only with calls that began before.
    Superseded(Instant),
    /// It is not known: the process may share it, but not keep it.
    Unknown,
}

impl Stored {
    /// The outcome for a function without a backend.
    pub(super) const HERE: Self = Self::Kept(Currency { max_age: None, current_at: None });

    /// Returns the time after which calls that begin do not share the result.
    pub(in crate::function) fn current_at(self) -> Option<Instant> {
        match self {
            Self::Kept(currency) => currency.current_at,
            Self::Superseded(looked_at) => Some(looked_at),
            Self::Unknown => None,
        }
    }
}

/// The outcome of a call in the process.
pub enum Computed<E: Placement, P, R, N, C> {
    /// The call was answered by another.
    Answered(R),
    /// The call has a result.
    Result {
        /// The result that the call returns.
        result: R,
        /// The result as bytes, to be stored.
        encoded: Option<N>,
        /// Whether the result is in the backend, if it is not to be stored.
        stored: Stored,
        /// The computation of the result.
        computation: Computation<E>,
        /// What inserts and publishes the result.
        pending: P,
    },
    /// The body panicked.
    Panicked(Box<dyn Any + Send>, C, Computation<E>),
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

//! A call of many elements of a function with a backend (L2).
//!
//! The call goes through the flights of its elements as without a backend. What it is to compute it looks up in the backend
//! first, in one request, which leaves a lease for each element that is not there. What the body returns is stored in one
//! request, as far as the leases are still valid. Keys, values and leases are those of a call of one element.
//!
//! With `single_flight = global`, the body is called at once for the elements whose leases this call's lookup left. Those that
//! other processes compute are looked up again, in one request, after all that this call computes is stored.
//!
//! Invariant: a call that waits for another process holds no lease for which others wait.

mod copies;
mod held;
pub(crate) mod keys;
mod look;
pub(crate) mod peek;
mod reporting;
mod requests;
mod store;

use core::future::{Future, poll_fn};
use core::ops::Deref;
use core::pin::pin;
use std::boxed::Box;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::BackendError;
use crate::engine::{Lifecycle, Placement, StoredValue};
use crate::expiry::EntryOptions;
use crate::flight::executor::Task;
use crate::function::batch::argument::Batch;
use crate::function::batch::backend::keys::KeyEncoder;
use crate::function::batch::backend::requests::Outside;
use crate::function::batch::shared::SharedBatch;
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::computation::poll_beside;
use crate::function::call::held_lease::{Held, Pauses};
use crate::function::call::strictness::Strictness;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::time::Instant;

/// The types of a call of many elements.
pub trait BatchCall {
    /// Where the entries are.
    type Engines: Placement;
    /// The options of the cache.
    type Lifecycle: Lifecycle<<Self::Engines as Placement>::Types>;
    /// What of a result is stored.
    type Policy: ResultPolicy<Self::Result, Stored = StoredValue<Self::Engines>>;
    /// The result of an element.
    type Result;
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R> BatchCall for SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    type Engines = E;
    type Lifecycle = S;
    type Policy = O;
    type Result = R;
}

/// The call in the process.
type Call<C> = SharedBatch<
    <C as BatchCall>::Engines,
    <C as BatchCall>::Lifecycle,
    <C as BatchCall>::Policy,
    <C as BatchCall>::Result,
>;

/// The part of a result that is stored.
type Value<C> = <<C as BatchCall>::Policy as ResultPolicy<<C as BatchCall>::Result>>::Value;

/// A call of many elements, of which some are missing in the process.
#[must_use = "the results are computed by the calls of the body that `next` asks for"]
pub struct BackendBatch<C: BatchCall, B: Held> {
    call: Box<Call<C>>,
    outside: Outside<B>,
    /// The elements that other processes compute, by their numbers. This call leads their flights.
    waiting: Vec<usize>,
    /// The pauses between lookups of them.
    pauses: Option<Pauses>,
    /// When the call began.
    began: Instant,
}

impl<C: BatchCall, B: Held> Deref for BackendBatch<C, B> {
    type Target = Call<C>;

    fn deref(&self) -> &Call<C> {
        &self.call
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Returns the call with the backend of its function. `key` makes the key of an element there; with `is_strict`, the call
    /// fails if the backend does.
    pub fn in_backend<'b, Elements: Batch, B: Held + Clone>(
        self: Box<Self>,
        handle: BackendHandle<B>,
        batch: &'b Elements,
        key: impl Fn(&'b Elements::Element, KeyEncoder) -> Result<Vec<u8>, BackendError>,
        is_strict: bool,
    ) -> BackendBatch<Self, B> {
        let encoder = KeyEncoder::new(&handle);
        let keys = if self.miss.handle.is_bypassed() {
            Vec::new()
        } else {
            let elements = self.miss.missing.iter().map(|missing| batch.element(missing.position));
            elements.map(|element| key(element, encoder)).collect()
        };
        let outside = Outside::new(handle, keys, is_strict);
        BackendBatch { call: self, outside, waiting: Vec::new(), pauses: None, began: Instant::now() }
    }
}

impl<C: BatchCall, B: Held + Clone> BackendBatch<C, B>
where
    Value<C>: Serialize + DeserializeOwned,
{
    /// Returns whether the call bypasses the cache: now, or when it began, so that it has no keys.
    fn is_bypassed(&self) -> bool {
        self.outside.elements.is_empty() || self.call.miss.handle.is_bypassed()
    }

    /// Waits until the body is to be called, or all results are there. Returns whether the body is to be called, for the
    /// elements that [`asked`](SharedBatch::asked) returns. `options` makes the options of an entry.
    pub async fn next<H: Sharing<C::Result>>(
        &mut self,
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) -> bool {
        loop {
            if self.outside.failure.is_some() {
                self.fail_leads();
                return false;
            }
            if self.waiting.is_empty() {
                self.pauses = None;
                if !self.call.begin(sharing) {
                    if self.call.flights.follows.is_empty() {
                        return false;
                    }
                    poll_fn(|context| self.call.poll(context, sharing)).await;
                    continue;
                }
                if self.is_bypassed() {
                    return true;
                }
                self.look(sharing, options).await;
            } else {
                let timeout = self.outside.handle.lock_timeout.unwrap_or_default();
                let pause = self.pauses.get_or_insert_with(|| Pauses::new(timeout)).next();
                self.call.asked = core::mem::take(&mut self.waiting);
                // After the timeout, the call computes for itself.
                if let Some(mut pause) = pause {
                    poll_fn(|context| pause.poll(context)).await;
                    self.look(sharing, options).await;
                }
            }
            if self.outside.failure.is_none() && !self.call.asked.is_empty() {
                self.call.started = Instant::now();
                return true;
            }
        }
    }

    /// Returns what a strict function returns, if the backend has failed.
    pub fn failed<F>(&mut self, strictness: impl Strictness<F>) -> Option<F> {
        self.outside.failure.take().and_then(|error| strictness.instead(error))
    }

    /// Ends the flights of the elements that this call does not compute: the calls that follow compute for themselves.
    fn fail_leads(&mut self) {
        // Keys of flights are dropped here.
        let _scope = self.call.flights.scope();
        for lead in self.call.flights.leads.drain(..) {
            lead.leader.fail();
        }
    }

    /// Calls the body, whose calls are attributed to the computation, and keeps the leases valid meanwhile. If it panics, what
    /// this call leads has failed.
    pub fn compute<T>(&mut self, body: impl FnOnce() -> T) -> T {
        let _renewal = self.outside.held.renewal();
        self.call.compute(body)
    }

    /// Awaits the body, whose calls are attributed to the computation, and keeps the leases valid meanwhile. If it panics or
    /// is dropped, what this call leads is handed over.
    pub async fn within<F: Future>(&mut self, body: F) -> F::Output {
        let renewing = self.outside.held.renewing();
        self.call.within(beside(renewing, body)).await
    }

    /// Ends the call with an error of the whole: the calls that follow compute for themselves.
    pub async fn fail(mut self) {
        self.fail_leads();
        self.give_up_all().await;
        self.call.fail();
    }

    /// Returns the call in the process, after all is computed.
    pub fn into_call(self) -> Box<Call<C>> {
        self.call
    }

    /// Returns a function of the options of entries.
    pub fn element_options<F: Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions>(&self, options: F) -> F {
        options
    }
}

/// Awaits the body, and polls a task beside it.
async fn beside<F: Future>(mut task: Option<Task>, body: F) -> F::Output {
    let mut body = pin!(body);
    poll_fn(|context| {
        let polled = body.as_mut().poll(context);
        if polled.is_pending() {
            poll_beside(&mut task, context);
        }
        polled
    })
    .await
}

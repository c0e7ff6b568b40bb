//! What a call of many elements keeps of its requests to the backend.

use std::string::String;
use std::vec::Vec;

use crate::backend::invalidation::TrackedKey;
use crate::backend::{BackendError, ErrorKind, Lease, Permission};
use crate::engine::{Engine, Lifecycle, Placement, StoredValue};
use crate::function::batch::backend::BackendBatch;
use crate::function::batch::backend::held::{Fate, HeldLeases};
use crate::function::call::backend_errors::{ErrorReporter, report};
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::held_lease::Held;
use crate::function::result_policy::ResultPolicy;
use crate::observe::stats::Transferred;
use crate::time::Instant;

/// The backend as a call of many elements uses it.
pub(super) struct Outside<B: Held> {
    pub(super) handle: BackendHandle<B>,
    /// Whether the call fails if the backend does.
    is_strict: bool,
    /// The error of the backend, if the call fails by it.
    pub(super) failure: Option<BackendError>,
    /// The missing elements, by their numbers.
    pub(super) elements: Vec<Element>,
    pub(super) held: HeldLeases<B>,
}

/// A missing element in the backend.
pub(super) struct Element {
    /// An error if the arguments cannot be serialized. Then nothing is found or stored.
    pub(super) key: Result<Vec<u8>, BackendError>,
    /// Tracks the copy in the in-process cache, if the backend reports changes.
    tracked: Option<TrackedKey>,
    /// Whether the result may be stored, and when it was looked up; `None` before.
    pub(super) claim: Option<ElementClaim>,
    /// Whether the call has waited for another process, or has ended its failure.
    pub(super) has_waited: bool,
}

/// Whether the result of an element may be stored.
pub(super) struct ElementClaim {
    pub(super) permission: Permission,
    pub(super) looked_at: Instant,
}

impl Element {
    /// Records the lease that the call has now.
    pub(super) fn leased(&self, lease: &Lease) {
        if let Some(tracked) = &self.tracked {
            tracked.leased(lease);
        }
    }

    /// Records that the result is about to be written as these bytes.
    pub(super) fn writes(&self, bytes: &[u8]) {
        if let Some(tracked) = &self.tracked {
            tracked.writes(bytes);
        }
    }
}

impl<B: Held> Outside<B> {
    pub(super) fn new(
        mut handle: BackendHandle<B>,
        keys: Vec<Result<Vec<u8>, BackendError>>,
        is_strict: bool,
    ) -> Self {
        let tracker = handle.tracker.take();
        let element = |key: Result<Vec<u8>, BackendError>| {
            let tracked =
                tracker.as_ref().zip(key.as_ref().ok()).map(|(tracker, key)| tracker.clone().key(key));
            Element { key, tracked, claim: None, has_waited: false }
        };
        let elements = keys.into_iter().map(element).collect();
        Self { handle, is_strict, failure: None, elements, held: HeldLeases::NONE }
    }

    /// Records that the result of an element is fetched or computed from now on.
    pub(super) fn begin(&self, number: usize) {
        if let Some(tracked) = &self.elements[number].tracked {
            tracked.begin();
        }
    }
}

/// Returns the error of a backend that has not answered for each key.
pub(super) fn incomplete(answers: usize, keys: usize) -> BackendError {
    let message = std::format!("the backend has answered for {answers} of {keys} keys");
    BackendError::with_kind(ErrorKind::Protocol, String::from(message))
}

impl<E: Placement, S: Lifecycle<E::Types>, O, R, B: Held + Clone> BackendBatch<E, S, O, R, B>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Counts a request to the backend, which was sent at this time and has ended.
    pub(super) fn requested(&self, sent: Instant, transferred: Transferred) {
        let took = sent.elapsed();
        self.call.miss.handle.engines.first(|engine| {
            let counters = engine.counters();
            counters.requested(took, transferred);
            counters.circuit.set(|| {
                let backend = self.outside.handle.backend.clone();
                move || backend.circuit_state()
            });
        });
    }

    /// Counts and reports an error, which fails no call.
    pub(super) fn reported(&self, error: &BackendError) {
        self.call.miss.handle.engines.first(|engine| engine.counters().backend_errors.add(1));
        // The callback may call the function: those calls are attributed to the computation.
        let _scopes = self.call.flights.scopes();
        report(error, self.call.options.events, self.outside.handle.on_error);
    }

    /// Counts and reports an error, by which a strict call fails.
    pub(super) fn failed_by(&mut self, error: BackendError) {
        self.reported(&error);
        if self.outside.is_strict {
            self.outside.failure.get_or_insert(error);
        }
    }

    /// Returns what counts and reports the errors of requests for which the call does not wait.
    pub(super) fn errors(&self) -> ErrorReporter {
        let counters = self.call.miss.handle.engines.first(Engine::shared_counters);
        ErrorReporter { counters, events: self.call.options.events, callback: self.outside.handle.on_error }
    }

    /// Gives up the leases of a call that has failed.
    pub(super) async fn give_up_all(&mut self) {
        if let Err(error) = self.outside.held.take().settle(|_| Fate::Failed).await {
            self.reported(&error);
        }
    }

    /// Records that the in-process cache may have copies of these elements now.
    pub(super) fn inserted(&self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            if let Some(tracked) = &self.outside.elements[number].tracked {
                tracked.inserted(self.call.miss.missing[number].hash);
            }
        }
    }
}

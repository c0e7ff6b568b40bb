//! What a call of many elements keeps of its requests to the backend.

use std::vec::Vec;

use crate::backend::invalidation::TrackedKey;
use crate::backend::{BackendError, ErrorKind, Lease, Permission};
use crate::function::batch::backend::held::HeldLeases;
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::held_lease::Held;
use crate::time::Instant;

/// The backend as a call of many elements uses it.
pub(super) struct Outside<B: Held> {
    pub(super) handle: BackendHandle<B>,
    /// Whether the call fails if the backend does.
    pub(super) is_strict: bool,
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
    pub(super) tracked: Option<TrackedKey>,
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
        let copies = handle.tracker.take();
        let element = |key: Result<Vec<u8>, BackendError>| {
            let tracked = copies.as_ref().zip(key.as_ref().ok()).map(|(copies, key)| copies.clone().key(key));
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
    BackendError::with_kind(ErrorKind::Protocol, message)
}

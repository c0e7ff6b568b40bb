//! What a call keeps of its lookup in a backend until its result is stored: the permission to do so.

use core::future::{Future, poll_fn};
use core::pin::pin;
use std::borrow::Cow;
use std::format;

use crate::backend::codec::Remaining;
use crate::backend::{BackendError, ErrorKind, Lookup, Permission, TagNonces};
use crate::flight::executor::Task;
use crate::function::call::backend_entry::{BackendEntry, Encoded};
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::computation::poll_beside;
use crate::function::call::held_lease::{GLOBAL_LEASE, Held, HeldLease, Renewal, Unusable};
use crate::function::call::remote::Stored;
use crate::time::Instant;

/// The permission to store a result, and the lease if this call's lookup left it.
pub struct Claim<B: Held> {
    pub(super) permission: Permission,
    pub(super) held: Option<HeldLease<B>>,
    /// When the entry was looked up.
    pub(super) looked_at: Instant,
    /// The nonces of tags that held then.
    pub(super) nonces: TagNonces,
}

impl<B: Held> Claim<B> {
    /// Returns the claim of a call whose lookup failed: its result is not stored in a backend that gives leases, as the
    /// entry may be changed meanwhile.
    pub(super) fn after(error: &BackendError, looked_at: Instant) -> Self {
        let permission =
            if error.is_without_lease() { Permission::Unconditional } else { Permission::Denied };
        Self { permission, held: None, looked_at, nonces: TagNonces::default() }
    }

    /// Returns whether the backend gives no leases: a change by another process does not end the permission.
    pub(super) fn is_unconditional(&self) -> bool {
        self.permission == Permission::Unconditional
    }

    /// Keeps the claim valid by threads, until what this returns is dropped.
    pub(super) fn renewal(&self) -> Option<Renewal> {
        self.held.as_ref()?.renewal()
    }

    /// Returns a future that keeps the claim valid until it is dropped.
    pub(super) fn renewing(&self) -> Option<Task> {
        self.held.as_ref()?.renewing()
    }

    /// Returns what reports the errors of requests for which no call waits; `None` if there will be none.
    pub(super) fn errors(&self) -> Option<ErrorReporter> {
        self.held.as_ref().and_then(HeldLease::errors)
    }

    /// Gives up the lease, as there is no result to be stored.
    pub(super) async fn give_up(self, has_failed: bool) -> Result<(), BackendError> {
        match self.held {
            Some(held) => held.give_up(has_failed).await,
            None => Ok(()),
        }
    }
}

/// Keeps a claim valid by threads, until what this returns is dropped.
pub fn renewal<B: Held>(claim: &Result<Claim<B>, BackendError>) -> Option<Renewal> {
    claim.as_ref().ok()?.renewal()
}

/// Awaits `body`, and keeps a claim valid meanwhile.
pub fn renewing<B: Held, F: Future>(
    claim: &Result<Claim<B>, BackendError>,
    body: F,
) -> impl Future<Output = F::Output> {
    let mut renewing = claim.as_ref().ok().and_then(Claim::renewing);
    async move {
        let mut body = pin!(body);
        poll_fn(|context| {
            let polled = body.as_mut().poll(context);
            if polled.is_pending() {
                poll_beside(&mut renewing, context);
            }
            polled
        })
        .await
    }
}

impl<B: Held + Clone> BackendEntry<B> {
    /// Returns the claim of a lookup, which holds the lease if the lookup left it.
    pub(super) fn claim_of(
        &self,
        (permission, nonces): (Permission, TagNonces),
        looked_at: Instant,
        errors: impl FnOnce() -> ErrorReporter,
    ) -> Claim<B> {
        let is_global = self.handle.lock_timeout.is_some();
        let held = match &permission {
            Permission::Leased(lease) if lease.is_new() => {
                let place = self.place().ok();
                place.map(|place| HeldLease::new(place, lease.clone(), is_global, errors()))
            }
            _ => None,
        };
        Claim { permission, held, looked_at, nonces }
    }

    /// Claims the computation among all processes where a value is found that this one does not use, such as a stale result.
    ///
    /// The claim is an entry of its own: others may use the value, or serve the stale result, meanwhile. A failure in its
    /// place is of the refresh for which a call has waited, or one that is over.
    pub(super) async fn claim_refresh(
        &self,
        has_waited: bool,
        errors: impl FnOnce() -> ErrorReporter,
    ) -> Result<RefreshLease<B>, BackendError> {
        let mut place = self.place()?;
        place.namespace = Cow::Owned(format!("{}!refresh", place.namespace));
        let look = || place.backend.get_or_lease(&place.namespace, &place.key, GLOBAL_LEASE.into());
        let mut looked = look().await?;
        if let (Unusable::Failure, Permission::Leased(lease)) = (Unusable::of(&looked), &looked.permission) {
            if has_waited {
                return Ok(RefreshLease::Failed);
            }
            place.backend.end_lease(&place.namespace, &place.key, lease).await?;
            looked = look().await?;
        }
        let Lookup { found: None, permission: Permission::Leased(lease), .. } = looked else {
            return Ok(RefreshLease::Taken);
        };
        Ok(if lease.is_new() {
            RefreshLease::Held(HeldLease::apart(place, lease, errors()))
        } else {
            RefreshLease::Taken
        })
    }

    /// Stores a result if the claim allows it. The request is sent at this time.
    pub(super) async fn store(&self, claim: Claim<B>, encoded: &Encoded, sent: Instant) -> StoreOutcome {
        let Claim { permission, held, looked_at, nonces } = claim;
        let stored = match &permission {
            Permission::Leased(lease) => self.store_leased(lease, encoded).await,
            Permission::Unconditional => self.put(encoded).await.map(|()| true),
            _ => {
                // Not compared with a lease: current when it was looked up.
                return StoreOutcome::of(Stored::Kept(self.currency(looked_at, Remaining::NONE)), None);
            }
        };
        let (stored, error) = match stored {
            Ok(true) => (Stored::Kept(self.currency(sent, encoded.max_age)), None),
            Ok(false) => (Stored::Superseded(looked_at), None),
            Err(error) if may_be_stored(&error) => (Stored::Unknown, Some(error)),
            Err(error) => {
                // The backend answered: it can end the lease.
                let claim = Claim { permission, held, looked_at, nonces };
                let not_given_up = claim.give_up(true).await.err();
                let stored = Stored::Kept(self.currency(looked_at, Remaining::NONE));
                return StoreOutcome { stored, error: Some(error), not_given_up };
            }
        };
        let not_given_up = match held {
            Some(held) => held.used().await.err(),
            None => None,
        };
        StoreOutcome { stored, error, not_given_up }
    }
}

/// Whether a call has claimed a refresh among all processes.
pub(super) enum RefreshLease<B: Held> {
    /// It has.
    Held(HeldLease<B>),
    /// Another process has.
    Taken,
    /// The process has failed for which this one waited.
    Failed,
}

/// The outcome of storing a result.
pub(super) struct StoreOutcome {
    pub(super) stored: Stored,
    /// The error of storing it.
    pub(super) error: Option<BackendError>,
    /// The error of giving up the claim afterwards. It fails no call.
    pub(super) not_given_up: Option<BackendError>,
}

impl StoreOutcome {
    pub(super) fn of(stored: Stored, error: Option<BackendError>) -> Self {
        Self { stored, error, not_given_up: None }
    }
}

/// Returns whether a failed write may have been carried out.
pub(in crate::function) fn may_be_stored(error: &BackendError) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Rejected | ErrorKind::Serialization | ErrorKind::Unsupported | ErrorKind::CircuitOpen
    )
}

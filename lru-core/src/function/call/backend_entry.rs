//! The entry of one call in the backend (L2) of a function.

use core::time::Duration;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::{self, Opened, Remaining};
use crate::backend::invalidation::TrackedKey;
use crate::backend::{BackendError, Lease, Permission, Stored, TagNonces, tags_to_read};
use crate::expiry::settings::MaxAge;
use crate::expiry::time_to_live::KeptOutside;
use crate::function::call::backend_errors::{ErrorReporter, report};
use crate::function::call::backend_handle::BackendHandle;
use crate::function::call::held_lease::{Held, Place};
use crate::function::call::outside_tags::{Looked, Noting, OutsideTags, sealed, valid};
use crate::function::call::remote::Currency;
use crate::function::call::strictness::Strictness;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::observe::Counters;
use crate::observe::events::Events;
use crate::tags::tag::TagId;
use crate::tags::validity::Marked;
use crate::tags::validity::Validity;
use crate::time::Instant;

impl<B> BackendHandle<B> {
    /// Returns the entry for a key: the arguments, as serde serializes them.
    pub fn under<Q: Serialize + ?Sized>(mut self, key: &Q) -> BackendEntry<B> {
        let key = self.refusal.take().map_or_else(|| codec::key(key, self.format), Err);
        let tracked = self.tracker.take().and_then(|tracker| Some(tracker.key(key.as_deref().ok()?)));
        let tags = self.tags.take().and_then(|known| {
            let ttl =
                self.present_ttl().map(|ttl| ttl.saturating_add(self.stale_window(ttl).unwrap_or_default()));
            Some(OutsideTags::new(&self.namespace, key.as_deref().ok()?, &known, ttl))
        });
        BackendEntry { handle: self, key, tracked, tags, local_hash: None }
    }
}

/// The entry of a function's backend for one key.
#[must_use = "an entry takes effect in a call"]
pub struct BackendEntry<B> {
    pub(super) handle: BackendHandle<B>,
    /// An error if the arguments cannot be serialized, or another function owns the namespace: then nothing is found or
    /// stored.
    key: Result<Vec<u8>, BackendError>,
    /// Tracks the copy in the in-process cache, if the backend reports changes.
    tracked: Option<TrackedKey>,
    /// The tags of the result; `None` if results have none.
    pub(super) tags: Option<OutsideTags>,
    /// The hash under which an accessor inserts the copy.
    local_hash: Option<KeyHash>,
}

/// A result as bytes, to be stored.
pub(in crate::function) struct Encoded {
    pub(in crate::function) bytes: Vec<u8>,
    /// The time to live, with the stale window.
    pub(in crate::function) ttl: Option<Duration>,
    /// How long a copy may be kept, if that is less than in any other call.
    pub(in crate::function) max_age: Remaining,
    /// What the result depends on, if it has tags.
    pub(in crate::function) marked: Option<Marked>,
}

/// A result as bytes with the header of its tags, if it has any.
pub(super) enum Prepared {
    /// It is to be stored.
    Ready(Encoded),
    /// It is kept in the process only.
    Apart,
    /// It is not kept at all.
    Outdated,
}

impl<B> BackendEntry<B> {
    pub(super) fn key(&self) -> Result<&[u8], BackendError> {
        self.key.as_deref().map_err(BackendError::again)
    }

    /// Returns the place of the entry, apart from the call.
    pub(super) fn place(&self) -> Result<Place<B>, BackendError>
    where
        B: Clone,
    {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        Ok(Place { backend: backend.clone(), namespace: namespace.clone(), key: self.key()?.to_vec() })
    }

    /// Decodes a stored value. The remaining time to live that the backend reports counts, if it reports one.
    pub(super) fn decode<R, O>(&self, found: Option<Stored>, policy: O) -> Result<Opened<R>, BackendError>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        let Some(stored) = found else { return Ok(Opened::Missing) };
        Ok(self.handle.decode(self.key()?, &stored, policy))
    }

    /// Encodes a result; `None` if it is not to be stored.
    pub(super) fn encode<R, O>(
        &self,
        result: &R,
        kept: KeptOutside,
        policy: O,
    ) -> Result<Option<Encoded>, BackendError>
    where
        O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    {
        self.handle.encode(self.key(), result, kept, policy)
    }

    /// Returns how long a copy may be kept that was current when the request was sent at this time.
    pub(super) fn currency(&self, current_at: Instant, remaining: Remaining) -> Currency {
        self.handle.currency(current_at, remaining)
    }

    /// Returns how long a copy may be kept; `front_ttl` counts from the time when the request was sent.
    pub(super) fn max_age(&self, current_at: Instant, remaining: Remaining) -> Option<MaxAge> {
        self.handle.max_age(current_at, remaining)
    }

    /// Records that the in-process cache may have a copy now.
    pub(super) fn inserted(&self, hash: KeyHash) {
        if let Some(tracked) = &self.tracked {
            tracked.inserted(hash);
        }
    }

    /// Records that what the result is made of is read from now on.
    pub(super) fn begin(&self) {
        if let Some(tracked) = &self.tracked {
            tracked.begin();
        }
    }

    /// Records the lease that the call has now.
    pub(super) fn leased(&self, lease: &Lease) {
        if let Some(tracked) = &self.tracked {
            tracked.leased(lease);
        }
    }

    /// Records that an accessor has replaced the copy now, or removed it.
    pub fn copied(&self) {
        if let (Some(hash), Some(tracked)) = (self.local_hash, &self.tracked) {
            tracked.replaced(hash);
        }
    }

    /// Sets the key under which an accessor inserts a copy in the in-process cache.
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    pub fn copied_to<Q: Part>(mut self, key: Q) -> Self {
        self.local_hash = self.tracked.is_some().then(|| KeyHash::of_part(&key));
        self
    }

    /// Returns what counts and reports the errors of requests for which no call waits.
    pub(super) fn reporter(&self, counters: Arc<Counters>, events: Events) -> ErrorReporter {
        ErrorReporter { counters, events, callback: self.handle.on_error }
    }

    /// Reports an error by an event and the callback, unless it belongs to an outage that was reported. Returns what a
    /// strict function returns instead of its result.
    pub(super) fn report<R>(
        &self,
        events: Events,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        report(&error, events, self.handle.on_error);
        strictness.instead(error)
    }
}

impl<B: Held + Clone> BackendEntry<B> {
    /// Looks up the entry; if there is none, leaves a lease.
    pub(super) async fn look(&self, has_copies: bool) -> Result<Looked, BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        let options = self.handle.lookup_options(has_copies);
        // If nothing is found, the computation that follows begins here as well.
        self.begin();
        let looked = match &self.tags {
            None => Looked::untagged(backend.get_or_lease(namespace, self.key()?, options).await?),
            // Most functions have none, and their futures need no memory for this.
            Some(tags) => Box::pin(tags.look(backend, (namespace, self.key()?), options)).await?,
        };
        if let Permission::Leased(lease) = &looked.lookup.permission {
            self.leased(lease);
        }
        Ok(looked)
    }

    /// Puts the header of its tags before a result that is to be stored. `nonces` held when its computation began.
    pub(super) async fn noted(&self, encoded: Encoded, nonces: &TagNonces) -> Result<Prepared, BackendError> {
        let Some(tags) = &self.tags else { return Ok(Prepared::Ready(encoded)) };
        let Some(marked) = &encoded.marked else { return Ok(Prepared::Apart) };
        let noting = tags.of_computed(&self.handle.backend, marked, nonces).await?;
        if let Noting::Stored(noted) = &noting {
            marked.node.note(noted.clone());
        }
        self.prepared(encoded, noting)
    }

    /// Puts the header of these tags before a value that is to be put.
    pub(super) async fn noted_put(
        &self,
        encoded: Encoded,
        of_value: &[TagId],
    ) -> Result<Prepared, BackendError> {
        let Some(tags) = &self.tags else { return Ok(Prepared::Ready(encoded)) };
        let noting = tags.of_put(&self.handle.backend, of_value).await?;
        self.prepared(encoded, noting)
    }

    fn prepared(&self, encoded: Encoded, noting: Noting) -> Result<Prepared, BackendError> {
        Ok(match noting {
            Noting::Stored(noted) => {
                match sealed(&noted, &encoded.bytes, (&self.handle.namespace, self.key()?)) {
                    Some(bytes) => Prepared::Ready(Encoded { bytes, ..encoded }),
                    None => Prepared::Apart,
                }
            }
            Noting::Apart => Prepared::Apart,
            Noting::Outdated => Prepared::Outdated,
        })
    }

    /// Invalidates, in all processes, what was computed from the result.
    pub(super) async fn changed(&self) -> Result<(), BackendError> {
        let Some(tags) = &self.tags else { return Ok(()) };
        self.handle.invalidate(&[tags.entry.own]).await
    }

    /// Stores a result if the lease is still valid, and returns whether it was.
    pub(super) async fn store_leased(&self, lease: &Lease, encoded: &Encoded) -> Result<bool, BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        let Encoded { bytes, ttl, .. } = encoded;
        if let Some(tracked) = &self.tracked {
            tracked.writes(bytes);
        }
        let over = backend.set_leased(namespace, self.key()?, lease, bytes, *ttl).await?;
        if let Some(over) = &over {
            self.leased(over);
        }
        Ok(over.is_some())
    }

    /// Returns the entry that the backend holds, without its header, if its tags were not invalidated.
    pub(super) async fn found(&self) -> Result<Option<Stored>, BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        let found = backend.get(namespace, self.key()?).await?;
        let (Some(_), Some(mut found)) = (&self.tags, found.clone()) else { return Ok(found) };
        let tags = tags_to_read(&[], Some(&found));
        let nonces = backend.tag_nonces(&tags, None).await?;
        let Some((_, envelope)) = valid(&found.value, (namespace, self.key()?), &nonces) else {
            return Ok(None);
        };
        // What reads it, without a call, knows nothing of its tags.
        Validity::shared(None);
        found.value = envelope;
        Ok(Some(found))
    }

    /// Removes what the lease was given for.
    pub(super) async fn end(&self, lease: &Lease) -> Result<(), BackendError> {
        self.handle.backend.end_lease(&self.handle.namespace, self.key()?, lease).await
    }

    /// Stores a result, whatever the backend holds.
    pub(super) async fn put(&self, encoded: &Encoded) -> Result<(), BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        let Encoded { bytes, ttl, .. } = encoded;
        if let Some(tracked) = &self.tracked {
            tracked.writes(bytes);
        }
        let over = backend.put(namespace, self.key()?, bytes, *ttl).await?;
        if let Some(over) = &over {
            self.leased(over);
        }
        Ok(())
    }
}

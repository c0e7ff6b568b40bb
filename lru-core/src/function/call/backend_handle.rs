//! The backend (L2) of a function: where it is opened, how it is set up, and the entry of one call in it.

use core::any::{Any, type_name};
use core::fmt;
use core::time::Duration;
use std::borrow::Cow;
use std::boxed::Box;
use std::format;
use std::sync::OnceLock;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::awaited::Awaited;
use crate::backend::blocking_as_async::Direct;
use crate::backend::codec::{self, Entry, Format, Opened};
use crate::backend::invalidation::{TrackedKey, Tracker};
use crate::backend::namespaces::NamedType;
use crate::backend::state::BackendState;
use crate::backend::{AsyncBackend, BackendError, Lease, Lookup, Permission, Stored};
use crate::engine::placement::invalidate::HasInProcessCache;
use crate::expiry::duration::IntoSpan;
use crate::expiry::settings::scatter;
use crate::function::call::held_lease::Place;
use crate::function::call::pending_call::FlightOptions;
use crate::function::call::remote::Currency;
use crate::function::call::strictness::Strictness;
use crate::function::result_policy::ResultPolicy;
use crate::key::erased::identity_of;
use crate::key::{KeyHash, Part};
use crate::observe::events::Events;
use crate::observe::location::FunctionLocation;
use crate::time::{Instant, SystemTime};

/// Returns the backend of a function, and opens it on first use.
///
/// # Panics
///
/// If `open` panics. The next call then tries again.
pub fn opened<B: Send + Sync + 'static>(
    cell: &'static OnceLock<Box<dyn Any + Send + Sync>>,
    open: impl FnOnce() -> B,
) -> &'static B {
    let backend = cell.get_or_init(|| Box::new(open()));
    backend.downcast_ref().expect("a function has one backend")
}

/// Returns a type and its name.
pub fn named<T: ?Sized>() -> NamedType {
    (type_name::<T>(), identity_of::<T>())
}

/// Returns the type of an argument and its name.
pub fn named_of<T: ?Sized>(_: &T) -> NamedType {
    named::<T>()
}

/// The result of a lookup in a backend by an accessor.
pub type Peeked<R> = Result<Option<R>, BackendError>;

/// For how long stale results are served while they are refreshed.
#[derive(Clone, Copy)]
pub(super) enum Swr {
    Always,
    For(Duration),
}

/// The backend of a function, and the options that concern it.
#[must_use = "a handle takes effect in a call"]
pub struct BackendHandle<B> {
    pub(super) backend: B,
    pub(super) namespace: Cow<'static, str>,
    ttl: Option<Duration>,
    error_ttl: Option<Duration>,
    pub(super) local_ttl: Option<Duration>,
    format: Format,
    /// With `single_flight = global`, how long the cross-process lock is held, and other processes wait for
    /// it.
    pub(super) lock_timeout: Option<Duration>,
    on_error: Option<fn(&BackendError)>,
    jitter: f64,
    pub(super) swr: Option<Swr>,
    pub(super) stale_if_error: Option<Duration>,
    state: &'static BackendState,
    tracker: Option<&'static Tracker>,
    /// The error of a function that has no backend, because another one owns its namespace.
    refusal: Option<BackendError>,
}

/// The backend of a function, the location of the function, and what it keeps for its backend.
type FunctionBackend<B> = (&'static B, &'static FunctionLocation, &'static BackendState);

impl<B> BackendHandle<Awaited<B>> {
    /// Creates the handle for an `async` function.
    pub fn awaited((backend, location, state): FunctionBackend<B>) -> Self {
        Self::new(Awaited::new(backend), location, state)
    }
}

impl<B> BackendHandle<Direct<B>> {
    /// Creates the handle for a function that is not `async`.
    pub fn direct((backend, location, state): FunctionBackend<B>) -> Self {
        Self::new(Direct::new(backend), location, state)
    }
}

impl<B> BackendHandle<B> {
    /// Creates the handle of a backend with the namespace of the function.
    fn new(backend: B, location: &'static FunctionLocation, state: &'static BackendState) -> Self {
        let namespace = Cow::Borrowed(location.namespace());
        let refusal = state.ownership.check(location).err();
        Self {
            backend,
            namespace,
            ttl: None,
            error_ttl: None,
            local_ttl: None,
            format: Format::Compact,
            lock_timeout: None,
            on_error: None,
            jitter: 0.0,
            swr: None,
            stale_if_error: None,
            state,
            tracker: None,
            refusal,
        }
    }

    /// Sets the version of the function, which is part of the namespace.
    pub fn version(mut self, version: impl fmt::Display) -> Self {
        self.namespace = Cow::Owned(format!("{}#{version}", self.namespace));
        self
    }

    /// Sets the time to live of results.
    pub fn ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.ttl = Some(ttl.into_span());
        self
    }

    /// Sets the time to live of errors.
    pub fn error_ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.error_ttl = Some(ttl.into_span());
        self
    }

    /// Sets up to which fraction each time to live is shortened, at random.
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = jitter.clamp(0.0, 1.0);
        self
    }

    /// Sets for how long stale results are served while they are refreshed.
    pub fn swr(mut self, window: impl IntoSpan<Duration>) -> Self {
        self.swr = Some(Swr::For(window.into_span()));
        self
    }

    /// Sets that stale results are served while they are refreshed: by a backend, for as long again as they were fresh.
    pub fn swr_always(mut self) -> Self {
        self.swr = Some(Swr::Always);
        self
    }

    /// Sets for how long stale results are served instead of errors.
    pub fn stale_if_error(mut self, window: impl IntoSpan<Duration>) -> Self {
        self.stale_if_error = Some(window.into_span());
        self
    }

    /// Shortens a time to live by a random fraction, so that entries do not expire together.
    fn scattered(&self, ttl: Duration) -> Duration {
        if self.jitter > 0.0 { ttl.mul_f64(1.0 - self.jitter * scatter()) } else { ttl }
    }

    /// Returns for how long the backend keeps a result that has been fresh for `ttl`.
    fn stale_window(&self, ttl: Duration) -> Option<Duration> {
        let swr = self.swr.map(|swr| match swr {
            Swr::Always => ttl,
            Swr::For(window) => window,
        });
        swr.max(self.stale_if_error)
    }

    /// Sets how long the in-process cache may keep a copy at most.
    pub fn local_ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.local_ttl = Some(ttl.into_span());
        self
    }

    /// Encodes arguments and results as JSON.
    #[cfg(feature = "json")]
    pub fn json(mut self) -> Self {
        self.format = Format::Json;
        self
    }

    /// Coalesces computations across processes: `single_flight = global`.
    pub fn global(mut self, flight: FlightOptions) -> Self {
        self.lock_timeout = Some(flight.timeout);
        self
    }

    /// Sets the callback for errors of the backend.
    pub fn on_error(mut self, callback: fn(&BackendError)) -> Self {
        self.on_error = Some(callback);
        self
    }

    /// Names the types of an instantiation, whose names are parts of the key.
    pub fn of_types(mut self, types: &[NamedType]) -> Self {
        if self.refusal.is_none() {
            self.refusal = self.state.ownership.check_types(types).err();
        }
        self
    }

    /// Returns the entry for a key: the arguments, as serde serializes them.
    pub fn under<Q: Serialize + ?Sized>(mut self, key: &Q) -> BackendEntry<B> {
        let key = self.refusal.take().map_or_else(|| codec::key(key, self.format), Err);
        let tracked = self.tracker.and_then(|tracker| Some(tracker.key(key.as_deref().ok()?)));
        BackendEntry { handle: self, key, tracked, local_hash: None }
    }
}

impl<B: AsyncBackend> BackendHandle<B> {
    /// Invalidates the copies in this in-process cache when another process changes the backend's entries.
    pub fn watched(
        mut self,
        memo: &'static impl HasInProcessCache,
        has_listener: bool,
        drops_when_lost: bool,
    ) -> Self {
        if self.refusal.is_some() {
            return self;
        }
        self.tracker = self.state.invalidation.tracker(
            memo,
            (has_listener, drops_when_lost),
            &self.backend,
            &self.namespace,
        );
        self
    }

    /// Removes all entries of the function.
    ///
    /// # Errors
    ///
    /// If the backend fails, in which case some entries may still be stored, or if another function owns the namespace.
    pub async fn clear(&self) -> Result<(), BackendError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.again()),
            None => self.backend.clear(&self.namespace).await,
        }
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
    /// The hash under which an accessor inserts the copy.
    local_hash: Option<KeyHash>,
}

/// A result as bytes, to be stored.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// The time to live, with the stale window.
    pub(super) ttl: Option<Duration>,
    /// How long a copy may be kept, if that is less than in any other call.
    pub(super) max_age: Option<Duration>,
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

    /// Returns the entry as the codec sees it, with values of type `V`.
    fn coded<V: DeserializeOwned>(&self) -> Result<Entry<'_, V>, BackendError> {
        let BackendHandle { format, namespace, state, .. } = &self.handle;
        Ok(Entry::new(*format, &state.shapes, namespace, self.key()?))
    }

    /// Decodes a stored value. The remaining time to live that the backend reports counts, if it reports one.
    pub(super) fn decode<R, O>(&self, found: Option<Stored>, policy: O) -> Result<Opened<R>, BackendError>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        let Some(Stored { value, ttl, .. }) = found else { return Ok(Opened::Missing) };
        let opened = self.coded::<O::Value>()?.open(&value, ttl, SystemTime::now);
        Ok(opened.map(|value| policy.result_of(value)))
    }

    /// Encodes a result; `None` if it is not to be stored.
    pub(super) fn encode<R, O>(&self, result: &R, policy: O) -> Result<Option<Encoded>, BackendError>
    where
        O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    {
        let BackendHandle { ttl, error_ttl, .. } = self.handle;
        let ttl = if policy.is_error(result) { error_ttl.or(ttl) } else { ttl };
        let Some(value) = policy.value(result).filter(|_| policy.stores(result)) else { return Ok(None) };
        let is_error = policy.is_error(result);
        let fresh = ttl.map(|ttl| self.handle.scattered(ttl));
        // An error is never stale.
        let window = fresh.and_then(|fresh| self.handle.stale_window(fresh)).filter(|_| !is_error);
        let ttl = fresh.map(|fresh| fresh.saturating_add(window.unwrap_or_default()));
        let bytes = self.coded::<O::Value>()?.seal(value, (ttl, window), SystemTime::now())?;
        let max_age = fresh.filter(|_| self.handle.jitter > 0.0);
        Ok(Some(Encoded { bytes, ttl, max_age }))
    }

    /// Returns how long a copy may be kept that was current when the request was sent at this time.
    pub(super) fn currency(&self, current_at: Instant, ttl: Option<Duration>) -> Currency {
        let max_age = shorter(self.handle.local_ttl, ttl);
        let max_age = max_age.map(|age| age.saturating_sub(current_at.elapsed()));
        Currency { max_age, current_at: Some(current_at) }
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

    /// Reports an error by an event and the callback, unless it belongs to an outage that was reported. Returns what a
    /// strict function returns instead of its result.
    pub(super) fn report<R>(
        &self,
        events: Events,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        if !error.is_repeated() {
            events.backend_failed(&error);
            if let Some(callback) = self.handle.on_error {
                callback(&error);
            }
        }
        strictness.instead(error)
    }
}

impl<B: AsyncBackend> BackendEntry<B> {
    /// Looks up the entry; if there is none, leaves a lease for this time.
    pub(super) async fn look(&self, lease: Duration) -> Result<Lookup, BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.handle;
        // If nothing is found, the computation that follows begins here as well.
        self.begin();
        let lookup = backend.get_or_lease(namespace, self.key()?, lease).await?;
        if let Permission::Leased(lease) = &lookup.permission {
            self.leased(lease);
        }
        Ok(lookup)
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

/// Returns the shorter of two times; `None` is unlimited.
fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

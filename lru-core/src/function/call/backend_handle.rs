//! The backend (L2) of a function: where it is opened, and how it is set up.

use core::any::{Any, type_name};
use core::fmt;
use core::sync::atomic::Ordering::{AcqRel, Acquire};
use core::time::Duration;
use std::borrow::Cow;
use std::boxed::Box;
use std::format;
use std::sync::{Arc, OnceLock};
use std::vec::Vec;

use crate::backend::awaited::Awaited;
use crate::backend::blocking_as_async::Direct;
use crate::backend::codec::Format;
use crate::backend::invalidation::Tracker;
use crate::backend::namespaces::NamedType;
use crate::backend::state::BackendState;
use crate::backend::{BackendError, TAGS, TagKey, tag_watch};
use crate::engine::placement::invalidate::HoldsCopies;
use crate::expiry::duration::IntoSpan;
use crate::expiry::function_ttl::FunctionTtl;
use crate::expiry::settings::scatter;
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::held_lease::Held;
use crate::function::call::pending_call::FlightOptions;
use crate::function::tagged::backends;
use crate::key::erased::identity_of;
use crate::observe::events::Events;
use crate::observe::location::FunctionLocation;
use crate::tags::invalidate::invalidate_all;
use crate::tags::tag::{Tag, TagId};

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
pub(in crate::function) enum Swr {
    Always,
    For(Duration),
}

/// The backend of a function, and the options that concern it.
#[must_use = "a handle takes effect in a call"]
pub struct BackendHandle<B> {
    pub(in crate::function) backend: B,
    pub(in crate::function) namespace: Cow<'static, str>,
    ttl: Option<Duration>,
    /// What may replace `ttl`.
    of_function: Option<&'static FunctionTtl>,
    pub(in crate::function) error_ttl: Option<Duration>,
    pub(in crate::function) local_ttl: Option<Duration>,
    pub(in crate::function) format: Format,
    /// With `single_flight = global`, how long the cross-process lock is held, and other processes wait for
    /// it.
    pub(in crate::function) lock_timeout: Option<Duration>,
    pub(in crate::function) on_error: Option<fn(&BackendError)>,
    pub(in crate::function) jitter: f64,
    pub(in crate::function) swr: Option<Swr>,
    pub(in crate::function) stale_if_error: Option<Duration>,
    pub(in crate::function) stale_if_slow: bool,
    has_timer: bool,
    /// Whether the backend never waits for a runtime.
    pub(in crate::function) is_blocking: bool,
    events: Events,
    pub(in crate::function) state: &'static BackendState,
    pub(in crate::function) tracker: Option<Arc<Tracker>>,
    /// The tags of results that are known before they are computed; `None` if results have no tags.
    pub(in crate::function) tags: Option<Vec<TagId>>,
    /// The error of a function that has no backend, because another one owns its namespace.
    pub(in crate::function) refusal: Option<BackendError>,
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
        Self { is_blocking: true, ..Self::new(Direct::new(backend), location, state) }
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
            of_function: None,
            error_ttl: None,
            local_ttl: None,
            format: Format::Compact,
            lock_timeout: None,
            on_error: None,
            jitter: 0.0,
            swr: None,
            stale_if_error: None,
            stale_if_slow: false,
            has_timer: false,
            is_blocking: false,
            events: Events::of(Some(location)),
            state,
            tracker: None,
            tags: None,
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

    /// Sets the time to live of results to that of an expression, which is evaluated once.
    pub fn ttl_once<V: IntoSpan<Duration>>(
        mut self,
        function: &'static FunctionTtl,
        expression: impl FnOnce() -> V,
    ) -> Self {
        self.ttl = Some(function.once(expression));
        self.of_function(function)
    }

    /// Sets what may replace the time to live.
    pub fn of_function(mut self, function: &'static FunctionTtl) -> Self {
        self.of_function = Some(function);
        self
    }

    /// Returns the time to live of a result that is stored now.
    pub(super) fn present_ttl(&self) -> Option<Duration> {
        self.of_function.and_then(FunctionTtl::in_place).or(self.ttl)
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

    /// Sets that stale results are kept for calls whose computation is slow.
    pub fn stale_if_slow(mut self) -> Self {
        self.stale_if_slow = true;
        self
    }

    /// Shortens a time to live by a random fraction, so that entries do not expire together.
    pub(super) fn scattered(&self, ttl: Duration) -> Duration {
        if self.jitter > 0.0 {
            let seconds = ttl.as_secs_f64() * (1.0 - self.jitter * scatter());
            Duration::try_from_secs_f64(seconds).unwrap_or(ttl).min(ttl)
        } else {
            ttl
        }
    }

    /// Returns whether the backend keeps results that are no longer fresh.
    pub(super) fn keeps_stale(&self) -> bool {
        self.swr.is_some() || self.stale_if_error.is_some() || self.stale_if_slow
    }

    /// Returns for how long the backend keeps a result that has been fresh for `ttl`.
    pub(super) fn stale_window(&self, ttl: Duration) -> Option<Duration> {
        let swr = self.swr.map(|swr| match swr {
            Swr::Always => ttl,
            Swr::For(window) => window,
        });
        let for_slow = self.stale_if_slow.then(|| swr.unwrap_or_default().saturating_add(ttl));
        swr.max(self.stale_if_error.or(for_slow))
    }

    /// Sets that the in-process cache has a clock of the user's, by which a copy cannot be stale from the start.
    pub fn with_timer(mut self) -> Self {
        self.has_timer = true;
        self
    }

    /// Returns for how long a stale result is served that has been stale for `past`; `None` if it is not.
    pub(super) fn served_for(&self, past: Duration, left: Duration) -> Option<Duration> {
        match self.swr.filter(|_| !self.has_timer)? {
            Swr::Always => Some(left),
            Swr::For(window) => {
                window.checked_sub(past).filter(|rest| !rest.is_zero()).map(|rest| rest.min(left))
            }
        }
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

    /// Sets the tags of the result that are known before it is computed.
    pub fn known(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = Some(tags.into_iter().map(TagId::from).collect());
        self
    }

    /// Names the types of an instantiation, whose names are parts of the key.
    pub fn of_types(mut self, types: &[NamedType]) -> Self {
        if self.refusal.is_none() {
            self.refusal = self.state.ownership.check_types(types).err();
        }
        self
    }
}

impl<B: Held + Clone> BackendHandle<B> {
    /// Invalidates the copies in this in-process cache when another process changes the backend's entries.
    #[expect(clippy::needless_pass_by_value, reason = "a reference, or a handle made of references")]
    pub fn watched(mut self, cache: impl HoldsCopies, has_listener: bool, drops_when_lost: bool) -> Self {
        if self.refusal.is_some() {
            return self;
        }
        if self.tags.is_some() && !self.state.is_reached.load(Acquire) {
            self.reach(&cache);
        }
        self.tracker = self.state.invalidation.tracker(
            &cache,
            (has_listener, drops_when_lost),
            &self.backend,
            &self.namespace,
        );
        self
    }

    /// Makes invalidations by tag reach the backend.
    #[cold]
    fn reach(&self, cache: &impl HoldsCopies) {
        if self.state.is_reached.load(Acquire) {
            return;
        }
        let errors =
            ErrorReporter { counters: cache.errors().0, events: self.events, callback: self.on_error };
        // Added before any call goes on. If two threads add it at once, it is asked twice.
        backends::add(self.backend.clone(), self.is_blocking, errors);
        if !self.state.is_reached.swap(true, AcqRel) && cache.copies().is_some() {
            self.backend.watch(TAGS, tag_watch::sink());
        }
    }

    /// Removes all entries of the function.
    ///
    /// # Errors
    ///
    /// If the backend fails, in which case some entries may still be stored, or if another function owns the namespace.
    pub async fn clear(&self) -> Result<(), BackendError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.again()),
            None if self.tags.is_none() => self.backend.clear(&self.namespace).await,
            None => {
                let function = TagId::of_namespace(&self.namespace);
                let cleared = self.backend.clear(&self.namespace).await;
                self.invalidate(&[function]).await.and(cleared)
            }
        }
    }

    /// Invalidates, in all processes, the results of the function that have a tag, and what was computed from them.
    ///
    /// # Errors
    ///
    /// If the backend fails, in which case they may still be valid, or if another function owns the namespace.
    pub async fn invalidate_tag(&self, tag: Tag) -> Result<(), BackendError> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.again());
        }
        let function = TagId::of_namespace(&self.namespace);
        self.invalidate(&[TagId::ANY, TagId::of_tag_in(function.number(), tag.into())]).await
    }

    /// Invalidates tags in the backend, and then in the process, where a result may have been fetched meanwhile.
    pub(super) async fn invalidate(&self, tags: &[TagId]) -> Result<(), BackendError> {
        let keys: Vec<_> = tags.iter().map(|&tag| TagKey::from(tag)).collect();
        let done = self.backend.invalidate_tags(&keys).await;
        invalidate_all(tags);
        done
    }
}

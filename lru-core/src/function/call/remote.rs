//! A call's way to a backend: between a miss in the process and the computation.

use core::any::{Any, type_name};
use core::fmt;
use core::future::{Future, poll_fn, ready};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::borrow::Cow;
use std::boxed::Box;
use std::format;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::string::String;
use std::sync::OnceLock;
use std::thread;
use std::time::{Instant, SystemTime};
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::{self, Format};
use crate::backend::invalidation::{Fronting, Invalidation, TrackedKey, Tracker};
use crate::backend::{AsyncBackend, Backend, BackendError, ErrorKind, InvalidationSink, Stored};
use crate::engine::insert::InsertKind;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::placement::{Placement, StoredValue};
use crate::expiry::duration::IntoSpan;
use crate::flight::cycles::BodyScope;
use crate::flight::follower::block;
use crate::flight::timeout::{Sleep, now};
use crate::function::call::coalesced::{
    Departure, DepartureOf, FlightOptions, PendingCall, RefreshClaim, polled, share,
};
use crate::function::call::{CacheHandle, Miss};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::{KeyHash, Part};
use crate::observe::events::Events;
use crate::observe::location::FunctionLocation;
use crate::observe::stats::add;
use crate::store::change_log::Epoch;

/// The backend of a function, opened when it is first needed.
///
/// # Panics
///
/// With what `open` panics with; the next call opens it then.
pub fn opened<B: Send + Sync + 'static>(
    cell: &'static OnceLock<Box<dyn Any + Send + Sync>>,
    open: impl FnOnce() -> B,
) -> &'static B {
    let backend = cell.get_or_init(|| Box::new(open()));
    backend.downcast_ref().expect("a function has one backend")
}

/// The name of an argument's type.
#[must_use]
pub fn type_name_of<T: ?Sized>(_: &T) -> &'static str {
    type_name::<T>()
}

/// What is found in a backend by those who only ask.
pub type Peeked<R> = Result<Option<R>, BackendError>;

/// A backend that is not awaited, as one that is: it always is ready at once.
pub struct Direct<B: 'static>(&'static B);

impl<B: Backend> AsyncBackend for Direct<B> {
    fn get(
        &self,
        namespace: &str,
        key: &[u8],
    ) -> impl Future<Output = Result<Option<Stored>, BackendError>> + Send {
        ready(self.0.get(namespace, key))
    }

    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Option<Duration>,
    ) -> impl Future<Output = Result<(), BackendError>> + Send {
        ready(self.0.set(namespace, key, value, ttl))
    }

    fn add(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send {
        ready(self.0.add(namespace, key, value, ttl))
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> impl Future<Output = Result<bool, BackendError>> + Send {
        ready(self.0.delete(namespace, key))
    }

    fn clear(&self, namespace: &str) -> impl Future<Output = Result<(), BackendError>> + Send {
        ready(self.0.clear(namespace))
    }

    fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
        self.0.watch(namespace, sink)
    }
}

/// What a future comes to that waits for nobody but other calls. Blocks the thread until then.
pub fn done<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    block(RECHECK, |context| future.as_mut().poll(context))
}

/// How long the thread sleeps at most between two looks, should nobody wake it.
const RECHECK: Duration = Duration::from_secs(1);

/// What a function has in its backend.
pub struct BackendHandle<B> {
    backend: B,
    namespace: Cow<'static, str>,
    ttl: Option<Duration>,
    error_ttl: Option<Duration>,
    front_ttl: Option<Duration>,
    format: Format,
    /// How long processes wait for the one that computes, where only one does.
    patience: Option<Duration>,
    on_error: Option<fn(&BackendError)>,
    watch: &'static Invalidation,
    /// Where copies in the process are watched.
    watched: Option<&'static Tracker>,
}

/// The backend of a function, where that stands, and what of it is watched.
type Opened<B> = (&'static B, &'static FunctionLocation, &'static Invalidation);

impl<B> BackendHandle<&'static B> {
    /// What an `async` function has there that stands at this site: its path is its namespace.
    #[must_use]
    pub fn awaited((backend, site, watch): Opened<B>) -> Self {
        Self::of(backend, site, watch)
    }
}

impl<B> BackendHandle<Direct<B>> {
    /// The same for a function that is not.
    #[must_use]
    pub fn direct((backend, site, watch): Opened<B>) -> Self {
        Self::of(Direct(backend), site, watch)
    }
}

impl<B> BackendHandle<B> {
    fn of(backend: B, site: &'static FunctionLocation, watch: &'static Invalidation) -> Self {
        let namespace = Cow::Borrowed(site.path());
        let (ttl, error_ttl, front_ttl, patience) = (None, None, None, None);
        let (format, on_error, watched) = (Format::Compact, None, None);
        Self { backend, namespace, ttl, error_ttl, front_ttl, format, patience, on_error, watch, watched }
    }

    /// Apart from other versions of the function.
    #[must_use]
    pub fn version(mut self, version: impl fmt::Display) -> Self {
        self.namespace = Cow::Owned(format!("{}#{version}", self.namespace));
        self
    }

    /// Results are good for so long.
    #[must_use]
    pub fn ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.ttl = Some(ttl.into_span());
        self
    }

    /// Errors, where they are kept, are good for so long.
    #[must_use]
    pub fn error_ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.error_ttl = Some(ttl.into_span());
        self
    }

    /// In the process, results are good for so long at most.
    #[must_use]
    pub fn front_ttl(mut self, ttl: impl IntoSpan<Duration>) -> Self {
        self.front_ttl = Some(ttl.into_span());
        self
    }

    /// Arguments and results are JSON.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn json(mut self) -> Self {
        self.format = Format::Json;
        self
    }

    /// Of all processes, one computes.
    #[must_use]
    pub fn global(mut self, flight: FlightOptions) -> Self {
        self.patience = Some(flight.timeout);
        self
    }

    /// Is told what the backend could not do.
    #[must_use]
    pub fn on_error(mut self, listener: fn(&BackendError)) -> Self {
        self.on_error = Some(listener);
        self
    }

    /// What it has under a key: the arguments, in the form that serde gives them.
    pub fn under<Q: Serialize + ?Sized>(self, key: &Q) -> BackendEntry<B> {
        let key = codec::encoded(key, self.format);
        let lookout = self.watched.and_then(|watched| Some(watched.lookout(key.as_deref()?)));
        BackendEntry { place: self, key, lookout, hash: None }
    }
}

impl<B: AsyncBackend> BackendHandle<B> {
    /// Copies of what lies there are in this cache, and not to be served when others have changed it. `listens`
    /// where somebody wants to know what leaves the cache.
    #[must_use]
    pub fn watched(mut self, memo: &'static impl Fronting, listens: bool) -> Self {
        self.watched = self.watch.of(memo, listens, &self.backend, &self.namespace);
        self
    }
}

/// What a function has in its backend under one key.
pub struct BackendEntry<B> {
    place: BackendHandle<B>,
    /// `None` where the arguments refused to be bytes: then nothing is found or stored.
    key: Option<Vec<u8>>,
    /// Where copies in the process are watched.
    lookout: Option<TrackedKey>,
    /// Where an accessor has its copy there.
    hash: Option<KeyHash>,
}

/// What is to be stored, and for how long.
type Sealed = (Vec<u8>, Option<Duration>);

/// What was found, and how long it is good yet.
type Fetched<R> = Option<(R, Option<Duration>)>;

impl<B> BackendEntry<B> {
    fn key(&self) -> Result<&[u8], BackendError> {
        self.key.as_deref().ok_or_else(|| {
            BackendError::with_kind(ErrorKind::Serialization, "the arguments cannot be serialized")
        })
    }

    /// The result in what was found. What is no result is as good as nothing.
    fn open<R, O>(&self, found: Option<Stored>, outcome: O) -> Fetched<R>
    where
        O: ResultPolicy<R>,
        O::Value: DeserializeOwned,
    {
        let Stored { value, ttl } = found?;
        let (value, left) = codec::opened(&value, self.place.format, SystemTime::now())?;
        Some((outcome.of_value(value), sooner(left, ttl)))
    }

    /// What is to be stored of a result, and for how long; `None` for nothing. A result may refuse to be bytes.
    fn seal<R, O>(&self, result: &R, outcome: O) -> Result<Option<Sealed>, BackendError>
    where
        O: ResultPolicy<R>,
        O::Value: Serialize,
    {
        let BackendHandle { ttl, error_ttl, .. } = self.place;
        let ttl = if outcome.is_error(result) { error_ttl.or(ttl) } else { ttl };
        let Some(value) = outcome.value(result).filter(|_| outcome.keeps(result)) else { return Ok(None) };
        let sealed = codec::sealed(value, self.place.format, ttl, SystemTime::now());
        Ok(Some((
            sealed.ok_or_else(|| {
                BackendError::with_kind(ErrorKind::Serialization, "the result cannot be serialized")
            })?,
            ttl,
        )))
    }
}

impl<B: AsyncBackend> BackendEntry<B> {
    async fn fetch<R, O>(&self, outcome: O) -> Result<Fetched<R>, BackendError>
    where
        O: ResultPolicy<R>,
        O::Value: DeserializeOwned,
    {
        let BackendHandle { backend, namespace, .. } = &self.place;
        // What is computed because nothing was found begins here as well.
        if let Some(lookout) = &self.lookout {
            lookout.begins();
        }
        let found = backend.get(namespace, self.key()?).await?;
        Ok(self.open(found, outcome))
    }

    async fn store(&self, (value, ttl): &Sealed) -> Result<(), BackendError> {
        let BackendHandle { backend, namespace, .. } = &self.place;
        if let Some(lookout) = &self.lookout {
            lookout.hands_over(value);
        }
        backend.set(namespace, self.key()?, value, *ttl).await
    }
}

impl<B> BackendEntry<B> {
    /// A copy of the result may be in the process by now.
    fn kept(&self, hash: KeyHash) {
        if let Some(lookout) = &self.lookout {
            lookout.kept(hash);
        }
    }

    /// Under these arguments an accessor is to keep the copy in the process.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a key is a tuple of references")]
    pub fn copied_to<Q: Part>(mut self, key: Q) -> Self {
        self.hash = self.lookout.is_some().then(|| KeyHash::of_part(&key));
        self
    }

    /// Makes bytes of a result, to be stored if it is one to be stored.
    pub fn put<R, O>(&self, result: &R, outcome: O) -> Put<'_, B>
    where
        O: ResultPolicy<R, Value: Serialize>,
    {
        Put { outside: self, sealed: self.seal(result, outcome) }
    }
}

/// A result on its way to a backend.
#[must_use = "it is stored by `store`"]
pub struct Put<'o, B> {
    outside: &'o BackendEntry<B>,
    sealed: Result<Option<Sealed>, BackendError>,
}

impl<B: AsyncBackend> Put<'_, B> {
    /// Stores it.
    ///
    /// # Errors
    ///
    /// It may not be there.
    pub async fn store(self) -> Result<(), BackendError> {
        if let Some(hash) = self.outside.hash {
            self.outside.kept(hash);
        }
        match &self.sealed? {
            Some(sealed) => self.outside.store(sealed).await,
            None => Ok(()),
        }
    }
}

impl<B> BackendEntry<B> {
    /// Counts and tells what could not be done; what the call returns instead, if it does.
    pub fn failed<R, E: Placement, S>(
        &self,
        calls: &CacheHandle<E, S>,
        flight: FlightOptions,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        calls.engines.first(|engine| add(&engine.tallies().backend_errors, 1));
        self.tell(flight.events, error, strictness)
    }

    fn tell<R>(&self, events: Events, error: BackendError, strictness: impl Strictness<R>) -> Option<R> {
        events.backend_failed(&error);
        if let Some(listener) = self.place.on_error {
            listener(&error);
        }
        strictness.instead(error)
    }
}

/// Beside the results of a function: who computes which.
fn claims(namespace: &str) -> String {
    format!("{namespace}!claims")
}

/// What the accessors of a function ask of its backend.
impl<B: AsyncBackend> BackendEntry<B> {
    /// The result that is there.
    ///
    /// # Errors
    ///
    /// The backend could not be asked.
    pub async fn peek<R, O>(&self, outcome: O) -> Result<Option<R>, BackendError>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        Ok(self.fetch(outcome).await?.map(|(result, _)| result))
    }

    /// Removes the result, and says whether there was one.
    ///
    /// # Errors
    ///
    /// It may be there still.
    pub async fn delete(&self) -> Result<bool, BackendError> {
        self.place.backend.delete(&self.place.namespace, self.key()?).await
    }
}

impl<B: AsyncBackend> BackendHandle<B> {
    /// Removes all results of the function.
    ///
    /// # Errors
    ///
    /// Some may be there still.
    pub async fn clear(&self) -> Result<(), BackendError> {
        self.backend.clear(&self.namespace).await
    }
}

/// What a call does about a backend that could not do what it was asked to.
pub trait Strictness<R>: Copy {
    /// What the call returns for that; `None` where it goes on without the backend.
    fn instead(self, error: BackendError) -> Option<R>;
}

/// It goes on without.
#[derive(Clone, Copy, Debug)]
pub struct Lenient;

impl<R> Strictness<R> for Lenient {
    fn instead(self, _: BackendError) -> Option<R> {
        None
    }
}

/// It fails.
#[derive(Clone, Copy, Debug)]
pub struct Strict;

impl<T, E: From<BackendError>> Strictness<Result<T, E>> for Strict {
    fn instead(self, error: BackendError) -> Option<Result<T, E>> {
        Some(Err(error.into()))
    }
}

/// A cache, and what a call of it has in its backend.
struct RemoteCall<'o, E, B> {
    engines: E,
    outside: &'o BackendEntry<B>,
    hash: KeyHash,
    events: Events,
}

impl<E: Placement, B> RemoteCall<'_, E, B> {
    /// Counts and tells what could not be done; what the call returns instead, if it does.
    fn failed<R>(&self, error: BackendError, strictness: impl Strictness<R>) -> Option<R> {
        self.engines.at(self.hash, |engine| add(&engine.tallies().backend_errors, 1));
        self.outside.tell(self.events, error, strictness)
    }

    /// What becomes of a result that was fetched or could not be; `None` where it is to be computed. A backend,
    /// and who is told of its errors, may call back: that is a call of `_body`.
    fn fetched<R>(
        &self,
        _body: Option<BodyScope>,
        fetched: Result<Fetched<R>, BackendError>,
        strictness: impl Strictness<R>,
    ) -> Option<Remote<R>> {
        match fetched {
            Ok(fetched) => fetched.map(|(result, left)| Remote::There(result, left)),
            Err(error) => self.failed(error, strictness).map(Remote::Instead),
        }
    }

    /// What became of the call may be in the cache by now.
    fn kept(&self) {
        self.outside.kept(self.hash);
    }

    /// Whether what began then may be stored.
    fn stands(&self, began: Epoch) -> bool {
        !self.engines.at(self.hash, |engine| engine.overtook(began, self.hash))
    }
}

/// What a call has instead of a computation.
enum Remote<R> {
    /// What the backend had, and how long it is good yet.
    There(R, Option<Duration>),
    /// An error, as the backend could not be asked.
    Instead(R),
}

/// How one of many processes goes on.
enum CrossProcessClaim<R> {
    /// It computes, and no other does.
    Ours,
    /// It computes, whatever others do.
    Anybodys,
    /// Another has computed.
    Over(Remote<R>),
}

/// The first pause between two looks at what another process computes, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(100)];

/// Waiting for another process: how long yet, and how long until the next look.
struct Patience {
    /// `None` if never.
    end: Option<Instant>,
    pause: Duration,
}

impl Patience {
    fn new(patience: Duration) -> Self {
        Self { end: now().checked_add(patience), pause: PAUSES[0] }
    }

    /// The next pause; `None` when it is over.
    fn nap(&mut self) -> Option<Sleep> {
        let pause = self.pause;
        self.pause = (2 * pause).min(PAUSES[1]);
        self.end.is_none_or(|end| now() < end).then(|| Sleep::new(pause))
    }
}

impl<E: Placement, B: AsyncBackend> RemoteCall<'_, E, B> {
    /// Claims a computation among all processes, or waits for the one that has.
    async fn turn<R, O>(&self, outcome: O, strictness: impl Strictness<R>) -> CrossProcessClaim<R>
    where
        O: ResultPolicy<R>,
        O::Value: DeserializeOwned,
    {
        let Some(time) = self.outside.place.patience else { return CrossProcessClaim::Anybodys };
        let Ok(key) = self.outside.key() else { return CrossProcessClaim::Anybodys };
        let BackendHandle { backend, namespace, .. } = &self.outside.place;
        let (claims, mut patience) = (claims(namespace), Patience::new(time));
        loop {
            let is_ours = match backend.add(&claims, key, &[], time).await {
                Ok(is_ours) => is_ours,
                Err(error) => {
                    return self.failed(error, strictness).map_or(CrossProcessClaim::Anybodys, |it| {
                        CrossProcessClaim::Over(Remote::Instead(it))
                    });
                }
            };
            // Who had it before may have come to a result since it was last looked for.
            let fetched = self.outside.fetch(outcome).await;
            let fetched = self.fetched(None, fetched, strictness);
            match (fetched, is_ours) {
                (None, true) => return CrossProcessClaim::Ours,
                (None, false) => {}
                (Some(had), is_ours) => {
                    if is_ours {
                        self.give_back().await;
                    }
                    return CrossProcessClaim::Over(had);
                }
            }
            let Some(mut nap) = patience.nap() else { return CrossProcessClaim::Anybodys };
            poll_fn(|context| nap.poll(context)).await;
        }
    }

    /// The computation that was claimed is over. Should it fail to be told, the claim ends by itself.
    async fn give_back(&self) {
        let BackendHandle { backend, namespace, .. } = &self.outside.place;
        let given_back = match self.outside.key() {
            Ok(key) => backend.delete(&claims(namespace), key).await,
            Err(error) => Err(error),
        };
        if let Err(error) = given_back {
            self.failed::<()>(error, Lenient);
        }
    }

    /// Hands a result to the backend, unless it is out of date. What could not be done takes its place, where
    /// the call is strict.
    async fn deliver<R>(
        &self,
        sealed: Result<Option<Sealed>, BackendError>,
        began: Epoch,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        let sealed = match sealed {
            Ok(sealed) => sealed.filter(|_| self.stands(began))?,
            Err(error) => return self.failed(error, strictness),
        };
        let mut delivered = self.outside.store(&sealed).await;
        // Not to be there after an invalidation that it came across, nor where others have fetched it.
        if !self.stands(began) && delivered.is_ok() {
            delivered = self.outside.delete().await.map(drop);
            self.engines.change(self.hash, |engine| engine.forget_hash(self.hash));
        }
        self.failed(delivered.err()?, strictness)
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> PendingCall<E, S, O> {
    /// As [`PendingCall::fly`], where the result may also be had from a backend, and is handed to it.
    pub fn fly_outside<R, H, B>(
        self,
        sharing: H,
        outside: &BackendEntry<B>,
        strictness: impl Strictness<R>,
        body: impl FnOnce() -> R,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        done(self.fly_outside_async(sharing, outside, strictness, async { body() }, keep))
    }

    /// The same, awaited.
    pub fn fly_outside_async<R, H, B>(
        mut self,
        sharing: H,
        outside: &BackendEntry<B>,
        strictness: impl Strictness<R>,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> Pin<Box<impl Future<Output = R>>>
    where
        O: ResultPolicy<R, Kept = StoredValue<E>, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        Box::pin(async move {
            self.left = outside.place.front_ttl;
            let departure = match self.depart_async(sharing).await {
                Ok(result) => return result,
                Err(departure) => departure,
            };
            let (way, outcome, began) = (self.way(outside), self.outcome, departure.began);
            let fetched = polled(departure.lead.as_ref(), outside.fetch(outcome)).await;
            if let Some(found) = way.fetched(departure.body(), fetched, strictness) {
                let result = self.found(departure, sharing, found, keep);
                way.kept();
                return result;
            }
            // A call from inside its own computation waits for nobody.
            let turn = if departure.lead.is_some() {
                polled(departure.lead.as_ref(), way.turn(outcome, strictness)).await
            } else {
                CrossProcessClaim::Anybodys
            };
            let is_ours = match turn {
                CrossProcessClaim::Over(found) => {
                    let result = self.found(departure, sharing, found, keep);
                    way.kept();
                    return result;
                }
                CrossProcessClaim::Ours => true,
                CrossProcessClaim::Anybodys => false,
            };
            let start = Instant::now();
            let result = match caught(polled(departure.lead.as_ref(), body)).await {
                Ok(result) => result,
                // Others are not to wait until the claim is over.
                Err(thrown) => {
                    if is_ours {
                        way.give_back().await;
                    }
                    resume_unwind(thrown)
                }
            };
            let sealed = {
                let _body = departure.body();
                outside.seal(&result, outcome)
            };
            let (result, is_spared) = self.arrive(departure, start, sharing, result, keep);
            way.kept();
            let sealed = if is_spared { Ok(None) } else { sealed };
            let result = way.deliver(sealed, began, strictness).await.unwrap_or(result);
            if is_ours {
                way.give_back().await;
            }
            result
        })
    }

    fn way<'o, B>(&self, outside: &'o BackendEntry<B>) -> RemoteCall<'o, E, B> {
        RemoteCall {
            engines: self.calls.engines.clone(),
            outside,
            hash: self.hash,
            events: self.flight.events,
        }
    }

    /// There is a result without a computation: what was counted as a miss is a hit, if a backend had it.
    fn found<R, H>(
        mut self,
        departure: DepartureOf<E>,
        sharing: H,
        found: Remote<R>,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) -> R
    where
        O: ResultPolicy<R, Kept = StoredValue<E>>,
        H: Sharing<R>,
    {
        let outcome = self.outcome;
        // What runs here of the user's may call back.
        let _body = departure.body();
        let Departure { lead, began } = departure;
        let result = match found {
            Remote::There(result, left) => {
                self.calls.at(self.hash, |engine, _| engine.was_hit());
                self.left = sooner(self.left, left);
                keep(self.miss(InsertKind::Computed(began)), result)
            }
            Remote::Instead(error) => error,
        };
        if let Some(lead) = lead {
            share(lead, outcome, sharing, &result);
        }
        result
    }
}

/// What a future comes to, or what it panics with.
async fn caught<T>(future: impl Future<Output = T>) -> thread::Result<T> {
    let mut future = pin!(future);
    let polled = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(thrown) => Poll::Ready(Err(thrown)),
    });
    polled.await
}

/// The shorter of two times, for ever being the longest.
fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl<E: Placement + Clone, S: Lifecycle<E::Types>, O> RefreshClaim<E, S, O> {
    /// As [`RefreshClaim::refresh`], where the result is handed to a backend.
    pub fn refresh_outside<R, H, B>(
        self,
        sharing: H,
        outside: &BackendEntry<B>,
        body: impl FnOnce() -> R,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) where
        O: ResultPolicy<R, Kept = StoredValue<E>, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        done(self.refresh_outside_async(sharing, outside, async { body() }, keep));
    }

    /// The same, awaited.
    pub async fn refresh_outside_async<R, H, B>(
        mut self,
        sharing: H,
        outside: &BackendEntry<B>,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<E, S, O>, R) -> R,
    ) where
        O: ResultPolicy<R, Kept = StoredValue<E>, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        let Some((began, start)) = self.begin() else { return };
        let (way, outcome) = (self.boarding.way(outside), self.boarding.outcome);
        self.boarding.left = outside.place.front_ttl;
        // Another process may have refreshed it, or only the copy in this one be out of date.
        let fetched = polled(Some(&self.lead), outside.fetch(outcome)).await;
        if let Some(Remote::There(result, left)) = way.fetched(Some(self.lead.body_scope()), fetched, Lenient)
        {
            self.boarding.left = sooner(self.boarding.left, left);
            self.arrive(began, start, sharing, result, keep);
            return way.kept();
        }
        let result = polled(Some(&self.lead), body).await;
        let sealed = {
            let _body = self.lead.body_scope();
            if outcome.is_error(&result) { Ok(None) } else { outside.seal(&result, outcome) }
        };
        self.arrive(began, start, sharing, result, keep);
        way.kept();
        way.deliver::<R>(sealed, began, Lenient).await;
    }
}

macro_rules! opaque {
    ($($type:ident $(<$lifetime:lifetime>)?)*) => { $(
        impl<B> fmt::Debug for $type<$($lifetime,)? B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )* };
}

opaque! { Direct BackendHandle BackendEntry Put<'_> }

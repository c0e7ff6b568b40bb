//! A call's way to a backend: between a miss in the process and the computation.

use core::any::{Any, type_name};
use core::future::{Future, poll_fn};
use core::time::Duration;
use std::boxed::Box;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AsyncBackend, Backend, BackendError, Found, codec};
use crate::boarding::{Boarding, Claim, Ready, polled, share};
use crate::calls::Miss;
use crate::engine::Origin;
use crate::flight::Lead;
use crate::history::Moment;
use crate::options::IntoSpan;
use crate::outcome::{Outcome, Sharing};
use crate::plan::Plan;
use crate::policy::Policy;
use crate::site::Site;
use crate::stats::add;
use crate::term::Term;

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

/// What a function has in its backend.
#[derive(Debug)]
pub struct Place<B: 'static> {
    backend: &'static B,
    namespace: &'static str,
    ttl: Option<Duration>,
    error_ttl: Option<Duration>,
}

impl<B> Place<B> {
    /// What a function has there that stands at this site: its path is its namespace.
    #[must_use]
    pub fn new((backend, site): (&'static B, &'static Site)) -> Self {
        Self { backend, namespace: site.path(), ttl: None, error_ttl: None }
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

    /// What it has under a key: the arguments, in the form that serde gives them.
    pub fn under<Q: Serialize + ?Sized>(self, key: &Q) -> Outside<B> {
        Outside { key: codec::encoded(key), place: self }
    }
}

/// What a function has in its backend under one key.
#[derive(Debug)]
pub struct Outside<B: 'static> {
    place: Place<B>,
    /// `None` where the arguments refused to be bytes: then nothing is found or stored.
    key: Option<Vec<u8>>,
}

/// What was found, and how long it is good yet.
type Fetched<R> = Option<(R, Option<Duration>)>;

impl<B> Outside<B> {
    fn key(&self) -> Result<&[u8], BackendError> {
        self.key.as_deref().ok_or_else(|| BackendError::new("the arguments can't be serialised"))
    }

    /// The result in what was found. What is no result is as good as nothing.
    fn open<R, O>(found: Option<Found>, outcome: O) -> Fetched<R>
    where
        O: Outcome<R>,
        O::Value: DeserializeOwned,
    {
        let Found { value, ttl } = found?;
        let (value, left) = codec::opened(&value, SystemTime::now())?;
        let left = match (left, ttl) {
            (Some(left), Some(ttl)) => Some(left.min(ttl)),
            (left, ttl) => left.or(ttl),
        };
        Some((outcome.of_value(value), left))
    }

    /// What is to be stored of a result, and for how long; `None` for nothing.
    fn seal<R, O>(&self, result: &R, outcome: O) -> Option<(Vec<u8>, Option<Duration>)>
    where
        O: Outcome<R>,
        O::Value: Serialize,
    {
        let Place { ttl, error_ttl, .. } = self.place;
        let ttl = if outcome.is_error(result) { error_ttl.or(ttl) } else { ttl };
        let value = outcome.value(result).filter(|_| outcome.keeps(result))?;
        Some((codec::sealed(value, ttl, SystemTime::now())?, ttl))
    }
}

impl<B: Backend> Outside<B> {
    fn fetch<R, O>(&self, outcome: O) -> Result<Fetched<R>, BackendError>
    where
        O: Outcome<R>,
        O::Value: DeserializeOwned,
    {
        let Place { backend, namespace, .. } = &self.place;
        Ok(Self::open(backend.get(namespace, self.key()?)?, outcome))
    }

    fn store(&self, (value, ttl): &(Vec<u8>, Option<Duration>)) -> Result<(), BackendError> {
        let Place { backend, namespace, .. } = &self.place;
        backend.set(namespace, self.key()?, value, *ttl)
    }
}

impl<B: AsyncBackend> Outside<B> {
    async fn fetch_async<R, O>(&self, outcome: O) -> Result<Fetched<R>, BackendError>
    where
        O: Outcome<R>,
        O::Value: DeserializeOwned,
    {
        let Place { backend, namespace, .. } = &self.place;
        let found = backend.get(namespace, self.key()?).await?;
        Ok(Self::open(found, outcome))
    }

    async fn store_async(&self, (value, ttl): &(Vec<u8>, Option<Duration>)) -> Result<(), BackendError> {
        let Place { backend, namespace, .. } = &self.place;
        backend.set(namespace, self.key()?, value, *ttl).await
    }
}

impl<B> Outside<B> {
    /// Makes bytes of a result, to be stored if it is one to be stored.
    pub fn put<R, O>(&self, result: &R, outcome: O) -> Put<'_, B>
    where
        O: Outcome<R, Value: Serialize>,
    {
        Put { outside: self, sealed: self.seal(result, outcome) }
    }
}

/// A result on its way to a backend.
#[derive(Debug)]
#[must_use = "it is stored by `store`"]
pub struct Put<'o, B: 'static> {
    outside: &'o Outside<B>,
    sealed: Option<(Vec<u8>, Option<Duration>)>,
}

impl<B: Backend> Put<'_, B> {
    /// Stores it.
    ///
    /// # Errors
    ///
    /// It may not be there.
    pub fn store(self) -> Result<(), BackendError> {
        self.sealed.map_or(Ok(()), |sealed| self.outside.store(&sealed))
    }
}

impl<B: AsyncBackend> Put<'_, B> {
    /// As [`Put::store`].
    ///
    /// # Errors
    ///
    /// It may not be there.
    pub async fn store_async(self) -> Result<(), BackendError> {
        match &self.sealed {
            Some(sealed) => self.outside.store_async(sealed).await,
            None => Ok(()),
        }
    }
}

/// What the accessors of a function ask of its backend.
impl<B: Backend> Outside<B> {
    /// The result that is there.
    ///
    /// # Errors
    ///
    /// The backend could not be asked.
    pub fn peek<R, O>(&self, outcome: O) -> Result<Option<R>, BackendError>
    where
        O: Outcome<R, Value: DeserializeOwned>,
    {
        Ok(self.fetch(outcome)?.map(|(result, _)| result))
    }

    /// Removes the result, and says whether there was one.
    ///
    /// # Errors
    ///
    /// It may be there still.
    pub fn delete(&self) -> Result<bool, BackendError> {
        self.place.backend.delete(self.place.namespace, self.key()?)
    }
}

impl<B: AsyncBackend> Outside<B> {
    /// As [`Outside::peek`].
    ///
    /// # Errors
    ///
    /// The backend could not be asked.
    pub async fn peek_async<R, O>(&self, outcome: O) -> Result<Option<R>, BackendError>
    where
        O: Outcome<R, Value: DeserializeOwned>,
    {
        Ok(self.fetch_async(outcome).await?.map(|(result, _)| result))
    }

    /// As [`Outside::delete`].
    ///
    /// # Errors
    ///
    /// It may be there still.
    pub async fn delete_async(&self) -> Result<bool, BackendError> {
        self.place.backend.delete(self.place.namespace, self.key()?).await
    }
}

impl<B: Backend> Place<B> {
    /// Removes all results of the function.
    ///
    /// # Errors
    ///
    /// Some may be there still.
    pub fn clear(&self) -> Result<(), BackendError> {
        self.backend.clear(self.namespace)
    }
}

impl<B: AsyncBackend> Place<B> {
    /// As [`Place::clear`].
    ///
    /// # Errors
    ///
    /// Some may be there still.
    pub async fn clear_async(&self) -> Result<(), BackendError> {
        self.backend.clear(self.namespace).await
    }
}

/// Counts what could not be done, and goes on without.
fn or_counted<T>(done: Result<T, BackendError>, errors: impl FnOnce()) -> Option<T> {
    if done.is_err() {
        errors();
    }
    done.ok()
}

impl<'m, K, V, P: Policy, T: Term, S: Plan<K, V, T>, O> Boarding<'m, K, V, P, T, S, O> {
    /// As [`Boarding::fly`], where the result may also be had from a backend, and is handed to it.
    pub fn fly_outside<R, H, B>(
        mut self,
        sharing: H,
        outside: &Outside<B>,
        body: impl FnOnce() -> R,
        keep: impl FnOnce(Miss<'m, K, V, P, T, S, O>, R) -> R,
    ) -> R
    where
        O: Outcome<R, Kept = V, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: Backend,
    {
        let lead = match self.ready() {
            Ready::Answered(result) => return result,
            Ready::Compute(lead) => lead,
            Ready::Wait(mut follower) => {
                let end = follower.block();
                match self.followed(follower, end, sharing) {
                    Ok(result) => return result,
                    Err(lead) => lead,
                }
            }
        };
        let began = match self.begin(lead.as_ref()) {
            Ok(result) => return result,
            Err(began) => began,
        };
        let (outcome, hash, engine) = (self.outcome, self.hash, self.calls.engine_again());
        let failed = || add(&engine.tallies().backend_errors, 1);
        if let Some(fetched) = or_counted(outside.fetch(outcome), failed).flatten() {
            return self.fetched(lead, began, sharing, fetched, keep);
        }
        let start = Instant::now();
        let result = {
            let _body = lead.as_ref().map(Lead::body);
            body()
        };
        let sealed = outside.seal(&result, outcome);
        let result = self.arrive(lead, began, start, sharing, result, keep);
        if let Some(sealed) = sealed.filter(|_| !engine.overtook(began, hash)) {
            or_counted(outside.store(&sealed), failed);
            // Not to be there after an invalidation that it came across.
            if engine.overtook(began, hash) {
                or_counted(outside.delete(), failed);
            }
        }
        result
    }

    /// The same, awaited.
    pub async fn fly_outside_async<R, H, B>(
        mut self,
        sharing: H,
        outside: &Outside<B>,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<'m, K, V, P, T, S, O>, R) -> R,
    ) -> R
    where
        O: Outcome<R, Kept = V, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        let ready = match self.ready() {
            Ready::Answered(result) => return result,
            Ready::Compute(lead) => Ok(lead),
            Ready::Wait(follower) => Err(follower),
        };
        let lead = match ready {
            Ok(lead) => lead,
            Err(mut follower) => {
                let end = poll_fn(|context| follower.poll(context)).await;
                match self.followed(follower, end, sharing) {
                    Ok(result) => return result,
                    Err(lead) => lead,
                }
            }
        };
        let began = match self.begin(lead.as_ref()) {
            Ok(result) => return result,
            Err(began) => began,
        };
        let (outcome, hash, engine) = (self.outcome, self.hash, self.calls.engine_again());
        let failed = || add(&engine.tallies().backend_errors, 1);
        if let Some(fetched) = or_counted(outside.fetch_async(outcome).await, failed).flatten() {
            return self.fetched(lead, began, sharing, fetched, keep);
        }
        let start = Instant::now();
        let result = polled(lead.as_ref(), body).await;
        let sealed = outside.seal(&result, outcome);
        let result = self.arrive(lead, began, start, sharing, result, keep);
        if let Some(sealed) = sealed.filter(|_| !engine.overtook(began, hash)) {
            or_counted(outside.store_async(&sealed).await, failed);
            if engine.overtook(began, hash) {
                or_counted(outside.delete_async().await, failed);
            }
        }
        result
    }

    /// A backend had the result: what was counted as a miss is a hit.
    fn fetched<R, H>(
        self,
        lead: Option<Lead<K, V>>,
        began: Moment,
        sharing: H,
        (result, left): (R, Option<Duration>),
        keep: impl FnOnce(Miss<'m, K, V, P, T, S, O>, R) -> R,
    ) -> R
    where
        O: Outcome<R, Kept = V>,
        H: Sharing<R>,
    {
        let outcome = self.outcome;
        self.calls.engine.was_hit();
        // What runs here of the user's may call back.
        let _body = lead.as_ref().map(Lead::body);
        let result = keep(self.miss(Origin::Computed(began)).within(left), result);
        if let Some(lead) = lead {
            share(lead, outcome, sharing, &result);
        }
        result
    }
}

impl<'m, K, V, P: Policy, T: Term, S: Plan<K, V, T>, O> Claim<'m, K, V, P, T, S, O> {
    /// As [`Claim::refresh`], where the result is handed to a backend.
    pub fn refresh_outside<R, H, B>(
        self,
        sharing: H,
        outside: &Outside<B>,
        body: impl FnOnce() -> R,
        keep: impl FnOnce(Miss<'m, K, V, P, T, S, O>, R) -> R,
    ) where
        O: Outcome<R, Kept = V, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: Backend,
    {
        let Some((began, start)) = self.begin() else { return };
        let Boarding { outcome, hash, calls, .. } = &self.boarding;
        let (outcome, hash, engine) = (*outcome, *hash, calls.engine_again());
        let result = {
            let _body = self.lead.body();
            body()
        };
        let sealed = outside.seal(&result, outcome).filter(|_| !outcome.is_error(&result));
        self.arrive(began, start, sharing, result, keep);
        if let Some(sealed) = sealed.filter(|_| !engine.overtook(began, hash)) {
            let failed = || add(&engine.tallies().backend_errors, 1);
            or_counted(outside.store(&sealed), failed);
            if engine.overtook(began, hash) {
                or_counted(outside.delete(), failed);
            }
        }
    }

    /// The same, awaited.
    pub async fn refresh_outside_async<R, H, B>(
        self,
        sharing: H,
        outside: &Outside<B>,
        body: impl Future<Output = R>,
        keep: impl FnOnce(Miss<'m, K, V, P, T, S, O>, R) -> R,
    ) where
        O: Outcome<R, Kept = V, Value: Serialize + DeserializeOwned>,
        H: Sharing<R>,
        B: AsyncBackend,
    {
        let Some((began, start)) = self.begin() else { return };
        let Boarding { outcome, hash, calls, .. } = &self.boarding;
        let (outcome, hash, engine) = (*outcome, *hash, calls.engine_again());
        let result = polled(Some(&self.lead), body).await;
        let sealed = outside.seal(&result, outcome).filter(|_| !outcome.is_error(&result));
        self.arrive(began, start, sharing, result, keep);
        if let Some(sealed) = sealed.filter(|_| !engine.overtook(began, hash)) {
            let failed = || add(&engine.tallies().backend_errors, 1);
            or_counted(outside.store_async(&sealed).await, failed);
            if engine.overtook(began, hash) {
                or_counted(outside.delete_async().await, failed);
            }
        }
    }
}

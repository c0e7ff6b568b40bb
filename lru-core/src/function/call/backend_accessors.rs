//! Accessors of a function with a backend (L2): they read, replace and remove its entry.

use std::boxed::Box;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::BackendError;
use crate::backend::codec::{Opened, Remaining};
use crate::engine::{Engine, Lifecycle, Placement, StoredKey, StoredValue};
use crate::expiry::EntryOptions;
use crate::expiry::settings::MaxAge;
use crate::expiry::time_to_live::KeptOutside;
use crate::function::call::backend_entry::{BackendEntry, Encoded, Prepared};
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::backend_handle::Peeked;
use crate::function::call::claim::{Claim, StoreOutcome};
use crate::function::call::handle::CacheHandle;
use crate::function::call::held_lease::Held;
use crate::function::call::miss::Miss;
use crate::function::call::outside_tags::Looked;
use crate::function::call::pending_call::FlightOptions;
use crate::function::call::remote::{Currency, Stored};
use crate::function::call::strictness::Strictness;
use crate::function::result_policy::ResultPolicy;
use crate::key::{KeyHash, Part};
use crate::tags::tag::TagId;
use crate::tags::validity::Validity;
use crate::time::Instant;

impl<B: Held + Clone> BackendEntry<B> {
    /// Returns the result that the backend holds.
    ///
    /// # Errors
    ///
    /// If the backend fails, or the entry is damaged.
    pub async fn peek<R, O>(&self, policy: O) -> Peeked<R>
    where
        O: ResultPolicy<R, Value: DeserializeOwned>,
    {
        match self.decode(self.found().await?, policy)? {
            // As with a stale result in the process, `cache_peek` returns what a call would return.
            Opened::Found(result, _) => Ok(Some(result)),
            Opened::Stale(result, past, left) => {
                Ok(Some(result).filter(|_| self.handle.served_for(past, left).is_some()))
            }
            Opened::Missing => Ok(None),
            Opened::Damaged(error) => Err(error),
        }
    }

    /// Removes the result, and returns whether there was one.
    ///
    /// # Errors
    ///
    /// If the backend fails. The result may then still be stored.
    pub async fn delete(&self) -> Result<bool, BackendError> {
        let deleted = self.handle.backend.delete(&self.handle.namespace, self.key()?).await;
        self.changed().await.and(deleted)
    }
}

impl<B: Held + Clone> BackendEntry<B> {
    /// Puts its tags before a value, after what was computed from the former one was invalidated. `None` if it is not to be
    /// stored.
    async fn prepared_put(&self, encoded: Encoded, tags: &[TagId]) -> Result<Option<Encoded>, BackendError> {
        self.changed().await?;
        Ok(match self.noted_put(encoded, tags).await? {
            Prepared::Ready(encoded) => Some(encoded),
            Prepared::Apart | Prepared::Outdated => None,
        })
    }
}

impl<B> BackendEntry<B> {
    /// Makes the node of a result, as it is in the backend.
    fn judged<E: Placement, S: Lifecycle<E::Types>>(&self, handle: &CacheHandle<E, S>, hash: KeyHash) {
        if let (Some(validity), Some(tags)) = (handle.lifecycle.validity(), &self.tags) {
            validity.judged_outside(hash, handle.number(), tags.entry);
        }
    }

    /// Encodes a result that an accessor stores.
    pub fn to_put<R, O>(&self, result: &R, policy: O, kept: KeptOutside) -> Put<'_, B>
    where
        O: ResultPolicy<R, Value: Serialize + DeserializeOwned>,
    {
        let encoded = self.encode(result, kept, policy);
        Put { entry: self, encoded, is_failure: policy.is_error(result), tags: Vec::new() }
    }

    /// Returns what counts and reports the errors of requests for which no call waits.
    pub fn errors<E: Placement, S>(
        &self,
        handle: &CacheHandle<E, S>,
        flight: FlightOptions,
    ) -> ErrorReporter {
        self.reporter(handle.engines.first(Engine::shared_counters), flight.events)
    }

    /// Counts and reports an error. Returns what a strict function returns instead of its result.
    pub fn failed<R, E: Placement, S>(
        &self,
        handle: &CacheHandle<E, S>,
        flight: FlightOptions,
        error: BackendError,
        strictness: impl Strictness<R>,
    ) -> Option<R> {
        handle.engines.first(|engine| engine.counters().backend_errors.add(1));
        self.report(flight.events, error, strictness)
    }
}

impl<B: Held + Clone> BackendEntry<B> {
    /// Looks up the entry that a refresh is to replace.
    ///
    /// # Errors
    ///
    /// If the backend fails. The result of the refresh is then not stored in it.
    pub async fn claim(&self, errors: ErrorReporter) -> Result<Claim<B>, BackendError> {
        // What was computed from the former result is out of date from now on.
        self.changed().await?;
        let looked_at = Instant::now();
        let Looked { lookup, nonces, .. } = self.look(true).await?;
        Ok(self.claim_of((lookup.permission, nonces), looked_at, || errors))
    }
}

/// A result that an accessor stores in a backend.
#[must_use = "it is stored by `store`"]
pub struct Put<'e, B> {
    entry: &'e BackendEntry<B>,
    encoded: Result<Option<Encoded>, BackendError>,
    is_failure: bool,
    /// The tags of a value that is put.
    tags: Vec<TagId>,
}

impl<B> Put<'_, B> {
    /// Notes the tags of a value that is put. The handle has judged it.
    pub fn with_tags<E: Placement, S: Lifecycle<E::Types>>(mut self, handle: &CacheHandle<E, S>) -> Self {
        self.tags = handle.lifecycle.validity().map(Validity::tags_of_put).unwrap_or_default();
        self
    }

    /// Notes what the result of a refresh depends on. The miss has judged it.
    pub fn computed_by<E: Placement, S: Lifecycle<E::Types>, O>(mut self, miss: &Miss<E, S, O>) -> Self {
        if let Ok(Some(encoded)) = &mut self.encoded {
            encoded.marked = miss.handle.lifecycle.validity().and_then(Validity::marked);
        }
        self
    }
}

impl<B: Held + Clone> Put<'_, B> {
    /// Stores the result, whatever the backend holds. Returns how long the in-process cache may keep a copy at most.
    ///
    /// # Errors
    ///
    /// If the result cannot be serialized, or the backend fails.
    pub async fn store(self) -> (Option<MaxAge>, Result<(), BackendError>) {
        let Self { entry, encoded, tags, .. } = self;
        entry.begin();
        let sent = Instant::now();
        let encoded = match encoded {
            Ok(Some(encoded)) if entry.tags.is_some() => Box::pin(entry.prepared_put(encoded, &tags)).await,
            encoded => encoded,
        };
        let stored = match &encoded {
            Ok(Some(encoded)) => entry.put(encoded).await,
            // The result is not kept: nor may an older one be.
            Ok(None) => entry.delete().await.map(drop),
            Err(error) => Err(error.again()),
        };
        let encoded = encoded.as_ref().ok().and_then(Option::as_ref);
        (entry.max_age(sent, encoded.map_or(Remaining::NONE, |encoded| encoded.max_age)), stored)
    }

    /// Stores the result of a refresh, unless the entry was changed since it was claimed.
    pub async fn replace(self, claim: Result<Claim<B>, BackendError>) -> Replaced {
        let Self { entry, encoded, is_failure, .. } = self;
        let now = claim.as_ref().map_or_else(|_| Instant::now(), |claim| claim.looked_at);
        let kept = Stored::Kept(entry.currency(now, Remaining::NONE));
        let claim = match (claim, &encoded) {
            (Ok(claim), _) => claim,
            // Nothing is to be stored.
            (Err(_), Ok(None)) => return Replaced { stored: kept, error: None },
            (Err(error), _) => return Replaced { stored: kept, error: Some(error) },
        };
        let errors = claim.errors();
        let encoded = match encoded {
            Ok(Some(encoded)) => match Box::pin(entry.noted(encoded, &claim.nonces)).await {
                Ok(Prepared::Ready(encoded)) => Ok(Some(encoded)),
                Ok(Prepared::Apart) => Ok(None),
                Ok(Prepared::Outdated) => {
                    let (stored, not_given_up) = (Stored::Superseded(now), claim.give_up(false).await.err());
                    return Replaced::by(StoreOutcome { stored, error: None, not_given_up }, errors);
                }
                Err(error) => Err(error),
            },
            encoded => encoded,
        };
        let has_failed = is_failure || encoded.is_err();
        let outcome = match encoded {
            Ok(Some(encoded)) => entry.store(claim, &encoded, Instant::now()).await,
            not_stored => {
                let (error, not_given_up) = (not_stored.err(), claim.give_up(has_failed).await.err());
                StoreOutcome { stored: kept, error, not_given_up }
            }
        };
        Replaced::by(outcome, errors)
    }
}

/// The outcome of storing the result of a refresh in a backend.
#[must_use = "the in-process cache follows it"]
pub struct Replaced {
    stored: Stored,
    error: Option<BackendError>,
}

impl Replaced {
    /// Reports the error that fails no call.
    fn by(outcome: StoreOutcome, errors: Option<ErrorReporter>) -> Self {
        let StoreOutcome { stored, error, not_given_up } = outcome;
        if let (Some(errors), Some(error)) = (errors, not_given_up) {
            errors.failed(&error);
        }
        Self { stored, error }
    }

    /// Returns the error of the backend, if it failed.
    pub fn error(self) -> Option<BackendError> {
        self.error
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Limits what is inserted to what the backend has kept.
    pub fn replaced(mut self, replaced: &Replaced) -> Self {
        match (replaced.stored, &mut self.pending) {
            (Stored::Kept(Currency { max_age, .. }), Some(pending)) => pending.max_age = max_age,
            (Stored::Superseded(_) | Stored::Unknown, Some(pending)) => {
                let (hash, key, same) = (pending.hash, &pending.key, pending.same);
                let matches = |stored: &StoredKey<E>| same(stored, key);
                self.handle.change(hash, |engine, lifecycle| engine.invalidate(hash, matches, lifecycle));
                self.pending = None;
            }
            (_, None) => {}
        }
        self
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O> Miss<E, S, O> {
    /// Returns the options of the result of a refresh, before it is stored in the backend, and makes its node.
    pub fn judge_in<R, B>(
        &self,
        entry: &BackendEntry<B>,
        result: &R,
        options: impl FnOnce(&S, &O::Value) -> EntryOptions,
    ) -> Option<EntryOptions>
    where
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let options = self.judge(result, options);
        let hash = self.pending.as_ref().map_or(KeyHash::ANY, |pending| pending.hash);
        entry.judged(&self.handle, hash);
        options
    }
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Like [`CacheHandle::put_copy`], for a result with tags, which this handle has judged.
    pub fn put_copy_in<Q, R, O, B>(
        self,
        entry: &BackendEntry<B>,
        key: Q,
        result: R,
        policy: O,
        max_age: Option<MaxAge>,
        options: Option<EntryOptions>,
    ) where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let hash = KeyHash::of_part(&key);
        // Once more: a result may have been computed from the former one meanwhile.
        self.invalidate_dependents(hash);
        if let Some(validity) = self.lifecycle.validity() {
            validity.put_again(self.number(), entry.tags.as_ref().map(|tags| tags.entry));
        }
        entry.judged(&self, hash);
        let options = EntryOptions { max_age, ..options.unwrap_or(EntryOptions::NONE) };
        self.put_judged((hash, key), result, policy, options);
    }

    /// Stores a copy of `result`, which the backend has, with these options and for this time at most. Counts nothing.
    pub fn put_copy<Q, R, O>(
        self,
        key: Q,
        result: R,
        policy: O,
        max_age: Option<MaxAge>,
        options: Option<EntryOptions>,
    ) where
        Q: Part<Stored = StoredKey<E>>,
        O: ResultPolicy<R, Stored = StoredValue<E>>,
    {
        let options = EntryOptions { max_age, ..options.unwrap_or(EntryOptions::NONE) };
        self.put_with(key, result, policy, |_, _| options);
    }
}

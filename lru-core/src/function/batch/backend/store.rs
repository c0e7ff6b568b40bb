//! What a call of many elements stores in the backend and in the process.

use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::codec::Remaining;
use crate::backend::{BackendError, Item, LeasedItem, Permission};
use crate::engine::{Engine, Placement};
use crate::expiry::EntryOptions;
use crate::flight::cycles::in_scope;
use crate::function::batch::backend::copies::Copied;
use crate::function::batch::backend::held::Fate;
use crate::function::batch::backend::requests::incomplete;
use crate::function::batch::backend::{BackendBatch, BatchCall, Value};
use crate::function::batch::map::{AskedElements, MapKeys};
use crate::function::batch::wrong_length::WrongLength;
use crate::function::call::backend_entry::Encoded;
use crate::function::call::claim::may_be_stored;
use crate::function::call::held_lease::Held;
use crate::function::call::remote::{Currency, Stored};
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::KeyHash;
use crate::observe::stats::Transferred;
use crate::time::Instant;

/// A computed result on its way to the backend.
struct Outgoing {
    number: usize,
    options: Option<EntryOptions>,
    encoded: Option<Encoded>,
    /// Whether the result is one of a failed computation.
    is_failure: bool,
    /// The outcome in the backend.
    stored: Stored,
}

impl<C: BatchCall, B: Held + Clone> BackendBatch<C, B>
where
    Value<C>: Serialize + DeserializeOwned,
{
    /// Stores and publishes what the body has returned for the elements that it was asked for.
    async fn land<H: Sharing<C::Result>>(
        &mut self,
        results: Vec<C::Result>,
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) {
        if self.is_bypassed() {
            self.call.land(results, sharing, options);
            return;
        }
        let took = self.call.started.elapsed();
        self.call.miss.handle.engines.first(|engine| engine.counters().computing.record(took));
        let (mut outgoing, errors) = self.encoded(&results, options);
        for error in errors {
            self.failed_by(error);
        }
        self.store_leased(&mut outgoing).await;
        self.store_unconditionally(&mut outgoing).await;
        self.settle(&outgoing).await;
        self.complete(outgoing, results, sharing);
    }

    /// Encodes results. Returns the errors as well.
    fn encoded(
        &mut self,
        results: &[C::Result],
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) -> (Vec<Outgoing>, Vec<BackendError>) {
        let asked = core::mem::take(&mut self.call.asked);
        let mut errors = Vec::new();
        // User code runs here, which may call the function.
        let scope = self.call.flights.scope();
        let (handle, policy) = (&self.call.miss.handle, self.call.miss.policy);
        let outgoing = |(number, result): (usize, &C::Result)| {
            let options = handle.judge(result, policy, |lifecycle, value| options(number, lifecycle, value));
            let kept = handle.kept_outside(options.as_ref());
            let element = &self.outside.elements[number];
            let mut is_failure = policy.is_error(result);
            let encoded = match &element.key {
                // It has been reported.
                Err(_) => None,
                Ok(key) => {
                    self.outside.handle.encode(Ok(key), result, kept, policy).unwrap_or_else(|error| {
                        is_failure = true;
                        errors.push(error);
                        None
                    })
                }
            };
            // The engine does not keep a result that was superseded in the process.
            let encoded = encoded.filter(|_| self.call.is_current(number));
            let stored = Stored::Kept(self.not_stored(number, is_failure));
            Outgoing { number, options, encoded, is_failure, stored }
        };
        let outgoing = asked.into_iter().zip(results).map(outgoing).collect();
        drop(scope);
        (outgoing, errors)
    }

    /// Returns when a result is current that is not stored in the backend.
    fn not_stored(&self, number: usize, is_failure: bool) -> Currency {
        let claim = self.outside.elements[number].claim.as_ref();
        let looked_at = claim.map_or(self.began, |claim| claim.looked_at);
        let mut currency = self.outside.handle.currency(looked_at, Remaining::NONE);
        // It was not compared with a lease; an error may be shared all the same.
        if is_failure || claim.is_some_and(|claim| claim.permission == Permission::Unconditional) {
            currency.current_at = None;
        }
        currency
    }

    /// Stores the results for which there are leases, in one request.
    async fn store_leased(&mut self, outgoing: &mut [Outgoing]) {
        let Self { outside, .. } = &*self;
        let mut items = Vec::new();
        let mut places = Vec::new();
        for (place, one) in outgoing.iter().enumerate() {
            let element = &outside.elements[one.number];
            let permission = element.claim.as_ref().map(|claim| &claim.permission);
            if let (Some(encoded), Some(Permission::Leased(lease)), Ok(key)) =
                (&one.encoded, permission, &element.key)
            {
                element.writes(&encoded.bytes);
                items.push(LeasedItem::new(Item::new(key, &encoded.bytes).ttl(encoded.ttl), lease));
                places.push(place);
            }
        }
        if items.is_empty() {
            return;
        }
        let written = items.iter().map(|item| item.item.value.len()).sum();
        let sent = Instant::now();
        let handle = &outside.handle;
        // The backend may call the function.
        let store = async { handle.backend.set_leased_many(&handle.namespace, &items).await };
        let stored = in_scope(self.call.flights.id, store).await;
        let stored = stored.and_then(|stored| match stored.len() {
            count if count == items.len() => Ok(stored),
            count => Err(incomplete(count, items.len())),
        });
        self.requested(sent, Transferred::Written(written));
        match stored {
            Ok(stored) => {
                for (place, over) in places.into_iter().zip(stored) {
                    let one = &mut outgoing[place];
                    one.stored = match over {
                        Some(over) => {
                            self.outside.elements[one.number].leased(&over);
                            Stored::Kept(self.kept(sent, one))
                        }
                        None => self.superseded(one),
                    };
                }
            }
            Err(error) => self.not_written(outgoing, &places, error),
        }
    }

    /// Stores the results of a backend that gives no leases, in one request.
    async fn store_unconditionally(&mut self, outgoing: &mut [Outgoing]) {
        let Self { outside, .. } = &*self;
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for (place, one) in outgoing.iter().enumerate() {
            let element = &outside.elements[one.number];
            let permission = element.claim.as_ref().map(|claim| &claim.permission);
            if let (Some(encoded), Some(Permission::Unconditional), Ok(key)) =
                (&one.encoded, permission, &element.key)
            {
                element.writes(&encoded.bytes);
                items.push(Item::new(key, &encoded.bytes).ttl(encoded.ttl));
                places.push(place);
            }
        }
        if items.is_empty() {
            return;
        }
        let written = items.iter().map(|item| item.value.len()).sum();
        let sent = Instant::now();
        let handle = &outside.handle;
        let store = async { handle.backend.set_many(&handle.namespace, &items).await };
        let stored = in_scope(self.call.flights.id, store).await;
        self.requested(sent, Transferred::Written(written));
        if let Err(error) = stored {
            self.not_written(outgoing, &places, error);
            return;
        }
        let mut outdated = Vec::new();
        for place in places {
            let one = &mut outgoing[place];
            if self.call.is_current(one.number) {
                one.stored = Stored::Kept(self.kept(sent, one));
            } else {
                // Without leases, a change in this process during the write makes the result out of date, also for calls
                // that have fetched it since.
                one.stored = self.superseded(one);
                outdated.push(one.number);
            }
        }
        if outdated.is_empty() {
            return;
        }
        let key = |number: &usize| self.outside.elements[*number].key.as_deref().unwrap_or_default();
        let keys: Vec<&[u8]> = outdated.iter().map(key).collect();
        let handle = &self.outside.handle;
        if let Err(error) = handle.backend.delete_many(&handle.namespace, &keys).await {
            self.failed_by(error);
        }
    }

    fn kept(&self, sent: Instant, one: &Outgoing) -> Currency {
        let remaining = one.encoded.as_ref().map_or(Remaining::NONE, |encoded| encoded.max_age);
        self.outside.handle.currency(sent, remaining)
    }

    /// Counts a result that was not stored, as the entry was changed since it was looked up.
    fn superseded(&self, one: &Outgoing) -> Stored {
        let hash = self.call.miss.missing[one.number].hash;
        self.call.miss.handle.at(hash, |engine, _| Engine::count_superseded(engine));
        let claim = self.outside.elements[one.number].claim.as_ref();
        Stored::Superseded(claim.map_or(self.began, |claim| claim.looked_at))
    }

    /// Records that results may not have been stored.
    fn not_written(&mut self, outgoing: &mut [Outgoing], places: &[usize], error: BackendError) {
        let is_unknown = may_be_stored(&error);
        for place in places {
            let one = &mut outgoing[*place];
            if is_unknown {
                one.stored = Stored::Unknown;
            } else {
                // The backend has answered: its leases can be ended.
                (one.encoded, one.is_failure) = (None, true);
                let claim = self.outside.elements[one.number].claim.as_ref();
                let looked_at = claim.map_or(self.began, |claim| claim.looked_at);
                one.stored = Stored::Kept(self.outside.handle.currency(looked_at, Remaining::NONE));
            }
        }
        self.failed_by(error);
    }

    /// Gives up the leases of results that are not stored.
    async fn settle(&mut self, outgoing: &[Outgoing]) {
        let fate = |number: usize| {
            let one = outgoing.binary_search_by_key(&number, |one| one.number).map(|place| &outgoing[place]);
            match one {
                Ok(Outgoing { encoded: Some(_), .. }) => Fate::Used,
                Ok(Outgoing { is_failure: true, .. }) => Fate::Failed,
                _ => Fate::Unneeded,
            }
        };
        if let Err(error) = self.outside.held.take().settle(fate).await {
            self.reported(&error);
        }
    }

    /// Inserts and publishes results.
    fn complete<H: Sharing<C::Result>>(
        &mut self,
        outgoing: Vec<Outgoing>,
        results: Vec<C::Result>,
        sharing: H,
    ) {
        // User code runs here, which may call the function.
        let scope = self.call.flights.scope();
        let mut copied = Vec::with_capacity(outgoing.len());
        let mut terms = Vec::with_capacity(outgoing.len());
        for (Outgoing { number, options, stored, .. }, result) in outgoing.into_iter().zip(&results) {
            terms.push((number, stored.current_at()));
            match stored {
                Stored::Superseded(_) => self.call.remove_copy(number),
                Stored::Kept(Currency { max_age, .. }) => {
                    copied.push(Copied { number, result, options, max_age });
                }
                Stored::Unknown => {}
            }
        }
        self.call.copy(copied);
        self.inserted(terms.iter().map(|(number, _)| *number));
        let results = terms.into_iter().zip(results);
        self.publish(results.map(|((number, current_at), result)| (number, result, current_at)), sharing);
        drop(scope);
    }

    /// Stores and publishes what the body returned for the elements that it was asked for.
    ///
    /// # Errors
    ///
    /// Another number of results: what `wrong` makes of that. Nothing is stored.
    pub async fn land_sequence<H: Sharing<C::Result>, T>(
        &mut self,
        results: Vec<C::Result>,
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
        wrong: impl FnOnce(WrongLength) -> T,
    ) -> Result<(), T> {
        let (expected, returned) = (self.call.asked.len(), results.len());
        if returned != expected {
            self.fail_leads();
            self.give_up_all().await;
            return Err(self.call.miss.wrong_length(WrongLength { expected, returned }, wrong));
        }
        self.land(results, sharing, options).await;
        Ok(())
    }
}

impl<C: BatchCall<Result = Option<V>>, V: Clone, B: Held + Clone> BackendBatch<C, B>
where
    Value<C>: Serialize + DeserializeOwned,
{
    /// Stores and publishes what the body returned for the elements that it was asked for.
    pub async fn land_map<M, K, X, H: Sharing<Option<V>>>(
        &mut self,
        (keys, known): (&mut MapKeys<K>, &AskedElements<X>),
        answers: M,
        by: (impl Fn(&K) -> KeyHash, impl Fn(&K, &X) -> bool),
        sharing: H,
        options: &impl Fn(usize, &C::Lifecycle, &Value<C>) -> EntryOptions,
    ) where
        M: IntoIterator<Item = (K, V)> + FromIterator<(K, V)>,
    {
        // The keys of the map are hashed, compared and dropped here.
        let scope = self.call.flights.scope();
        let values = keys.answered(answers, (known, &self.call.asked), by);
        drop(scope);
        self.land(values, sharing, options).await;
    }
}

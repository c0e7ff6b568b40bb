//! A call of many elements that shares computations with other calls (single-flight for each element).
//!
//! Each missing element is joined in the flight of its key, as a call of that element alone would join it: another call
//! computes it, or this one leads. Joins are not atomic, so calls with overlapping elements may follow each other.
//!
//! Invariant: a call computes what it leads before it waits for another. So no call that waits leads a flight, and each
//! chain of waiting calls ends at a body that runs.
//!
//! Invariant: while a call leads flights, code of users runs in the scope of its computation, so that a call from there is
//! recognized which would wait for itself. What is still led is handed over before anything else of the call is dropped.

use core::future::{Future, poll_fn};
use core::mem;
use core::task::{Context, Poll};
use std::boxed::Box;
use std::vec::Vec;

use crate::engine::batch::CountMisses;
use crate::engine::placement::rounds::{BatchLookup, Missing, lookup_many};
use crate::engine::{Engine, Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::cycles::ComputationId;
use crate::flight::follower::{Followed, Follower};
use crate::flight::join::Joined;
use crate::flight::leadership::Beginning;
use crate::flight::table::Terms;
use crate::flight::timeout::advanced;
use crate::function::batch::argument::{Asked, Batch, Elements};
use crate::function::batch::flights::{Flights, Lead, Leading, SomeKeys};
use crate::function::batch::miss::BatchMiss;
use crate::function::call::coalesced::{publish, published};
use crate::function::call::pending_call::FlightOptions;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::store::Epoch;
use crate::tags::validity::Validity;
use crate::time::Instant;

/// A call of many elements, of which some are missing. Borrows no argument.
#[must_use = "the results are computed by the calls of the body that `next` asks for"]
pub struct SharedBatch<E: Placement, S, O, R> {
    /// First, so that it is dropped first: what is dropped afterwards may call the function.
    pub(super) flights: Flights<StoredKey<E>, StoredValue<E>>,
    pub(super) miss: BatchMiss<E, S, O, R>,
    pub(super) options: FlightOptions,
    /// The keys of the missing elements, until they are stored.
    pub(super) keys: Vec<Option<StoredKey<E>>>,
    /// The results of the missing elements, as far as they are known.
    pub(super) results: Vec<Option<R>>,
    /// The numbers of the missing elements that the body is called with.
    pub(super) asked: Vec<usize>,
    /// When the body was called.
    pub(super) started: Instant,
}

/// A call in memory of its own: most calls hit, and need no memory for it.
pub type BoxedCall<E, S, O, R> = Box<SharedBatch<E, S, O, R>>;

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Creates the call from what its lookup did not find. `keys` are the keys of the missing elements, twice.
    pub(super) fn new(
        miss: BatchMiss<E, S, O, R>,
        keys: [Vec<Option<StoredKey<E>>>; 2],
        options: FlightOptions,
    ) -> Self {
        let count = miss.missing.len();
        let [keys, flight_keys] = keys;
        // A nested call from an `Eq` or a `Clone`, made while the lock is held, must not wait for a leader
        // that may need the lock.
        let joins = options.is_single && !miss.handle.is_bypassed() && !miss.handle.engines.is_held();
        // What is forced is computed by the call itself.
        let (unjoined, alone) = (0..count).partition(|number| joins && !miss.missing[*number].is_forced);
        let mut flights = Flights::none(ComputationId::new());
        (flights.keys, flights.unjoined, flights.alone) = (flight_keys, unjoined, alone);
        let results = (0..count).map(|_| None).collect();
        Self { flights, miss, options, keys, results, asked: Vec::new(), started: Instant::now() }
    }

    /// Blocks until the body is to be called, or all results are there. Returns whether the body is to be called, for the elements
    /// that [`take`](Self::take) returns.
    pub fn next<H: Sharing<R>>(&mut self, sharing: H) -> bool {
        loop {
            if self.begin(sharing) {
                return true;
            }
            let Some((number, follower)) = self.flights.follows.last_mut() else { return false };
            let (number, end) = (*number, follower.block());
            self.followed(number, end, sharing);
        }
    }

    /// Like [`SharedBatch::next`], but awaits other calls.
    pub async fn next_async<H: Sharing<R>>(&mut self, sharing: H) -> bool {
        loop {
            if self.begin(sharing) {
                return true;
            }
            if self.flights.follows.is_empty() {
                return false;
            }
            poll_fn(|context| self.poll(context, sharing)).await;
        }
    }

    pub(super) fn poll<H: Sharing<R>>(&mut self, context: &Context<'_>, sharing: H) -> Poll<()> {
        let Some((number, follower)) = self.flights.follows.last_mut() else { return Poll::Ready(()) };
        let number = *number;
        follower.poll(context).map(|end| self.followed(number, end, sharing))
    }

    pub(super) fn miss(&self) -> &BatchMiss<E, S, O, R> {
        &self.miss
    }

    /// Returns the missing elements, and with `keeps` those that were found.
    pub fn parts<B: Batch>(&self, batch: B, keeps: bool) -> (Elements<B>, Vec<B::Element>) {
        self.miss.parts(batch, keeps)
    }

    /// Returns copies of the missing elements, for the options of their entries.
    pub fn copies<B: Batch<Element: Clone>>(&self, batch: &B) -> Vec<B::Element> {
        self.miss.copies(batch)
    }

    /// Takes the elements out that the body is to be called with.
    pub fn take<B: Batch>(&self, elements: &mut Elements<B>) -> Asked<B> {
        // Sets are made here, which hash and compare elements.
        let _scope = self.flights.scope();
        elements.take(&self.asked)
    }

    /// Calls the body, whose calls are attributed to the computation. If it panics, what this call leads has failed.
    pub fn compute<T>(&mut self, body: impl FnOnce() -> T) -> T {
        let leading = Leading(&mut self.flights);
        let scope = leading.0.scope();
        let answers = body();
        drop(scope);
        mem::forget(leading);
        answers
    }

    /// Returns the future of the body, which `body` makes.
    pub fn future<F>(&self, body: impl FnOnce() -> F) -> F {
        self.flights.future(body)
    }

    /// Awaits the body, whose calls are attributed to the computation. If it panics or is dropped, what this call leads is
    /// handed over.
    pub async fn within<F: Future>(&mut self, body: F) -> F::Output {
        self.flights.within(body, Future::poll).await
    }

    /// Joins the flights of elements that have none, and begins to compute those that this call leads. Returns whether there
    /// are any.
    pub(super) fn begin<H: Sharing<R>>(&mut self, sharing: H) -> bool {
        // Keys are compared and results are cloned here.
        let _scope = self.flights.scope();
        loop {
            self.join_all();
            if self.flights.leads.is_empty() && self.flights.alone.is_empty() {
                return false;
            }
            // The body is called once for all that can be computed by now.
            self.collect_ended(sharing);
            self.look_again(sharing);
            if !self.asked.is_empty() {
                self.started = Instant::now();
                return true;
            }
        }
    }

    /// Joins the flights of the elements that have none.
    pub(super) fn join_all(&mut self) {
        for number in mem::take(&mut self.flights.unjoined) {
            self.join(number);
        }
    }

    /// Takes what the flights that have ended meanwhile have brought, without waiting.
    pub(super) fn collect_ended<H: Sharing<R>>(&mut self, sharing: H) {
        for (number, follower) in mem::take(&mut self.flights.follows) {
            let end = if follower.is_waiting() { None } else { follower.end() };
            match end {
                Some(end) => self.ended(number, &follower, end, sharing),
                None => self.flights.follows.push((number, follower)),
            }
        }
        // Those whose leaders have failed. Once, so that this ends however many fail.
        self.join_all();
    }

    /// Joins the flight of an element.
    fn join(&mut self, number: usize) {
        let Self { miss, options, flights, results, .. } = self;
        let BatchMiss { handle, policy, missing, same, .. } = miss;
        let missing = &mut missing[number];
        loop {
            let hash = missing.hash;
            if missing.began == Epoch::UNKNOWN {
                missing.began = handle.at(hash, |engine, _| engine.epoch());
            }
            let key = &mut flights.keys[number];
            let joined = handle.at(hash, |engine, _| {
                let is_superseded = |began| engine.is_superseded(began, hash);
                let (epoch, time) = (Some(missing.began), advanced(Instant::now()));
                let (timeout, id) = (options.timeout, flights.id);
                // It begins when it is looked up once more.
                let beginning = Beginning { epoch, time, timeout, is_claim: false, id, is_open: true };
                engine.flights().join(hash, key, *same, beginning, is_superseded)
            });
            match joined {
                Joined::Lead(leader) => {
                    return flights.leads.push(Lead { number, leader });
                }
                Joined::Follow(follower) => return flights.follows.push((number, follower)),
                Joined::Ended => {
                    let Some(key) = key else { return flights.alone.push(number) };
                    let read = |value: &StoredValue<E>| policy.restore(value);
                    let found = handle.at(hash, |engine, lifecycle| {
                        engine.lookup_uncounted(hash, |stored| same(stored, key), read, lifecycle)
                    });
                    match found {
                        Ok((result, _)) => return results[number] = Some(result),
                        Err(began) => missing.began = began,
                    }
                }
            }
        }
    }

    /// Looks up once more what this call is to compute: an earlier leader may have stored it since. Counts hits and misses.
    ///
    /// The flights begin at the epoch of this lookup, which is noted under the lock: a call after a later change does not join
    /// them, and one before it receives what is current for it.
    fn look_again<H: Sharing<R>>(&mut self, sharing: H) {
        self.flights.leads.sort_unstable_by_key(|lead| lead.number);
        let mut numbers: Vec<usize> = self.flights.leads.iter().map(|lead| lead.number).collect();
        numbers.append(&mut self.flights.alone);
        numbers.sort_unstable();
        let Self { miss, keys, flights, .. } = &*self;
        let BatchMiss { handle, policy, missing, same, .. } = miss;
        if handle.is_bypassed() {
            self.asked = numbers;
            return;
        }
        let (forced, numbers): (Vec<_>, Vec<_>) =
            numbers.into_iter().partition(|number| missing[*number].is_forced);
        let begin = |position: usize, epoch| {
            if let Ok(lead) = flights.leads.binary_search_by_key(&numbers[position], |lead| lead.number) {
                flights.leads[lead].leader.begin(epoch);
            }
        };
        let BatchLookup { hits, missing: lacking } = if handle.stores {
            let some = SomeKeys { numbers: &numbers, missing, keys, same: *same };
            let read = |value: &StoredValue<E>| policy.restore(value);
            lookup_many(&handle.engines, &some, read, (CountMisses::AndBegin(&begin), &handle.lifecycle))
        } else {
            let lacks = |(position, number): (usize, &usize)| {
                handle.engines.first(Engine::count_uncached_miss);
                let hash = missing[*number].hash;
                let epoch = handle.at(hash, |engine, _| engine.epoch());
                begin(position, epoch);
                Missing { began: epoch, ..Missing::unknown(position, hash) }
            };
            BatchLookup { hits: Vec::new(), missing: numbers.iter().enumerate().map(lacks).collect() }
        };
        let mut lacking = lacking.into_iter().peekable();
        let mut hits = hits.into_iter();
        let mut leads = mem::take(&mut self.flights.leads).into_iter().peekable();
        let mut asked = Vec::with_capacity(lacking.len());
        for (position, number) in numbers.into_iter().enumerate() {
            let lead = leads.next_if(|lead| lead.number == number);
            if let Some(Missing { began, .. }) = lacking.next_if(|lacking| lacking.position == position) {
                self.miss.missing[number].began = began;
                self.flights.leads.extend(lead);
                asked.push(number);
            } else if let Some(hit) = hits.next() {
                // Where results can be invalidated, the calls that follow look it up: it may be invalid for them.
                let lead = lead.filter(|_| !self.miss.handle.has_tags());
                publish(lead.map(|lead| lead.leader), self.miss.policy, sharing, &hit, Terms::default());
                self.results[number] = Some(hit);
            }
        }
        if !forced.is_empty() {
            asked.extend(forced);
            asked.sort_unstable();
        }
        self.asked = asked;
    }

    /// Records how waiting for the last of the followed flights has ended.
    fn followed<H: Sharing<R>>(
        &mut self,
        number: usize,
        end: Followed<StoredKey<E>, StoredValue<E>>,
        sharing: H,
    ) {
        // Results are cloned here.
        let _scope = self.flights.scope();
        if let Some((_, follower)) = self.flights.follows.pop() {
            if matches!(end, Followed::Failed) {
                self.flights.failures += 1;
            }
            self.ended(number, &follower, end, sharing);
        }
    }

    /// Counts an element that another call has computed, unless that counts it.
    pub(super) fn count_coalesced(&self, number: usize) {
        if !self.flights.offered.contains(&number) {
            let hash = self.miss.missing[number].hash;
            self.miss.handle.at(hash, |engine, _| engine.counters().coalesced.add(1));
        }
    }

    /// Takes the result that a leader has published, or records what this call does instead.
    fn ended<H: Sharing<R>>(
        &mut self,
        number: usize,
        follower: &Follower<StoredKey<E>, StoredValue<E>>,
        end: Followed<StoredKey<E>, StoredValue<E>>,
        sharing: H,
    ) {
        if !self.flights.ended(number, end, self.options) {
            return;
        }
        let is_invalid = follower.is_invalidated();
        let is_late = !follower.may_share(self.flights.began);
        if is_invalid || is_late {
            // A tag of it was invalidated; or it was in the backend before this call began, or its tags are unknown, and it may have
            // been changed since.
            if self.flights.keys[number].is_some() {
                self.miss.missing[number].began = Epoch::UNKNOWN;
                return self.flights.unjoined.push(number);
            }
            if is_invalid || self.miss.handle.lifecycle.validity().is_some() {
                return self.flights.alone.push(number);
            }
        }
        let BatchMiss { handle, policy, .. } = &self.miss;
        let shared = published(follower, *policy, sharing);
        // The leader may be a function with tags that shares the object. Of a group, the error is returned.
        if follower.node().is_some() || handle.lifecycle.validity().is_some() {
            Validity::shared(follower.node());
        }
        match shared {
            Some(result) => {
                self.count_coalesced(number);
                self.results[number] = Some(self.unless_error(number, result));
            }
            None => self.flights.alone.push(number),
        }
    }
}

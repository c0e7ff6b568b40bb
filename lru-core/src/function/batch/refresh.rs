//! The background refresh of the stale elements of a batch (stale-while-revalidate): one call of the body for all elements
//! that are due.
//!
//! Each element is claimed in the flight of its key, as a call of that element alone would claim it, so that each is refreshed
//! once at a time. The claims are one computation, and one job of the refresh pool, or one task.

use core::future::Future;
use core::marker::PhantomData;
use core::mem;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::vec::Vec;

use crate::engine::placement::rounds::Missing;
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::cycles::ComputationId;
use crate::flight::executor::{Spawn, Task};
use crate::flight::leadership::Beginning;
use crate::flight::refresh_pool::RefreshSlot;
use crate::function::batch::argument::{Asked, Batch, BatchApart};
use crate::function::batch::flights::{Flights, Lead};
use crate::function::batch::map::AskedElements;
use crate::function::batch::miss::Same;
use crate::function::batch::stale::StaleHit;
use crate::function::call::computation::poll_caught;
use crate::function::call::handle::CacheHandle;
use crate::function::call::pending_call::FlightOptions;
use crate::function::call::unfinished_refresh::UnfinishedRefresh;
use crate::key::{KeyHash, Part};
use crate::time::Instant;

/// An element that can be refreshed in the background.
#[diagnostic::on_unimplemented(
    message = "`swr` cannot refresh this: an element of type `{Self}` cannot be copied for the background",
    label = "`swr` needs `Clone + Send + 'static` of every element"
)]
pub trait ElementOfRefresh: Clone + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> ElementOfRefresh for T {}

/// The right to refresh the stale elements of a batch. If it is dropped before the refresh has ended, other calls may claim them.
///
/// Calls that follow are handed the flights before anything else is dropped.
#[must_use = "no other call refreshes the results meanwhile"]
pub struct BatchRefresh<E: Placement, S, O, B: Batch> {
    /// The flights that are led, by the numbers of the elements.
    pub(super) flights: Flights<StoredKey<E>, StoredValue<E>>,
    pub(super) handle: CacheHandle<E, S>,
    pub(super) policy: O,
    pub(super) options: FlightOptions,
    pub(super) same: Same<E>,
    pub(super) claimed: Vec<Claimed<StoredKey<E>>>,
    elements: Vec<B::Element>,
    /// Copies an element.
    copy: fn(&B::Element) -> B::Element,
    pub(super) unfinished: UnfinishedRefresh,
    /// The turn of a task.
    slot: Option<RefreshSlot>,
    /// When the body was called.
    pub(super) started: Instant,
    batch: PhantomData<fn() -> B>,
}

/// An element whose refresh a call has claimed.
pub(super) struct Claimed<K> {
    /// Its position, and when the computation began.
    pub(super) missing: Missing,
    pub(super) key: K,
}

impl<E: Placement, S: Lifecycle<E::Types>> CacheHandle<E, S> {
    /// Counts the stale hits of a batch, and claims the refresh of those that are due and that no other call computes; `None` if
    /// there are none. `key` makes the key of an element.
    pub fn claim_batch<'b, B, Q, O>(
        self,
        stale: &[StaleHit],
        batch: &'b B,
        key: impl Fn(&'b B::Element) -> Q,
        policy: O,
        options: FlightOptions,
    ) -> Option<BatchRefresh<E, S, O, B::Apart>>
    where
        B: BatchApart,
        B::Element: ElementOfRefresh,
        Q: Part<Stored = StoredKey<E>>,
    {
        let mut flights = Flights::none(ComputationId::new());
        // Keys are compared, and elements are cloned here.
        let scope = flights.scope();
        let (mut claimed, mut elements) = (Vec::new(), Vec::new());
        let (mut is_in_flight, mut is_after_claim) = (false, false);
        for StaleHit { position, is_due, .. } in stale {
            let element = batch.element(*position);
            let key = key(element);
            let hash = KeyHash::of_part(&key);
            let is_computed = self.at(hash, |engine, _| {
                engine.counters().stale_hits.add(1);
                *is_due && engine.flights().is_in_flight(hash, |stored| key.eq_stored(stored))
            });
            is_in_flight |= is_computed;
            if !is_due || is_computed {
                continue;
            }
            let leader = self.at(hash, |engine, _| {
                let is_superseded = |began| engine.is_superseded(began, hash);
                let beginning = Beginning { id: flights.id, ..Beginning::from(options.timeout) };
                let mut flight_key = Some(key.to_stored());
                engine.flights().claim(hash, &mut flight_key, Q::stored_eq, beginning, is_superseded)
            });
            let Some(leader) = leader else { continue };
            if leader.is_after_timeout() {
                // A refresh that hangs has failed: it is not begun again each time that it exceeds its time.
                self.delay_next_refresh(hash, |stored| key.eq_stored(stored));
            }
            is_after_claim |= leader.is_after_claim();
            flights.leads.push(Lead { number: claimed.len(), leader });
            let missing = Missing::unknown(*position, hash);
            claimed.push(Claimed { missing, key: key.to_stored() });
            elements.push(element.clone());
        }
        drop(scope);
        let pool = self.engines.first(|engine| Arc::clone(engine.refreshes()));
        if is_in_flight {
            // The refreshes that held up others may have exceeded their time.
            pool.start_waiting(options.threads(), options.timeout);
        }
        if claimed.is_empty() {
            return None;
        }
        Some(BatchRefresh {
            flights,
            handle: self,
            policy,
            options,
            same: Q::stored_eq,
            claimed,
            elements,
            copy: B::Element::clone,
            unfinished: UnfinishedRefresh::new(pool, options.events, is_after_claim),
            slot: None,
            started: Instant::now(),
            batch: PhantomData,
        })
    }
}

impl<E: Placement, S: Lifecycle<E::Types>, O, B: Batch> BatchRefresh<E, S, O, B> {
    /// Calls `refresh` on a background thread of the cache, as soon as one is free.
    pub fn in_background(self, refresh: impl FnOnce(Self) + Send + 'static)
    where
        Self: Send + 'static,
    {
        let (pool, options) = (self.unfinished.pool(), self.options);
        self.confirm();
        pool.run(Box::new(move || refresh(self)), options.threads(), options.timeout);
    }

    /// Spawns the future of `refresh` on `executor`. Returns it to be awaited by the call if the executor does not
    /// take it, or has taken it before and not begun: it may run only while it is awaited.
    pub fn spawned<F>(self, executor: &impl Spawn, refresh: impl FnOnce(Self) -> F) -> Option<Task>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let is_awaited = self.unfinished.is_awaited();
        is_awaited.spawn(executor, Box::pin(refresh(self)))
    }

    /// Records that the refresh will begin as soon as it is its turn.
    fn confirm(&self) {
        for lead in &self.flights.leads {
            lead.leader.confirm(self.options.timeout);
        }
    }

    /// Waits for the turn of a task, unless a call awaits it, and begins as [`begin`](Self::begin) does.
    pub async fn begin_in_turn(mut self) -> Option<(Self, Vec<B::Element>)> {
        self.confirm();
        self.slot = self.unfinished.turn(self.options).await;
        self.begin()
    }

    /// Begins to compute. Returns the elements that no other call has taken over; `None` if there are none.
    pub fn begin(mut self) -> Option<(Self, Vec<B::Element>)> {
        // Keys and elements are dropped here.
        let scope = self.flights.scope();
        let leads = mem::take(&mut self.flights.leads).into_iter();
        let claimed = mem::take(&mut self.claimed).into_iter();
        let mut elements = Vec::with_capacity(claimed.len());
        for ((Lead { leader, .. }, claimed), element) in leads.zip(claimed).zip(mem::take(&mut self.elements))
        {
            let began = self.handle.at(claimed.missing.hash, |engine, _| engine.epoch());
            leader.restart(began, self.options.timeout);
            if leader.leads() {
                self.flights.leads.push(Lead { number: elements.len(), leader });
                let missing = Missing { began, ..claimed.missing };
                self.claimed.push(Claimed { missing, ..claimed });
                elements.push(element);
            }
        }
        drop(scope);
        self.started = Instant::now();
        (!elements.is_empty()).then_some((self, elements))
    }

    /// Makes the elements those that the body is called with.
    pub fn ask(&self, elements: &[B::Element]) -> Asked<B> {
        // Sets are made here, which hash and compare elements.
        let _scope = self.flights.scope();
        Asked::of(elements.iter().map(self.copy).collect())
    }

    /// Returns the parts of the elements by which the keys of the body's map are recognized.
    pub fn known<'b, Q: Part>(
        &self,
        elements: &'b [B::Element],
        part: impl Fn(&'b B::Element) -> Q,
    ) -> AskedElements<Q::Stored> {
        let _scope = self.flights.scope();
        let known = |element| {
            let part = part(element);
            (KeyHash::of_part(&part), part.to_stored())
        };
        AskedElements(elements.iter().map(known).collect())
    }

    /// Calls the body, whose calls are attributed to the computation. If it panics, the refresh has failed.
    pub fn compute<T>(&mut self, body: impl FnOnce() -> T) -> T {
        let answers = {
            let _scope = self.flights.scope();
            catch_unwind(AssertUnwindSafe(body))
        };
        answers.unwrap_or_else(|payload| {
            self.panicked();
            resume_unwind(payload)
        })
    }

    /// Returns the future of the body, which `body` makes.
    pub fn future<F>(&self, body: impl FnOnce() -> F) -> F {
        self.flights.future(body)
    }

    /// Awaits the body, whose calls are attributed to the computation. If it panics, the refresh has failed.
    pub async fn within<F: Future>(&mut self, body: F) -> F::Output {
        let answers = self.flights.within(body, poll_caught).await;
        answers.unwrap_or_else(|payload| {
            self.panicked();
            resume_unwind(payload)
        })
    }
}

//! A call of many elements that waits a moment for others (`gather`).
//!
//! What the call is to compute is led in the flights of its keys, as without `gather`. The call hands these to the open
//! group of the other arguments, and follows them; or it opens a group, and drives it. The driver calls the body for all
//! that the group has, by the rules of any call that leads.
//!
//! So a dropped driver is a leader that is gone: the calls that follow take over, each its own elements, and enter the next
//! group. A dropped call that follows leaves its elements to the group.
//!
//! Invariant: a flight in a group that is open has not begun. A call may follow it whatever was cleared before.

use core::future::poll_fn;
use core::time::Duration;
use std::sync::Arc;
use std::sync::OnceLock;
use std::vec::Vec;

use crate::engine::placement::rounds::Missing;
use crate::engine::{Lifecycle, Placement, StoredKey, StoredValue};
use crate::flight::follower::Follower;
use crate::function::batch::argument::{Asked, Batch};
use crate::function::batch::flights::Lead;
use crate::function::batch::gather::{ElementOfGroup, Gather, GatherStep, Gathering, Guest, NotesError};
use crate::function::batch::groups::{Driver, Entered};
use crate::function::batch::shared::SharedBatch;
use crate::function::result_policy::{ResultPolicy, Sharing};
use crate::key::Part;

/// How long a driver may take to close its group after its time, before another call sees to the elements.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// An element of a batch in a cache.
type GuestOf<E, B, P> = Guest<StoredKey<E>, StoredValue<E>, <B as Batch>::Element, P>;

impl<E: Placement, S: Lifecycle<E::Types>, O, R> SharedBatch<E, S, O, R>
where
    O: ResultPolicy<R, Stored = StoredValue<E>>,
{
    /// Makes the keys of elements that the call has given away, if it may need them again. `key` makes the key of an element.
    pub fn supply<'b, B: Batch<Element: 'b>, P, A, F, Q>(
        &mut self,
        gather: &'b mut Gather<B, P, A, F>,
        key: impl Fn(&'b B::Element) -> Q,
    ) where
        Q: Part<Stored = StoredKey<E>>,
    {
        if !core::mem::take(&mut gather.lacks_keys) {
            return;
        }
        let Gather { elements, own, .. } = gather;
        for (number, element) in elements.iter().enumerate().take(*own) {
            if self.results[number].is_none() {
                for stored in [&mut self.keys[number], &mut self.flights.keys[number]] {
                    stored.get_or_insert_with(|| key(element).to_stored());
                }
            }
        }
    }

    /// Waits until the body is to be called, or keys are to be made, or all results are there.
    ///
    /// # Errors
    ///
    /// Returns the error of a group that the call has followed.
    pub async fn next_gathered<B: Batch<Element: ElementOfGroup>, P, A, F, H: Sharing<R>>(
        &mut self,
        gather: &mut Gather<B, P, A, F>,
        sharing: H,
    ) -> Result<GatherStep, F>
    where
        StoredKey<E>: Send + Sync + 'static,
        StoredValue<E>: Send + Sync + 'static,
        P: Clone + Send + 'static,
        A: Send + Sync + 'static,
    {
        let unpack = gather.errors.unpack;
        let mut error = OnceLock::new();
        let step = self.step(gather, NotesError { sharing, unpack, error: &error }, &error).await;
        error.take().map_or(Ok(step), Err)
    }

    /// Waits for the next step, or until a group that the call has followed has failed.
    async fn step<B: Batch<Element: ElementOfGroup>, P, A, F, H: Sharing<R>>(
        &mut self,
        gather: &mut Gather<B, P, A, F>,
        sharing: H,
        error: &OnceLock<F>,
    ) -> GatherStep
    where
        StoredKey<E>: Send + Sync + 'static,
        StoredValue<E>: Send + Sync + 'static,
        P: Clone + Send + 'static,
        A: Send + Sync + 'static,
    {
        loop {
            self.join_and_collect(sharing);
            if error.get().is_some() {
                return GatherStep::Done;
            }
            gather.is_group = self.is_for_a_group(gather.options);
            if gather.is_group {
                let Some(mut driver) = self.enter(gather) else { return GatherStep::Supply };
                poll_fn(|context| driver.poll(context)).await;
                self.admit(gather, driver.close());
            }
            if self.begin(sharing) {
                self.ask(gather);
                return GatherStep::Compute;
            }
            if self.flights.follows.is_empty() || error.get().is_some() {
                return GatherStep::Done;
            }
            poll_fn(|context| self.poll(context, sharing)).await;
        }
    }

    /// Joins the flights of elements that have none, and takes what others have brought.
    fn join_and_collect<H: Sharing<R>>(&mut self, sharing: H) {
        // Keys are compared and results are cloned here.
        let _scope = self.flights.scope();
        self.join_all();
        self.collect_ended(sharing);
    }

    /// Clones the elements that the body is called with: calls that have handed them over may need them again.
    fn ask<B: Batch<Element: Clone>, P, A, F>(&self, gather: &mut Gather<B, P, A, F>) {
        let _scope = self.flights.scope();
        gather.asked = self.asked.iter().map(|&number| gather.elements[number].clone()).collect();
    }

    /// Takes the elements that the body is to be called with.
    pub fn take_gathered<B: Batch, P, A, F>(&self, gather: &mut Gather<B, P, A, F>) -> Asked<B> {
        // Sets are made here, which hash and compare elements.
        let _scope = self.flights.scope();
        Asked::of(core::mem::take(&mut gather.asked))
    }

    /// Returns whether what the call is to compute goes to a group: not if it fills one by itself.
    fn is_for_a_group(&self, options: Gathering) -> bool {
        let is_whole =
            self.flights.alone.is_empty() && self.flights.leads.iter().all(|lead| lead.leader.leads());
        is_whole && (1..options.max).contains(&self.flights.leads.len())
    }

    /// Adds what the call is to compute to an open group, and follows it; or opens one.
    fn enter<B: Batch<Element: ElementOfGroup>, P, A, F>(
        &mut self,
        gather: &mut Gather<B, P, A, F>,
    ) -> Option<Driver<GuestOf<E, B, P>, A>>
    where
        StoredKey<E>: Send + Sync + 'static,
        StoredValue<E>: Send + Sync + 'static,
        P: Clone + Send + 'static,
        A: Send + Sync + 'static,
    {
        // Arguments are compared, and elements are cloned here.
        let _scope = self.flights.scope();
        let Gathering { groups, window, max } = gather.options;
        // Until the group is closed: its driver may not be polled.
        // A `flight_timeout` that is shorter counts from then on: who took an element over would add it to the same group.
        let limit = window.saturating_add(CLOSE_TIME);
        let cache = self.miss.handle.engines.first(|engine| Arc::as_ptr(engine.flights()).addr());
        let mut rejected = Vec::new();
        loop {
            let sizes = (self.flights.leads.len(), max);
            let group = match groups.enter((cache, &gather.common), sizes, window, &mut rejected) {
                Entered::Opened(driver) => {
                    let Self { flights, .. } = self;
                    for lead in &mut flights.leads {
                        lead.leader.adopt(flights.id, limit);
                    }
                    return Some(driver);
                }
                Entered::Found(group) => group,
            };
            let Self { flights, keys, miss, options, .. } = self;
            let mut leads = core::mem::take(&mut flights.leads);
            leads.sort_unstable_by_key(|lead| lead.number);
            let numbers: Vec<usize> = leads.iter().map(|lead| lead.number).collect();
            let mut follows = Vec::with_capacity(leads.len());
            let guests = leads.into_iter().map(|Lead { number, mut leader }| {
                leader.adopt(flights.id, limit);
                follows.push((number, Follower::of(&leader, options.timeout)));
                let (hash, key) = (miss.missing[number].hash, keys[number].take());
                let (element, part) = (gather.elements[number].clone(), gather.known.0.get(number).cloned());
                Guest { leader, hash, key, element, part }
            });
            let Err(guests) = group.add(guests.collect()) else {
                for (number, follower) in follows {
                    match follower {
                        Some(follower) => flights.follows.push((number, follower)),
                        // Another call has taken over meanwhile: this one joins again.
                        None => flights.unjoined.push(number),
                    }
                }
                flights.offered.extend(numbers);
                gather.lacks_keys = true;
                return None;
            };
            rejected.push(group);
            for (Guest { leader, key, .. }, number) in guests.into_iter().zip(numbers) {
                keys[number] = key;
                flights.leads.push(Lead { number, leader });
            }
        }
    }

    /// Takes what other calls have added to the group.
    fn admit<B: Batch, P, A, F>(&mut self, gather: &mut Gather<B, P, A, F>, guests: Vec<GuestOf<E, B, P>>) {
        let Self { flights, keys, miss, results, options, .. } = self;
        for lead in &mut flights.leads {
            lead.leader.adopt(flights.id, options.timeout);
        }
        for Guest { mut leader, hash, key, element, part } in guests {
            // Another call may have taken over while the driver was not polled.
            if !leader.leads() {
                continue;
            }
            leader.adopt(flights.id, options.timeout);
            let number = miss.missing.len();
            // The epoch is recorded as the computation begins.
            miss.missing.push(Missing::of_other_call(hash));
            gather.elements.push(element);
            gather.known.0.extend(part);
            keys.push(key);
            results.push(None);
            flights.keys.push(None);
            flights.leads.push(Lead { number, leader });
        }
    }

    /// Ends the call with an error of the whole, which all calls of the group return.
    pub fn fail_group<B: Batch, P, A, F>(mut self, gather: &Gather<B, P, A, F>, error: F) -> F {
        if gather.is_group {
            // Errors are cloned, and keys of flights are dropped here.
            let _scope = self.flights.scope();
            let leads = self.flights.leads.drain(..);
            self.miss.handle.publish_error(leads, || (gather.errors.pack)(&error), self.started);
        }
        self.fail();
        error
    }

    /// Leaves out the elements of other calls, at the end.
    pub fn without_guests<B: Batch, P, A, F>(&mut self, gather: &Gather<B, P, A, F>) {
        self.miss.missing.truncate(gather.own);
        self.results.truncate(gather.own);
    }
}

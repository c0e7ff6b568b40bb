//! The leader of a flight: the one call that computes, and publishes the result to its followers.

use core::time::Duration;
use std::sync::Arc;
use std::thread;

use crate::flight::cycles::{Awaited, BodyScope, ComputationId, WaitEdge};
use crate::flight::leadership::FIRST;
use crate::flight::table::{Flight, FlightTable, Published, Terms};
use crate::flight::wait_queue::{Former, Released, Takeover};
use crate::store::Epoch;

/// The leadership of a flight. Dropped before the result is published, it wakes a follower to take over.
pub(crate) struct Leader<K, V> {
    pub(super) flights: Arc<FlightTable<K, V>>,
    pub(super) flight: Arc<Flight<K, V>>,
    number: u64,
    id: ComputationId,
    former: Former,
    /// Whether no follower is to take over when this is dropped.
    is_done: bool,
}

impl<K, V> Leader<K, V> {
    /// Creates the leader that begins `flight`.
    pub(super) fn first(flights: Arc<FlightTable<K, V>>, flight: Arc<Flight<K, V>>) -> Self {
        let id = flight.first_id();
        Self { flights, flight, number: FIRST, id, former: Former::Gone, is_done: false }
    }

    /// Creates the leader from a follower that has taken over.
    pub(super) fn successor(
        flights: &Arc<FlightTable<K, V>>,
        flight: &Arc<Flight<K, V>>,
        takeover: Takeover,
    ) -> Self {
        let Takeover { number, former, id } = takeover;
        let (flights, flight) = (Arc::clone(flights), Arc::clone(flight));
        Self { flights, flight, number, id, former, is_done: false }
    }

    /// Records that the computation begins: a later change of the key supersedes its result.
    pub(crate) fn begin(&self, began: Epoch) {
        self.flight.begin(self.number, began, None);
    }

    /// Like [`Leader::begin`], but counts the leader's time from now on, instead of from when it joined.
    pub(crate) fn restart(&self, began: Epoch, timeout: Duration) {
        self.flight.begin(self.number, began, Some(timeout));
    }

    /// Makes the flight one of the computation `id`, to which another call has handed it. Its time is counted from now on.
    pub(crate) fn adopt(&mut self, id: ComputationId, timeout: Duration) {
        self.id = id;
        self.flight.queue().adopt(self.number, id, timeout);
    }

    /// Records that a claimed refresh will begin: until `timeout`, no other call claims it.
    pub(crate) fn confirm(&self, timeout: Duration) {
        self.flight.queue().confirm(self.number, timeout);
    }

    /// Returns whether it took over because the former leader exceeded its timeout.
    pub(crate) fn is_after_timeout(&self) -> bool {
        self.former == Former::Computing
    }

    /// Returns whether it took over because the refresh that the former leader claimed has not begun.
    pub(crate) fn is_after_claim(&self) -> bool {
        self.former == Former::Claiming
    }

    /// Returns the computation, to which [`BodyScope`] attributes calls.
    pub(crate) fn computation(&self) -> ComputationId {
        self.id
    }

    /// Attributes the calls that this thread makes to the leader's computation until the scope is dropped.
    pub(crate) fn body_scope(&self) -> BodyScope {
        BodyScope::enter(self.id)
    }

    /// Returns the edge of the wait-for graph of a call on this thread that awaits the leader's computation,
    /// which runs elsewhere.
    pub(crate) fn wait_edge(&self) -> Option<WaitEdge> {
        WaitEdge::to(|| Awaited::Computation(self.id))
    }

    /// Returns whether no follower has taken over.
    pub(crate) fn leads(&self) -> bool {
        self.flight.is_led_by(self.number)
    }

    /// Returns whether calls may join the flight. Not if a change has superseded a former leader: another flight has the key then,
    /// or will have, and a follower that takes over joins that one instead.
    pub(crate) fn may_be_joined(&self) -> bool {
        self.flights.contains(&self.flight)
    }

    /// Returns whether any follower waits for this leader. If there is none, the flight ends: no call joins
    /// any more.
    pub(crate) fn is_followed(&mut self) -> bool {
        let mut leads = false;
        let is_closed = self.flights.remove_if(&self.flight, || {
            leads = self.leads();
            leads && self.flight.is_unfollowed()
        });
        self.is_done = is_closed || !leads;
        !self.is_done
    }

    /// Sets the terms on which followers share the result that is about to be published.
    pub(crate) fn set_terms(&self, terms: Terms) {
        _ = self.flight.terms.set(terms);
    }

    /// Ends the flight, and hands `value` to its followers. Does nothing if a follower has taken over.
    pub(crate) fn publish(mut self, value: Published<V>) {
        let Self { flight, number, .. } = &self;
        // A value that is not published is dropped after the locks are released.
        let mut value = Some(value);
        let publish = || value = value.take().and_then(|value| flight.published.set(value).err());
        self.end(|| flight.queue().publish(*number, publish));
        self.is_done = true;
    }

    /// Ends the flight without a value: all followers compute for themselves, at once. Does nothing if a follower has
    /// taken over.
    pub(crate) fn fail(mut self) {
        self.give_up();
    }

    fn give_up(&mut self) {
        self.end(|| self.flight.queue().fail(self.number));
        self.is_done = true;
    }

    /// Ends the flight, and wakes the followers that `release` returns. There is nothing to end if another leads it.
    fn end(&self, release: impl FnOnce() -> Option<Released>) {
        let mut released = None;
        self.flights.remove_if(&self.flight, || {
            released = release();
            released.is_some()
        });
        if let Some(released) = released {
            released.wake();
        }
    }
}

impl<K, V> Drop for Leader<K, V> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if thread::panicking() {
            // The followers would panic one after the other.
            self.give_up();
        } else if self.is_followed() && self.flight.queue().resign(self.number) {
            self.flights.remove_if_deserted(&self.flight);
        }
    }
}

//! The leader of a flight: the one call that computes, and publishes the result to its followers.

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::sync::Arc;
use std::thread;

use crate::flight::cycles::{BodyScope, WaitEdge};
use crate::flight::table::{Flight, FlightTable, Published};
use crate::flight::wait_queue::{Former, Takeover};
use crate::store::Epoch;
use crate::time::Instant;

/// The leadership of a flight. Dropped before the result is published, it wakes a follower to take over.
pub(crate) struct Leader<K, V> {
    flights: Arc<FlightTable<K, V>>,
    flight: Arc<Flight<K, V>>,
    number: u64,
    former: Former,
    /// Whether no follower is to take over when this is dropped.
    is_done: bool,
}

impl<K, V> Leader<K, V> {
    /// Creates the leader that begins `flight`.
    pub(super) fn first(flights: Arc<FlightTable<K, V>>, flight: Arc<Flight<K, V>>) -> Self {
        Self { flights, flight, number: 0, former: Former::Gone, is_done: false }
    }

    /// Creates the leader from a follower that has taken over.
    pub(super) fn successor(
        flights: &Arc<FlightTable<K, V>>,
        flight: &Arc<Flight<K, V>>,
        takeover: Takeover,
    ) -> Self {
        let Takeover { number, former } = takeover;
        let (flights, flight) = (Arc::clone(flights), Arc::clone(flight));
        Self { flights, flight, number, former, is_done: false }
    }

    /// Records that the computation begins: a later change of the key supersedes its result.
    pub(crate) fn begin(&self, began: Epoch) {
        self.flight.queue.begin(self.number, began, None);
    }

    /// Like [`Leader::begin`], but counts the leader's time from now on, instead of from when it joined.
    pub(crate) fn restart(&self, began: Epoch, timeout: Duration) {
        self.flight.queue.begin(self.number, began, Some(timeout));
    }

    /// Records that a claimed refresh will begin: until `timeout`, no other call claims it.
    pub(crate) fn confirm(&self, timeout: Duration) {
        self.flight.queue.confirm(self.number, timeout);
    }

    /// Returns whether it took over because the former leader exceeded its timeout.
    pub(crate) fn is_after_timeout(&self) -> bool {
        self.former == Former::Computing
    }

    /// Returns whether it took over because the refresh that the former leader claimed has not begun.
    pub(crate) fn is_after_claim(&self) -> bool {
        self.former == Former::Claiming
    }

    /// Attributes the calls that this thread makes to the leader's computation until the scope is dropped.
    pub(crate) fn body_scope(&self) -> BodyScope {
        BodyScope::enter(self.flight.id)
    }

    /// Returns the edge of the wait-for graph of a call on this thread that awaits the leader's computation,
    /// which runs elsewhere.
    pub(crate) fn wait_edge(&self) -> Option<WaitEdge> {
        WaitEdge::to(self.flight.id)
    }

    /// Returns whether no follower has taken over.
    pub(crate) fn leads(&self) -> bool {
        self.flight.queue.is_led_by(self.number)
    }

    /// Returns whether any follower waits for this leader. If there is none, the flight ends: no call joins
    /// any more.
    pub(crate) fn is_followed(&mut self) -> bool {
        self.close_if(|followers| followers == 0);
        !self.is_done
    }

    /// Records that the result that is about to be published was current in the backend at this time: calls that began
    /// later do not share it.
    pub(crate) fn set_current_at(&self, time: Instant) {
        _ = self.flight.current_at.set(time);
    }

    /// Ends the flight, and hands `value` to its followers. Does nothing if a follower has taken over.
    pub(crate) fn publish(mut self, value: Published<V>) {
        self.close_if(|_| true);
        if !self.leads() {
            return;
        }
        // Only one leader gets here: the value is never replaced.
        drop(self.flight.published.set(value));
        self.flight.queue.wake_all();
    }

    /// Ends the flight without a value: all followers compute for themselves, at once. Does nothing if a follower has
    /// taken over.
    pub(crate) fn fail(mut self) {
        self.give_up();
    }

    fn give_up(&mut self) {
        self.close_if(|_| true);
        self.flight.queue.fail(self.number);
    }

    /// Ends the flight if it has so many followers. There is nothing to end if another leads it.
    fn close_if(&mut self, closes: impl FnOnce(usize) -> bool) {
        let Self { flights, flight, number, is_done, .. } = self;
        let mut leads = false;
        let is_closed = flights.remove_if(flight, || {
            leads = flight.queue.is_led_by(*number);
            leads && closes(flight.followers.load(Relaxed))
        });
        *is_done = is_closed || !leads;
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
        } else if self.flight.queue.resign(self.number) {
            self.flights.remove_if_deserted(&self.flight);
        }
    }
}

//! The right to compute, and the duty to tell of it.

use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;
use std::sync::Arc;

use crate::flight::cycles::Body;
use crate::flight::table::{Flight, Flights};
use crate::flight::wait_queue::{Leader, Published, deadline_after, wake};
use crate::store::change_log::Epoch;

/// The right to compute, and the duty to tell of it: gone without that, another takes over.
pub(crate) struct Lead<K, V> {
    pub(super) flights: Arc<Flights<K, V>>,
    pub(super) flight: Arc<Flight<K, V>>,
    pub(super) number: u64,
    /// Whether it took over from a leader whose time was over.
    pub(super) follows_one_given_up: bool,
    /// Whether nobody is to take over.
    pub(super) done: bool,
}

impl<K, V> Lead<K, V> {
    /// The computation begins: what was changed since then makes it out of date.
    pub(crate) fn begin(&self, began: Epoch) {
        let mut state = self.flight.line.0.lock();
        if let Some(leader) = state.leader.as_mut().filter(|leader| leader.number == self.number) {
            leader.began = Some(began);
        }
    }

    /// Whether a leader took too long, and this one is there in its place.
    pub(crate) fn follows_one_given_up(&self) -> bool {
        self.follows_one_given_up
    }

    /// The same, some time after the flight began: the leader's time is counted from now on.
    pub(crate) fn begin_late(&self, began: Epoch, timeout: Duration) {
        let mut state = self.flight.line.0.lock();
        if let Some(leader) = state.leader.as_mut().filter(|leader| leader.number == self.number) {
            *leader = Leader { began: Some(began), deadline: deadline_after(timeout), ..*leader };
        }
    }

    /// While this is there, calls that are made on this thread are made by the leader.
    pub(crate) fn body(&self) -> Body {
        Body::enter(self.flight.id)
    }

    /// Whether it was not given up.
    pub(crate) fn leads(&self) -> bool {
        self.flight.line.0.lock().is_led_by(self.number)
    }

    /// Whether anybody waits for what it came to: not for one that was given up, since another computes
    /// for them. If nobody does, nobody will.
    pub(crate) fn is_followed(&mut self) -> bool {
        self.close_if(|followers| followers == 0);
        !self.done
    }

    /// Tells those who wait. Nobody joins any more.
    pub(crate) fn land(mut self, landed: Published<V>) {
        self.close_if(|_| true);
        if !self.leads() {
            return;
        }
        // What it landed before stays: there is one at most.
        drop(self.flight.landed.set(landed));
        let mut state = self.flight.line.0.lock();
        let (waiting, alarm) = (core::mem::take(&mut state.waiting), state.alarm.take());
        drop(state);
        drop(alarm);
        waiting.into_values().for_each(wake);
    }

    /// Lets nobody join any more, if it leads so many followers. Who doesn't lead has nothing more to do.
    fn close_if(&mut self, closes: impl FnOnce(usize) -> bool) {
        let Self { flights, flight, number, done, .. } = self;
        let mut table = flights.table.lock();
        let leads = flight.line.0.lock().is_led_by(*number);
        let closes = leads && closes(flight.followers.load(Relaxed));
        *done = !leads || closes;
        let found = table.find_entry(flight.hash.get(), |other| Arc::ptr_eq(other, flight));
        let removed = found.ok().filter(|_| closes).map(|found| found.remove().0);
        drop(table);
        drop(removed);
    }
}

impl<K, V> Drop for Lead<K, V> {
    /// Panicked, dropped, or with nothing to share: one who waits takes over.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let line = &self.flight.line;
        let mut state = line.0.lock();
        if !state.is_led_by(self.number) {
            return;
        }
        state.leader = None;
        let next = state.call(line);
        drop(state);
        next.into_iter().for_each(wake);
        self.flights.remove_if_deserted(&self.flight);
    }
}

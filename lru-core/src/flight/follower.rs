//! A call that waits for what a leader computes.

use core::sync::atomic::Ordering::Relaxed;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

use crate::flight::cycles::Wait;
use crate::flight::leader::Lead;
use crate::flight::table::{Flight, Flights};
use crate::flight::wait_queue::{Published, wake};

/// A call that waits for what a leader computes.
pub(crate) struct Follower<K, V> {
    pub(super) flights: Arc<Flights<K, V>>,
    pub(super) flight: Arc<Flight<K, V>>,
    pub(super) timeout: Duration,
    /// Its place among those that wait, once it does.
    pub(super) ticket: Option<u64>,
    pub(super) wait: Option<Wait>,
}

/// How waiting ended.
pub(crate) enum Followed<K, V> {
    /// The flight landed: [`Follower::landed`].
    Published,
    /// The leader is gone, and this call takes over.
    Lead(Lead<K, V>),
    /// The leader waits for this very call, or for one that waits for it: the call computes for itself.
    Through,
}

impl<K, V> Follower<K, V> {
    /// What the flight came to.
    pub(crate) fn landed(&self) -> Option<&Published<V>> {
        self.flight.landed.get()
    }

    /// Asks how it stands, and has the task woken when that changes.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Followed<K, V>> {
        if self.landed().is_some() {
            return Poll::Ready(Followed::Published);
        }
        if self.wait.is_none() {
            let Some(wait) = Wait::on(self.flight.id) else { return Poll::Ready(Followed::Through) };
            self.wait = Some(wait);
        }
        let waker = context.waker().clone();
        let line = &self.flight.line;
        let mut state = line.0.lock();
        // Who lands wakes those who wait after it has landed.
        if self.flight.landed.get().is_some() {
            return Poll::Ready(Followed::Published);
        }
        if state.is_vacant() {
            let former = self.ticket.take().and_then(|ticket| state.waiting.remove(&ticket));
            let follows_one_given_up = state.leader.is_some();
            let number = state.succeed(line, self.timeout);
            drop(state);
            drop(former);
            return Poll::Ready(Followed::Lead(self.lead(number, follows_one_given_up)));
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        let former = state.waiting.insert(ticket, waker);
        if state.alarm.is_none() {
            state.watch_leader(line);
        }
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Takes over from a leader whose time is over; does not wait.
    pub(super) fn relieve(self) -> Option<Lead<K, V>> {
        let line = &self.flight.line;
        let mut state = line.0.lock();
        let number = state.is_stuck().then(|| state.succeed(line, self.timeout));
        drop(state);
        number.map(|number| self.lead(number, true))
    }

    fn lead(&self, number: u64, follows_one_given_up: bool) -> Lead<K, V> {
        let (flights, flight) = (Arc::clone(&self.flights), Arc::clone(&self.flight));
        Lead { flights, flight, number, follows_one_given_up, done: false }
    }

    /// Blocks the thread until waiting ends.
    pub(crate) fn block(&mut self) -> Followed<K, V> {
        block(self.timeout, |context| self.poll(context))
    }
}

/// Blocks the thread until something is there, and looks anew after `limit`, should nobody wake it: also
/// where the alarm can't have a thread.
pub(crate) fn block<T>(limit: Duration, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(there) = poll(&mut context) {
            return there;
        }
        thread::park_timeout(limit);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<K, V> Drop for Follower<K, V> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.filter(|_| self.landed().is_none()) else {
            return self.leave();
        };
        let line = &self.flight.line;
        let mut state = line.0.lock();
        let former = state.waiting.remove(&ticket);
        // It was called to take over, and does not.
        let next = if state.called == ticket { state.call(line) } else { None };
        if state.waiting.is_empty() {
            state.alarm = None;
        }
        drop(state);
        drop(former);
        next.into_iter().for_each(wake);
        self.leave();
    }
}

impl<K, V> Follower<K, V> {
    fn leave(&self) {
        if self.flight.followers.fetch_sub(1, Relaxed) == 1 && self.landed().is_none() {
            self.flights.remove_if_deserted(&self.flight);
        }
    }
}

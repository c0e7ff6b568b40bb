//! A follower of a flight: a call that waits for the result that another call computes.

use core::sync::atomic::Ordering::{Relaxed, Release};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};

use crate::flight::cycles::{Awaited, WaitEdge};
use crate::flight::leader::Leader;
use crate::flight::leadership::{Beginning, deadline_after};
use crate::flight::table::{Flight, FlightTable, Published};
use crate::flight::wait_queue::{Successor, WaitEnd, WaitQueue};
use crate::tags::node::Node;
use crate::time::Instant;

/// A call that waits for a leader. Dropped, it stops waiting; if it was woken to take over, the next is woken.
pub(crate) struct Follower<K, V> {
    flights: Arc<FlightTable<K, V>>,
    flight: Arc<Flight<K, V>>,
    /// What it brings if it takes over. It may wait for as long as it may compute.
    successor: Successor,
    /// When the call stops waiting; `None` before it begins to, or if never.
    deadline: Option<Instant>,
    /// Its place in the queue, once it is there.
    ticket: Option<u64>,
    edge: Option<WaitEdge>,
}

/// How waiting ended.
pub(crate) enum Followed<K, V> {
    /// The leader published: [`Follower::published`].
    Published,
    /// The follower takes over.
    Lead(Leader<K, V>),
    /// The leader waits for the follower, directly or through other flights: the follower computes for itself.
    Cycle,
    /// The leader has failed without a result to share: the follower computes for itself, like all others.
    Failed,
    /// The follower has waited for as long as it may: it computes for itself.
    TimedOut,
}

impl<K, V> Follower<K, V> {
    /// Follows `flight`, which counts the follower already.
    pub(super) fn new(
        flights: Arc<FlightTable<K, V>>,
        flight: Arc<Flight<K, V>>,
        beginning: Beginning,
    ) -> Self {
        let Beginning { id, timeout, .. } = beginning;
        let successor = Successor { id, timeout };
        Self { flights, flight, successor, deadline: None, ticket: None, edge: None }
    }

    /// Follows the flight of `leader`, for a call that hands the leadership to another; `None` if another leads.
    pub(crate) fn of(leader: &Leader<K, V>, timeout: Duration) -> Option<Self> {
        let Leader { flights, flight, .. } = leader;
        let table = flights.0.lock();
        table.find(flight.hash.get(), |other| Arc::ptr_eq(other, flight))?;
        if !leader.leads() {
            return None;
        }
        flight.followers.fetch_add(1, Relaxed);
        drop(table);
        let beginning = Beginning { id: leader.computation(), ..Beginning::from(timeout) };
        Some(Self::new(Arc::clone(flights), Arc::clone(flight), beginning))
    }

    /// Returns what the leader published.
    pub(crate) fn published(&self) -> Option<&Published<V>> {
        self.flight.published.get()
    }

    /// Returns whether a call that began at this time may share what the leader published.
    pub(crate) fn may_share(&self, began: Instant) -> bool {
        let current_at = self.flight.terms.get().and_then(|terms| terms.current_at);
        current_at.is_none_or(|current_at| began <= current_at)
    }

    /// Returns whether what the published result was computed from has been invalidated.
    pub(crate) fn is_invalidated(&self) -> bool {
        self.node().is_some_and(|node| node.check().is_none())
    }

    /// Returns what the published result was computed from, where that is known.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.flight.terms.get()?.node.as_ref()
    }

    /// Polls for the end of waiting.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Followed<K, V>> {
        if self.published().is_some() {
            return Poll::Ready(Followed::Published);
        }
        if self.edge.is_none() {
            let awaited = || Awaited::Flight(Arc::<WaitQueue>::clone(self.flight.queue()));
            let Some(edge) = WaitEdge::to(awaited) else { return Poll::Ready(Followed::Cycle) };
            self.edge = Some(edge);
            self.deadline = deadline_after(self.successor.timeout);
        }
        let Self { flights, flight, ticket, .. } = self;
        let is_published = || flight.published.get().is_some();
        let times = (self.successor, self.deadline);
        let end = flight.queue().poll(ticket, context.waker().clone(), times, is_published);
        end.map(|end| followed(end, flights, flight))
    }

    /// Returns whether the call is in the queue.
    pub(crate) fn is_waiting(&self) -> bool {
        self.ticket.is_some()
    }

    /// Returns how waiting ends if it does now, without waiting. The call has not begun to wait.
    pub(crate) fn end(&self) -> Option<Followed<K, V>> {
        debug_assert!(self.ticket.is_none(), "the call is not in the queue");
        let Self { flights, flight, successor, .. } = self;
        let is_published = || flight.published.get().is_some();
        let end = flight.queue().end(*successor, is_published)?;
        Some(followed(end, flights, flight))
    }

    /// Takes over from a leader that has exceeded its timeout, without waiting.
    pub(super) fn take_over_if_stuck(&self) -> Option<Leader<K, V>> {
        let takeover = self.flight.queue().take_over_if_stuck(self.successor)?;
        Some(Leader::successor(&self.flights, &self.flight, takeover))
    }

    /// Blocks the thread until waiting ends.
    pub(crate) fn block(&mut self) -> Followed<K, V> {
        block(self.successor.timeout, |context| self.poll(context))
    }
}

/// Returns what the end of waiting is to the follower of a flight.
fn followed<K, V>(
    end: WaitEnd,
    flights: &Arc<FlightTable<K, V>>,
    flight: &Arc<Flight<K, V>>,
) -> Followed<K, V> {
    match end {
        WaitEnd::Published => Followed::Published,
        WaitEnd::TakesOver(takeover) => Followed::Lead(Leader::successor(flights, flight, takeover)),
        WaitEnd::Failed => Followed::Failed,
        WaitEnd::TimedOut => Followed::TimedOut,
    }
}

impl<K, V> Drop for Follower<K, V> {
    fn drop(&mut self) {
        let is_published = self.published().is_some();
        if let Some(ticket) = self.ticket.filter(|_| !is_published) {
            self.flight.queue().leave(ticket);
        }
        if self.flight.followers.fetch_sub(1, Release) == 1 && !is_published {
            self.flights.remove_if_deserted(&self.flight);
        }
    }
}

/// Blocks the thread until `poll` is ready. Polls again after `limit` even if the thread is not woken, which
/// covers a program that cannot start the thread for timeouts.
pub(crate) fn block<T>(limit: Duration, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return value;
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

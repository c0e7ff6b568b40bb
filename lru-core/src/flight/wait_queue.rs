//! The leadership of a flight, and the queue of followers that wait for it to end.

use core::mem;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;

use parking_lot::{Mutex, MutexGuard};

use crate::flight::cycles::{ComputationId, Led};
use crate::flight::leadership::{Beginning, Leadership, deadline_after};
use crate::flight::timeout::{Wakeup, now};
use crate::flight::waiters::{Waiter, Waiters};
use crate::store::Epoch;
use crate::time::Instant;

/// The leadership of a flight, and the wakers of its followers.
///
/// It has neither key nor value: an `Arc` of it is the waker of the timeout.
pub(super) struct WaitQueue(Mutex<State>);

#[derive(Default)]
struct State {
    leadership: Option<Leadership>,
    /// How many times a follower took over: the number of the current or last leader.
    takeovers: u64,
    waiting: Waiters,
    /// How many followers have waited. Tickets begin at one.
    tickets: u64,
    /// The ticket of the follower that was woken last to take over; zero if there is none.
    woken: u64,
    /// Whether the leader has failed, in which case no follower takes over.
    has_failed: bool,
    /// Fires when the leader, the follower that was woken to take over, or any in the queue has exceeded its time.
    timeout: Option<Wakeup>,
}

/// The followers of a flight that has ended, to be woken after all locks are released.
#[must_use]
pub(super) struct Released {
    waiting: Waiters,
    _timeout: Option<Wakeup>,
}

impl Released {
    /// Wakes all of them.
    pub(super) fn wake(self) {
        self.waiting.into_iter().for_each(Waiter::wake);
    }
}

/// How waiting for a flight ended.
#[derive(Clone, Copy)]
pub(super) enum WaitEnd {
    /// The leader has published.
    Published,
    /// The follower takes over.
    TakesOver(Takeover),
    /// The leader has failed, and all followers compute for themselves.
    Failed,
    /// The follower has waited for as long as it may.
    TimedOut,
}

/// A follower becomes the leader of this number.
#[derive(Clone, Copy)]
pub(super) struct Takeover {
    pub(super) number: u64,
    /// What the former leader was doing.
    pub(super) former: Former,
    pub(super) id: ComputationId,
}

/// What a follower brings that takes over.
#[derive(Clone, Copy)]
pub(super) struct Successor {
    /// Its computation, which is not that of the former leader.
    pub(super) id: ComputationId,
    /// How long it may take.
    pub(super) timeout: Duration,
}

/// What a leader was doing when another took over from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Former {
    /// It ended without a result.
    Gone,
    /// It exceeded its timeout, and may still be computing.
    Computing,
    /// It claimed a refresh and has not begun.
    Claiming,
}

/// How long a follower that was woken has to take over before the next is woken.
const TAKEOVER_TIME: Duration = Duration::from_secs(1);

impl WaitQueue {
    /// Creates a queue without followers.
    pub(super) fn new(beginning: Beginning) -> Self {
        Self(Mutex::new(State { leadership: Some(Leadership::first(beginning)), ..State::default() }))
    }

    /// Returns when the current leader began to compute.
    pub(super) fn began(&self) -> Option<Epoch> {
        self.0.lock().leadership.as_ref().and_then(|leadership| leadership.began)
    }

    /// Returns whether the leader of this number is the current one.
    pub(super) fn is_led_by(&self, number: u64) -> bool {
        self.0.lock().is_led_by(number)
    }

    /// Returns whether the flight has no leader at all.
    pub(super) fn is_abandoned(&self) -> bool {
        self.0.lock().leadership.is_none()
    }

    /// Returns whether the leader has exceeded its timeout, either computing, or as a claim that has not
    /// begun.
    pub(super) fn is_stuck(&self) -> bool {
        self.0.lock().is_stuck()
    }

    /// Records when the leader of this number began to compute. With `timeout`, its time is counted from now
    /// on.
    pub(super) fn begin(&self, number: u64, began: Epoch, timeout: Option<Duration>) {
        let mut state = self.0.lock();
        if let Some(leadership) = state.leadership.as_mut().filter(|leadership| leadership.number == number) {
            leadership.began = Some(began);
            if let Some(timeout) = timeout {
                leadership.deadline = deadline_after(timeout);
            }
        }
    }

    /// Records the computation that the leader of this number belongs to by now. Its time is counted from now on.
    pub(super) fn adopt(&self, number: u64, id: ComputationId, timeout: Duration) {
        let mut state = self.0.lock();
        if let Some(leadership) = state.leadership.as_mut().filter(|leadership| leadership.number == number) {
            leadership.id = id;
            leadership.deadline = deadline_after(timeout);
        }
    }

    /// Records that the refresh that the leader of this number has claimed will begin: its time is counted
    /// from now on.
    pub(super) fn confirm(&self, number: u64, timeout: Duration) {
        let mut state = self.0.lock();
        if let Some(leadership) = state.leadership.as_mut().filter(|leadership| leadership.number == number) {
            leadership.is_confirmed = true;
            leadership.deadline = deadline_after(timeout);
        }
    }

    /// Waits for the flight to be published or without a leader: enqueues `waker` under the follower's ticket until
    /// `deadline`, or makes the follower the leader.
    pub(super) fn poll(
        self: &Arc<Self>,
        ticket: &mut Option<u64>,
        waker: Waker,
        (successor, deadline): (Successor, Option<Instant>),
        is_published: impl FnOnce() -> bool,
    ) -> Poll<WaitEnd> {
        let mut state = self.0.lock();
        if let Some(end) = state.end(self, successor, deadline, is_published) {
            let former = ticket.take().and_then(|ticket| state.waiting.remove(ticket));
            drop(state);
            drop(former);
            return Poll::Ready(end);
        }
        let ticket = *ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        let former = state.waiting.insert(ticket, waker, deadline);
        let fires = state.timeout.as_ref().map(Wakeup::time);
        if fires.is_none() {
            state.set_timeout(self, None);
        } else if let Some(earlier) = deadline.filter(|&deadline| Some(deadline) < fires) {
            state.timeout = Some(Wakeup::at(earlier, Waker::from(Arc::clone(self))));
        }
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Like [`poll`](Self::poll), but does not wait: the follower is not in the queue.
    pub(super) fn end(
        self: &Arc<Self>,
        successor: Successor,
        is_published: impl FnOnce() -> bool,
    ) -> Option<WaitEnd> {
        self.0.lock().end(self, successor, None, is_published)
    }

    /// Takes over from a leader that is stuck, to refresh a stale result.
    pub(super) fn take_over_if_stuck(self: &Arc<Self>, successor: Successor) -> Option<Takeover> {
        let mut state = self.0.lock();
        state.is_stuck().then(|| state.take_over(self, successor, true))
    }

    /// Ends the leadership of this number without a published value, and wakes one follower to take over. Returns
    /// whether that was the leader.
    pub(super) fn resign(self: &Arc<Self>, number: u64) -> bool {
        let mut state = self.0.lock();
        if !state.is_led_by(number) {
            return false;
        }
        state.leadership = None;
        self.wake_next(state, true);
        true
    }

    /// Removes a follower that stops waiting. If it was woken to take over, wakes the next one.
    pub(super) fn leave(self: &Arc<Self>, ticket: u64) {
        let mut state = self.0.lock();
        let former = state.waiting.remove(ticket);
        let was_woken = state.woken == ticket;
        if state.waiting.is_empty() {
            state.timeout = None;
        }
        self.wake_next(state, was_woken);
        drop(former);
    }

    /// Publishes by `publish`, and releases all followers; `None` if another leader has taken over.
    pub(super) fn publish(&self, number: u64, publish: impl FnOnce()) -> Option<Released> {
        let mut state = self.0.lock();
        state.is_led_by(number).then(|| {
            publish();
            state.release_all()
        })
    }

    /// Ends the leadership of this number without a published value, and releases all followers to compute for
    /// themselves; `None` if another leader has taken over.
    pub(super) fn fail(&self, number: u64) -> Option<Released> {
        let mut state = self.0.lock();
        state.is_led_by(number).then(|| {
            state.leadership = None;
            state.has_failed = true;
            state.release_all()
        })
    }

    /// Releases the lock, and wakes the next follower to take over if it is `needed`.
    fn wake_next(self: &Arc<Self>, mut state: MutexGuard<'_, State>, needed: bool) {
        let next = if needed { state.next_to_take_over(self) } else { None };
        drop(state);
        next.into_iter().for_each(Waiter::wake);
    }
}

impl Led for WaitQueue {
    fn computation(&self) -> Option<ComputationId> {
        self.0.lock().leadership.as_ref().map(|leadership| leadership.id)
    }
}

/// Fires when the timeout has passed.
impl Wake for WaitQueue {
    fn wake(self: Arc<Self>) {
        let mut state = self.0.lock();
        let overdue = state.waiting.take_overdue(now());
        let is_vacant = state.is_vacant();
        // The leader's time may have been extended meanwhile.
        state.set_timeout(&self, None);
        self.wake_next(state, is_vacant);
        overdue.into_iter().for_each(Waiter::wake);
    }
}

impl State {
    /// Returns how the wait of a follower ends, if it does now: the follower may become the leader.
    fn end(
        &mut self,
        queue: &Arc<WaitQueue>,
        successor: Successor,
        deadline: Option<Instant>,
        is_published: impl FnOnce() -> bool,
    ) -> Option<WaitEnd> {
        if is_published() {
            // The leader wakes the followers after it has published.
            Some(WaitEnd::Published)
        } else if self.has_failed {
            Some(WaitEnd::Failed)
        } else if self.is_vacant() {
            Some(WaitEnd::TakesOver(self.take_over(queue, successor, false)))
        } else if deadline.is_some_and(|deadline| deadline <= now()) {
            Some(WaitEnd::TimedOut)
        } else {
            None
        }
    }

    fn is_led_by(&self, number: u64) -> bool {
        self.leadership.as_ref().is_some_and(|leadership| leadership.number == number)
    }

    /// Returns whether a follower may take over. It does not wait for a claim that has not begun.
    fn is_vacant(&self) -> bool {
        let is_vacant = |leadership: &Leadership| leadership.is_overdue() || leadership.is_mere_claim();
        self.leadership.as_ref().is_none_or(is_vacant)
    }

    fn is_stuck(&self) -> bool {
        self.leadership.as_ref().is_some_and(Leadership::is_stuck)
    }

    fn release_all(&mut self) -> Released {
        Released { waiting: mem::take(&mut self.waiting), _timeout: self.timeout.take() }
    }

    fn take_over(&mut self, queue: &Arc<WaitQueue>, successor: Successor, is_claim: bool) -> Takeover {
        self.takeovers += 1;
        let number = self.takeovers;
        let Successor { id, timeout } = successor;
        let former = match self.leadership.replace(Leadership::new(number, (id, timeout), is_claim)) {
            None => Former::Gone,
            Some(leadership) if leadership.is_mere_claim() && !leadership.is_confirmed => Former::Claiming,
            Some(leadership) if leadership.is_mere_claim() => Former::Gone,
            Some(_) => Former::Computing,
        };
        self.woken = 0;
        self.set_timeout(queue, None);
        Takeover { number, former, id }
    }

    /// Sets the timeout to the earliest deadline: of the leader, of a follower in the queue, or `other`. The deadline
    /// of a leader that is overdue has had its effect.
    fn set_timeout(&mut self, queue: &Arc<WaitQueue>, other: Option<Instant>) {
        let in_time = |leadership: &&Leadership| !leadership.is_overdue();
        let leader = self.leadership.as_ref().filter(in_time).and_then(|leadership| leadership.deadline);
        let first = self.waiting.first_deadline();
        let deadline = [leader, first, other].into_iter().flatten().min();
        let deadline = deadline.filter(|_| !self.waiting.is_empty());
        self.timeout = deadline.map(|deadline| Wakeup::at(deadline, Waker::from(Arc::clone(queue))));
    }

    /// Returns the follower that has waited longest, to be woken after the lock is released.
    fn next_to_take_over(&mut self, queue: &Arc<WaitQueue>) -> Option<Waiter> {
        let (ticket, waiting) = self.waiting.pop_first()?;
        self.woken = ticket;
        self.set_timeout(queue, deadline_after(TAKEOVER_TIME));
        Some(waiting)
    }
}

//! The leadership of a flight, and the queue of followers that wait for it to end.

use core::task::{Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

use crate::flight::catch::catch_and_discard;
use crate::flight::timeout::{Wakeup, now};
use crate::store::Epoch;

/// The leadership of a flight, and the wakers of its followers.
///
/// Knows neither key nor value: its address is the waker of the leader's timeout.
pub(super) struct WaitQueue(Mutex<State>);

#[derive(Default)]
struct State {
    leadership: Option<Leadership>,
    /// How many times a follower took over: the number of the current or last leader.
    takeovers: u64,
    /// The wakers of waiting followers by ticket, which is in order of arrival. Tickets begin at one.
    waiting: BTreeMap<u64, Waker>,
    tickets: u64,
    /// The ticket of the follower that was woken last to take over; zero if there is none.
    woken: u64,
    /// Fires when the leader, or the follower that was woken to take over, has exceeded its time.
    timeout: Option<Wakeup>,
}

struct Leadership {
    number: u64,
    /// When the computation began; `None` before it does.
    began: Option<Epoch>,
    /// When a follower may take over; `None` if never.
    deadline: Option<Instant>,
}

/// A follower becomes the leader of this number.
#[derive(Clone, Copy)]
pub(super) struct Takeover {
    pub(super) number: u64,
    /// Whether the former leader exceeded its timeout, and may still be computing.
    pub(super) is_after_timeout: bool,
}

/// How long a follower that was woken has to take over before the next is woken.
const TAKEOVER_TIME: Duration = Duration::from_secs(1);

impl WaitQueue {
    /// A queue without followers whose leader has number zero.
    pub(super) fn new(timeout: Duration) -> Self {
        let leadership = Some(Leadership { number: 0, began: None, deadline: deadline_after(timeout) });
        Self(Mutex::new(State { leadership, ..State::default() }))
    }

    /// When the current leader began to compute.
    pub(super) fn began(&self) -> Option<Epoch> {
        self.0.lock().leadership.as_ref().and_then(|leadership| leadership.began)
    }

    /// Whether the leader of this number is the current one.
    pub(super) fn is_led_by(&self, number: u64) -> bool {
        self.0.lock().is_led_by(number)
    }

    /// Whether the flight has no leader at all.
    pub(super) fn is_abandoned(&self) -> bool {
        self.0.lock().leadership.is_none()
    }

    /// Whether the leader has begun to compute, and has exceeded its timeout.
    pub(super) fn is_stuck(&self) -> bool {
        self.0.lock().is_stuck()
    }

    /// Notes when the leader of this number began to compute. With `timeout`, its time is counted from now on.
    pub(super) fn begin(&self, number: u64, began: Epoch, timeout: Option<Duration>) {
        let mut state = self.0.lock();
        if let Some(leadership) = state.leadership.as_mut().filter(|leadership| leadership.number == number) {
            leadership.began = Some(began);
            if let Some(timeout) = timeout {
                leadership.deadline = deadline_after(timeout);
            }
        }
    }

    /// Waits for the flight to be published or without a leader: enqueues `waker` under the follower's ticket, or
    /// makes the follower the leader. `None` stands for a published flight.
    pub(super) fn poll(
        self: &Arc<Self>,
        ticket: &mut Option<u64>,
        waker: Waker,
        timeout: Duration,
        is_published: impl FnOnce() -> bool,
    ) -> Poll<Option<Takeover>> {
        let mut state = self.0.lock();
        // The leader wakes the followers after it has published.
        if is_published() {
            return Poll::Ready(None);
        }
        if state.is_vacant() {
            let former = ticket.take().and_then(|ticket| state.waiting.remove(&ticket));
            let takeover = state.take_over(self, timeout);
            drop(state);
            drop(former);
            return Poll::Ready(Some(takeover));
        }
        let ticket = *ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        let former = state.waiting.insert(ticket, waker);
        if state.timeout.is_none() {
            state.watch_leader(self);
        }
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// Takes over from a leader that is stuck.
    pub(super) fn take_over_if_stuck(self: &Arc<Self>, timeout: Duration) -> Option<Takeover> {
        let mut state = self.0.lock();
        state.is_stuck().then(|| state.take_over(self, timeout))
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

    /// Removes a follower that gives up. If it was woken to take over, wakes the next.
    pub(super) fn leave(self: &Arc<Self>, ticket: u64) {
        let mut state = self.0.lock();
        let former = state.waiting.remove(&ticket);
        let was_woken = state.woken == ticket;
        if state.waiting.is_empty() {
            state.timeout = None;
        }
        self.wake_next(state, was_woken);
        drop(former);
    }

    /// Wakes all followers of a published flight.
    pub(super) fn wake_all(&self) {
        let mut state = self.0.lock();
        let (waiting, timeout) = (core::mem::take(&mut state.waiting), state.timeout.take());
        drop(state);
        drop(timeout);
        waiting.into_values().for_each(wake);
    }

    /// Releases the lock, and wakes the next follower to take over if it is `needed`.
    fn wake_next(self: &Arc<Self>, mut state: MutexGuard<'_, State>, needed: bool) {
        let next = if needed { state.next_to_take_over(self) } else { None };
        drop(state);
        next.into_iter().for_each(wake);
    }
}

/// The timeout has fired.
impl Wake for WaitQueue {
    fn wake(self: Arc<Self>) {
        let mut state = self.0.lock();
        let is_vacant = state.is_vacant();
        if !is_vacant {
            // The leader's time has been extended meanwhile.
            state.watch_leader(&self);
        }
        self.wake_next(state, is_vacant);
    }
}

impl State {
    fn is_led_by(&self, number: u64) -> bool {
        self.leadership.as_ref().is_some_and(|leadership| leadership.number == number)
    }

    /// Whether a follower may take over.
    fn is_vacant(&self) -> bool {
        self.leadership.as_ref().is_none_or(Leadership::is_overdue)
    }

    fn is_stuck(&self) -> bool {
        let is_stuck = |leadership: &Leadership| leadership.began.is_some() && leadership.is_overdue();
        self.leadership.as_ref().is_some_and(is_stuck)
    }

    fn take_over(&mut self, queue: &Arc<WaitQueue>, timeout: Duration) -> Takeover {
        self.takeovers += 1;
        let (number, deadline) = (self.takeovers, deadline_after(timeout));
        let former = self.leadership.replace(Leadership { number, began: None, deadline });
        self.woken = 0;
        self.watch_leader(queue);
        Takeover { number, is_after_timeout: former.is_some() }
    }

    fn watch_leader(&mut self, queue: &Arc<WaitQueue>) {
        let deadline = self.leadership.as_ref().and_then(|leadership| leadership.deadline);
        self.set_timeout(queue, deadline);
    }

    fn set_timeout(&mut self, queue: &Arc<WaitQueue>, deadline: Option<Instant>) {
        let deadline = deadline.filter(|_| !self.waiting.is_empty());
        self.timeout = deadline.map(|deadline| Wakeup::at(deadline, Waker::from(Arc::clone(queue))));
    }

    /// The follower that has waited longest, to be woken after the lock is released.
    fn next_to_take_over(&mut self, queue: &Arc<WaitQueue>) -> Option<Waker> {
        let (ticket, waker) = self.waiting.pop_first()?;
        self.woken = ticket;
        self.set_timeout(queue, deadline_after(TAKEOVER_TIME));
        Some(waker)
    }
}

impl Leadership {
    fn is_overdue(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }
}

/// Wakes a follower, which may belong to any executor: if its waker panics, the others are woken all the same.
fn wake(waker: Waker) {
    catch_and_discard(|| waker.wake());
}

fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

//! Who leads a flight, and who waits for it.

use core::any::Any;
use core::task::Waker;
use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use parking_lot::Mutex;

use crate::flight::catch::contained;
use crate::flight::timeout::{Alarm, now};
use crate::store::change_log::Epoch;

/// Who leads a flight, and who waits for it. Apart from what is computed: it is what an alarm knows.
#[derive(Default)]
pub(super) struct WaitQueue(pub(super) Mutex<State>);

/// What a flight came to.
pub(crate) enum Published<V> {
    /// What a cache keeps of it.
    Kept(V),
    /// What it keeps nothing of: the whole result.
    Unkept(Box<dyn Any + Send + Sync>),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) leader: Option<Leader>,
    /// How many leaders there have been.
    pub(super) leaders: u64,
    /// Those that wait, in the order in which they came. Tickets begin at one.
    pub(super) waiting: BTreeMap<u64, Waker>,
    pub(super) tickets: u64,
    /// The ticket of who was called last to take over from the leader that is gone; zero if nobody was.
    pub(super) called: u64,
    /// Goes off when the leader's time is over, or that of who was called.
    pub(super) alarm: Option<Alarm>,
}

pub(super) struct Leader {
    pub(super) number: u64,
    /// Since when it computes; `None` before it does.
    pub(super) began: Option<Epoch>,
    /// When it is given up; `None` if never.
    pub(super) deadline: Option<Instant>,
}

/// How long one that was called has, to take over before the next is called.
pub(super) const TURN: Duration = Duration::from_secs(1);

impl State {
    pub(super) fn is_led_by(&self, number: u64) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.number == number)
    }

    /// Whether nobody leads who still has time.
    pub(super) fn is_vacant(&self) -> bool {
        self.leader.as_ref().is_none_or(Leader::is_overdue)
    }

    /// Whether it is computed, and has been for too long.
    pub(super) fn is_stuck(&self) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.began.is_some() && leader.is_overdue())
    }

    /// Another leads from now on.
    pub(super) fn succeed(&mut self, line: &Arc<WaitQueue>, timeout: Duration) -> u64 {
        self.leaders += 1;
        self.leader = Some(Leader { number: self.leaders, began: None, deadline: deadline_after(timeout) });
        self.called = 0;
        self.watch_leader(line);
        self.leaders
    }

    /// Has those who wait called when the leader's time is over.
    pub(super) fn watch_leader(&mut self, line: &Arc<WaitQueue>) {
        let deadline = self.leader.as_ref().and_then(|leader| leader.deadline);
        self.set_alarm(line, deadline);
    }

    pub(super) fn set_alarm(&mut self, line: &Arc<WaitQueue>, time: Option<Instant>) {
        let time = time.filter(|_| !self.waiting.is_empty());
        self.alarm = time.map(|time| Alarm::at(time, Waker::from(Arc::clone(line))));
    }

    /// The next of those that wait, to be woken: it is to take over.
    pub(super) fn call(&mut self, line: &Arc<WaitQueue>) -> Option<Waker> {
        let (ticket, waker) = self.waiting.pop_first()?;
        self.called = ticket;
        self.set_alarm(line, deadline_after(TURN));
        Some(waker)
    }
}

impl Leader {
    pub(super) fn is_overdue(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }
}

/// The alarm goes off.
impl Wake for WaitQueue {
    fn wake(self: Arc<Self>) {
        let mut state = self.0.lock();
        let next = if state.is_vacant() {
            state.call(&self)
        } else {
            // It was given more time.
            state.watch_leader(&self);
            None
        };
        drop(state);
        next.into_iter().for_each(wake);
    }
}

/// Wakes somebody. Of an executor of its own: if that panics, it is none of the others' business.
pub(super) fn wake(waker: Waker) {
    contained(|| waker.wake());
}

pub(super) fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

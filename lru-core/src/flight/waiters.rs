//! The followers that wait for a flight, in order of arrival, and when each stops waiting.

use core::task::Waker;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use crate::panics::catch_and_discard;
use crate::time::Instant;

/// A follower in the queue.
pub(super) struct Waiter {
    waker: Waker,
    /// When it stops waiting; `None` if never.
    deadline: Option<Instant>,
}

impl Waiter {
    /// Wakes a follower, which may belong to any executor. A panic of its waker does not keep others from being
    /// woken.
    pub(super) fn wake(self) {
        catch_and_discard(|| self.waker.wake());
    }
}

/// The followers that wait, by ticket, which is in order of arrival.
///
/// Their deadlines are in another order: functions with timeouts of their own may share a cache.
#[derive(Default)]
pub(super) struct Waiters {
    by_ticket: BTreeMap<u64, Waiter>,
    deadlines: BTreeSet<(Instant, u64)>,
}

impl Waiters {
    pub(super) fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }

    /// Adds a follower, or replaces what is known of it. Returns what was, to be dropped after the lock is released.
    pub(super) fn insert(&mut self, ticket: u64, waker: Waker, deadline: Option<Instant>) -> Option<Waiter> {
        let former = self.by_ticket.insert(ticket, Waiter { waker, deadline });
        let former_deadline = former.as_ref().and_then(|former| former.deadline);
        if former_deadline != deadline {
            self.forget_deadline(ticket, former_deadline);
            self.deadlines.extend(deadline.map(|deadline| (deadline, ticket)));
        }
        former
    }

    pub(super) fn remove(&mut self, ticket: u64) -> Option<Waiter> {
        let waiter = self.by_ticket.remove(&ticket)?;
        self.forget_deadline(ticket, waiter.deadline);
        Some(waiter)
    }

    /// Removes the follower that has waited longest.
    pub(super) fn pop_first(&mut self) -> Option<(u64, Waiter)> {
        let (ticket, waiter) = self.by_ticket.pop_first()?;
        self.forget_deadline(ticket, waiter.deadline);
        Some((ticket, waiter))
    }

    /// Returns when the first of them stops waiting.
    pub(super) fn first_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Removes the followers that have waited for as long as they may.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<Waiter> {
        let later = self.deadlines.split_off(&(now, u64::MAX));
        let overdue = core::mem::replace(&mut self.deadlines, later);
        overdue.into_iter().filter_map(|(_, ticket)| self.by_ticket.remove(&ticket)).collect()
    }

    fn forget_deadline(&mut self, ticket: u64, deadline: Option<Instant>) {
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
    }
}

impl IntoIterator for Waiters {
    type Item = Waiter;
    type IntoIter = std::collections::btree_map::IntoValues<u64, Waiter>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_ticket.into_values()
    }
}

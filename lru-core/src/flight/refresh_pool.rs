//! The refreshes of the stale results of one cache: how many run at a time, and the threads that run them.
//!
//! Refreshes wait for their turn, the first first. Those of functions that are not async run on threads, each of which
//! exists while there is work. A refresh that has exceeded its time holds up no other: it no longer counts. There is a
//! limit to those as well, and to the refreshes that wait for a thread.

use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::collections::VecDeque;
use std::string::String;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Wake;
use std::thread;
use std::vec::Vec;

use parking_lot::{Mutex, MutexGuard};

use crate::flight::leadership::deadline_after;
use crate::flight::timeout::{Wakeup, now};
use crate::panics::catch_and_discard;
use crate::time::Instant;

type Job = Box<dyn FnOnce() + Send>;

/// How many refreshes may run besides, if they have exceeded their time.
const MOST_OVERDUE: usize = 256;

/// How many refreshes may wait for a thread.
const MOST_WAITING: usize = 1024;

/// How many refreshes in a row may be dropped before their end, before a call awaits the next one.
const MOST_ABANDONED: u32 = 3;

/// The refreshes of one cache.
#[derive(Default)]
pub(crate) struct RefreshPool(Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of refreshes so far.
    begun: u64,
    /// The refreshes that run by number, and when each has exceeded its time.
    running: Vec<(u64, Option<Instant>)>,
    /// The refreshes that wait for their turn.
    waiting: Vec<Waker>,
    /// Fires when the next of those that run has exceeded its time, and others wait.
    timeout: Option<Wakeup>,
    /// The refreshes that wait for a thread, and how long each may take.
    jobs: VecDeque<(Job, Duration)>,
    /// How many refreshes in a row were dropped before their end, as by runtimes that have ended.
    abandoned: u32,
}

/// A refresh that runs, until it is dropped.
#[must_use]
pub(crate) struct RefreshSlot {
    pool: Arc<RefreshPool>,
    number: u64,
}

impl RefreshPool {
    /// Waits until fewer than `most` refreshes run, and reserves a slot for one that begins now and may take this long.
    pub(crate) async fn turn(self: &Arc<Self>, most: usize, timeout: Duration) -> RefreshSlot {
        poll_fn(|context| {
            // Cloned before the lock is taken: the waker may belong to any executor.
            let waker = context.waker().clone();
            let mut state = self.0.lock();
            // One time for both: a refresh that exceeded its time between them would have no timeout set.
            let now = now();
            if let Some(number) = state.reserve(now, most, timeout) {
                return Poll::Ready(RefreshSlot { pool: Arc::clone(self), number });
            }
            state.waiting.push(waker);
            state.set_timeout(now, self);
            Poll::Pending
        })
        .await
    }

    /// Runs `job`, which may take this long, on one of `most` threads, as soon as one is free. Runs it on this thread
    /// if none can be started, and drops it if too many wait.
    pub(crate) fn run(self: &Arc<Self>, job: Job, most: usize, timeout: Duration) {
        let mut state = self.0.lock();
        if state.jobs.len() >= MOST_WAITING {
            drop(state);
            return drop(job);
        }
        if state.is_exhausted(most) {
            drop(state);
            return catch_and_discard(job);
        }
        state.jobs.push_back((job, timeout));
        drop(state);
        self.start_waiting(most, timeout);
    }

    /// Like [`RefreshPool::run`], but drops the job if it would run on this thread because too many others hang.
    pub(crate) fn run_apart(self: &Arc<Self>, job: Job, most: usize, timeout: Duration) {
        let is_exhausted = self.0.lock().is_exhausted(most);
        if is_exhausted {
            return drop(job);
        }
        self.run(job, most, timeout);
    }

    /// Starts a thread if jobs wait and fewer than `most` run.
    pub(crate) fn start_waiting(self: &Arc<Self>, most: usize, timeout: Duration) {
        let mut state = self.0.lock();
        if state.jobs.is_empty() {
            return;
        }
        let Some(number) = state.reserve(now(), most, timeout) else { return };
        drop(state);
        let slot = RefreshSlot { pool: Arc::clone(self), number };
        let (sender, receiver) = channel();
        let thread = thread::Builder::new().name(String::from("functools-refresh"));
        let started = thread.spawn(move || {
            if let Ok(slot) = receiver.recv() {
                work(&slot);
            }
        });
        match started {
            Ok(_) => drop(sender.send(slot)),
            Err(_) => work(&slot),
        }
    }

    /// Notes that a refresh has ended, or was dropped before.
    pub(crate) fn ended(&self, is_abandoned: bool) {
        let mut state = self.0.lock();
        state.abandoned = if is_abandoned { state.abandoned.saturating_add(1) } else { 0 };
    }

    /// Returns whether the next refresh should be awaited, because several in a row were dropped before their end.
    pub(crate) fn must_await(&self) -> bool {
        let mut state = self.0.lock();
        let must_await = state.abandoned >= MOST_ABANDONED;
        if must_await {
            state.abandoned = 0;
        }
        must_await
    }
}

/// Runs jobs until there is none.
fn work(slot: &RefreshSlot) {
    while let Some(job) = slot.next_job() {
        // A refresh that panics has released its claim.
        catch_and_discard(job);
    }
}

impl RefreshSlot {
    /// Takes the job that has waited longest, and counts its time from now on. Releases the slot if there is none.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.pool.0.lock();
        let Some((job, timeout)) = state.jobs.pop_front() else {
            state.end(self.number);
            return None;
        };
        state.begin(self.number, timeout);
        Some(job)
    }
}

impl State {
    /// Returns whether so many refreshes hang that no more are begun.
    fn is_exhausted(&self, most: usize) -> bool {
        self.running.len() >= most.saturating_add(MOST_OVERDUE)
    }

    fn reserve(&mut self, now: Instant, most: usize, timeout: Duration) -> Option<u64> {
        let most = most.max(1);
        let in_time = |deadline: Option<Instant>| deadline.is_none_or(|deadline| now < deadline);
        let counted = self.running.iter().filter(|(_, deadline)| in_time(*deadline)).count();
        if counted >= most || self.is_exhausted(most) {
            return None;
        }
        self.begun += 1;
        self.begin(self.begun, timeout);
        Some(self.begun)
    }

    /// Counts the time of the refresh with this number from now on.
    fn begin(&mut self, number: u64, timeout: Duration) {
        self.end(number);
        self.running.push((number, deadline_after(timeout)));
    }

    fn end(&mut self, number: u64) {
        self.running.retain(|(running, _)| *running != number);
    }

    /// Sets the timeout to the time at which the next refresh that runs no longer counts.
    fn set_timeout(&mut self, now: Instant, pool: &Arc<RefreshPool>) {
        let next = self
            .running
            .iter()
            .filter_map(|(_, deadline)| *deadline)
            .filter(|deadline| now < *deadline)
            .min();
        if self.timeout.as_ref().map(Wakeup::time) != next {
            self.timeout = next.map(|deadline| Wakeup::at(deadline, Waker::from(Arc::clone(pool))));
        }
    }
}

/// Fires when a refresh has exceeded its time.
impl Wake for RefreshPool {
    fn wake(self: Arc<Self>) {
        wake_all(self.0.lock());
    }
}

impl Drop for RefreshSlot {
    fn drop(&mut self) {
        let mut state = self.pool.0.lock();
        state.end(self.number);
        wake_all(state);
    }
}

/// Releases the lock, and wakes all refreshes that wait: some may have been dropped. Those that find no slot wait
/// again.
fn wake_all(mut state: MutexGuard<'_, State>) {
    let (waiting, timeout) = (mem::take(&mut state.waiting), state.timeout.take());
    drop(state);
    drop(timeout);
    for waker in waiting {
        catch_and_discard(|| waker.wake());
    }
}

impl fmt::Debug for RefreshPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshPool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserve(pool: &Arc<RefreshPool>, most: usize, timeout: Duration) -> Option<RefreshSlot> {
        let number = pool.0.lock().reserve(now(), most, timeout)?;
        Some(RefreshSlot { pool: Arc::clone(pool), number })
    }

    #[test]
    fn no_more_refreshes_run_than_the_limit() {
        let pool = Arc::new(RefreshPool::default());
        let begin = || reserve(&pool, 2, Duration::from_secs(1_000_000));
        let (first, second) = (begin(), begin());
        assert!(first.is_some() && second.is_some() && begin().is_none());
        drop(first);
        let third = begin();
        assert!(third.is_some() && begin().is_none());
    }

    #[test]
    fn a_refresh_that_exceeds_its_time_while_another_begins_to_wait_has_a_timeout() {
        let pool = Arc::new(RefreshPool::default());
        let before = now();
        while now() == before {}
        let overdue = reserve(&pool, 1, Duration::ZERO);
        let mut state = pool.0.lock();
        assert!(overdue.is_some() && state.reserve(before, 1, Duration::ZERO).is_none());
        state.set_timeout(before, &pool);
        assert!(state.timeout.is_some());
    }

    #[test]
    fn a_refresh_that_has_exceeded_its_time_holds_up_a_limited_number_of_others() {
        let pool = Arc::new(RefreshPool::default());
        let mut overdue = Vec::new();
        for _ in 0..=MOST_OVERDUE {
            overdue.push(reserve(&pool, 1, Duration::ZERO).expect("the others are overdue"));
        }
        assert!(reserve(&pool, 1, Duration::ZERO).is_none());
        overdue.pop();
        assert!(reserve(&pool, 1, Duration::ZERO).is_some());
    }
}

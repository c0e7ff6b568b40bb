//! The refreshes of the stale results of one cache: how many run at a time, and the threads that run them.
//!
//! Functions that are not async are refreshed on threads, each of which exists while there is work; if all are busy,
//! the stale result stays until a later call. The refreshes of async functions wait for their turn. A refresh that has
//! exceeded its time holds up no other: it no longer counts. There is a limit to those as well.

use core::fmt;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::boxed::Box;
use std::collections::{BTreeMap, VecDeque};
use std::string::String;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;

use crate::flight::catch::catch_and_discard;
use crate::flight::timeout::now;
use crate::flight::wait_queue::deadline_after;

type Job = Box<dyn FnOnce() + Send>;

/// How many times as many refreshes may run as the limit says, if the others have exceeded their time.
const OVERDUE: usize = 4;

/// The refreshes of one cache.
#[derive(Default)]
pub(crate) struct RefreshPool(Mutex<State>);

#[derive(Default)]
struct State {
    /// The number of refreshes so far.
    begun: u64,
    /// The refreshes that run by number, and when each has exceeded its time.
    running: BTreeMap<u64, Option<Instant>>,
    /// The refreshes that wait for their turn.
    waiting: VecDeque<Waker>,
    jobs: VecDeque<Job>,
}

/// A refresh that runs, until it is dropped.
#[must_use]
pub(crate) struct RefreshSlot {
    pool: Arc<RefreshPool>,
    number: u64,
}

impl RefreshPool {
    /// Reserves a slot for a refresh that begins now and may take this long. `None` if `most` refreshes run.
    pub(crate) fn reserve(self: &Arc<Self>, most: usize, timeout: Duration) -> Option<RefreshSlot> {
        let number = self.0.lock().reserve(most, timeout)?;
        Some(RefreshSlot { pool: Arc::clone(self), number })
    }

    /// Like [`reserve`](Self::reserve), but waits until fewer than `most` refreshes run.
    pub(crate) async fn turn(self: &Arc<Self>, most: usize, timeout: Duration) -> RefreshSlot {
        poll_fn(|context| {
            let mut state = self.0.lock();
            match state.reserve(most, timeout) {
                Some(number) => Poll::Ready(RefreshSlot { pool: Arc::clone(self), number }),
                None => {
                    state.waiting.push_back(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Runs `job` on a thread of the pool; on this thread if none can be started.
    pub(crate) fn run(self: &Arc<Self>, job: Job) {
        self.0.lock().jobs.push_back(job);
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name(String::from("functools-refresh"));
        if thread.spawn(move || this.work()).is_err() {
            self.work();
        }
    }

    fn work(&self) {
        loop {
            let Some(job) = self.0.lock().jobs.pop_front() else { return };
            // A refresh that panics has released its claim.
            catch_and_discard(job);
        }
    }
}

impl State {
    fn reserve(&mut self, most: usize, timeout: Duration) -> Option<u64> {
        let (now, most) = (now(), most.max(1));
        let in_time = |deadline: &&Option<Instant>| deadline.is_none_or(|deadline| now < deadline);
        let counted = self.running.values().filter(in_time).count();
        if counted >= most || self.running.len() >= most.saturating_mul(OVERDUE) {
            return None;
        }
        self.begun += 1;
        self.running.insert(self.begun, deadline_after(timeout));
        Some(self.begun)
    }
}

impl Drop for RefreshSlot {
    fn drop(&mut self) {
        let mut state = self.pool.0.lock();
        state.running.remove(&self.number);
        // All of them: some may have been dropped. Those that find no slot wait again.
        let waiting = core::mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting {
            catch_and_discard(|| waker.wake());
        }
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

    #[test]
    fn no_more_refreshes_run_than_the_limit() {
        let pool = Arc::new(RefreshPool::default());
        let begin = || pool.reserve(2, Duration::from_secs(1_000_000));
        let (first, second) = (begin(), begin());
        assert!(first.is_some() && second.is_some() && begin().is_none());
        drop(first);
        let third = begin();
        assert!(third.is_some() && begin().is_none());
    }

    #[test]
    fn a_refresh_that_has_exceeded_its_time_holds_up_a_limited_number_of_others() {
        let pool = Arc::new(RefreshPool::default());
        let mut overdue = Vec::new();
        for _ in 0..OVERDUE {
            overdue.push(pool.reserve(1, Duration::ZERO).expect("the others are overdue"));
        }
        assert!(pool.reserve(1, Duration::ZERO).is_none());
        overdue.pop();
        assert!(pool.reserve(1, Duration::ZERO).is_some());
    }
}

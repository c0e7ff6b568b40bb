//! The sampler: a thread that takes a sample of all functions at an interval, so that a page that is opened
//! shows the last hour.
//!
//! All routers of the process share one sampler. It ends when the last of them is dropped.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Instant;

use lru_core::registry::{self, Function};

use crate::history::{History, INTERVAL};

/// The sampler of the process, while a router uses it.
static RUNNING: Mutex<Weak<Sampler>> = Mutex::new(Weak::new());

/// The history of all functions, and the thread that writes it.
#[derive(Debug)]
pub(crate) struct Sampler {
    history: Arc<Mutex<History>>,
    /// Ends the thread when it is dropped.
    _ends: Sender<()>,
}

impl Sampler {
    /// Returns the sampler of the process, which is started if it does not run.
    pub(crate) fn shared() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *running = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let history = Arc::new(Mutex::new(History::default()));
        let (ends, ended) = mpsc::channel();
        observe(&mut lock(&history));
        let sampled = Arc::clone(&history);
        let sample = move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // A backend of the program says what the state of its circuit breaker is: a panic in it ends no history.
                _ = panic::catch_unwind(AssertUnwindSafe(|| {
                    let mut history = lock(&sampled);
                    observe(&mut history);
                    history.sample(Instant::now());
                }));
            }
        };
        // Without a thread, the page has windows and no plot.
        _ = thread::Builder::new().name("functools-history".into()).spawn(sample);
        Self { history, _ends: ends }
    }

    /// Returns the history with the present counters.
    pub(crate) fn observed(&self) -> MutexGuard<'_, History> {
        let mut history = lock(&self.history);
        observe(&mut history);
        history
    }

    /// Resets the counters of a function, and begins its windows anew.
    pub(crate) fn reset(&self, function: &'static Function) {
        let mut history = self.observed();
        function.reset_counters();
        history.reset(key(function), Instant::now());
    }
}

/// Returns the key of a function in the history: its address, because it is in a `static`.
pub(crate) fn key(function: &'static Function) -> usize {
    core::ptr::from_ref(function).addr()
}

/// Sets the present counts of all functions. They are read under the lock of the history, so that the last ones are the
/// latest.
fn observe(history: &mut History) {
    let now = Instant::now();
    for function in registry::functions() {
        history.observe(key(function), function.counts(), now);
    }
}

fn lock(history: &Mutex<History>) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_share_a_sampler_which_ends_with_the_last_of_them() {
        let one = Sampler::shared();
        let other = Sampler::shared();
        assert!(Arc::ptr_eq(&one, &other));
        let history = Arc::downgrade(&one.history);
        drop((one, other));
        let begin = Instant::now();
        while history.strong_count() > 0 {
            assert!(begin.elapsed() < INTERVAL * 6, "the thread goes on");
            thread::yield_now();
        }
    }
}

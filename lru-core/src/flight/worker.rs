//! A thread on which stale results are refreshed.

use core::fmt;
use std::boxed::Box;
use std::collections::VecDeque;
use std::string::String;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use crate::flight::catch::contained;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that is there while there is something to refresh.
#[derive(Default)]
pub(crate) struct Background {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_worked_on: bool,
}

impl Background {
    /// Runs `job` on the thread, one after the other; in place if there can be no thread.
    pub(crate) fn run(self: &Arc<Self>, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.is_worked_on {
            return;
        }
        queue.is_worked_on = true;
        drop(queue);
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name(String::from("functools-refresh"));
        if thread.spawn(move || this.work()).is_err() {
            self.work();
        }
    }

    fn work(&self) {
        loop {
            let mut queue = self.queue.lock();
            let Some(job) = queue.jobs.pop_front() else {
                queue.is_worked_on = false;
                return;
            };
            drop(queue);
            // If it panics, it has given its claim back.
            contained(job);
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

//! The background thread of a cache, on which functions that are not async refresh stale results.

use std::boxed::Box;
use std::collections::VecDeque;
use std::string::String;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use crate::flight::catch::catch_and_discard;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that exists while there are jobs.
#[derive(Default)]
pub(crate) struct Worker {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    has_thread: bool,
}

impl Worker {
    /// Runs `job` on the thread after all earlier jobs; on this thread if none can be started.
    pub(crate) fn run(self: &Arc<Self>, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.has_thread {
            return;
        }
        queue.has_thread = true;
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
                queue.has_thread = false;
                return;
            };
            drop(queue);
            // A refresh that panics has released its claim.
            catch_and_discard(job);
        }
    }
}

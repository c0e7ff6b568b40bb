//! Shared helpers: a timeout for deadlocks, a panic without output, futures that are polled by hand, and a
//! gate.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Held while a test runs: exclusively by one that advances the time of all flights of the program.
static TIME: RwLock<()> = RwLock::new(());

/// Runs `test` on a thread of its own, and fails after two minutes: a deadlock fails instead of hanging.
pub(crate) fn finishes<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    with_timeout(|| {
        let _time = TIME.read().unwrap_or_else(PoisonError::into_inner);
        test()
    })
}

/// Like [`finishes`], but while no other test runs: `test` may advance the time.
pub(crate) fn alone<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    with_timeout(|| {
        let _time = TIME.write().unwrap_or_else(PoisonError::into_inner);
        test()
    })
}

fn with_timeout<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    let worker = thread::spawn(move || {
        let result = test();
        // The waiting thread may have timed out.
        let _ = done.send(result);
    });
    match result.recv_timeout(Duration::from_secs(120)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("not finished after two minutes: probably a deadlock"),
        Err(RecvTimeoutError::Disconnected) => {
            resume_unwind(worker.join().expect_err("a thread that sends no result has panicked"))
        }
    }
}

/// The payload of [`raise`].
#[derive(Debug)]
pub(crate) struct Raised;

/// Panics without calling the panic hook.
pub(crate) fn raise() -> ! {
    resume_unwind(Box::new(Raised))
}

/// Runs `f`, and returns whether it [raised](raise); any other panic is resumed.
pub(crate) fn raises<R>(f: impl FnOnce() -> R) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => false,
        Err(thrown) if thrown.is::<Raised>() => true,
        Err(other) => resume_unwind(other),
    }
}

/// Yields to other threads until `holds` returns `true`.
pub(crate) fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

/// A gate that lets one task pass each time it is opened.
pub(crate) struct Gate(Semaphore);

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(Semaphore::const_new(0))
    }

    pub(crate) fn open(&self, times: usize) {
        self.0.add_permits(times);
    }

    /// Closes the gate for all openings that were not used.
    pub(crate) fn drain(&self) {
        self.0.forget_permits(usize::MAX);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.expect("the semaphore is never closed").forget();
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that is polled by hand.
pub(crate) struct Hand<F: Future> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

impl<F: Future> Hand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), woken: Arc::default() }
    }

    /// Creates a future that has been polled once and is pending.
    pub(crate) fn begun(future: F) -> Self {
        let mut this = Self::new(future);
        assert!(this.poll().is_none(), "the future is pending at its first poll");
        this
    }

    pub(crate) fn poll(&mut self) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Returns how often the future was woken.
    pub(crate) fn woken(&self) -> usize {
        self.woken.0.load(SeqCst)
    }

    /// Polls the future, which must be ready, and returns its output.
    pub(crate) fn end(mut self) -> F::Output {
        self.poll().expect("the future is ready")
    }
}

/// Runs a future to completion on a tokio runtime with two threads.
pub(crate) fn on_tokio<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("the runtime can be created").block_on(future)
}

/// Hits, misses and the number of entries.
pub(crate) fn tally(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

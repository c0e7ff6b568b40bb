//! What the tests share: a watchdog, a quiet panic, futures that are polled by hand, and a gate.

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

/// Runs `test` on a thread of its own, and fails if it takes a minute: a deadlock fails, it does not hang.
pub(crate) fn finishes<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    watched(|| {
        let _time = TIME.read().unwrap_or_else(PoisonError::into_inner);
        test()
    })
}

/// Like [`finishes`], but while no other test runs: `test` may advance the time.
pub(crate) fn alone<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    watched(|| {
        let _time = TIME.write().unwrap_or_else(PoisonError::into_inner);
        test()
    })
}

fn watched<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    let worker = thread::spawn(move || {
        let result = test();
        // Whoever waited may have given up by now.
        let _ = done.send(result);
    });
    match result.recv_timeout(Duration::from_secs(120)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("not done after two minutes: a deadlock?"),
        Err(RecvTimeoutError::Disconnected) => resume_unwind(worker.join().expect_err("it sent nothing")),
    }
}

/// What a test's body panics with.
#[derive(Debug)]
pub(crate) struct Raised;

/// Panics without a word: the panic hook is not called.
pub(crate) fn raise() -> ! {
    resume_unwind(Box::new(Raised))
}

/// Runs `f`, and says whether it [raised](raise); any other panic goes on.
pub(crate) fn raises<R>(f: impl FnOnce() -> R) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => false,
        Err(thrown) if thrown.is::<Raised>() => true,
        Err(other) => resume_unwind(other),
    }
}

/// Lets other threads go first until `holds`.
pub(crate) fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

/// Lets one through each time it is opened.
pub(crate) struct Gate(Semaphore);

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(Semaphore::const_new(0))
    }

    pub(crate) fn open(&self, times: usize) {
        self.0.add_permits(times);
    }

    /// Takes back what was opened and not used.
    pub(crate) fn drain(&self) {
        self.0.forget_permits(usize::MAX);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.expect("never closed").forget();
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

    /// The same, polled once, and not ready.
    pub(crate) fn begun(future: F) -> Self {
        let mut this = Self::new(future);
        assert!(this.poll().is_none(), "it is ready");
        this
    }

    pub(crate) fn poll(&mut self) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// How often it was woken.
    pub(crate) fn woken(&self) -> usize {
        self.woken.0.load(SeqCst)
    }

    /// The output of what is ready.
    pub(crate) fn end(mut self) -> F::Output {
        self.poll().expect("it is not ready")
    }
}

/// Runs a future to its end on a runtime of tokio with two threads.
pub(crate) fn on_tokio<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Hits, misses and the number of entries.
pub(crate) fn tally(info: functools::CacheInfo) -> (u64, u64, usize) {
    (info.hits, info.misses, info.currsize)
}

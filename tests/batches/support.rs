use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::ops::DerefMut;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Context, Poll, Waker};

/// Polls a future, which wakes no task.
pub(crate) fn poll<P>(future: &mut Pin<P>) -> Poll<<P::Target as Future>::Output>
where
    P: DerefMut<Target: Future>,
{
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future that is ready at once.
#[track_caller]
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match poll(&mut pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

/// Awaits that a body may go on.
pub(crate) async fn passed(gate: &AtomicU32) {
    poll_fn(|_| if gate.load(SeqCst) > 0 { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What bodies were called with.
pub(crate) struct Asked<T>(Mutex<Vec<T>>);

impl<T: Debug + PartialEq> Asked<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn add(&self, asked: T) {
        self.0.lock().unwrap().push(asked);
    }

    /// Returns what was asked since the last time.
    #[track_caller]
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Held while a test runs whose calls wait for each other: exclusively by one that advances the time of all of them.
static TIME: RwLock<()> = RwLock::new(());

/// Lets no other test advance the time.
pub(crate) fn in_time() -> RwLockReadGuard<'static, ()> {
    TIME.read().unwrap_or_else(PoisonError::into_inner)
}

/// Lets no other test that depends on the time run.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    TIME.write().unwrap_or_else(PoisonError::into_inner)
}

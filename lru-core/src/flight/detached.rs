//! A computation that an executor runs, and the call that awaits it.
//!
//! The executor runs the computation to its end, whether or not the call still exists. As long as the executor
//! has not begun, the call runs the computation itself: at once if the executor does not take the task or drops
//! it, and after a while if it does not poll it. A call that is dropped meanwhile leaves the computation to the
//! executor.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use crate::flight::cycles::WaitEdge;
use crate::flight::executor::{Spawn, Task};
use crate::flight::leadership::{BEGIN_TIME, deadline_after};
use crate::flight::timeout::{Wakeup, now};
use crate::panics::catch_and_discard;
use crate::time::Instant;

/// What the executor and the call share.
struct Shared<R>(Mutex<State<R>>);

struct State<R> {
    /// The computation, while neither the executor nor the call runs it.
    task: Option<Task>,
    /// Whether the executor has the task, and may run it.
    has_executor: bool,
    /// Whether the call exists.
    has_call: bool,
    /// Whether the computation has ended or is dropped.
    has_ended: bool,
    /// The result or the payload of a panic, until the call takes it.
    result: Option<thread::Result<R>>,
    /// The waker of the call.
    call: Option<Waker>,
    /// The waker of the executor's task, while the call runs the computation.
    executor: Option<Waker>,
}

impl<R> Shared<R> {
    /// Changes the state, and wakes the call; after the computation has ended, the executor too. Returns the
    /// computation if neither is to run it, to be dropped after the lock is released.
    fn change(&self, change: impl FnOnce(&mut State<R>)) -> Option<Task> {
        let mut state = self.0.lock();
        change(&mut state);
        let call = state.call.take();
        let executor = if state.has_ended || !state.has_call { state.executor.take() } else { None };
        let deserted = if state.has_executor || state.has_call { None } else { state.task.take() };
        drop(state);
        for waker in [call, executor].into_iter().flatten() {
            // It may belong to any executor: its panic is none of the computation's.
            catch_and_discard(|| waker.wake());
        }
        deserted
    }
}

/// The computation: sends its result to the call. Dropped before, it ends without one.
struct Computing<R> {
    future: Boxed<R>,
    shared: Arc<Shared<R>>,
}

impl<R> Future for Computing<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let result = match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(payload) => Err(payload),
        };
        drop(self.shared.change(|state| state.result = Some(result)));
        Poll::Ready(())
    }
}

impl<R> Drop for Computing<R> {
    fn drop(&mut self) {
        drop(self.shared.change(|state| state.has_ended = true));
    }
}

/// The task of the executor.
struct OnExecutor<R> {
    shared: Arc<Shared<R>>,
    /// The computation, once it has begun here.
    task: Option<Task>,
}

impl<R> Future for OnExecutor<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.task.is_none() {
            let waker = context.waker().clone();
            let mut state = self.shared.0.lock();
            let task = state.task.take();
            if task.is_none() {
                let has_ended = state.has_ended;
                let former = state.executor.replace(waker);
                drop(state);
                drop(former);
                return if has_ended { Poll::Ready(()) } else { Poll::Pending };
            }
            drop(state);
            self.task = task;
        }
        let Some(task) = &mut self.task else { return Poll::Ready(()) };
        task.as_mut().poll(context).map(|()| self.task = None)
    }
}

impl<R> Drop for OnExecutor<R> {
    fn drop(&mut self) {
        drop(self.shared.change(|state| state.has_executor = false));
    }
}

/// A call that awaits its detached computation.
#[must_use = "futures do nothing unless polled"]
pub struct Detached<R> {
    shared: Arc<Shared<R>>,
    /// The computation, while the call runs it.
    task: Option<Task>,
    /// When the executor is to have begun; `None` if there is no limit.
    deadline: Option<Instant>,
    wakeup: Option<Wakeup>,
    /// The call's edge of the wait-for graph.
    _edge: Option<WaitEdge>,
}

/// A computation, before it is a task.
type Boxed<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// What a computation, its call and the executor share, and the task of the executor.
type Begun<R> = (Arc<Shared<R>>, Task);

/// The right to send results of this type from a task to a call.
pub struct Carrier<R>(fn(Boxed<R>) -> Begun<R>);

impl<R: Send + 'static> Carrier<R> {
    pub(crate) const fn new() -> Self {
        Self(|future| {
            let state = State {
                task: None,
                has_executor: true,
                has_call: true,
                has_ended: false,
                result: None,
                call: None,
                executor: None,
            };
            let shared = Arc::new(Shared(Mutex::new(state)));
            shared.0.lock().task = Some(Box::pin(Computing { future, shared: Arc::clone(&shared) }));
            let on_executor = OnExecutor { shared: Arc::clone(&shared), task: None };
            (shared, Box::pin(on_executor))
        })
    }
}

impl<R> Detached<R> {
    /// Spawns the computation on `executor`; without one, the call runs it.
    pub(crate) fn new(
        carrier: &Carrier<R>,
        computation: Boxed<R>,
        executor: Option<&impl Spawn>,
        edge: Option<WaitEdge>,
    ) -> Self {
        let (shared, on_executor) = carrier.0(computation);
        let this =
            Self { shared, task: None, deadline: deadline_after(BEGIN_TIME), wakeup: None, _edge: edge };
        // A task that is refused is dropped: then there is no executor.
        drop(match executor {
            Some(executor) => executor.spawn(on_executor),
            None => Err(on_executor),
        });
        this
    }

    /// Leaves the computation to the executor, however late it begins.
    pub(crate) fn patient(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Returns whether the computation continues if the call is dropped now, or has ended already.
    pub(crate) fn outlives_call(&self) -> bool {
        let state = self.shared.0.lock();
        state.has_executor || state.has_ended
    }
}

/// Is ready with the result, and resumes a panic of the computation; `None` if the executor has dropped it after
/// it began.
impl<R> Future for Detached<R> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(task) = &mut self.task {
                if task.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.task = None;
            }
            let waker = context.waker().clone();
            let is_late = self.deadline.is_some_and(|deadline| deadline <= now());
            let mut state = self.shared.0.lock();
            if let Some(result) = state.result.take() {
                drop(state);
                return Poll::Ready(Some(result.unwrap_or_else(|payload| resume_unwind(payload))));
            }
            if state.has_ended {
                return Poll::Ready(None);
            }
            if is_late || !state.has_executor {
                if let Some(task) = state.task.take() {
                    drop(state);
                    self.task = Some(task);
                    continue;
                }
            }
            let has_begun = state.task.is_none();
            let former = state.call.replace(waker);
            drop(state);
            drop(former);
            let deadline = self.deadline.filter(|_| !has_begun);
            self.wakeup = deadline.map(|deadline| Wakeup::at(deadline, context.waker().clone()));
            return Poll::Pending;
        }
    }
}

/// Leaves a computation that the call runs to the executor.
impl<R> Drop for Detached<R> {
    fn drop(&mut self) {
        let task = self.task.take();
        drop(self.shared.change(|state| {
            state.has_call = false;
            state.task = task.or(state.task.take());
        }));
    }
}

impl<R> fmt::Debug for Detached<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Carrier<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").finish_non_exhaustive()
    }
}

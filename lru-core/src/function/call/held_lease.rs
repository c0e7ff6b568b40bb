//! A lease that a computation holds in the backend: it is given up if the computation ends without a result, and, with
//! `single_flight = global`, renewed while the computation runs.
//!
//! With `single_flight = global` the lease is the lock of a key among all processes: the process whose lookup left it
//! computes, and the others look again until there is a result, or no lease. So a lease is short, and a process
//! that ends without giving it up delays the others for that long only.

use core::future::poll_fn;
use core::task::Waker;
use core::time::Duration;
use std::borrow::Cow;
use std::boxed::Box;
use std::string::String;
use std::sync::Arc;
use std::task::Wake;
use std::thread;
use std::vec::Vec;

use parking_lot::Mutex;

use crate::backend::lease::FAILED;
use crate::backend::{AsyncBackend, BackendError, ErrorKind, Lease, Lookup};
use crate::flight::executor::{DefaultSpawn, Spawn, Task};
use crate::flight::timeout::{Sleep, Wakeup, now};
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::remote::block_on;
use crate::time::Instant;

/// How long a lease is valid: longer than any computation takes. No other call waits for it.
pub(super) const LEASE: Duration = Duration::from_secs(60 * 60);

/// How long a lease is valid for which other processes wait. It is renewed at a third of this.
pub(in crate::function) const GLOBAL_LEASE: Duration = Duration::from_secs(2);

/// How long other processes see that a computation has failed.
pub(in crate::function) const FAILURE: Duration = Duration::from_secs(1);

/// What a lookup found in place of a result that can be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::function) enum Unusable {
    /// Nothing, or another's lease.
    Nothing,
    /// The failure of a computation.
    Failure,
    /// A value that is not used, such as a stale result, or one that cannot be read.
    Value,
}

impl Unusable {
    pub(in crate::function) fn of(looked: &Lookup) -> Self {
        match looked.found.as_ref().map(|found| &*found.value) {
            None if looked.is_unreadable => Self::Value,
            None => Self::Nothing,
            Some(FAILED) => Self::Failure,
            Some(_) => Self::Value,
        }
    }
}

/// The key of an entry in a backend, apart from the call.
pub(super) struct Place<B> {
    pub(super) backend: B,
    pub(super) namespace: Cow<'static, str>,
    pub(super) key: Vec<u8>,
}

/// A lease that this call's lookup left. Dropped before it is used or given up, it is given up by a task.
pub(super) struct HeldLease<B: Held>(Option<Arc<Lent<B>>>);

/// A backend whose leases can be given up and renewed apart from the call.
pub trait Held: AsyncBackend + Send + Sync + 'static {}

impl<B: AsyncBackend + Send + Sync + 'static> Held for B {}

struct Lent<B> {
    place: Place<B>,
    lease: Lease,
    /// Whether other processes wait for the lease.
    is_global: bool,
    /// Whether the lease is an entry of its own, which no result replaces.
    is_apart: bool,
    /// Reports the errors of requests for which no call waits.
    errors: ErrorReporter,
}

impl<B: Held> Lent<B> {
    /// Gives the lease up: other processes see the failure, or nothing.
    async fn give_up(&self, has_failed: bool) -> Result<(), BackendError> {
        let Self { place: Place { backend, namespace, key }, lease, is_global, .. } = self;
        if *is_global && has_failed {
            return backend.set_leased(namespace, key, lease, FAILED, Some(FAILURE)).await.map(drop);
        }
        backend.end_lease(namespace, key, lease).await
    }

    /// Gives the lease up, and reports an error: the lease then expires.
    async fn give_up_reported(&self, has_failed: bool) {
        if let Err(error) = self.give_up(has_failed).await {
            self.errors.failed(&error);
        }
    }

    /// Extends the lease, and returns whether it may be extended again.
    async fn renew(&self) -> bool {
        let Self { place: Place { backend, namespace, key }, lease, .. } = self;
        match backend.renew_lease(namespace, key, lease, GLOBAL_LEASE).await {
            Ok(is_valid) => is_valid,
            Err(error) => {
                self.errors.failed(&error);
                error.kind() != ErrorKind::Unsupported
            }
        }
    }
}

impl<B: Held> HeldLease<B> {
    pub(super) fn new(place: Place<B>, lease: Lease, is_global: bool, errors: ErrorReporter) -> Self {
        Self(Some(Arc::new(Lent { place, lease, is_global, is_apart: false, errors })))
    }

    /// Holds a lease that is an entry of its own.
    pub(super) fn apart(place: Place<B>, lease: Lease, errors: ErrorReporter) -> Self {
        Self(Some(Arc::new(Lent { place, lease, is_global: true, is_apart: true, errors })))
    }

    /// Forgets the lease, which a result has replaced. Gives it up if it is an entry of its own; if that fails, it
    /// expires.
    pub(super) async fn used(mut self) -> Result<(), BackendError> {
        match self.0.take().filter(|lent| lent.is_apart) {
            Some(lent) => lent.give_up(false).await,
            None => Ok(()),
        }
    }

    /// Returns what reports the errors of requests for which no call waits.
    pub(super) fn errors(&self) -> Option<ErrorReporter> {
        self.0.as_ref().map(|lent| lent.errors.clone())
    }

    /// Gives the lease up, as there is no result to be stored.
    pub(super) async fn give_up(mut self, has_failed: bool) -> Result<(), BackendError> {
        match self.0.take() {
            Some(lent) => lent.give_up(has_failed).await,
            None => Ok(()),
        }
    }

    fn global(&self) -> Option<Arc<Lent<B>>> {
        self.0.as_ref().filter(|lent| lent.is_global).cloned()
    }

    /// Returns a future that renews the lease until it is dropped; `None` if the lease is long enough.
    pub(super) fn renewing(&self) -> Option<Task> {
        let lent = self.global()?;
        Some(Box::pin(async move {
            loop {
                let mut pause = Sleep::new(GLOBAL_LEASE / 3);
                poll_fn(|context| pause.poll(context)).await;
                if !lent.renew().await {
                    return;
                }
            }
        }))
    }

    /// Renews the lease by threads until what this returns is dropped; `None` if the lease is long enough.
    pub(super) fn renewal(&self) -> Option<Renewal> {
        let lent = self.global()?;
        Some(Renewal::by(move || block_on(lent.renew())))
    }
}

impl<B: Held> Drop for HeldLease<B> {
    fn drop(&mut self) {
        let Some(lent) = self.0.take() else { return };
        // Without an executor the lease expires.
        drop(DefaultSpawn.spawn(Box::pin(async move { lent.give_up_reported(false).await })));
    }
}

/// Renews a lease until it is dropped.
pub struct Renewal(Arc<Renewer>);

impl Renewal {
    /// Renews a lease by `renew`, which returns whether it may be renewed again.
    pub(in crate::function) fn by(renew: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let renewer =
            Arc::new(Renewer { renew: Box::new(renew), state: Mutex::new(RenewalState::default()) });
        renewer.schedule();
        Self(renewer)
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.has_ended = true;
        let wakeup = state.wakeup.take();
        drop(state);
        drop(wakeup);
    }
}

struct Renewer {
    renew: Box<dyn Fn() -> bool + Send + Sync>,
    state: Mutex<RenewalState>,
}

#[derive(Default)]
struct RenewalState {
    wakeup: Option<Wakeup>,
    has_ended: bool,
}

impl Renewer {
    /// Schedules the next renewal.
    fn schedule(self: &Arc<Self>) {
        let wakeup = Wakeup::at(now() + GLOBAL_LEASE / 3, Waker::from(Arc::clone(self)));
        let mut state = self.state.lock();
        let former = if state.has_ended { Some(wakeup) } else { state.wakeup.replace(wakeup) };
        drop(state);
        drop(former);
    }
}

/// Renews the lease, on a thread of its own: the thread that wakes others must not wait for the backend.
impl Wake for Renewer {
    fn wake(self: Arc<Self>) {
        if self.state.lock().has_ended {
            return;
        }
        let thread = thread::Builder::new().name(String::from("functools-lease"));
        let run = move || {
            if (self.renew)() {
                self.schedule();
            }
        };
        drop(thread.spawn(run));
    }
}

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(100);

/// Pauses of growing length between lookups, until the timeout is over.
pub(in crate::function) struct Pauses {
    /// `None` if the timeout is never over.
    end: Option<Instant>,
    next: Duration,
}

impl Pauses {
    pub(in crate::function) fn new(timeout: Duration) -> Self {
        Self { end: now().checked_add(timeout), next: SHORTEST }
    }
}

impl Iterator for Pauses {
    type Item = Sleep;

    fn next(&mut self) -> Option<Sleep> {
        let pause = self.next;
        self.next = (2 * pause).min(LONGEST);
        self.end.is_none_or(|end| now() < end).then(|| Sleep::new(pause))
    }
}

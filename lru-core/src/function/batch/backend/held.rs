//! The leases that a call of many elements holds while its body runs.

use core::future::poll_fn;
use std::borrow::Cow;
use std::boxed::Box;
use std::sync::Arc;
use std::thread;
use std::vec::Vec;

use crate::backend::lease::FAILED;
use crate::backend::{BackendError, ErrorKind, Item, Lease, LeasedItem};
use crate::flight::executor::{DefaultSpawn, Spawn, Task};
use crate::flight::timeout::Sleep;
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::held_lease::{FAILURE, GLOBAL_LEASE, Held, Renewal};
use crate::function::call::remote::block_on;
use crate::panics::catch_and_discard;

/// The leases that a call's lookups left. Dropped before they are settled, they are given up: by a task, or by this thread if
/// the backend is a blocking one.
pub(super) struct HeldLeases<B: Held>(Option<Arc<Leases<B>>>);

/// A lease, the key for which it was given, and the number of the element.
pub(super) struct HeldLease {
    pub(super) number: usize,
    pub(super) key: Vec<u8>,
    pub(super) lease: Lease,
}

/// Leases of one namespace.
pub(super) struct Leases<B> {
    pub(super) backend: B,
    pub(super) namespace: Cow<'static, str>,
    pub(super) held: Vec<HeldLease>,
    /// Whether other processes wait for them.
    pub(super) is_global: bool,
    /// Whether the backend never waits for a runtime.
    pub(super) is_blocking: bool,
    /// Reports the errors of requests for which no call waits.
    pub(super) errors: ErrorReporter,
}

/// What becomes of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A result was stored over it, or it was lost.
    Used,
    /// There is no result to be stored.
    Unneeded,
    /// The computation has failed.
    Failed,
}

impl<B: Held> Leases<B> {
    /// Gives leases up: other processes see the failures, or nothing.
    async fn give_up(&self, fate: impl Fn(usize) -> Fate) -> Result<(), BackendError> {
        let Self { backend, namespace, held, .. } = self;
        let (mut failed, mut ended) = (Vec::new(), Vec::new());
        for HeldLease { number, key, lease } in held {
            match fate(*number) {
                Fate::Failed if self.is_global => {
                    failed.push(LeasedItem::new(Item::new(key, FAILED).ttl(FAILURE), lease));
                }
                Fate::Failed | Fate::Unneeded => ended.push((&**key, lease)),
                Fate::Used => {}
            }
        }
        let mut done = Ok(());
        if !failed.is_empty() {
            done = backend.set_leased_many(namespace, &failed).await.map(drop);
        }
        if !ended.is_empty() {
            done = done.and(backend.end_leases(namespace, &ended).await);
        }
        done
    }

    /// Gives all leases up after the call was dropped, and reports an error: the leases then expire.
    async fn give_up_reported(&self, fate: Fate) {
        if let Err(error) = self.give_up(|_| fate).await {
            self.errors.failed(&error);
        }
    }

    /// Extends the leases, and returns whether any may be extended again.
    async fn renew(&self) -> bool {
        let leases: Vec<_> = self.held.iter().map(|held| (&*held.key, &held.lease)).collect();
        match self.backend.renew_leases(&self.namespace, &leases, GLOBAL_LEASE).await {
            Ok(are_valid) => are_valid.contains(&true),
            Err(error) => {
                self.errors.failed(&error);
                error.kind() != ErrorKind::Unsupported
            }
        }
    }
}

impl<B: Held> HeldLeases<B> {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(leases: Leases<B>) -> Self {
        Self((!leases.held.is_empty()).then(|| Arc::new(leases)))
    }

    /// Takes the leases out.
    pub(super) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Gives up those that are not used.
    pub(super) async fn settle(mut self, fate: impl Fn(usize) -> Fate) -> Result<(), BackendError> {
        match self.0.take() {
            Some(leases) => leases.give_up(fate).await,
            None => Ok(()),
        }
    }

    fn global(&self) -> Option<Arc<Leases<B>>> {
        self.0.as_ref().filter(|leases| leases.is_global).cloned()
    }

    /// Returns a future that renews the leases until it is dropped; `None` if they are long enough.
    pub(super) fn renewing(&self) -> Option<Task> {
        let leases = self.global()?;
        Some(Box::pin(async move {
            loop {
                let mut pause = Sleep::new(GLOBAL_LEASE / 3);
                poll_fn(|context| pause.poll(context)).await;
                if !leases.renew().await {
                    return;
                }
            }
        }))
    }

    /// Renews the leases by threads until what this returns is dropped; `None` if they are long enough.
    pub(super) fn renewal(&self) -> Option<Renewal> {
        let leases = self.global()?;
        Some(Renewal::by(move || block_on(leases.renew())))
    }
}

impl<B: Held> Drop for HeldLeases<B> {
    fn drop(&mut self) {
        let Some(leases) = self.0.take() else { return };
        let fate = if thread::panicking() { Fate::Failed } else { Fate::Unneeded };
        if leases.is_blocking {
            // The body may be unwinding.
            catch_and_discard(|| block_on(leases.give_up_reported(fate)));
            return;
        }
        // Without an executor the leases expire.
        drop(DefaultSpawn.spawn(Box::pin(async move { leases.give_up_reported(fate).await })));
    }
}

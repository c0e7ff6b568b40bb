//! The cross-process lock: with `single_flight = global`, one process computes and the others poll the
//! backend for its result.
//!
//! The lock is an entry of the backend, added for `flight_timeout`. A process that ends without releasing it
//! delays the others for that long at most.

use core::time::Duration;
use std::format;
use std::string::String;

use crate::backend::{AsyncBackend, BackendError};
use crate::flight::timeout::{Sleep, now};
use crate::function::call::backend_handle::BackendEntry;
use crate::time::Instant;

/// The lock of one key among all processes.
pub(super) struct CrossProcessLock<'e, B> {
    backend: &'e B,
    namespace: String,
    key: &'e [u8],
    timeout: Duration,
}

impl<'e, B: AsyncBackend> CrossProcessLock<'e, B> {
    /// Returns the lock of an entry; `None` if the function does not coalesce computations across processes,
    /// or if the key cannot be serialized.
    pub(super) fn of(entry: &'e BackendEntry<B>) -> Option<Self> {
        let (timeout, key) = (entry.handle.lock_timeout?, entry.key().ok()?);
        let namespace = format!("{}!claims", entry.handle.namespace);
        Some(Self { backend: &entry.handle.backend, namespace, key, timeout })
    }

    /// Tries to acquire the lock, and returns whether it was free.
    pub(super) async fn try_acquire(&self) -> Result<bool, BackendError> {
        self.backend.add(&self.namespace, self.key, &[], self.timeout).await
    }

    /// Releases the lock.
    pub(super) async fn release(&self) -> Result<(), BackendError> {
        self.backend.delete(&self.namespace, self.key).await.map(drop)
    }

    /// Returns the pauses between attempts to acquire the lock.
    pub(super) fn pauses(&self) -> Pauses {
        Pauses { end: now().checked_add(self.timeout), next: SHORTEST }
    }
}

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(100);

/// Pauses of growing length, until the timeout is over.
pub(super) struct Pauses {
    /// `None` if the timeout is never over.
    end: Option<Instant>,
    next: Duration,
}

impl Iterator for Pauses {
    type Item = Sleep;

    fn next(&mut self) -> Option<Sleep> {
        let pause = self.next;
        self.next = (2 * pause).min(LONGEST);
        self.end.is_none_or(|end| now() < end).then(|| Sleep::new(pause))
    }
}

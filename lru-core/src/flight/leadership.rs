//! The leadership of a flight: which leader it is, when it began, and how long it may take.

use core::time::Duration;

use crate::flight::cycles::ComputationId;
use crate::flight::timeout::now;
use crate::store::Epoch;
use crate::time::Instant;

/// The number of the leader that begins a flight.
pub(super) const FIRST: u64 = 0;

/// How long an executor may take to begin a refresh or a detached computation, before a call sees to it.
pub(super) const BEGIN_TIME: Duration = Duration::from_millis(100);

/// When a call begins a flight, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning {
    /// When the computation began; `None` if that is told later.
    pub(crate) epoch: Option<Epoch>,
    /// The time by which timeouts are measured.
    pub(crate) time: Instant,
    pub(crate) timeout: Duration,
    /// Whether it claims the refresh of a stale result, which may begin late or never.
    pub(crate) is_claim: bool,
    /// The computation: one for all elements that a call of many leads.
    pub(crate) id: ComputationId,
    /// Whether the computation begins later than at the epoch, after one more lookup: until then, calls join whatever has
    /// changed.
    pub(crate) is_open: bool,
}

impl Beginning {
    /// Returns whether the first leader has exceeded its timeout, if it still leads.
    pub(super) fn is_stuck(self) -> bool {
        Leadership::first(self).is_stuck()
    }
}

/// Begins now; the epoch is told later.
impl From<Duration> for Beginning {
    fn from(timeout: Duration) -> Self {
        Self { epoch: None, time: now(), timeout, is_claim: false, id: ComputationId::new(), is_open: false }
    }
}

/// The leadership of a flight.
pub(super) struct Leadership {
    pub(super) number: u64,
    pub(super) id: ComputationId,
    /// Whether it claims the refresh of a stale result, which may begin late or never.
    pub(super) is_claim: bool,
    /// Whether the claimed refresh will begin as soon as it is its turn.
    pub(super) is_confirmed: bool,
    /// When the computation began; `None` before it does.
    pub(super) began: Option<Epoch>,
    /// When a follower may take over; `None` if never.
    pub(super) deadline: Option<Instant>,
}

impl Leadership {
    /// Creates the leadership of the leader that begins a flight.
    pub(super) fn first(beginning: Beginning) -> Self {
        let Beginning { epoch, time, timeout, is_claim, id, is_open: _ } = beginning;
        let deadline = time.checked_add(if is_claim { BEGIN_TIME } else { timeout });
        Self { number: FIRST, id, is_claim, is_confirmed: false, began: epoch, deadline }
    }

    pub(super) fn new(number: u64, (id, timeout): (ComputationId, Duration), is_claim: bool) -> Self {
        let beginning = Beginning { epoch: None, time: now(), timeout, is_claim, id, is_open: false };
        Self { number, ..Self::first(beginning) }
    }

    pub(super) fn is_stuck(&self) -> bool {
        (self.began.is_some() || self.is_claim) && self.is_overdue()
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now())
    }

    /// Returns whether it is a claim that has not begun.
    pub(super) fn is_mere_claim(&self) -> bool {
        self.is_claim && self.began.is_none()
    }
}

pub(crate) fn deadline_after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

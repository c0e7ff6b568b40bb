//! The stale window of an entry: when it becomes stale, until when it is served, and the back-off of its refreshes.

use core::cell::Cell;
use std::boxed::Box;

use crate::expiry::ticks::Ticks;
use crate::tags::node::Invalidity;

/// The stale window of an entry, if it can have one: `()`, a [`StaleWindow`], or a boxed window that most
/// entries do not have.
pub trait Staleness: Sized {
    /// Whether entries may become stale.
    const MAY_BE_STALE: bool;

    /// Stores the window, if there is one.
    fn new(window: Option<StaleWindow>) -> Self;

    /// Returns the window, if there is one.
    fn window(&self) -> Option<&StaleWindow>;

    /// Returns the bytes of a window outside of the entry.
    fn boxed_bytes(&self) -> usize {
        0
    }

    /// Like [`Staleness::window`], but returns a mutable reference.
    fn window_mut(&mut self) -> Option<&mut StaleWindow>;
}

impl Staleness for () {
    const MAY_BE_STALE: bool = false;

    fn new(_: Option<StaleWindow>) -> Self {}

    #[inline]
    fn window(&self) -> Option<&StaleWindow> {
        None
    }

    fn window_mut(&mut self) -> Option<&mut StaleWindow> {
        None
    }
}

impl Staleness for StaleWindow {
    const MAY_BE_STALE: bool = true;

    fn new(window: Option<StaleWindow>) -> Self {
        window.unwrap_or(Self::new(Ticks::NEVER, Ticks::NEVER))
    }

    #[inline]
    fn window(&self) -> Option<&StaleWindow> {
        Some(self)
    }

    fn window_mut(&mut self) -> Option<&mut StaleWindow> {
        Some(self)
    }
}

/// An entry without a window has the size of one pointer for it.
impl<W: Staleness> Staleness for Option<Box<W>> {
    const MAY_BE_STALE: bool = true;

    fn new(window: Option<StaleWindow>) -> Self {
        window.map(|window| Box::new(W::new(Some(window))))
    }

    #[inline]
    fn window(&self) -> Option<&StaleWindow> {
        self.as_deref()?.window()
    }

    fn boxed_bytes(&self) -> usize {
        self.as_ref().map_or(0, |_| size_of::<W>())
    }

    fn window_mut(&mut self) -> Option<&mut StaleWindow> {
        self.as_deref_mut()?.window_mut()
    }
}

/// The times at which an entry becomes stale and expired (stale-while-revalidate, RFC 5861).
#[derive(Debug)]
pub struct StaleWindow {
    /// The entry is fresh strictly before this time.
    fresh: Ticks,
    /// The entry is served to all callers strictly before this time; later, only if the function fails or is slow.
    served: Ticks,
    /// The time at which the next refresh is due, after a failed one.
    retry: Cell<Ticks>,
    /// The number of refreshes that have failed in a row.
    failures: Cell<u32>,
}

impl StaleWindow {
    /// Creates the window of an entry that is fresh before `fresh` and served before `served`.
    pub(crate) const fn new(fresh: Ticks, served: Ticks) -> Self {
        Self { fresh, served, retry: Cell::new(Ticks::START), failures: Cell::new(0) }
    }

    /// Returns the first time at which the entry is no longer served to all callers.
    pub(super) fn served_until(&self) -> Ticks {
        self.fresh.max(self.served)
    }

    /// Returns the first time at which the entry is no longer fresh.
    pub(super) fn fresh_until(&self) -> Ticks {
        self.fresh
    }

    /// Limits the time for which the entry is fresh to `end`.
    pub(super) fn shorten(&mut self, end: Ticks) {
        self.fresh = end.min(self.fresh);
    }

    /// Records a failed refresh. `retry` returns the time at which the next one is due (the back-off), from the number
    /// of failures in a row.
    pub(super) fn refresh_failed(&self, retry: impl FnOnce(u32) -> Ticks) {
        self.failures.set(self.failures.get().saturating_add(1));
        self.retry.set(retry(self.failures.get()));
    }

    #[inline]
    pub(super) fn freshness(&self, now: Ticks) -> Freshness {
        if now < self.fresh {
            Freshness::Fresh
        } else if now < self.served {
            Freshness::Stale { due: self.retry.get() <= now }
        } else {
            Freshness::ErrorOnly
        }
    }
}

/// How an entry may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The entry is served.
    Fresh,
    /// The entry is served, and should be refreshed.
    Stale {
        /// Whether a refresh may begin: a failed refresh delays the next one.
        due: bool,
    },
    /// The entry is served only if the function fails (stale-if-error) or is slow (stale-if-slow).
    ErrorOnly,
    /// The entry is not served, because its time has passed.
    Expired,
    /// The entry is not served, because it, or what it was computed from, was invalidated.
    Invalid(Invalidity),
}

impl Freshness {
    /// Returns whether the entry is served to all callers.
    #[inline]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale { .. })
    }

    /// Returns whether the entry is never served again: neither to a caller nor in place of an error.
    #[inline]
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Expired | Self::Invalid(_))
    }
}

//! The metadata of entries that may expire: deadlines, weight, and the stale window.

use core::cell::Cell;
use std::boxed::Box;

use crate::expiry::ticks::Ticks;

/// The metadata of an entry that may expire, or weighs more than one.
///
/// `W` is what is known of its staleness: nothing by default, or a [`StaleWindow`].
#[derive(Debug)]
pub struct EntryInfo<W = ()> {
    /// Tells the entry from earlier ones in its slot.
    pub(crate) serial: u64,
    pub(crate) weight: usize,
    /// The entry is live strictly before this time,
    expires: Ticks,
    /// and before this one, which each use postpones; `NEVER` stays so.
    idle: Cell<Ticks>,
    window: W,
}

/// What is known of an entry between fresh and expired: `()`, a [`StaleWindow`], or one that most
/// entries do without.
pub trait Staleness: Sized {
    /// Whether entries may be stale.
    const MAY_BE_STALE: bool;

    /// Keeps the window, if there is one.
    fn new(window: Option<StaleWindow>) -> Self;

    /// Returns the window, if there is one.
    fn window(&self) -> Option<&StaleWindow>;

    /// Like [`Staleness::window`], to change it.
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

/// Entries without a window pay one pointer for it.
impl Staleness for Option<Box<StaleWindow>> {
    const MAY_BE_STALE: bool = true;

    fn new(window: Option<StaleWindow>) -> Self {
        window.map(Box::new)
    }

    #[inline]
    fn window(&self) -> Option<&StaleWindow> {
        self.as_deref()
    }

    fn window_mut(&mut self) -> Option<&mut StaleWindow> {
        self.as_deref_mut()
    }
}

/// When an entry becomes stale, and until when it may be served all the same (stale-while-revalidate of
/// RFC 5861).
#[derive(Debug)]
pub struct StaleWindow {
    /// The entry is fresh strictly before this time.
    fresh: Ticks,
    /// It is served to all callers strictly before this one; then only where the function fails.
    served: Ticks,
    /// After a failed refresh, the time at which the next one is due.
    retry: Cell<Ticks>,
    /// How many refreshes have failed in a row.
    failures: Cell<u32>,
}

impl StaleWindow {
    /// Creates the window of an entry that is fresh before `fresh` and served before `served`.
    pub(crate) const fn new(fresh: Ticks, served: Ticks) -> Self {
        Self { fresh, served, retry: Cell::new(Ticks::START), failures: Cell::new(0) }
    }

    #[inline]
    fn freshness(&self, now: Ticks) -> Freshness {
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
    /// It is served.
    Fresh,
    /// It is served, and should be refreshed.
    Stale {
        /// Whether a refresh may begin: not for a while after one has failed.
        due: bool,
    },
    /// It is served only where the function fails (stale-if-error).
    ErrorOnly,
    /// It is not served.
    Expired,
}

impl Freshness {
    /// Whether the entry answers calls.
    #[inline]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale { .. })
    }
}

impl<W: Staleness> EntryInfo<W> {
    /// Creates the metadata of an entry of this weight, which is live strictly before `expires`, and while it is
    /// used before `idle`.
    #[must_use]
    pub fn new(weight: usize, expires: Ticks, idle: Ticks, window: Option<StaleWindow>) -> Self {
        Self { serial: 0, weight, expires, idle: Cell::new(idle), window: W::new(window) }
    }

    /// Ends the time for which the entry is fresh, or live where it is never stale, no later than at `end`.
    pub(crate) fn shorten(&mut self, end: Ticks) {
        let fresh = self.window.window_mut().map_or(&mut self.expires, |window| &mut window.fresh);
        *fresh = end.min(*fresh);
    }

    /// Tells how the entry may be served at this time.
    #[inline]
    pub fn freshness(&self, now: Ticks) -> Freshness {
        if self.expires <= now || self.idle.get() <= now {
            return Freshness::Expired;
        }
        self.window.window().map_or(Freshness::Fresh, |window| window.freshness(now))
    }

    /// Notes a use: without another one, the entry is live until `idle`.
    #[inline]
    pub fn touch(&self, idle: Ticks) {
        if self.idle.get() != Ticks::NEVER {
            self.idle.set(idle);
        }
    }

    /// Notes that a refresh has failed. `retry` tells when the next one is due, after so many failures in a row.
    pub(crate) fn refresh_failed(&self, retry: impl FnOnce(u32) -> Ticks) {
        if let Some(window) = self.window.window() {
            window.failures.set(window.failures.get().saturating_add(1));
            window.retry.set(retry(window.failures.get()));
        }
    }

    /// Returns the first time at which the entry is no longer live.
    pub(crate) fn deadline(&self) -> Ticks {
        self.expires.min(self.idle.get())
    }
}

#[cfg(test)]
mod tests;

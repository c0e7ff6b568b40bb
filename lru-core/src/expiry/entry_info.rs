//! The metadata of entries that may expire: deadlines, weight, and the stale window.

use core::cell::Cell;
use std::boxed::Box;

use crate::expiry::ticks::Ticks;

/// The metadata of an entry that may expire, or weighs more than one.
///
/// `W` is the type of the stale window: none (`()`) by default, or a [`StaleWindow`].
#[derive(Debug)]
pub struct EntryInfo<W = ()> {
    /// Distinguishes the entry from earlier entries in its slot.
    pub(crate) serial: u64,
    pub(crate) weight: usize,
    /// The entry is live strictly before this time.
    expires: Ticks,
    /// The entry is live strictly before this time too. Each use postpones it, unless it is `NEVER`.
    idle: Cell<Ticks>,
    window: W,
}

/// The stale window of an entry, if it can have one: `()`, a [`StaleWindow`], or a boxed window that most
/// entries do not have.
pub trait Staleness: Sized {
    /// Whether entries may become stale.
    const MAY_BE_STALE: bool;

    /// Stores the window, if there is one.
    fn new(window: Option<StaleWindow>) -> Self;

    /// Returns the window, if there is one.
    fn window(&self) -> Option<&StaleWindow>;

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

/// The times at which an entry becomes stale and expired (stale-while-revalidate, RFC 5861).
#[derive(Debug)]
pub struct StaleWindow {
    /// The entry is fresh strictly before this time.
    fresh: Ticks,
    /// The entry is served to all callers strictly before this time; later, only if the function fails.
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
    /// The entry is served.
    Fresh,
    /// The entry is served, and should be refreshed.
    Stale {
        /// Whether a refresh may begin: a failed refresh delays the next one.
        due: bool,
    },
    /// The entry is served only if the function fails (stale-if-error).
    ErrorOnly,
    /// The entry is not served.
    Expired,
}

impl Freshness {
    /// Returns whether the entry is served to all callers.
    #[inline]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Fresh | Self::Stale { .. })
    }
}

impl<W: Staleness> EntryInfo<W> {
    /// Creates the metadata of an entry. It is live strictly before `expires` and, unless it is used, before
    /// `idle`.
    pub fn new(weight: usize, expires: Ticks, idle: Ticks, window: Option<StaleWindow>) -> Self {
        Self { serial: 0, weight, expires, idle: Cell::new(idle), window: W::new(window) }
    }

    /// Limits the time for which the entry is fresh to `end`; for an entry without a stale window, the time
    /// for which it is live.
    pub(crate) fn shorten(&mut self, end: Ticks) {
        let fresh = self.window.window_mut().map_or(&mut self.expires, |window| &mut window.fresh);
        *fresh = end.min(*fresh);
    }

    /// Returns how the entry may be served at the time `now`.
    #[inline]
    pub fn freshness(&self, now: Ticks) -> Freshness {
        if self.expires <= now || self.idle.get() <= now {
            return Freshness::Expired;
        }
        self.window.window().map_or(Freshness::Fresh, |window| window.freshness(now))
    }

    /// Records a use: without another one, the entry is live until `idle`.
    #[inline]
    pub fn touch(&self, idle: Ticks) {
        if self.idle.get() != Ticks::NEVER {
            self.idle.set(idle);
        }
    }

    /// Records a failed refresh. `retry` returns the time at which the next one is due, from the number of
    /// failures in a row.
    pub(crate) fn refresh_failed(&self, retry: impl FnOnce(u32) -> Ticks) {
        if let Some(window) = self.window.window() {
            window.failures.set(window.failures.get().saturating_add(1));
            window.retry.set(retry(window.failures.get()));
        }
    }

    /// Returns the first time at which the entry is expired.
    pub(crate) fn deadline(&self) -> Ticks {
        self.expires.min(self.idle.get())
    }
}

#[cfg(test)]
mod tests;

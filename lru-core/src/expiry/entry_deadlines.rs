//! The metadata of an entry that may expire: its deadlines and its weight.

use core::cell::Cell;

use crate::expiry::stale_window::{Freshness, StaleWindow, Staleness};
use crate::expiry::ticks::Ticks;

/// The metadata of an entry that may expire, or weighs more than one.
///
/// `W` is the type of the stale window: none (`()`) by default, or a [`StaleWindow`].
#[derive(Debug)]
pub struct EntryInfo<W = ()> {
    /// Distinguishes the entry from earlier entries in its slot.
    pub(crate) serial: u64,
    pub(crate) weight: usize,
    /// When the entry was stored.
    pub(crate) stored: Ticks,
    /// The entry is live strictly before this time.
    expires: Ticks,
    /// The entry is live strictly before this time too. Each use postpones it, unless it is `NEVER`.
    idle: Cell<Ticks>,
    window: W,
}

impl<W: Staleness> EntryInfo<W> {
    /// Creates the metadata of an entry. It is live strictly before `expires` and, unless it is used, before
    /// `idle`.
    pub fn new(weight: usize, expires: Ticks, idle: Ticks, window: Option<StaleWindow>) -> Self {
        let (stored, idle) = (Ticks::START, Cell::new(idle));
        Self { serial: 0, weight, stored, expires, idle, window: W::new(window) }
    }

    /// Returns what is stored in the place of the window, and may be more than that.
    #[inline]
    pub(crate) fn beside(&self) -> &W {
        &self.window
    }

    /// Like [`beside`](Self::beside), but returns a mutable reference.
    pub(crate) fn beside_mut(&mut self) -> &mut W {
        &mut self.window
    }

    /// Limits the time for which the entry is fresh to `end`; for an entry without a stale window, the time
    /// for which it is live.
    pub(crate) fn shorten(&mut self, end: Ticks) {
        match self.window.window_mut() {
            Some(window) => window.shorten(end),
            None => self.expires = end.min(self.expires),
        }
    }

    /// Limits the time for which the entry is kept, fresh or stale, to `end`.
    pub(crate) fn expire_by(&mut self, end: Ticks) {
        self.expires = end.min(self.expires);
    }

    /// Returns how the entry may be served at the time `now`.
    #[inline]
    pub fn freshness(&self, now: Ticks) -> Freshness {
        if self.expires <= now || self.idle.get() <= now {
            return Freshness::Expired;
        }
        self.window.window().map_or(Freshness::Fresh, |window| window.freshness(now))
    }

    /// Returns whether the entry is fresh at every time that differs from `about` by less than [`Ticks::COARSE`], and a
    /// use of it records no time.
    #[inline]
    pub(crate) fn is_fresh_about(&self, about: Ticks) -> bool {
        let latest = about.plus(Ticks::COARSE);
        let is_fresh_by = |window: &StaleWindow| window.freshness(latest) == Freshness::Fresh;
        self.idle.get() == Ticks::NEVER
            && latest < self.expires
            && self.window.window().is_none_or(is_fresh_by)
    }

    /// Returns the first time at which the entry is no longer served to all callers, if it is not used before.
    pub(crate) fn served_until(&self) -> Ticks {
        let served = self.window.window().map_or(Ticks::NEVER, StaleWindow::served_until);
        self.deadline().min(served)
    }

    /// Returns the first time at which the entry is no longer fresh, however it is used.
    pub(crate) fn fresh_until(&self) -> Ticks {
        self.expires.min(self.window.window().map_or(Ticks::NEVER, StaleWindow::fresh_until))
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
            window.refresh_failed(retry);
        }
    }

    /// Returns the first time at which the entry is expired.
    pub(crate) fn deadline(&self) -> Ticks {
        self.expires.min(self.idle.get())
    }
}

#[cfg(test)]
mod tests;

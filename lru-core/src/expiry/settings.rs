//! For how long entries are fresh, live, or served stale: what users set, and the metadata it comes to.

use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::LazyLock;

use crate::expiry::duration::{IntoSpan, Span};
use crate::expiry::entry_info::{EntryInfo, StaleWindow, Staleness};
use crate::expiry::ticks::{Ticks, Timestamp};
use crate::key::hash::{SEED, STEP, mixed};

/// The lengths of time that apply to the entries of a cache, or to those that one function stores, where a
/// clock shows `T`.
#[derive(Clone, Copy)]
pub struct ExpirySettings<T: Timestamp> {
    ttl: Option<T::Span>,
    tti: Option<T::Span>,
    error_ttl: Option<T::Span>,
    /// The part of `ttl` by which that of some entries is shorter.
    jitter: f64,
    swr: Swr<T::Span>,
    stale_if_error: Option<T::Span>,
}

/// How long stale entries are served while they are refreshed (stale-while-revalidate).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Swr<S> {
    Never,
    For(S),
    Always,
}

/// What one entry has of its own.
#[derive(Clone, Copy, Debug)]
pub struct EntryOptions {
    /// What it counts for against `maxsize`.
    pub weight: usize,
    /// Its deadline, in place of a time to live.
    pub until: Option<Ticks>,
    /// Whether its value is an error.
    pub is_error: bool,
    /// For how long it is good yet, where it comes from elsewhere.
    pub max_age: Option<Duration>,
}

impl EntryOptions {
    /// Nothing: a weight of one.
    pub const NONE: Self = Self { weight: 1, until: None, is_error: false, max_age: None };
}

impl<T: Timestamp> ExpirySettings<T> {
    /// No entry expires.
    pub const NONE: Self =
        Self { ttl: None, tti: None, error_ttl: None, jitter: 0.0, swr: Swr::Never, stale_if_error: None };

    /// Entries have a time to live.
    pub(crate) const fn living(ttl: T::Span) -> Self {
        Self { ttl: Some(ttl), ..Self::NONE }
    }

    /// Sets the time to live of entries.
    #[must_use]
    pub fn ttl(self, ttl: impl IntoSpan<T::Span>) -> Self {
        Self { ttl: Some(ttl.into_span()), ..self }
    }

    /// Sets the time to idle: entries are live for so long after their last use.
    #[must_use]
    pub fn tti(self, tti: impl IntoSpan<T::Span>) -> Self {
        Self { tti: Some(tti.into_span()), ..self }
    }

    /// Sets the time to live of errors, where they are cached.
    #[must_use]
    pub fn error_ttl(self, ttl: impl IntoSpan<T::Span>) -> Self {
        Self { error_ttl: Some(ttl.into_span()), ..self }
    }

    /// Sets the part of `ttl` by which that of some entries is shorter, from 0 to 1.
    #[must_use]
    pub fn jitter(self, jitter: f64) -> Self {
        Self { jitter: if jitter > 0.0 { jitter.min(1.0) } else { 0.0 }, ..self }
    }

    /// Serves entries for so long after their `ttl` while they are refreshed (stale-while-revalidate).
    #[must_use]
    pub fn swr(self, span: impl IntoSpan<T::Span>) -> Self {
        Self { swr: Swr::For(span.into_span()), ..self }
    }

    /// Serves entries after their `ttl` until they are refreshed.
    #[must_use]
    pub fn swr_always(self) -> Self {
        Self { swr: Swr::Always, ..self }
    }

    /// Serves entries for so long after their `ttl` where the function fails (stale-if-error).
    #[must_use]
    pub fn stale_if_error(self, span: impl IntoSpan<T::Span>) -> Self {
        Self { stale_if_error: Some(span.into_span()), ..self }
    }

    /// Takes from `other` the time to idle and the jitter that these settings do not have.
    pub(crate) fn or(self, other: &Self) -> Self {
        let jitter = if self.jitter > 0.0 { self.jitter } else { other.jitter };
        Self { tti: self.tti.or(other.tti), jitter, ..self }
    }

    /// Returns these settings with the time to idle of `other`.
    pub(crate) fn with_tti_of(&self, other: &Self) -> Self {
        Self { tti: other.tti, ..*self }
    }

    /// Whether entries expire.
    pub(crate) fn is_timed(&self) -> bool {
        self.ttl.is_some() || self.tti.is_some() || self.error_ttl.is_some()
    }

    /// Whether an entry of this kind has a deadline by these settings, uses aside.
    pub(crate) fn has_ttl(&self, is_error: bool) -> bool {
        self.ttl.is_some() || (is_error && self.error_ttl.is_some())
    }

    /// Whether stale entries are served, or kept for calls that fail.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.swr != Swr::Never || self.serves_on_error()
    }

    /// Whether stale entries are served where the function fails.
    pub(crate) fn serves_on_error(&self) -> bool {
        self.stale_if_error.is_some()
    }

    /// Returns the metadata for an entry that is stored now.
    pub(crate) fn info<W: Staleness>(&self, now: Ticks, options: EntryOptions) -> EntryInfo<W> {
        let EntryOptions { weight, until, is_error, max_age } = options;
        let error_ttl = self.error_ttl.filter(|_| is_error);
        let (expires, window) = match (until.filter(|_| error_ttl.is_none()), error_ttl.or(self.ttl)) {
            (Some(until), _) => (until, None),
            (None, None) => (Ticks::NEVER, None),
            (None, Some(ttl)) => self.after_ttl(T::later(now, self.scattered(ttl)), is_error),
        };
        let mut info = EntryInfo::new(weight, expires, self.idle(now), window);
        if let Some(left) = max_age.and_then(T::Span::of) {
            info.shorten(T::later(now, left));
        }
        info
    }

    /// Returns the deadline of an entry that is fresh until its `ttl` ends, and its stale window, if it has one. An
    /// error is never stale.
    fn after_ttl(&self, fresh: Ticks, is_error: bool) -> (Ticks, Option<StaleWindow>) {
        if is_error || !self.may_be_stale() {
            return (fresh, None);
        }
        let served = match self.swr {
            Swr::Never => fresh,
            Swr::For(span) => T::later(fresh, span),
            Swr::Always => Ticks::NEVER,
        };
        let kept = self.stale_if_error.map_or(fresh, |span| T::later(fresh, span));
        (served.max(kept), Some(StaleWindow::new(fresh, served)))
    }

    /// Returns the deadline of an entry that is used now and not again.
    #[inline]
    pub(crate) fn idle(&self, now: Ticks) -> Ticks {
        self.tti.map_or(Ticks::NEVER, |tti| T::later(now, tti))
    }

    /// Notes a use of an entry.
    #[inline]
    pub(crate) fn touch<W: Staleness>(&self, info: &EntryInfo<W>, now: Ticks) {
        if self.tti.is_some() {
            info.touch(self.idle(now));
        }
    }

    /// Notes that a refresh of an entry has failed.
    ///
    /// The next one is due after a second, and after twice as long with each failure, up to a minute; never
    /// later than after another `ttl`, which is what clocks without seconds take.
    pub(crate) fn refresh_failed<W: Staleness>(&self, info: &EntryInfo<W>, now: Ticks) {
        info.refresh_failed(|failures| {
            let Some(ttl) = self.ttl else { return Ticks::START };
            let seconds = 1_u64 << failures.saturating_sub(1).min(6);
            let wait = T::Span::of(Duration::from_secs(seconds.min(60)));
            T::later(now, wait.filter(|wait| *wait < ttl).unwrap_or(ttl))
        });
    }

    /// Shortens a `ttl` at random, so that entries do not expire together.
    fn scattered(&self, ttl: T::Span) -> T::Span {
        if self.jitter > 0.0 { ttl.part(1.0 - self.jitter * scatter()) } else { ttl }
    }
}

impl<T: Timestamp> fmt::Debug for ExpirySettings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpirySettings")
            .field("ttl", &self.ttl)
            .field("tti", &self.tti)
            .finish_non_exhaustive()
    }
}

/// Returns a number from 0 to 1, another one each time.
#[expect(clippy::cast_precision_loss, reason = "fewer bits are plenty")]
fn scatter() -> f64 {
    static STATE: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(SEED.hash_one(0)));
    // A hash alone would not do: the hashes of numbers in a row may be in a row too.
    mixed(STATE.fetch_add(STEP, Relaxed)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests;

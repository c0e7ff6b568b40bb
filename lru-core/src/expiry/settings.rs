//! Expiry settings: how long entries are fresh, live or served stale, and the entry metadata that follows.

use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::LazyLock;

use crate::expiry::duration::{IntoSpan, Span};
use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::function_ttl::FunctionTtl;
use crate::expiry::stale_window::{StaleWindow, Staleness};
use crate::expiry::ticks::{Ticks, Timestamp};
use crate::key::STEP;
use crate::key::hash::{SEED, mixed};
use crate::time::Instant;

/// The durations that apply to the entries of a cache, or to the entries of one function, with a clock that
/// shows times of type `T`.
#[derive(Clone, Copy)]
#[must_use = "settings take effect in a cache"]
pub struct ExpirySettings<T: Timestamp> {
    ttl: Option<T::Span>,
    /// What may replace `ttl`.
    of_function: Option<&'static FunctionTtl>,
    tti: Option<T::Span>,
    error_ttl: Option<T::Span>,
    /// The largest fraction by which the `ttl` of an entry is shortened.
    jitter: f64,
    swr: Swr<T::Span>,
    stale_if_error: Option<T::Span>,
    /// Whether entries are kept for calls whose computation is slow (stale-if-slow).
    stale_if_slow: bool,
    /// The least weight of an entry.
    min_weight: usize,
}

/// How long stale entries are served while they are refreshed (stale-while-revalidate).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Swr<S> {
    Never,
    For(S),
    Always,
}

/// The options of one entry, as the functions of an attribute make them of the arguments and the result.
#[derive(Clone, Copy, Debug)]
pub struct EntryOptions {
    /// Whether the value is stored (`keep`).
    pub is_kept: bool,
    /// The weight against `maxsize`.
    pub weight: usize,
    /// The deadline, in place of a time to live.
    pub until: Option<Ticks>,
    /// When the value's own time to live ends. [`Ticks::START`] stands for a time to live of zero.
    pub fresh_until: Option<Ticks>,
    /// Whether the value is an error.
    pub is_error: bool,
    /// The limits of a copy, if a backend has the value too.
    pub max_age: Option<MaxAge>,
}

/// The longest times for which a copy of a backend's entry is fresh, and is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge {
    /// From when on the times count.
    pub(crate) since: Instant,
    /// For how long it is fresh.
    pub(crate) fresh: Duration,
    /// For how long it is kept, whether fresh or stale.
    pub(crate) kept: Duration,
}

impl MaxAge {
    /// Returns for how much longer the copy is fresh, and is kept.
    pub(crate) fn left(self) -> [Duration; 2] {
        let elapsed = self.since.elapsed();
        let is_limited = |age: &Duration| *age != Duration::MAX;
        [self.fresh, self.kept]
            .map(|age| Some(age).filter(is_limited).map_or(age, |age| age.saturating_sub(elapsed)))
    }
}

impl EntryOptions {
    /// The defaults: a weight of one, and no deadline.
    pub const NONE: Self =
        Self { is_kept: true, weight: 1, until: None, fresh_until: None, is_error: false, max_age: None };

    /// Returns whether the value has a deadline, or a time to live, of its own.
    pub(crate) fn has_deadline(&self) -> bool {
        self.until.is_some() || self.fresh_until.is_some()
    }

    /// Returns whether the value is to be stored: one with a time to live of zero is not.
    #[inline]
    pub(crate) fn stores(&self) -> bool {
        self.is_kept && self.fresh_until != Some(Ticks::START)
    }
}

impl<T: Timestamp> ExpirySettings<T> {
    /// No entry expires.
    pub const NONE: Self = Self {
        ttl: None,
        of_function: None,
        tti: None,
        error_ttl: None,
        jitter: 0.0,
        swr: Swr::Never,
        stale_if_error: None,
        stale_if_slow: false,
        min_weight: 1,
    };

    /// Creates settings with a time to live.
    pub(crate) const fn living(ttl: T::Span) -> Self {
        Self { ttl: Some(ttl), ..Self::NONE }
    }

    /// Sets the time to live of entries.
    pub fn ttl(self, ttl: impl IntoSpan<T::Span>) -> Self {
        Self { ttl: Some(ttl.into_span()), ..self }
    }

    /// Sets the time to live of entries to that of an expression, which is evaluated once.
    #[inline]
    pub fn ttl_once<V: IntoSpan<T::Span>>(
        self,
        function: &'static FunctionTtl,
        expression: impl FnOnce() -> V,
    ) -> Self {
        Self { ttl: Some(function.once(expression)), of_function: Some(function), ..self }
    }

    /// Sets what may replace the time to live.
    #[inline]
    pub fn of_function(self, function: &'static FunctionTtl) -> Self {
        Self { of_function: Some(function), ..self }
    }

    /// Sets the time to idle: an entry is live for this long after its last use.
    pub fn tti(self, tti: impl IntoSpan<T::Span>) -> Self {
        Self { tti: Some(tti.into_span()), ..self }
    }

    /// Sets the time to live of errors, if they are cached.
    pub fn error_ttl(self, ttl: impl IntoSpan<T::Span>) -> Self {
        Self { error_ttl: Some(ttl.into_span()), ..self }
    }

    /// Sets the largest fraction by which the `ttl` of an entry is shortened, from 0 to 1.
    pub fn jitter(self, jitter: f64) -> Self {
        Self { jitter: if jitter > 0.0 { jitter.min(1.0) } else { 0.0 }, ..self }
    }

    /// Serves entries for `span` after their `ttl` while they are refreshed (stale-while-revalidate).
    pub fn swr(self, span: impl IntoSpan<T::Span>) -> Self {
        Self { swr: Swr::For(span.into_span()), ..self }
    }

    /// Serves entries after their `ttl` until they are refreshed.
    pub fn swr_always(self) -> Self {
        Self { swr: Swr::Always, ..self }
    }

    /// Serves entries for `span` after their `ttl` if the function fails (stale-if-error).
    pub fn stale_if_error(self, span: impl IntoSpan<T::Span>) -> Self {
        Self { stale_if_error: Some(span.into_span()), ..self }
    }

    /// Keeps entries after their `ttl` for calls whose computation is slow (stale-if-slow): for as long as stale-if-error
    /// does, or for another `ttl` after the time for which they are served anyway.
    pub fn stale_if_slow(self) -> Self {
        Self { stale_if_slow: true, ..self }
    }

    /// Sets the least weight of an entry. It is 1 by default, so that the number of entries is bounded.
    pub fn min_weight(self, min_weight: usize) -> Self {
        Self { min_weight, ..self }
    }

    /// Returns these settings, with the time to idle and the jitter of `other` where they have none.
    pub(crate) fn or(self, other: &Self) -> Self {
        let jitter = if self.jitter > 0.0 { self.jitter } else { other.jitter };
        Self { tti: self.tti.or(other.tti), jitter, ..self }
    }

    /// Returns these settings with the time to idle of `other`.
    pub(crate) fn with_tti_of(&self, other: &Self) -> Self {
        Self { tti: other.tti, ..*self }
    }

    /// Returns these settings with the least weight of `other`.
    pub(crate) fn with_weights_of(&self, other: &Self) -> Self {
        Self { min_weight: other.min_weight, ..*self }
    }

    /// Returns whether entries may expire.
    pub(crate) fn is_timed(&self) -> bool {
        self.ttl.is_some() || self.tti.is_some() || self.error_ttl.is_some()
    }

    /// Returns whether these settings have a time to live for an entry: for an error or for any other result.
    pub(crate) fn has_ttl(&self, is_error: bool) -> bool {
        self.ttl.is_some() || (is_error && self.error_ttl.is_some())
    }

    /// Returns whether stale entries are served, or kept for calls that fail or are slow.
    pub(crate) fn may_be_stale(&self) -> bool {
        self.serves_stale() || self.serves_on_error() || self.stale_if_slow
    }

    /// Returns whether stale entries are served while they are refreshed.
    pub(crate) fn serves_stale(&self) -> bool {
        self.swr != Swr::Never
    }

    /// Returns whether stale entries are served if the function fails.
    pub(crate) fn serves_on_error(&self) -> bool {
        self.stale_if_error.is_some()
    }

    /// Returns the metadata of an entry that is stored now.
    pub(crate) fn info<W: Staleness>(&self, now: Ticks, options: EntryOptions) -> EntryInfo<W> {
        let EntryOptions { is_kept: _, weight, until, fresh_until, is_error, max_age } = options;
        let (expires, window) =
            match (self.error_ttl.filter(|_| is_error), until, fresh_until, self.present_ttl()) {
                (None, Some(until), ..) => (until, None),
                (None, None, Some(fresh), _) => self.after_ttl(now, fresh, is_error),
                (Some(ttl), ..) | (None, None, None, Some(ttl)) => {
                    self.after_ttl(now, self.fresh_until(now, ttl), is_error)
                }
                (None, None, None, None) => (Ticks::NEVER, None),
            };
        let mut info = EntryInfo::new(weight.max(self.min_weight), expires, self.idle(now), window);
        info.stored = now;
        // What is left is read after `now`: a thread that is interrupted in between keeps the copy for a shorter time, and
        // never for a longer one.
        if let Some([fresh, kept]) = max_age.map(MaxAge::left) {
            if let (Some(fresh), Some(kept)) = (T::Span::of(fresh), T::Span::of(kept)) {
                info.shorten(T::later(now, fresh));
                info.expire_by(T::later(now, kept));
            }
        }
        info
    }

    /// Returns the time to live of an entry that is stored now.
    fn present_ttl(&self) -> Option<T::Span> {
        self.of_function.and_then(FunctionTtl::in_place).or(self.ttl)
    }

    /// Returns when a time to live ends that begins now, shortened at random.
    pub(crate) fn fresh_until(&self, now: Ticks, ttl: T::Span) -> Ticks {
        T::later(now, self.scattered(ttl))
    }

    /// Returns the deadline of an entry that is stored now and whose `ttl` ends at `fresh`, and its stale window, if it has
    /// one. An error is never stale.
    fn after_ttl(&self, now: Ticks, fresh: Ticks, is_error: bool) -> (Ticks, Option<StaleWindow>) {
        if is_error || !self.may_be_stale() {
            return (fresh, None);
        }
        let served = match self.swr {
            Swr::Never => fresh,
            Swr::For(span) => T::later(fresh, span),
            Swr::Always => Ticks::NEVER,
        };
        let kept = match self.stale_if_error {
            Some(span) => T::later(fresh, span),
            None if self.stale_if_slow => T::later(served, T::between(now, fresh)),
            None => fresh,
        };
        (served.max(kept), Some(StaleWindow::new(fresh, served)))
    }

    /// Returns the idle deadline of an entry that is used at `now`.
    #[inline]
    pub(crate) fn idle(&self, now: Ticks) -> Ticks {
        self.tti.map_or(Ticks::NEVER, |tti| T::later(now, tti))
    }

    /// Records a use of an entry.
    #[inline]
    pub(crate) fn touch<W: Staleness>(&self, info: &EntryInfo<W>, now: Ticks) {
        if self.tti.is_some() {
            info.touch(self.idle(now));
        }
    }

    /// Records a failed refresh of an entry.
    ///
    /// The next refresh is due after one second, and the delay doubles with each failure in a row, up to one
    /// minute. It is never longer than `ttl`; with a clock without seconds, it is always `ttl`.
    pub(crate) fn refresh_failed<W: Staleness>(&self, info: &EntryInfo<W>, now: Ticks) {
        info.refresh_failed(|failures| {
            let seconds = 1_u64 << failures.saturating_sub(1).min(6);
            let wait = T::Span::of(Duration::from_secs(seconds.min(60)));
            let ttl = self.present_ttl();
            let is_shorter = |wait: &T::Span| ttl.is_none_or(|ttl| *wait < ttl);
            wait.filter(is_shorter).or(ttl).map_or(Ticks::START, |wait| T::later(now, wait))
        });
    }

    /// Shortens a `ttl` by a random fraction, so that entries do not expire together.
    fn scattered(&self, ttl: T::Span) -> T::Span {
        if self.jitter > 0.0 { ttl.part(1.0 - self.jitter * scatter()) } else { ttl }
    }
}

/// Returns a pseudorandom number from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "fewer bits are plenty")]
pub(crate) fn scatter() -> f64 {
    static STATE: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(SEED.hash_one(0)));
    // A hash alone is not enough: the hashes of consecutive numbers may be consecutive too.
    mixed(STATE.fetch_add(STEP, Relaxed)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests;

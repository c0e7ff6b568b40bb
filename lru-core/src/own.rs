//! The plan of a function whose results lie in an object, where it has terms of its own: for
//! generated code.
//!
//! What the function says nothing of is as the object has it, and so is the clock unless the function
//! gives a timer. That the object then holds entries that expire, its settings are told.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use crate::calls::Calls;
use crate::cause::Cause;
use crate::clock::Clock;
use crate::object::{Cache, Settings};
use crate::options::{FnClock, IntoSpan, Terms, Timed};
use crate::plan::{Keys, Plan, Times};
use crate::policy::Policy;
use crate::term::Lease;

/// What a function says of the entries that it stores in a cache whose clock is `C`, measured by `D`.
pub struct Own<'m, K, V, P, C: Clock, D: Clock> {
    cache: &'m Cache<K, V, P, C>,
    settings: &'m Settings<K, V, C>,
    times: Times<D>,
}

impl<'m, K, V, P, C: Clock> Own<'m, K, V, P, C, &'m C> {
    /// Nothing yet, by the object's clock and jitter.
    pub(crate) fn new(cache: &'m Cache<K, V, P, C>, settings: &'m Settings<K, V, C>) -> Self {
        let mut times = Times::new(&settings.times.clock);
        times.jitter = settings.times.jitter;
        Self { cache, settings, times }
    }

    /// By another timer, which tells the same kind of time as the object's clock.
    #[must_use]
    pub fn timer<F: Fn() -> C::Time>(self, timer: F) -> Own<'m, K, V, P, C, FnClock<F>> {
        Own { cache: self.cache, settings: self.settings, times: Times::new(FnClock::of(timer)) }
    }
}

impl<'m, K, V, P: Policy, C: Clock, D: Clock<Time = C::Time>> Own<'m, K, V, P, C, D> {
    /// Its entries are live for so long.
    #[must_use]
    pub fn ttl(self, ttl: impl IntoSpan<D::Span>) -> Self {
        self.ttl_as_written(ttl.into_span())
    }

    /// The same, in the clock's own terms.
    #[must_use]
    pub fn ttl_as_written(mut self, ttl: D::Span) -> Self {
        self.times.ttl = Some(ttl);
        self
    }

    /// Its entries are live for so long after their last use.
    #[must_use]
    pub fn tti(self, tti: impl IntoSpan<D::Span>) -> Self {
        self.tti_as_written(tti.into_span())
    }

    /// The same, in the clock's own terms.
    #[must_use]
    pub fn tti_as_written(mut self, tti: D::Span) -> Self {
        self.times.tti = Some(tti);
        self
    }

    /// The part of `ttl` by which that of some entries is shorter.
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.times.jitter = jitter;
        self
    }

    /// Calls on these terms.
    #[must_use]
    pub fn calls(self) -> Calls<'m, K, V, P, Lease<C::Time>, Self> {
        self.cache.planned(self)
    }

    fn idle(&self) -> Option<C::Time> {
        if self.times.tti.is_some() { self.times.idle() } else { self.settings.times.idle() }
    }
}

impl<K, V, P, C: Clock, D: Clock> fmt::Debug for Own<'_, K, V, P, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

impl<K, V, P, C, D> Plan<K, V, Lease<C::Time>> for Own<'_, K, V, P, C, D>
where
    P: Policy,
    C: Clock,
    D: Clock<Time = C::Time>,
{
    fn now(&self) -> Option<C::Time> {
        Some(self.times.clock.now())
    }

    fn term(&self, key: &K, value: &V) -> Lease<C::Time> {
        self.own(key, value, 1, None, false)
    }

    fn shortened(&self, term: Lease<C::Time>, left: Option<Duration>) -> Lease<C::Time> {
        let Some(end) = self.times.end(left) else { return term };
        self.settings.timed.store(true, Relaxed);
        term.ending(end)
    }

    #[inline]
    fn is_live(&self, term: &Lease<C::Time>) -> bool {
        self.times.is_live(term)
    }

    type Reading = C::Time;

    #[inline]
    fn read(&self) -> C::Time {
        self.times.clock.now()
    }

    #[inline]
    fn is_live_and_used(&self, term: &Lease<C::Time>, reading: &C::Time) -> bool {
        let is_live = term.is_live(|time| reading < time);
        if is_live {
            self.times.used(term);
            if self.times.tti.is_none() {
                self.settings.times.used(term);
            }
        }
        is_live
    }

    fn chooses(&self) -> bool {
        self.settings.chooses()
    }

    fn choose(&self, keys: &Keys<'_, K>) -> Option<usize> {
        self.settings.choose(keys)
    }

    fn listens(&self) -> bool {
        self.settings.listens()
    }

    fn left(&self, key: &K, value: &V, cause: Cause) {
        self.settings.left(key, value, cause);
    }
}

impl<K, V, P, C: Clock, D: Clock<Time = C::Time>> Timed for Own<'_, K, V, P, C, D> {
    type Raw = C::Time;

    fn raw(&self) -> C::Time {
        self.times.clock.now()
    }
}

impl<K, V, P, C, D> Terms<K, V, Lease<C::Time>> for Own<'_, K, V, P, C, D>
where
    P: Policy,
    C: Clock,
    D: Clock<Time = C::Time>,
{
    /// The weight is the object's.
    fn own(&self, key: &K, value: &V, _: usize, until: Option<C::Time>, _: bool) -> Lease<C::Time> {
        self.settings.timed.store(true, Relaxed);
        let weight = self.settings.weight(key, value);
        let expires = match until {
            Some(until) => Some(until),
            None if self.times.ttl.is_some() => self.times.expires(),
            None => self.settings.expires(key, value),
        };
        Lease::new(weight, expires, self.idle())
    }
}

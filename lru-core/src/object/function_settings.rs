//! The plan of a function whose results lie in an object, where it has terms of its own: for
//! generated code.
//!
//! What the function says nothing of is as the object has it, and so is the clock unless the function
//! gives a timer. That the object then holds entries that expire, its settings are told.

use core::fmt;
use core::sync::atomic::Ordering::Relaxed;
use core::time::Duration;

use crate::engine::lifecycle::{Keys, Lifecycle, Revalidated, Stale, Times};
use crate::expiry::clock::Clock;
use crate::expiry::entry_info::{EntryInfo, Freshness};
use crate::function::call::CacheHandle;
use crate::function::options::{Between, FnClock, IntoSpan, Terms, Timed, spans};
use crate::object::{Cache, InObject, ObjectLease, Settings};
use crate::store::policy::Policy;
use crate::store::removed::RemovalCause;
use crate::store::types::CacheTypes;

/// What a function says of the entries that it stores in a cache whose clock is `C`, measured by `D`.
pub struct Own<'m, K, V, P: Policy, C: Clock, D: Clock> {
    cache: &'m Cache<K, V, P, C>,
    settings: &'m Settings<K, V, C>,
    times: Times<D>,
    /// Where errors are kept, how long.
    error_ttl: Option<D::Span>,
    stale: Stale<D::Span>,
}

impl<'m, K, V, P: Policy, C: Clock> Own<'m, K, V, P, C, &'m C> {
    /// Nothing yet, by the object's clock and jitter.
    pub(crate) fn new(cache: &'m Cache<K, V, P, C>, settings: &'m Settings<K, V, C>) -> Self {
        let mut times = Times::new(&settings.times.clock);
        times.jitter = settings.times.jitter;
        Self { cache, settings, times, error_ttl: None, stale: Stale::NOT }
    }

    /// By another timer, which tells the same kind of time as the object's clock.
    #[must_use]
    pub fn timer<F: Fn() -> C::Time>(self, timer: F) -> Own<'m, K, V, P, C, FnClock<F>> {
        let Self { cache, settings, .. } = self;
        Own { cache, settings, times: Times::new(FnClock::of(timer)), error_ttl: None, stale: Stale::NOT }
    }
}

impl<'m, K, V, P: Policy, C: Clock, D: Clock<Time = C::Time>> Own<'m, K, V, P, C, D> {
    spans! { D::Span }

    /// Nothing but these tells that they expire; the object is told when one comes in.
    fn timed(self) -> Self {
        self
    }

    /// Calls on these terms.
    #[must_use]
    pub fn calls(self) -> CacheHandle<InObject<'m, K, V, P, C>, Self> {
        self.cache.planned(self)
    }

    fn idle(&self) -> Option<C::Time> {
        if self.times.tti.is_some() { self.times.idle() } else { self.settings.times.idle() }
    }
}

impl<K, V, P: Policy, C: Clock, D: Clock> fmt::Debug for Own<'_, K, V, P, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}

impl<K, V, P, C, D, X> Lifecycle<X> for Own<'_, K, V, P, C, D>
where
    X: CacheTypes<Key = K, Value = V, Meta = ObjectLease<C::Time>>,
    P: Policy,
    C: Clock,
    D: Clock<Time = C::Time>,
{
    fn now(&self) -> Option<C::Time> {
        Some(self.times.clock.now())
    }

    fn term(&self, key: &K, value: &V) -> ObjectLease<C::Time> {
        Terms::<X>::own(self, key, value, 1, None, false)
    }

    fn term_of_error(&self, key: &K, value: &V) -> ObjectLease<C::Time> {
        Terms::<X>::own(self, key, value, 1, None, true)
    }

    fn shortened(&self, term: ObjectLease<C::Time>, left: Option<Duration>) -> ObjectLease<C::Time> {
        let Some(end) = self.times.end(left) else { return term };
        self.settings.timed.store(true, Relaxed);
        Between::<D>::end(term, end)
    }

    #[inline]
    fn is_live(&self, term: &ObjectLease<C::Time>) -> bool {
        self.times.is_live(term) && self.times.freshness(term) != Freshness::ErrorOnly
    }

    fn is_kept(&self, term: &ObjectLease<C::Time>) -> bool {
        self.times.is_live(term)
    }

    fn has_grace(&self) -> bool {
        !self.stale.is_not()
    }

    fn freshness(&self, term: &ObjectLease<C::Time>, reading: &C::Time) -> Freshness {
        Between::<D>::freshness(&term.grace, |time| reading < time)
    }

    fn spares(&self) -> bool {
        self.stale.if_error.is_some()
    }

    fn failed(&self, term: &ObjectLease<C::Time>) {
        Between::failed(&term.grace, &self.times);
    }

    type Reading = C::Time;

    #[inline]
    fn read(&self) -> C::Time {
        self.times.clock.now()
    }

    #[inline]
    fn is_live_and_used(&self, term: &ObjectLease<C::Time>, reading: &C::Time) -> bool {
        let is_live = term.is_live(|time| reading < time)
            && Lifecycle::<X>::freshness(self, term, reading) != Freshness::ErrorOnly;
        if is_live {
            self.times.used(term);
            if self.times.tti.is_none() {
                self.settings.times.used(term);
            }
        }
        is_live
    }

    fn chooses(&self) -> bool {
        Lifecycle::<X>::chooses(&self.settings)
    }

    fn choose(&self, keys: &Keys<'_, K>) -> Option<usize> {
        Lifecycle::<X>::choose(&self.settings, keys)
    }

    fn listens(&self) -> bool {
        Lifecycle::<X>::listens(&self.settings)
    }

    fn left(&self, key: &K, value: &V, cause: RemovalCause) {
        Lifecycle::<X>::left(&self.settings, key, value, cause);
    }
}

impl<K, V, P: Policy, C: Clock, D: Clock<Time = C::Time>> Timed for Own<'_, K, V, P, C, D> {
    type Raw = C::Time;

    fn raw(&self) -> C::Time {
        self.times.clock.now()
    }
}

impl<K, V, P, C, D, X> Terms<X> for Own<'_, K, V, P, C, D>
where
    X: CacheTypes<Key = K, Value = V, Meta = ObjectLease<C::Time>>,
    P: Policy,
    C: Clock,
    D: Clock<Time = C::Time>,
{
    /// The weight is the object's.
    fn own(
        &self,
        key: &K,
        value: &V,
        _: usize,
        until: Option<C::Time>,
        is_error: bool,
    ) -> ObjectLease<C::Time> {
        self.settings.timed.store(true, Relaxed);
        let weight = self.settings.weight(key, value);
        let error_ttl = self.error_ttl.as_ref().filter(|_| is_error);
        let stale = if is_error { &Stale::NOT } else { &self.stale };
        let lease = match (until, error_ttl.or(self.times.ttl.as_ref())) {
            (None, None) => EntryInfo::with_grace(weight, self.settings.expires(key, value), None, None),
            (until, ttl) => {
                Between::lease(&self.times, weight, until.filter(|_| error_ttl.is_none()), ttl, stale)
            }
        };
        lease.used_until(self.idle())
    }
}

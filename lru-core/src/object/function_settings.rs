//! The expiry settings of a function that stores its results in a cache object: for generated code.
//!
//! The clock is that of the object, and the object's settings apply where the function has none.

use core::time::Duration;

use crate::engine::{Expiry, Lifecycle};
use crate::expiry::clock::seldom;
use crate::expiry::duration::Span;
use crate::expiry::time_to_live::Deadlines;
use crate::expiry::{Clock, EntryOptions, ExpirySettings, Freshness, Ticks, Timestamp};
use crate::object::settings::{ObjectInfo, Settings};
use crate::object::tagged::{checked, is_surely_valid};
use crate::store::CacheTypes;

/// The expiry settings of a function, which take precedence over those of the object.
pub struct FunctionSettings<'m, K, V, C: Clock> {
    pub(super) settings: &'m Settings<K, V, C>,
    pub(super) expiry: ExpirySettings<C::Time>,
}

/// The clock that the deadlines of the function's entries are computed from.
impl<K, V, C: Clock> Clock for FunctionSettings<'_, K, V, C> {
    type Time = C::Time;

    fn now(&self) -> C::Time {
        self.settings.clock.now()
    }
}

impl<K, V, C: Clock> Deadlines for FunctionSettings<'_, K, V, C> {
    fn fresh_until(&self, ttl: <C::Time as Timestamp>::Span) -> Ticks {
        self.expiry.fresh_until(self.settings.clock.now().now(), ttl)
    }
}

impl<K, V, C: Clock> Expiry<ObjectInfo> for FunctionSettings<'_, K, V, C> {
    #[inline]
    fn now(&self) -> Ticks {
        self.settings.clock.now().now()
    }

    #[inline]
    fn about_now(&self) -> Ticks {
        self.settings.clock.about_now()
    }

    #[inline]
    fn is_surely_fresh(&self, info: &ObjectInfo, about: Ticks) -> bool {
        info.is_fresh_about(about) && is_surely_valid(info)
    }

    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        if C::IS_COARSE_CHEAPER { seldom(|| Expiry::<ObjectInfo>::now(self)) } else { about }
    }

    #[inline]
    fn check(&self, info: &ObjectInfo, now: Ticks) -> Freshness {
        checked(info, || info.freshness(now))
    }

    #[inline]
    fn touch(&self, info: &ObjectInfo, now: Ticks) {
        self.expiry.touch(info, now);
    }

    fn may_be_stale(&self) -> bool {
        self.expiry.may_be_stale()
    }

    fn serves_on_error(&self) -> bool {
        self.expiry.serves_on_error()
    }

    fn own_deadline(&self, info: &ObjectInfo, options: &EntryOptions) -> Option<Ticks> {
        self.settings.own_deadline(info, options, &self.expiry)
    }

    fn deadline_without_entry(&self, options: &EntryOptions) -> Option<Ticks> {
        self.settings.deadline_without_entry(options, &self.expiry)
    }

    fn age(&self, info: &ObjectInfo) -> Option<Duration> {
        self.settings.age(info)
    }

    fn left(&self, deadline: Ticks) -> Option<Duration> {
        C::Time::between(self.settings.clock.now().now(), deadline).duration()
    }

    fn refresh_failed(&self, info: &ObjectInfo) {
        self.expiry.refresh_failed(info, self.settings.clock.now().now());
    }
}

impl<'m, X, C> Lifecycle<X> for FunctionSettings<'m, X::Key, X::Value, C>
where
    X: CacheTypes<Meta = ObjectInfo>,
    C: Clock,
{
    type Hooks = Settings<X::Key, X::Value, C>;

    #[inline]
    fn hooks(&self) -> &'m Self::Hooks {
        self.settings
    }

    fn meta(&self, key: &X::Key, value: &X::Value, options: EntryOptions) -> ObjectInfo {
        self.settings.info(Some(&self.expiry), key, value, options)
    }

    fn number(&self) -> Option<u64> {
        Some(self.settings.number.get())
    }

    #[inline]
    fn number_in_use(&self) -> Option<u64> {
        self.settings.number.known()
    }
}

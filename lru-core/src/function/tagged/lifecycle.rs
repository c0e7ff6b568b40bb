//! The lifecycle of a call of a function with tags or dependencies.

use core::time::Duration;

use crate::engine::lifecycle::{Expiry, Hooks, Lifecycle};
use crate::expiry::clock::Clock;
use crate::expiry::time_to_live::Deadlines;
use crate::expiry::{EntryOptions, Freshness, Ticks, Timestamp};
use crate::function::tagged::info::TaggedInfo;
use crate::store::types::Types;
use crate::store::{CacheTypes, EntryMeta};
use crate::tags::frame::{is_recording, record};
use crate::tags::validity::Validity;

/// The lifecycle `S` of one call, by which an entry that was invalidated is not served. It begins with the call.
pub struct TaggedLifecycle<S> {
    inner: S,
    pub(super) validity: Validity,
}

impl<S> TaggedLifecycle<S> {
    /// Begins a call.
    #[inline]
    #[must_use]
    pub fn begin(inner: S) -> Self {
        Self { inner, validity: Validity::begin() }
    }
}

impl<S: Clock> Clock for TaggedLifecycle<S> {
    type Time = S::Time;

    fn now(&self) -> S::Time {
        self.inner.now()
    }
}

impl<S: Deadlines> Deadlines for TaggedLifecycle<S> {
    fn fresh_until(&self, ttl: <S::Time as Timestamp>::Span) -> Ticks {
        self.inner.fresh_until(ttl)
    }
}

impl<M, S: Expiry<M>> Expiry<TaggedInfo<M>> for TaggedLifecycle<S> {
    #[inline]
    fn now(&self) -> Ticks {
        self.inner.now()
    }

    #[inline]
    fn about_now(&self) -> Ticks {
        self.inner.about_now()
    }

    #[inline]
    fn is_surely_fresh(&self, info: &TaggedInfo<M>, about: Ticks) -> bool {
        // What a body reads is recorded by `check`.
        info.valid_at.get().covers(self.validity.seen())
            && !is_recording()
            && self.inner.is_surely_fresh(&info.inner, about)
    }

    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        self.inner.exact(about)
    }

    /// Records the entry as read, if it may be served at all. An entry recorded in vain is harmless.
    #[inline]
    fn check(&self, info: &TaggedInfo<M>, now: Ticks) -> Freshness {
        if !info.is_valid(self.validity.seen()) {
            return Freshness::Invalid(info.node.invalidity());
        }
        if info.has_passed() {
            return Freshness::Expired;
        }
        let freshness = self.inner.check(&info.inner, now);
        if !freshness.is_gone() {
            record(&info.node);
        }
        freshness
    }

    #[inline]
    fn touch(&self, info: &TaggedInfo<M>, now: Ticks) {
        self.inner.touch(&info.inner, now);
    }

    fn may_be_stale(&self) -> bool {
        self.inner.may_be_stale()
    }

    fn serves_on_error(&self) -> bool {
        self.inner.serves_on_error()
    }

    fn own_deadline(&self, info: &TaggedInfo<M>, options: &EntryOptions) -> Option<Ticks> {
        self.inner.own_deadline(&info.inner, options)
    }

    fn age(&self, info: &TaggedInfo<M>) -> Option<Duration> {
        self.inner.age(&info.inner)
    }

    fn left(&self, deadline: Ticks) -> Option<Duration> {
        self.inner.left(deadline)
    }

    fn refresh_failed(&self, info: &TaggedInfo<M>) {
        self.inner.refresh_failed(&info.inner);
    }
}

/// The types of a cache with the inner metadata.
type Untagged<X, M> = Types<<X as CacheTypes>::Key, <X as CacheTypes>::Value, <X as CacheTypes>::Policy, M>;

impl<X, M, S> Lifecycle<X> for TaggedLifecycle<S>
where
    X: CacheTypes<Meta = TaggedInfo<M>>,
    M: EntryMeta,
    Untagged<X, M>: CacheTypes<Key = X::Key, Value = X::Value, Meta = M>,
    S: Lifecycle<Untagged<X, M>>,
{
    type Hooks = S::Hooks;

    #[inline]
    fn hooks(&self) -> &S::Hooks {
        self.inner.hooks()
    }

    fn meta(&self, key: &X::Key, value: &X::Value, options: EntryOptions) -> TaggedInfo<M> {
        let inner = self.inner.meta(key, value, options);
        let deadline = self.inner.own_deadline(&inner, &options);
        let mut info = TaggedInfo::new(inner, self.validity.node(), deadline);
        if <S::Hooks as Hooks<X::Key, X::Value>>::WEIGHS_BYTES {
            let bytes = info.tag_bytes();
            info.add_weight(bytes);
        }
        info
    }

    #[inline]
    fn validity(&self) -> Option<&Validity> {
        Some(&self.validity)
    }
}
